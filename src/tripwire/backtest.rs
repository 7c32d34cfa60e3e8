//! Actions judged with the live engine: a file of them, or what is stored (DET.8, `andon tripwires test`, CON.14).

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

/// A backtest under way: whoever reads much hands it over page by page.
#[derive(Debug)]
pub struct Backtest {
    engine: Engine,
    changes: Vec<FiringChange>,
    lines: Vec<FiringLine>,
}

impl Backtest {
    /// Before the first action.
    pub fn new<'a>(plan: TripwirePlan, declarations: impl IntoIterator<Item = &'a AgentDeclaration>) -> Self {
        let mut engine = Engine::new(plan);
        declarations.into_iter().for_each(|agent| engine.declare(agent));
        Self { engine, changes: Vec::new(), lines: Vec::new() }
    }

    /// Judges the next action.
    pub fn judge(&mut self, action: &Action) {
        self.engine.judge(action, &mut self.changes);
        for change in self.changes.drain(..) {
            if let FiringChange::Opened { key, at, .. } = change {
                self.lines.push(FiringLine { at, agent: key.agent, tripwire: key.tripwire, detail: key.detail });
            }
        }
    }

    /// The firings that opened.
    pub fn lines(self) -> Vec<FiringLine> {
        self.lines
    }
}

/// Judges `actions` in their order and lists the firings that open. Whoever reads the file sets `received_at` to `at`
/// where the file has none, so that no action counts as ahead of the backend.
pub fn backtest<'a>(
    actions: impl IntoIterator<Item = &'a Action>,
    declarations: &[AgentDeclaration],
    plan: TripwirePlan,
) -> Vec<FiringLine> {
    let mut test = Backtest::new(plan, declarations);
    actions.into_iter().for_each(|action| test.judge(action));
    test.lines()
}
