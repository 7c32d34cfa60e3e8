//! What the fold keeps of evidence.

use serde::{Deserialize, Serialize};

use super::{Freeze, Item, ItemState};
use crate::terms::{Author, FreezeId, Time};

/// Work that went on before the freeze, and why (EVI.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// When.
    pub at: Time,
    /// Who.
    pub by: Author,
    /// What was done.
    pub what: String,
    /// Why.
    pub why: String,
}

/// How a legal hold ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    /// When.
    pub at: Time,
    /// Who, holding the role that may.
    pub by: Author,
    /// Why.
    pub why: String,
}

/// A legal hold: what is pinned stays pinned, closed or not (EVI.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHold {
    /// Since when.
    pub at: Time,
    /// Who.
    pub by: Author,
    /// Why.
    pub why: String,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// The evidence of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Items that are held, of those that apply.
    pub held: u32,
    /// Items that apply.
    pub total: u32,
    /// Items nobody has looked at.
    pub unknown: u32,
    /// Every item, in the runbook's order; what was added later at the end.
    pub items: Vec<Item>,
    /// Every freeze, in order.
    pub freezes: Vec<Freeze>,
    /// When it was frozen first: the pin was durable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<Time>,
    /// When it was frozen and no item was unknown, first: what meets the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Time>,
    /// What went on before the freeze.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Legal holds, in order; the last one counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<LegalHold>,
    /// How many days what is pinned stays after closing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,
}

impl Evidence {
    /// Whether the telemetry is pinned: rollback, data fixes, prompt changes and restarts ask this (EVI.1).
    pub fn is_frozen(&self) -> bool {
        self.frozen_at.is_some()
    }

    /// An item by its short name.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.plan.id == id)
    }

    /// A freeze by number.
    pub fn freeze(&self, id: FreezeId) -> Option<&Freeze> {
        self.freezes.iter().find(|freeze| freeze.id == id)
    }

    /// Items short of what is needed, in order: each is one for the post-mortem (EVI.3).
    pub fn gaps(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.is_gap())
    }

    /// The legal hold in force.
    pub fn legal_hold(&self) -> Option<&LegalHold> {
        self.holds.last().filter(|hold| hold.lifted.is_none())
    }

    /// Counts anew; `at` is the time of what changed.
    pub(in crate::incident) fn settle(&mut self, at: Time) {
        let count = |of: &dyn Fn(&&Item) -> bool| {
            u32::try_from(self.items.iter().filter(|item| of(item)).count()).unwrap_or(u32::MAX)
        };
        let (held, unknown) = (count(&|item| item.state.is_held()), count(&|item| item.state == ItemState::Unknown));
        let total = count(&|item| item.state != ItemState::NotApplicable);
        (self.held, self.unknown, self.total) = (held, unknown, total);
        if self.is_frozen() && self.unknown == 0 {
            self.settled_at.get_or_insert(at);
        }
    }
}
