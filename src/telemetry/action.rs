//! One thing an agent did.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::terms::{ActionClass, AgentId, NanoUsd, Time, ToolName, Workflow, words};

words! {
    /// How an action ended.
    Status, "a status" {
        /// It was done.
        Ok = "ok",
        /// It failed.
        Error = "error",
        /// The interlock stopped it: it counts in no rule.
        Denied = "denied",
    }
}

/// A resolved action: every time is known, the tool is canonical, the endpoint templated.
///
/// Serialises to the native wire form of protocol 1 with `received_at` added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The sender's id; counts once per source within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    /// When it ended (event time); `received_at` where the sender gave none.
    pub at: Time,
    /// When the backend received it.
    pub received_at: Time,
    /// Who acted.
    pub agent: AgentId,
    /// Within which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Within which workflow, as claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// With which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolName>,
    /// Against which endpoint, templated (`GET api.example.com/v1/users/{}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What it does to the world, as claimed; absent is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
    /// What it cost.
    #[serde(default, rename = "cost_usd", skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// The cost comes from the price table, no sender stated it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_estimated: bool,
    /// How it ended.
    pub status: Status,
    /// What it made that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artefact: Option<Artefact>,
    /// Money it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Whom it dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<String>,
    /// Which model answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// What went in; agent-written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What came out; agent-written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The tool call's id as the model gave it: a proxy's record and the span of the same call are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Trace it belongs to, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Its span, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
    /// The span above it, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// What evidence needs besides (EVI.2); agent-written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<super::Detail>>,
}

impl Action {
    /// What it did, in one name: the tool, else the endpoint, else `?`; agent-written.
    pub fn what(&self) -> &str {
        self.tool.as_ref().map(ToolName::as_str).or(self.endpoint.as_deref()).unwrap_or("?")
    }
}

/// Something an action made that people may see (DET.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// `email`, `document`, `ticket` …
    pub kind: String,
    /// Who sees it; `customer` is what the outcome tripwire watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_to: Option<String>,
    /// The human review it had, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

/// A human review of an artefact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Who looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// For how many seconds; absent counts as no review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Eq for Review {}

/// Money an action moved, in the sender's currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Amount {
    /// How much.
    pub value: f64,
    /// ISO 4217, as sent.
    pub currency: String,
}

/// Tokens a model call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Into the model, cached ones included.
    #[serde(default)]
    pub input: u64,
    /// Out of the model.
    #[serde(default)]
    pub output: u64,
}
