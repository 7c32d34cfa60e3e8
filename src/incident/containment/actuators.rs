//! What was done elsewhere beside a switch: promised against observed (CON.3, CON.8).

use serde::{Deserialize, Serialize};

use crate::terms::{Time, words};

words! {
    /// How far an actuator has come.
    ActuatorState, "an actuator state" {
        /// It was set off.
        Fired = "fired",
        /// It did not work, and is tried again.
        Retrying = "retrying",
        /// It said that it worked.
        Done = "done",
        /// It did not work, and is not tried again.
        Failed = "failed",
        /// The backend ended while it ran: whether it worked is not known.
        Unknown = "unknown",
    }
}

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActuatorOutcome {
    /// Where it stands now.
    pub state: ActuatorState,
    /// In words: `exit 0`, `HTTP 202`, `no answer in 20 s`.
    pub status: String,
    /// From when it was set off until this, seconds.
    pub took_s: f64,
    /// What it wrote; foreign text, kept as evidence, cut where it is long.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// One actuator under one switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActuatorRun {
    /// Its name.
    pub name: String,
    /// When it was set off.
    pub fired_at: Time,
    /// Tries so far.
    pub tries: u32,
    /// The time to effect that was promised, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_s: Option<f64>,
    /// What came of the newest try; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ActuatorOutcome>,
}

impl ActuatorRun {
    /// Where it stands.
    pub fn state(&self) -> ActuatorState {
        self.outcome.as_ref().map_or(ActuatorState::Fired, |outcome| outcome.state)
    }

    /// Whether anything more is to come of it.
    pub fn is_open(&self) -> bool {
        matches!(self.state(), ActuatorState::Fired | ActuatorState::Retrying)
    }
}
