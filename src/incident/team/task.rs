//! Tasks: what somebody does by when, and what blocks closing until it is done (TEAM.2).

use serde::{Deserialize, Serialize};

use super::AddTask;
use crate::terms::{Author, TaskId, Time, words};

words! {
    /// Where a task came from.
    TaskFrom, "an origin of a task" {
        /// A person asked for it.
        Person = "person",
        /// An evidence item is missing (EVI.3).
        Evidence = "evidence",
        /// A step that cannot be done has a substitute (RBK.9).
        Rollback = "rollback",
        /// The post-mortem asks for it (PM.4, PM.8).
        Postmortem = "postmortem",
        /// The runbook is to be mended (GOV.6).
        Runbook = "runbook",
        /// The incident's template brought it (TEAM.11).
        Template = "template",
    }
}

words! {
    /// Where a task stands.
    TaskState, "a task state" {
        /// To do.
        Open = "open",
        /// Done.
        Done = "done",
        /// Given up, with a reason.
        Dropped = "dropped",
    }
}

/// One task of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// `TASK-1`, within the incident.
    pub id: TaskId,
    /// What to do; person-written.
    pub text: String,
    /// Who does it: a person, or a role.
    #[serde(default)]
    pub owner: Option<String>,
    /// By when.
    #[serde(default)]
    pub due_at: Option<Time>,
    /// Where it came from.
    pub from: TaskFrom,
    /// The incident is not closed before it is ended.
    pub blocks: bool,
    /// Where it stands.
    pub state: TaskState,
    /// Who added it.
    pub by: Author,
    /// When.
    pub at: Time,
    /// Who ended it, when, and with what words.
    #[serde(default)]
    pub ended: Option<TaskEnd>,
}

impl Task {
    /// Whether it is to be done still.
    pub fn is_open(&self) -> bool {
        self.state == TaskState::Open
    }

    /// Whether it should have been done before `now`.
    pub fn is_overdue(&self, now: Time) -> bool {
        self.is_open() && self.due_at.is_some_and(|due| due < now)
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEnd {
    /// When.
    pub at: Time,
    /// Who.
    pub by: Author,
    /// With what words.
    #[serde(default)]
    pub note: Option<String>,
}

/// The fact that a task was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskAdded {
    /// Its number.
    pub task: TaskId,
    /// As it was asked for.
    pub plan: AddTask,
}
