//! What the tripwires do besides firing: calls judged before they run (DET.12), switches they engage (CON.14).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    incident::containment::{AutoContainment, AutoScope, AutoStage, Mode, Scope},
    terms::{AgentId, Time},
    tripwire::{Tally, Tripwire, TripwireDelta},
};

/// `GET /v1/tripwires`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TripwiresView {
    /// By rule: how often it looked at a call before it ran, and objected, since the backend began.
    pub before: Vec<Tally>,
    /// Switches that people approved for tripwires and rules.
    pub auto: Vec<Arc<AutoContainment>>,
}

/// What `POST /v1/tripwires/compare` is asked: tripwires to be tried over stored telemetry, beside those in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareTripwires {
    /// `tripwires.toml` or `rules.toml` as proposed, by name; with neither only what is in force is tried.
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// Days that are looked at.
    pub days: u32,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedTripwires {
    /// Where the days begin.
    pub from: Time,
    /// Where they end.
    pub to: Time,
    /// How many actions were judged.
    pub actions: u64,
    /// Older actions are stored and were left out.
    #[serde(default)]
    pub cut: bool,
    /// Both sets side by side.
    #[serde(flatten)]
    pub delta: TripwireDelta,
}

/// What `POST /v1/tripwires/auto/backtest` is asked: the pre-approval that somebody thinks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AutoPlan {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Which rule, for `rule`.
    #[serde(default)]
    pub rule: Option<String>,
    /// Over what.
    pub scope: AutoScope,
    /// As what.
    pub mode: Mode,
    /// How many days of stored telemetry.
    pub days: u32,
}

/// How often it would have engaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BacktestView {
    /// What was asked.
    #[serde(flatten)]
    pub plan: AutoPlan,
    /// The first moment it looked at.
    pub from: Time,
    /// The last.
    pub to: Time,
    /// Actions that were judged, those before `from` for the baselines too.
    pub actions: u64,
    /// Older actions are stored and were left out.
    pub cut: bool,
    /// How often it would have engaged.
    pub engagements: u32,
    /// The newest of them.
    pub newest: Vec<Engagement>,
    /// SHA-256 (hex) of all this: confirming it says that it was seen.
    pub digest: String,
}

/// A moment at which a switch would have been engaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Engagement {
    /// When the condition was met.
    pub at: Time,
    /// Whose.
    pub agent: AgentId,
    /// What the firing was about; agent-written.
    pub detail: String,
    /// What the switch would have covered.
    pub scope: Scope,
}

/// `POST /v1/tripwires/auto`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAutoStage {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Which rule, for `rule`.
    #[serde(default)]
    pub rule: Option<String>,
    /// How far it goes.
    pub stage: AutoStage,
    /// Over what.
    pub scope: AutoScope,
    /// As what.
    pub mode: Mode,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
    /// The digest of the backtest that was shown, or its beginning; needed to move on.
    #[serde(default)]
    pub confirm: Option<String>,
}
