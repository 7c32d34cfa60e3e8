//! What is asked of switches, and of the calls that wait behind them.

use serde::{Deserialize, Serialize};

use super::super::containment::{ActuatorOutcome, AutoScope, AutoStage, BacktestSeen, Call, Mode, Scope};
use crate::{
    terms::{IncidentId, SwitchId, Time},
    tripwire::Tripwire,
};

/// Engages a switch. Nothing but the scope is needed: firing asks nobody (CON.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engage {
    /// What it covers; empty is everything.
    #[serde(default)]
    pub scope: Scope,
    /// What it does; halt where absent.
    #[serde(default = "halt")]
    pub mode: Mode,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
    /// Its incident; absent: the one open incident, else one is declared after firing where `declare` says so.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// Since when harm is confirmed.
    #[serde(default)]
    pub harm_at: Option<Time>,
    /// When a preventive switch lifts itself.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// When a preventive switch engages by itself; at once where absent (CON.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Time>,
    /// The lane that a fallback names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// The share of runs that a canary lets through, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Actuators that break-glass set off for it already: they are recorded, and not set off again (law 6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<Fired>,
    /// Declare an incident if none is open (what `!` in the cockpit does).
    #[serde(default)]
    pub declare: bool,
}

fn halt() -> Mode {
    Mode::Halt
}

impl Default for Engage {
    /// A halt of everything.
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            mode: Mode::Halt,
            why: None,
            incident: None,
            harm_at: None,
            expires_at: None,
            starts_at: None,
            lane: None,
            percent: None,
            fired: Vec::new(),
            declare: false,
        }
    }
}

/// An actuator to set off, or one that was set off elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FireActuator {
    /// Its name.
    pub name: String,
    /// The time to effect that was promised, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_s: Option<f64>,
}

/// An actuator that break-glass set off while the backend was not reached (law 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fired {
    /// Its name.
    pub name: String,
    /// When.
    pub at: Time,
    /// The time to effect that was promised, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_s: Option<f64>,
    /// What came of it.
    pub outcome: ActuatorOutcome,
}

/// A call that must wait, as the interlock judged it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenHold {
    /// The call.
    pub call: Call,
    /// Its arguments, as an approver will see them.
    pub input: Option<serde_json::Value>,
    /// They are longer than that.
    pub input_cut: bool,
    /// SHA-256 (hex) of the canonical (agent, tool, input).
    pub digest: String,
    /// The switch that holds it.
    pub switch: Option<SwitchId>,
    /// The team's rule that holds it.
    pub rule: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// Approves a switch that a tripwire then engages by itself, or takes that back (CON.14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAuto {
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
    #[serde(default = "halt")]
    pub mode: Mode,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
    /// The backtest that was shown; only the backend that showed it fills this in.
    #[serde(default)]
    pub backtest: Option<BacktestSeen>,
}
