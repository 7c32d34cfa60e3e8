//! Starting drills.

use serde::{Deserialize, Serialize};

use crate::{
    drill::Recording,
    incident::drilled::Harm,
    terms::{DrillId, Time},
};

/// The longest recording that is sent to be played, in bytes.
pub const LONGEST_RECORDING: usize = 192 << 20;

/// `POST /v1/drills`: plays a recording in a world of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartDrill {
    /// The recording's name; `GET /v1/drills/recordings` lists those that ship.
    pub name: String,
    /// A recording of one's own, as text, at most [`LONGEST_RECORDING`] bytes; its name is none of those that ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// How many times faster than recorded; where absent as the recording says, else 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Seed of its ids.
    #[serde(default)]
    pub seed: u64,
}

/// Which drill began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DrillStarted {
    /// Its world's name.
    pub id: DrillId,
    /// The recording's title.
    pub title: String,
    /// Seconds until its last action.
    pub lasts_s: f64,
}

/// A recording that can be played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecordingView {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Which kind of documented incident it follows.
    pub modelled_on: Option<String>,
    /// How many times faster than recorded it is played where nobody says.
    #[serde(default)]
    pub speed: f64,
    /// Seconds from its zero to its last moment, as recorded.
    #[serde(default)]
    pub length_s: f64,
    /// What it harms where nobody stops anything.
    #[serde(default)]
    pub harm: Harm,
}

impl RecordingView {
    /// Of a recording.
    pub fn of(name: impl Into<String>, recording: &Recording) -> Self {
        Self {
            name: name.into(),
            title: recording.title.clone(),
            modelled_on: recording.modelled_on.clone(),
            speed: recording.speed(),
            length_s: recording.length_s(),
            harm: recording.harm(),
        }
    }
}

/// How far a drill has come.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillPlace {
    /// When it was there, by the backend's clock.
    pub at: Time,
    /// Where: second of the recording.
    pub at_s: f64,
    /// How many times as fast as recorded it goes since; 0 while it is held.
    pub goes: f64,
    /// The recording has come to its end.
    pub over: bool,
}

impl DrillPlace {
    /// The second of the recording where it is now.
    pub fn now_s(&self, now: Time) -> f64 {
        self.at_s + now.since(self.at).max(0) as f64 / 1_000.0 * self.goes
    }
}
