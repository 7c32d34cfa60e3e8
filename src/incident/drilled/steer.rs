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
    /// Something happens that the recording does not hold: an action or a mark, as a line of a recording; now where it does
    /// not say when.
    Inject {
        /// The line.
        line: String,
    },
}

/// What was done with which drill; also what is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Steered {
    /// Which.
    pub drill: DrillId,
    /// What.
    pub how: Steer,
}
