//! Starting drills.

use serde::{Deserialize, Serialize};

use crate::terms::DrillId;

/// The longest recording that is sent to be played, in bytes.
pub const LONGEST_RECORDING: usize = 64 << 20;

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillStarted {
    /// Its world's name.
    pub id: DrillId,
    /// The recording's title.
    pub title: String,
    /// Seconds until its last action.
    pub lasts_s: f64,
}

/// A recording that can be played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingView {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Which kind of documented incident it follows.
    pub modelled_on: Option<String>,
}
