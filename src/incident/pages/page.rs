//! One step of a queue, as it went.

use serde::{Deserialize, Serialize};

use super::Told;
use crate::{
    incident::communication::DeliveryState,
    terms::{FiringId, Time},
};

/// What came of a step; the newest word counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSent {
    /// For which firing.
    pub firing: FiringId,
    /// Which step of the queue, from 0.
    pub step: u32,
    /// By which channel.
    pub channel: String,
    /// Whom.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// What the other side said, or why it did not go.
    pub status: String,
    /// By which key the pager knows it; empty in logs from before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// One step of a firing's pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageState {
    /// What came of it last.
    #[serde(flatten)]
    pub sent: PageSent,
    /// When that was.
    pub at: Time,
    /// What its pager was told later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
}
