//! What participants hear from outside, and where a drill goes on that was taken back.

use serde::{Deserialize, Serialize};

use crate::terms::{DrillId, Time, words};

words! {
    /// What reaches the participants of a drill.
    Word, "a word" {
        /// Somebody could have noticed.
        Signal = "signal",
        /// Somebody is paged.
        Page = "page",
        /// Somebody outside says something.
        Report = "report",
        /// What it led to.
        Consequence = "consequence",
        /// The facilitator helps.
        Hint = "hint",
    }
}

/// Participants heard something; also what the backend asks to have recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// In which drill.
    pub drill: DrillId,
    /// What kind of thing.
    pub word: Word,
    /// In words.
    pub text: String,
    /// When it happened.
    pub at: Time,
}

/// A drill was taken back: it goes on in the next take's world.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rewound {
    /// Which was taken back.
    pub drill: DrillId,
    /// Where everybody goes on.
    pub next: DrillId,
    /// From which second of the recording on.
    pub to_s: f64,
}
