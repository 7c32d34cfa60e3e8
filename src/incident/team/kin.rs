//! Incidents that belong together: related, merged, split (TEAM.10).

use serde::{Deserialize, Serialize};

use super::Task;
use crate::{
    incident::{Checklist, Draft},
    terms::{AgentId, FiringId, IncidentId, SwitchId, Time, words},
};

words! {
    /// How an incident is related to another.
    Kinship, "a kinship" {
        /// They have to do with each other.
        Related = "related",
        /// This one caused the other.
        Causes = "causes",
        /// The other caused this one.
        CausedBy = "caused-by",
        /// It was split off the other.
        SplitFrom = "split-from",
        /// The other was split off it.
        SplitInto = "split-into",
    }
}

impl Kinship {
    /// The same, seen from the other incident.
    pub fn turned(self) -> Self {
        match self {
            Self::Related => Self::Related,
            Self::Causes => Self::CausedBy,
            Self::CausedBy => Self::Causes,
            Self::SplitFrom => Self::SplitInto,
            Self::SplitInto => Self::SplitFrom,
        }
    }
}

/// Another incident, and how it is related.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Which.
    pub to: IncidentId,
    /// How.
    pub how: Kinship,
}

/// What an incident takes in of one that is merged into it. Clocks keep the earliest zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TookIn {
    /// Of which.
    pub from: IncidentId,
    /// When that one was declared.
    pub declared_at: Time,
    /// Since when harm was confirmed there.
    #[serde(default)]
    pub harm_at: Option<Time>,
    /// Its earliest harmful action, and when that was received.
    #[serde(default)]
    pub action: Option<(Time, Option<Time>)>,
    /// Its agents.
    pub agents: Vec<AgentId>,
    /// Its checklists, numbered on.
    pub checklists: Vec<Checklist>,
    /// Its drafts, numbered on.
    pub drafts: Vec<Draft>,
    /// Its tasks, numbered on.
    pub tasks: Vec<Task>,
    /// It was not contained: nor is the one that takes it in.
    pub uncontained: bool,
}

/// What left an incident for one of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitOff {
    /// The new one.
    pub into: IncidentId,
    /// Firings that went along.
    pub firings: Vec<FiringId>,
    /// Switches that went along.
    pub switches: Vec<SwitchId>,
    /// Agents that went along.
    pub agents: Vec<AgentId>,
}
