//! What people ask of the runbook's upkeep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FaultEnd;
use crate::terms::{FaultId, IncidentId};

/// Brings a team's own texts into force, for incidents from now on (GOV.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeRunbook {
    /// By file name; what is not named is the shipped text.
    pub own: BTreeMap<String, String>,
}

/// Says what is wrong with the runbook: a budget, a class that is missing, a procedure that fails (GOV.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportFault {
    /// What.
    pub what: String,
    /// Which class, tripwire, step or file it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The incident in which it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Who is to see to it; the runbook's owner where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Ends a report, or hands it to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleFault {
    /// Which.
    pub fault: FaultId,
    /// How it ends; absent only changes its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<FaultEnd>,
    /// Why, or how it was mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who is to see to it from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}
