//! What people ask of a restriction, and its facts.

use serde::{Deserialize, Serialize};

/// Only these people see the incident from now on; whoever asks is one of them (TEAM.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restrict {
    /// Who, by name; the list takes the place of the one before.
    pub people: Vec<String>,
    /// Why.
    pub why: String,
}

/// Everybody sees the incident again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftRestriction {
    /// Why.
    pub why: String,
}

/// Somebody who is not named lets themselves in: an override, which those who are named see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterRestricted {
    /// Why it cannot wait for one of those who are named.
    pub why: String,
}

/// Who sees the incident from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// Who, by name, in order.
    pub people: Vec<String>,
    /// Why.
    pub why: String,
    /// Its author was not named, and let themselves in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub entered: bool,
}
