//! Answers to telemetry.

use serde::{Deserialize, Serialize};

/// Answer to `POST /v1/actions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActionsAnswer {
    /// Judged and in memory.
    pub accepted: u64,
    /// Ids seen within the hour.
    pub duplicate: u64,
    /// Bad items by index in the request, neighbours were kept.
    pub rejected: Vec<RejectedItem>,
}

/// One refused item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RejectedItem {
    /// Index in the request, from 0.
    pub index: usize,
    /// What is wrong and what to do.
    pub reason: String,
}
