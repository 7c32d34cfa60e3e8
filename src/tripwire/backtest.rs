//! A file of actions judged with the live engine (DET.8, `andon tripwires test`).

use serde::{Deserialize, Serialize};

use super::{
    engine::Engine,
    firing::{FiringChange, Tripwire},
};
use crate::{
    incident::AgentDeclaration,
    runbook::TripwirePlan,
    telemetry::Action,
    terms::{AgentId, Time},
};

/// A firing that would have opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiringLine {
    /// Event time of the action that met the condition.
    pub at: Time,
    /// Whose agent.
    pub agent: AgentId,
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// What it was about; agent-written.
    pub detail: String,
}

/// Judges `actions` in their order and lists the firings that open. Whoever reads the file sets `received_at` to `at`
/// where the file has none, so that no action counts as ahead of the backend.
pub fn backtest<'a>(
    actions: impl IntoIterator<Item = &'a Action>,
    declarations: &[AgentDeclaration],
    plan: TripwirePlan,
) -> Vec<FiringLine> {
    let mut engine = Engine::new(plan);
    declarations.iter().for_each(|agent| engine.declare(agent));
    let (mut lines, mut changes) = (Vec::new(), Vec::new());
    for action in actions {
        engine.judge(action, &mut changes);
        for change in changes.drain(..) {
            if let FiringChange::Opened { key, at, .. } = change {
                lines.push(FiringLine { at, agent: key.agent, tripwire: key.tripwire, detail: key.detail });
            }
        }
    }
    lines
}
