//! A facilitator's hand on a drill (DRL.1).

use serde::{Deserialize, Serialize};

use crate::terms::DrillId;

/// What a facilitator does with a recording while it plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "steer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Steer {
    /// Nothing more is played until it goes on.
    Pause {},
    /// It goes on.
    Resume {},
    /// One thing is played though it is paused.
    Step {},
    /// It goes on so many times as fast as recorded, 0.1 to 1000.
    Speed {
        /// Times.
        speed: f64,
    },
    /// Everything up to there is played at once: seconds of the recording after its zero.
    Skip {
        /// To where.
        to_s: f64,
    },
    /// It is played anew up to there, in the next take's world, where nobody did anything yet; everybody is led there.
    Back {
        /// To where: seconds of the recording after its zero.
        to_s: f64,
    },
    /// Something happens that the recording does not hold: an action or a mark, as a line of a recording; now where it does
    /// not say when.
    Inject {
        /// The line.
        line: String,
    },
    /// A pager is deaf: the next page of the drill is heard by nobody.
    Deafen {},
    /// One participant's client is cut off from the drill's world.
    Cut {
        /// Whose, by name.
        who: String,
        /// For so many seconds, at most [`LONGEST_CUT`].
        for_s: u32,
    },
    /// A note to self, which participants do not see.
    Note {
        /// In words.
        text: String,
        /// Of which second of the recording.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_s: Option<f64>,
    },
    /// Participants are shown the recording's hints as they come, or not any more.
    Hints {
        /// Whether they are.
        shown: bool,
    },
    /// Somebody else facilitates too.
    Appoint {
        /// Who, by name.
        who: String,
    },
}

/// How many times as fast as recorded a drill may be played.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=1_000.0;
/// The longest that a client is cut off, in seconds.
pub const LONGEST_CUT: u32 = 600;

impl Steer {
    /// Whether participants may know of it: the rest is the facilitator's.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pause {} | Self::Resume {} | Self::Speed { .. } | Self::Back { .. })
    }
}

/// What was done with which drill; also what is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Steered {
    /// Which.
    pub drill: DrillId,
    /// What.
    pub how: Steer,
}
