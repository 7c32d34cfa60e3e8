//! What people ask of a post-mortem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DeltaKind, DeltaState, RegressionCase, TripwireBacktest};

/// Writes fields, adds cases and proposes changes, all or none: what `--file` brings at once (PM.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetPostmortem {
    /// Text by field; an empty one takes the field back.
    pub fields: BTreeMap<String, String>,
    /// Regression cases; one of a known name is replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<RegressionCase>,
    /// Proposed changes; one that stands already is not proposed twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<ProposeDelta>,
}

/// Proposes a change to the data (PM.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeDelta {
    /// What it changes.
    pub kind: DeltaKind,
    /// How, in words.
    pub text: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when, `2026-12-04`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// What a backtest showed; only the backend that ran it fills this in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub backtest: Option<TripwireBacktest>,
}

/// Takes a regression case back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropCase {
    /// Its name.
    pub name: String,
}

/// Says what became of a proposed change (PM.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleDelta {
    /// Its number.
    pub delta: u32,
    /// Merged or dropped; proposed opens it again.
    pub state: DeltaState,
    /// Where it was merged, or why it was dropped.
    #[serde(default)]
    pub note: String,
}

/// Files the post-mortem (PM.5, PM.7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FilePostmortem {
    /// Why it is filed although something is missing.
    pub over: Option<String>,
}
