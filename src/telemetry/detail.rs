//! What evidence needs of an action beyond what is judged: the model's whole context, sources, changes, hand-offs (EVI.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a sender tells of an action besides what it did. Everything is agent-written.
///
/// On the wire it is the field `detail` of protocol 1; fields that this version does not know are passed over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// The conversation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The agent's own version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The prompt's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The prompt's version or digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version: Option<String>,
    /// System instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Value>,
    /// The model that was asked for, where another name answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_model: Option<String>,
    /// Temperature, top-p, limits, seed …
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sampling: BTreeMap<String, Value>,
    /// Tools as they were offered to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// Why the model stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finish: Vec<String>,
    /// Whether what the model was given had been cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// What was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<Retrieval>,
    /// Files or pages that were opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Records that were changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Who, or what, triggered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggered_by: Option<String>,
    /// The agent that handed over, to whom, and what was promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<HandOff>,
    /// An approval that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// The release that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What it left outside: message ids, payment ids, commit ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<String>,
    /// Who received something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// Scores of filters and evaluations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
    /// How often it was tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
    /// What a reviewer wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_note: Option<String>,
}

/// A look-up: what was asked, and what came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Retrieval {
    /// The query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The sources in their rank.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Found>,
}

/// One source that a look-up found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// How well it fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// A record that was changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Which.
    pub record: String,
    /// Its value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A hand-off between agents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HandOff {
    /// Who handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What was promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// What a verifier said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

/// An approval, as the agent's own system asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Approval {
    /// The policy that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// What the approver could see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saw: Option<String>,
}

/// A score of a filter or an evaluation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Score {
    /// Which filter.
    pub name: String,
    /// Its figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Whether a model's name may mean another model tomorrow: it names no date and no numbered version (EVI.2).
///
/// `gpt-4o` and `claude-latest` are such; `gpt-4o-2024-08-06`, `gemini-1.5-pro-002` and `model@sha256:…` are not.
pub fn is_mutable_alias(model: &str) -> bool {
    let pinned = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = || model.split(|c: char| !c.is_ascii_alphanumeric());
    parts().any(|part| part.eq_ignore_ascii_case("latest")) || !(model.contains('@') || parts().any(pinned))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI.2: a mutable model alias is told from a version.
    #[test]
    fn an_alias_is_told_from_a_version() {
        for alias in ["gpt-4o", "claude-3-5-sonnet-latest", "o3", "gpt-4.1", "", "mistral-large", "x-2024-latest"] {
            assert!(is_mutable_alias(alias), "{alias}");
        }
        for pinned in [
            "gpt-4o-2024-08-06",
            "claude-3-5-sonnet-20241022",
            "gemini-1.5-pro-002",
            "gpt-4-0613",
            "anthropic.claude-3-sonnet-20240229-v1:0",
            "llama@sha256:9f86d081",
        ] {
            assert!(!is_mutable_alias(pinned), "{pinned}");
        }
    }
}
