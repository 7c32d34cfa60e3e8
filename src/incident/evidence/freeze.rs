//! A freeze: which actions are pinned, and what they were (EVI.1, EVI.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    telemetry::Action,
    terms::{AgentId, Author, FreezeId, Time, words},
};

/// Which actions a freeze pins. An action matches when one of its agents acted, or one of its runs was on, and the time
/// fits; without agents and runs everybody's actions match.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Predicate {
    /// Of these agents.
    pub agents: Vec<AgentId>,
    /// Or within these runs.
    pub runs: Vec<String>,
    /// Not before; by event time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// Not after; absent is until the incident is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

impl Predicate {
    /// Whether an action belongs to it.
    pub fn matches(&self, action: &Action) -> bool {
        let all = self.agents.is_empty() && self.runs.is_empty();
        let named = || {
            self.agents.contains(&action.agent)
                || action.run.as_ref().is_some_and(|run| self.runs.iter().any(|wanted| wanted == run))
        };
        (all || named()) && self.from.is_none_or(|from| action.at >= from) && self.to.is_none_or(|to| action.at <= to)
    }

    /// The same, but not after `end`.
    pub fn until(&self, end: Option<Time>) -> Self {
        let to = match (self.to, end) {
            (Some(to), Some(end)) => Some(to.min(end)),
            (to, end) => to.or(end),
        };
        Self { to, ..self.clone() }
    }
}

/// What the pinned actions were, so that a missing or a changed one shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Manifest {
    /// How many.
    pub count: u64,
    /// The number of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The number of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// When the earliest of them was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// When the latest of them was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// How many by agent.
    pub agents: BTreeMap<AgentId, u64>,
    /// SHA-256 (hex) over the canonical JSON (RFC 8785) of each action in order, each followed by a line feed.
    pub digest: String,
    /// The number up to which the store was read.
    pub read_to: u64,
}

words! {
    /// Why a freeze was taken.
    Occasion, "an occasion of a freeze" {
        /// Somebody asked.
        Asked = "asked",
        /// A move that destroys evidence was fired: the snapshot beside it (EVI.1).
        Move = "move",
        /// Another agent joined the incident after its freeze.
        Joined = "joined",
    }
}

/// What the backend pinned before a freeze is recorded; only it fills this in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Pinned {
    /// The pin in the store.
    pub pin: String,
    /// Which actions.
    pub predicate: Predicate,
    /// What they were.
    pub manifest: Manifest,
    /// Items that they fill.
    pub items: Vec<super::EvidenceItemSet>,
}

/// Later actions that matched (EVI.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addendum {
    /// When it was recorded.
    pub at: Time,
    /// What they were.
    pub manifest: Manifest,
}

/// Actions that matched and are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// When it was recorded.
    pub at: Time,
    /// How many.
    pub count: u64,
    /// Why.
    pub why: String,
    /// They were kept once: the freeze counted them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_kept: bool,
}

/// One freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// `FRZ-1`, within the incident.
    pub id: FreezeId,
    /// When it was recorded.
    pub at: Time,
    /// Who.
    pub by: Author,
    /// Why.
    pub occasion: Occasion,
    /// The switch and the actuator beside which it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// The pin in the store.
    pub pin: String,
    /// Which actions.
    pub predicate: Predicate,
    /// What they were.
    pub manifest: Manifest,
    /// What came later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addenda: Vec<Addendum>,
    /// What was lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

impl Freeze {
    /// Actions it pins, addenda included.
    pub fn count(&self) -> u64 {
        self.manifest.count + self.addenda.iter().map(|addendum| addendum.manifest.count).sum::<u64>()
    }

    /// Which actions it pins, of an incident that was closed then; what it counted before stays within, whatever its
    /// sender's clock said.
    pub fn until(&self, closed_at: Option<Time>) -> Predicate {
        let parts = std::iter::once(&self.manifest).chain(self.addenda.iter().map(|addendum| &addendum.manifest));
        let last = parts.filter_map(|part| part.to).max();
        self.predicate.until(closed_at.map(|closed| last.map_or(closed, |last| last.max(closed))))
    }

    /// The number up to which the store was read for it.
    pub fn read_to(&self) -> u64 {
        self.addenda.iter().map(|addendum| addendum.manifest.read_to).fold(self.manifest.read_to, u64::max)
    }
}
