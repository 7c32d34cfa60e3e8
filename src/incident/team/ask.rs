//! What is asked of an incident as a team's work.

use serde::{Deserialize, Serialize};

use super::{Kinship, LinkKind, TaskFrom, TaskState};
use crate::terms::{AgentId, FiringId, IncidentId, SwitchId, TaskId, Time};

/// Adds a task (TEAM.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddTask {
    /// What to do.
    pub text: String,
    /// Who does it: a person, or a role.
    #[serde(default)]
    pub owner: Option<String>,
    /// By when.
    #[serde(default)]
    pub due_at: Option<Time>,
    /// Where it comes from; a person where absent.
    #[serde(default = "person")]
    pub from: TaskFrom,
    /// Blocks closing; it does where absent.
    #[serde(default = "yes")]
    pub blocks: bool,
}

fn person() -> TaskFrom {
    TaskFrom::Person
}

fn yes() -> bool {
    true
}

/// Changes a task; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTask {
    /// Which.
    pub task: TaskId,
    /// What to do.
    #[serde(default)]
    pub text: Option<String>,
    /// Who does it; empty: nobody.
    #[serde(default)]
    pub owner: Option<String>,
    /// By when.
    #[serde(default)]
    pub due_at: Option<Time>,
}

/// Ends a task: done, or dropped with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndTask {
    /// Which.
    pub task: TaskId,
    /// `done` or `dropped`.
    pub how: TaskState,
    /// With what words; dropping needs them.
    #[serde(default)]
    pub note: Option<String>,
}

/// Takes an ended task up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenTask {
    /// Which.
    pub task: TaskId,
}

/// Marks a line of the timeline as a key event, or no longer (TEAM.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkEvent {
    /// Its `seq`.
    pub seq: u64,
    /// A key event, or not.
    pub key: bool,
}

/// Adds a link: the chat, the bridge, a ticket (TEAM.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddLink {
    /// What it leads to.
    pub kind: LinkKind,
    /// Its address: https, or a phone number as `tel:`.
    pub url: String,
    /// What it is called.
    #[serde(default)]
    pub title: Option<String>,
}

/// Takes a link away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveLink {
    /// Its address.
    pub url: String,
}

/// Puts a reminder off (TEAM.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snooze {
    /// Which, by its id: `role commander`.
    pub reminder: String,
    /// Until when.
    pub until: Time,
}

/// Fills one of the runbook's own fields (TEAM.11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetField {
    /// Which.
    pub field: String,
    /// With what; empty clears it.
    pub value: String,
}

/// Relates it to another incident (TEAM.10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relate {
    /// Which.
    pub to: IncidentId,
    /// How.
    #[serde(default = "related")]
    pub how: Kinship,
}

fn related() -> Kinship {
    Kinship::Related
}

/// Merges it into another, which takes everything in (TEAM.10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// Which goes on.
    pub into: IncidentId,
}

/// Splits a part off as an incident of its own (TEAM.10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// What is wrong there, in a line.
    pub title: String,
    /// Firings that go along.
    #[serde(default)]
    pub firings: Vec<FiringId>,
    /// Agents that go along.
    #[serde(default)]
    pub agents: Vec<AgentId>,
    /// Switches that go along.
    #[serde(default)]
    pub switches: Vec<SwitchId>,
}
