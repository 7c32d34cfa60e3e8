//! Tripwires that page nobody for a while, with a reason (DET.7).

use serde::{Deserialize, Serialize};

use crate::{
    terms::{AgentId, Author, Time},
    tripwire::{FiringKey, Tripwire},
};

/// Asks that a tripwire pages nobody for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MuteTripwire {
    /// Which.
    pub tripwire: Tripwire,
    /// Only of this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Only with this detail: a rule's name, a tool, an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Until when.
    pub until: Time,
    /// Why.
    pub why: String,
}

/// Ends a mute before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmuteTripwire {
    /// Which mute, by its number.
    pub mute: u32,
}

/// A tripwire was muted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// Its number.
    pub mute: u32,
    /// What was asked.
    #[serde(flatten)]
    pub asked: MuteTripwire,
}

/// A mute ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmuted {
    /// Which.
    pub mute: u32,
}

/// A mute as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// What was asked.
    #[serde(flatten)]
    pub muted: Muted,
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Author,
    /// When somebody ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

impl Mute {
    /// Whether it keeps a firing of `key` quiet at `now`.
    pub fn covers(&self, key: &FiringKey, now: Time) -> bool {
        let asked = &self.muted.asked;
        self.ended_at.is_none()
            && now < asked.until
            && asked.tripwire == key.tripwire
            && asked.agent.as_ref().is_none_or(|agent| *agent == key.agent)
            && asked.detail.as_ref().is_none_or(|detail| *detail == key.detail)
    }

    /// In words: until when, by whom, why.
    pub fn words(&self) -> String {
        format!("muted until {} by {}: {}", self.muted.asked.until, self.by, self.muted.asked.why)
    }
}
