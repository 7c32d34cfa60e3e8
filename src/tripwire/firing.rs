//! A firing: one per (tripwire, agent, detail), open while the condition keeps being met (protocol 2).

use serde::{Deserialize, Serialize};

use crate::incident::{containment::AutoOutcome, pages::StepState};
use crate::terms::{AgentId, Author, FiringId, IncidentId, Time, words};

words! {
    /// The tripwires (DET.2–DET.5, DET.9, DET.11).
    Tripwire, "a tripwire" {
        /// Spend in an hour over twice the rolling median.
        CostRate = "cost-rate",
        /// Calls in an hour over three times the rolling median, or an endpoint never used before.
        ActionRate = "action-rate",
        /// A customer-visible artefact without a real review.
        Outcome = "outcome",
        /// A tool outside the declared inventory.
        Authorisation = "authorisation",
        /// An action by something halted.
        Breach = "breach",
        /// A team's own rule.
        Rule = "rule",
    }
}

words! {
    /// Whether a firing's condition still counts as met.
    FiringState, "a firing state" {
        /// Met within the last hour of event time.
        Open = "open",
        /// Not met for an hour, or acknowledged as expected.
        Closed = "closed",
    }
}

/// What makes two meetings of a condition the same firing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FiringKey {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Whose agent.
    pub agent: AgentId,
    /// Empty, `rate`, the endpoint, the artefact's kind, the tool, `undeclared agent`, the switch, or the rule's name; agent-written.
    pub detail: String,
}

/// What the engine says happened to a firing. The backend turns these into events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum FiringChange {
    /// The condition was met first.
    Opened {
        /// Which firing.
        key: FiringKey,
        /// Event time of the action that met it.
        at: Time,
        /// When that action was received (the Signal of the MTTD chain).
        received_at: Time,
        /// Figure in the window: USD or calls; seconds of review; absent where nothing is counted.
        window: Option<f64>,
        /// The limit it went over.
        limit: Option<f64>,
        /// The baseline median in force; absent while there is none (cold start).
        baseline: Option<f64>,
        /// Said with the firing: `baseline not ready: 9 of 24 hours`.
        note: Option<String>,
        /// The run of the action, for pinning evidence.
        run: Option<String>,
        /// The workflow of the action, as claimed.
        workflow: Option<String>,
    },
    /// The condition was met again.
    Counted {
        /// Which firing.
        key: FiringKey,
        /// Meetings so far.
        count: u64,
        /// Highest figure so far.
        peak: Option<f64>,
        /// Event time of the newest meeting.
        last_at: Time,
    },
    /// An hour of event time passed without the condition.
    Closed {
        /// Which firing.
        key: FiringKey,
        /// Last meeting + 1 h, however late it was noticed.
        at: Time,
    },
}

/// A page that was sent for a firing (TEAM.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Paged {
    /// Whom the runbook names.
    pub to: String,
    /// When delivery was accepted; absent while nothing delivers pages.
    #[serde(default)]
    pub at: Option<Time>,
    /// When a person acknowledged.
    #[serde(default)]
    pub acked_at: Option<Time>,
    /// Who.
    #[serde(default)]
    pub by: Option<Author>,
}

/// A firing as the wire shows it (protocol 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Firing {
    /// `TW-90`.
    pub id: FiringId,
    /// When the condition was met first (event time).
    pub at: Time,
    /// When the log took it (the Trigger of the MTTD chain).
    pub recorded_at: Time,
    /// When the action that met it was received (the Signal).
    pub received_at: Time,
    /// Which tripwire, agent and detail.
    #[serde(flatten)]
    pub key: FiringKey,
    /// Open or closed.
    pub state: FiringState,
    /// When it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
    /// Closed by a person as expected behaviour.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// Meetings so far.
    pub count: u64,
    /// Figure in the window when it opened, or the peak since.
    pub window: Option<f64>,
    /// The limit it went over.
    pub limit: Option<f64>,
    /// The median in force.
    pub baseline: Option<f64>,
    /// What else the engine said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who is told.
    pub paged: Vec<Paged>,
    /// How it went, by step of the queue (TEAM.3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<StepState>,
    /// The incident it joined or opened.
    pub incident: Option<IncidentId>,
    /// What followed by itself, or would have (CON.14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<AutoOutcome>,
}
