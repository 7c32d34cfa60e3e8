//! Problems: RFC 9457, with a `detail` that says what to do (law 10).

use serde::{Deserialize, Serialize};

use crate::incident::{Refusal, RefusalCode};

const REUSED: &str = "reused-id";

/// RFC 9457 problem details. `detail` says what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, schemars::JsonSchema)]
#[error("{detail}")]
pub struct Problem {
    /// `urn:andon:` and a word: `unknown`, `invalid`, `conflict`, `forbidden`, `busy`, `too-large`, `unauthenticated`, `unavailable`, `reused-id`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// The present state, for a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<serde_json::Value>,
}

impl Problem {
    /// Builds one of `kind` (without the `urn:`).
    pub fn new(status: u16, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self { kind: format!("urn:andon:{kind}"), title: title.into(), status, detail: detail.into(), state: None }
    }

    /// A command's id came before, with another body (409).
    pub fn reused_id() -> Self {
        let detail = "the same id came with another command; make a new id for a new command";
        Self::new(409, REUSED, "This command id was used before", detail)
    }

    /// Whether it is that.
    pub fn is_reused_id(&self) -> bool {
        self.kind.strip_prefix("urn:andon:") == Some(REUSED)
    }

    /// No such thing (404).
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(404, "unknown", "No such thing", detail)
    }

    /// Not well formed (`status` 400, 413, 415 or 422).
    pub fn invalid(status: u16, detail: impl Into<String>) -> Self {
        Self::new(status, "invalid", "The request is not well formed", detail)
    }

    /// The identity may not (403).
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "This identity may not do that", detail)
    }

    /// The backend cannot do it now (503).
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "The backend cannot do that now", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = match refusal.code {
            RefusalCode::Unknown => (404, "No such thing"),
            RefusalCode::Invalid => (422, "The command is not well formed"),
            RefusalCode::Conflict => (409, "The state does not allow that now"),
            RefusalCode::Forbidden => (403, "This identity may not do that"),
        };
        Self::new(status, refusal.code.as_str(), title, refusal.detail)
    }
}
