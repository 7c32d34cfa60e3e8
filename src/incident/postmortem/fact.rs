//! What the log holds of a post-mortem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DeltaKind, DeltaState, TripwireBacktest};

/// Fields were written; an empty text took one back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostmortemWritten {
    /// Text by field.
    pub fields: BTreeMap<String, String>,
}

/// A regression case was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDropped {
    /// Its name.
    pub name: String,
}

/// A change to the data was proposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaProposed {
    /// Its number within the incident.
    pub delta: u32,
    /// What it changes.
    pub kind: DeltaKind,
    /// How.
    pub text: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// What a backtest showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<TripwireBacktest>,
}

/// A proposed change was merged or dropped, or opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaSettled {
    /// Its number.
    pub delta: u32,
    /// What became of it.
    pub state: DeltaState,
    /// Where, or why.
    #[serde(default)]
    pub note: String,
}

/// It was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostmortemFiled {
    /// Why, although something was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// What was missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}
