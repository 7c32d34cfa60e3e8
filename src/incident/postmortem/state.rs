//! What the fold keeps of a post-mortem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TripwireBacktest;
use crate::terms::{Author, Time, words};

words! {
    /// Which evaluation a regression case belongs to (PM.6).
    CaseKind, "a kind of regression case" {
        /// The same input must not lead there again.
        Regression = "regression",
        /// An action must wait for its approval.
        ApprovalBoundary = "approval-boundary",
        /// The right tool must be chosen, or none.
        ToolSelection = "tool-selection",
        /// Every citation must hold.
        CitationAudit = "citation-audit",
        /// An answer to a customer is scored.
        SupportScorecard = "support-scorecard",
        /// A release must pass it before its canary widens.
        CanaryGate = "canary-gate",
    }
}

/// One case for an evaluation tool (PM.6). All text is person- or agent-written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegressionCase {
    /// Its name, unique within the incident: `refund-paid-twice`.
    pub name: String,
    /// Which evaluation.
    pub kind: CaseKind,
    /// What goes in.
    pub input: String,
    /// What must come of it.
    pub expected: String,
    /// How a grader tells, in words.
    #[serde(default)]
    pub grader: String,
    /// The action it was taken from, by id, run or trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

words! {
    /// What a proposed change is a change of (PM.8).
    DeltaKind, "a kind of change" {
        /// The runbook's texts.
        Runbook = "runbook",
        /// Limits and rules that fire.
        Tripwire = "tripwire",
        /// What is logged.
        Logging = "logging",
        /// What a release must pass.
        Gate = "gate",
    }
}

words! {
    /// How far a proposed change has come (PM.8).
    DeltaState, "a state of a change" {
        /// Somebody owns it; it is followed.
        Proposed = "proposed",
        /// It is in force.
        Merged = "merged",
        /// It was given up, with a reason.
        Dropped = "dropped",
    }
}

/// A proposed change to the data, followed until it is merged (PM.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// Its number within the incident.
    pub number: u32,
    /// What it changes.
    pub kind: DeltaKind,
    /// How, in words.
    pub text: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when, `2026-12-04`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How far it has come.
    pub state: DeltaState,
    /// Where it was merged, or why it was dropped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who proposed it.
    pub by: Author,
    /// When.
    pub at: Time,
    /// When it was merged or dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Time>,
    /// What a backtest over this incident's own telemetry showed (PM.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<TripwireBacktest>,
}

/// A field as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The text; person-written.
    pub text: String,
    /// Who wrote it last.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// When it was filed, and over what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Author,
    /// Why it was filed although something was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// What was missing then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What people filed of one incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Postmortem {
    /// What was written, by the runbook's field.
    pub fields: BTreeMap<String, Said>,
    /// Regression cases, in order.
    pub cases: Vec<RegressionCase>,
    /// Proposed changes, in order.
    pub deltas: Vec<Delta>,
    /// When it was filed first, where it was.
    pub filed: Option<Filed>,
    /// When anything of it changed last.
    pub changed_at: Option<Time>,
    /// The incident was closed without it, over a reason.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
}

impl Postmortem {
    /// A field's text, where somebody wrote one.
    pub fn said(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(|said| said.text.as_str())
    }

    /// Whether something changed after it was filed.
    pub fn changed_since(&self) -> bool {
        self.filed.as_ref().zip(self.changed_at).is_some_and(|(filed, changed)| changed > filed.at)
    }

    /// Proposed changes that are neither merged nor dropped.
    pub fn open_deltas(&self) -> impl Iterator<Item = &Delta> {
        self.deltas.iter().filter(|delta| delta.state == DeltaState::Proposed)
    }
}
