//! The plan that a checklist is opened with, what people say while they work it, and what stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    incident::evidence::Blob,
    terms::{Author, ChecklistId, Time, words},
};

words! {
    /// What stands in where a step cannot be done (RBK.9).
    Substitute, "a kind of substitute" {
        /// Something that makes it good.
        CompensatingAction = "compensating-action",
        /// Those affected are told.
        CustomerNotice = "customer-notice",
        /// A regulator is told.
        RegulatoryDisclosure = "regulatory-disclosure",
    }
}

/// Somebody's word that a high-risk rollback needs before it is verified (RBK.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSign {
    /// Its short name: `finance`.
    pub id: String,
    /// What is signed.
    pub title: String,
}

/// A time after which undoing is no longer possible (RBK.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedWindow {
    /// What closes: `refund period`.
    pub what: String,
    /// So many seconds after the agent's first bad action, where that is always so; else people set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<u64>,
}

/// What a class plans beside its steps, copied into the incident when a checklist is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RollbackPlan {
    /// Sign-offs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<PlannedSign>,
    /// Undo windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<PlannedWindow>,
    /// How long what it reached is watched after the read-back, in seconds (RBK.7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch_s: Option<u64>,
    /// Roles whose holders may change the state; none is everybody who may act.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl RollbackPlan {
    /// Nothing is planned.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What somebody says of a checklist while working it; a command, and the fact that it makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkRollback {
    /// Which checklist.
    pub checklist: ChecklistId,
    /// What.
    pub said: Said,
}

/// One thing said of a checklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// Who works it; absent gives it back.
    Assigned {
        /// Who.
        #[serde(default)]
        operator: Option<String>,
    },
    /// When an undo window closes; absent takes it back.
    Window {
        /// Which.
        what: String,
        /// When.
        #[serde(default)]
        closes_at: Option<Time>,
    },
    /// A sign-off was given, or waived by the severity owner.
    Signed {
        /// Which.
        sign: String,
        /// What was found; for a waived one why.
        note: String,
        /// It is gone without.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        waived: bool,
    },
    /// A record's values; what is absent stays as it was said before.
    Value {
        /// Which record.
        record: String,
        /// Before the agent.
        #[serde(default)]
        before: Option<String>,
        /// As the agent left it.
        #[serde(default)]
        after: Option<String>,
        /// As it was read back.
        #[serde(default)]
        found: Option<String>,
    },
    /// A step's command ran on the operator's machine.
    Ran {
        /// Of which step.
        step: String,
        /// The command as it was shown and run.
        command: String,
        /// What it wrote, and how it ended.
        output: Blob,
    },
}

/// A sign-off that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// By whom.
    pub by: Author,
    /// When.
    pub at: Time,
    /// What was found, or why it is gone without.
    pub note: String,
    /// It was waived.
    #[serde(default)]
    pub waived: bool,
}

/// A record's values (RBK.1); person- or agent-written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Value {
    /// Before the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// As the agent left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// As it was read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Value {
    /// It reads again as it did before the agent.
    pub fn is_back(&self) -> bool {
        self.found.is_some() && (self.before.is_none() || self.found == self.before)
    }
}

/// A step's command that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// Of which step.
    pub step: String,
    /// As it was run.
    pub command: String,
    /// What it wrote.
    pub output: Blob,
    /// By whom.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// An undo window that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it closes.
    pub closes_at: Time,
    /// Who said so; absent comes from the runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
}

/// What stands of a checklist beside its steps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// As it was planned when it was opened.
    #[serde(skip_serializing_if = "RollbackPlan::is_empty")]
    pub plan: RollbackPlan,
    /// Who works it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Undo windows that are known, by what closes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub windows: BTreeMap<String, Window>,
    /// Sign-offs that were given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signed: BTreeMap<String, Signed>,
    /// Values by record.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
    /// Commands that ran, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<StepRun>,
}
