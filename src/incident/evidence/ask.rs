//! What can be asked of evidence and the register.

use serde::{Deserialize, Serialize};

use super::{AffectedKind, AffectedState, ItemState, Manifest, Occasion, Pinned, Source};
use crate::{
    telemetry::Amount,
    terms::{AffectedId, AgentId, FreezeId, Time},
};

/// Pins telemetry: by default the incident's agents, from 24 h before harm (or the earliest action) to its closing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FreezeEvidence {
    /// Only this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Only this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// From when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// Why it is taken.
    #[serde(skip)]
    pub occasion: Option<Occasion>,
    /// The actuator beside which it is taken.
    #[serde(skip)]
    pub beside: Option<String>,
    /// What the backend pinned; nobody sends it, and it is no part of the command's identity.
    #[serde(skip)]
    pub pinned: Option<Box<Pinned>>,
}

/// Sets an item's state (EVI.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetEvidence {
    /// Which item, by its short name.
    pub item: String,
    /// Where it stands.
    pub state: ItemState,
    /// Why; needed where it is missing, disproved or not applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When an expiring one is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// Later actions matched a freeze; only the backend asks this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppendEvidence {
    /// Which freeze.
    pub freeze: FreezeId,
    /// What they were.
    pub manifest: Manifest,
}

/// Matching actions are not kept; only the backend asks this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoseEvidence {
    /// Which freeze.
    pub freeze: FreezeId,
    /// How many.
    pub count: u64,
    /// Why.
    pub why: String,
    /// They were kept once: the freeze counted them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_kept: bool,
}

/// Enters something affected in the register (EVI.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAffected {
    /// What kind of thing.
    pub kind: AffectedKind,
    /// What.
    pub what: String,
    /// How many; absent is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How much money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Telemetry showed it: the row of the same kind and words is brought up to date instead of added again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_telemetry: bool,
}

/// Changes what is known of something affected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAffected {
    /// Which.
    pub id: AffectedId,
    /// Where it stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AffectedState>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
