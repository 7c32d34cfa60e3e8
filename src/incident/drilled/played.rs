//! A recording's end.

use serde::{Deserialize, Serialize};

use super::Harm;
use crate::terms::{DrillId, Time};

/// Harm as it is counted while a recording plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HarmCount {
    /// What the recording harms when nobody stops anything: the historical course.
    pub course: Harm,
    /// What was harmed up to now.
    pub done: Harm,
    /// What was not, because a switch stood in its way.
    pub prevented: Harm,
    /// Actions that a switch stood in the way of.
    pub stopped: u64,
    /// When something was harmed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Time>,
    /// How far into the recording something was harmed last, in milliseconds after its zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ms: Option<i64>,
}

impl HarmCount {
    /// Something is harmed, so far into the recording.
    pub fn harms(&mut self, harm: Harm, at: Time, recorded_ms: i64) {
        if !harm.is_none() {
            self.done = self.done + harm;
            self.first_at.get_or_insert(at);
            self.last_ms = self.last_ms.max(Some(recorded_ms));
        }
    }

    /// An action is stopped, and with it what it would have harmed.
    pub fn stops(&mut self, harm: Harm) {
        self.prevented = self.prevented + harm;
        self.stopped += 1;
    }
}

/// A recording was played to its end, or up to the drill's; also what the backend asks to have recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// In which drill.
    pub drill: DrillId,
    /// What it came to.
    pub harm: HarmCount,
    /// It came to its end: nothing was left that could have harmed anybody.
    pub whole: bool,
}
