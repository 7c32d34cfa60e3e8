//! How a request is refused.

use serde::{Deserialize, Serialize};

use crate::terms::words;

words! {
    /// Why a command is refused; each has one HTTP status.
    RefusalCode, "a refusal" {
        /// No such incident, switch, step … (404).
        Unknown = "unknown",
        /// The command is not well formed (422).
        Invalid = "invalid",
        /// The state does not allow it now (409).
        Conflict = "conflict",
        /// The identity may not (403).
        Forbidden = "forbidden",
    }
}

/// A refusal: nothing was changed. `detail` says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("{detail}")]
pub struct Refusal {
    /// Its kind.
    pub code: RefusalCode,
    /// What is wrong, and what to do.
    pub detail: String,
}

impl Refusal {
    /// Builds one.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
