//! One step of a queue, as it went.

use serde::{Deserialize, Serialize};

use super::StepSent;
use crate::{incident::communication::DeliveryState, terms::FiringId};

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

impl PageSent {
    /// The step, without its firing.
    pub fn page(&self) -> StepSent {
        let Self { firing: _, step, channel, to, state, status, key } = self.clone();
        StepSent { step, channel, to, state, status, key }
    }
}
