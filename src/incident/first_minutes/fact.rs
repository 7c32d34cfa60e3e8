//! What the log holds of the first ten minutes.

use serde::{Deserialize, Serialize};

use super::FirstFact;
use crate::terms::words;

/// One of the seven facts was answered, doubted or settled (TEN.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Which.
    pub fact: FirstFact,
    /// What is known; absent where nobody knows, or where it is only doubted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why what stood is doubted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<String>,
    /// Why this ends the dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<String>,
}

/// One of the severity's factors was answered, or its answer taken back (SEV.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighed {
    /// Which.
    pub factor: String,
    /// Which answer; absent takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

words! {
    /// Work that comes after containment (TEN.2).
    EarlyWork, "work that comes after containment" {
        /// Undoing.
        Rollback = "rollback",
        /// Looking for the cause.
        Investigation = "investigation",
        /// Mending it.
        Remediation = "remediation",
    }
}

/// Work was begun before the incident was contained: warned of and recorded, never blocked (TEN.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Early {
    /// Which work.
    pub work: EarlyWork,
}

impl Early {
    /// What is warned of, in a line.
    pub fn line(self) -> String {
        format!("{} was begun before containment: contain first, the harm may go on", self.work)
    }
}
