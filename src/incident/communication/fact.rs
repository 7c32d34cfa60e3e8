//! Facts of communication.

use serde::{Deserialize, Serialize};

use super::{DeliveryState, Promise};
use crate::{runbook::ChannelKind, terms::DraftId};

/// A person asked for a draft to be sent: from here on it goes out by itself (COM.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Which draft.
    pub draft: DraftId,
    /// Its number among the draft's messages; with incident and draft, the key under which it is never sent twice.
    pub number: u32,
    /// Exactly what.
    pub text: String,
    /// Its subject.
    pub subject: String,
    /// By which channel.
    pub channel: String,
    /// How that sends.
    pub kind: ChannelKind,
    /// To whom.
    pub to: String,
    /// What it promises of the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// Why it was sent over the statement that is agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

/// A step of a message on its way; also what the backend asks to have recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStep {
    /// Which draft.
    pub draft: DraftId,
    /// Its number among the draft's messages.
    pub number: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// In words; may hold foreign text.
    #[serde(default)]
    pub status: String,
}

/// A draft is the agreed statement for its audience; also what a person asks (COM.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Agreement {
    /// Which draft.
    pub draft: DraftId,
    /// The version that was read.
    pub version: u64,
}
