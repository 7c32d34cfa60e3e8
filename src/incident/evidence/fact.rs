//! The facts of evidence.

use serde::{Deserialize, Serialize};

use super::{AffectedKind, AffectedState, ItemPlan, ItemState, Manifest, Occasion, Predicate, Source};
use crate::{
    telemetry::Amount,
    terms::{AffectedId, FreezeId, Time},
};

/// The items this incident keeps, copied from the runbook (EVI.2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidencePlanned {
    /// In the runbook's order.
    pub items: Vec<ItemPlan>,
    /// How many days what is pinned stays after closing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,
}

impl EvidencePlanned {
    /// Nothing was planned: an incident from before there were items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// Telemetry is pinned, durably, before this was recorded (EVI.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFrozen {
    /// Its number.
    pub freeze: FreezeId,
    /// Why.
    pub occasion: Occasion,
    /// The pin in the store.
    pub pin: String,
    /// Which actions.
    pub predicate: Predicate,
    /// What they were.
    pub manifest: Manifest,
    /// The actuator beside which it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

/// Later actions matched a freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceAppended {
    /// Which freeze.
    pub freeze: FreezeId,
    /// What they were.
    pub manifest: Manifest,
}

/// Actions that matched a freeze are not kept; each such loss is an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLost {
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

/// An item's state was set (EVI.5): by a person, by a freeze, by what was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvidenceItemSet {
    /// Which item; one that the runbook does not list is added.
    pub item: String,
    /// Where it stands.
    pub state: ItemState,
    /// Why, or what is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When an expiring one is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// What shows it; joins the item's earlier sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// Something that is gated on the freeze went on without it (EVI.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceOverridden {
    /// What was done.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A legal hold began (EVI.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceHeld {
    /// Why.
    pub why: String,
}

/// A legal hold was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLifted {
    /// Why.
    pub why: String,
}

/// Something affected was entered in the register (EVI.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffectedAdded {
    /// Its number.
    pub id: AffectedId,
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
    /// Where it stands.
    pub state: AffectedState,
    /// Telemetry showed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_telemetry: bool,
}

/// What is known of something affected changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffectedChanged {
    /// Which.
    pub id: AffectedId,
    /// Where it stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AffectedState>,
    /// How many, known now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How much, known now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
