//! Post-mortems over the wire (PM.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// `POST /v1/incidents/ID/postmortem/tripwires`, and `…/backtest` to look without proposing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeTripwires {
    /// The proposed files by name: `tripwires.toml`, `rules.toml`.
    pub texts: BTreeMap<String, String>,
    /// What changes, in words.
    #[serde(default)]
    pub text: Option<String>,
    /// Who answers for it; needed to propose.
    #[serde(default)]
    pub owner: Option<String>,
    /// Until when, `2026-12-04`.
    #[serde(default)]
    pub due: Option<String>,
    /// Where the incident's window begins; a day before the first thing known of it where absent.
    #[serde(default)]
    pub since: Option<Time>,
    /// Days before its end in which false alarms are counted.
    #[serde(default = "month")]
    pub days: u32,
}

fn month() -> u32 {
    30
}
