//! What intake is wired to: the engine that judges, the interlock that sees breaches, the writer that remembers.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    api::{AgentLive, Problem},
    backend::core::Core,
    incident::{AgentDeclaration, Command, Event, Worlds},
    runbook::TripwirePlan,
    telemetry::Action,
    terms::{AgentId, Author, DrillId, Time},
    tripwire::{FiringChange, FiringKey, Recall},
};

/// The tripwire engine of one world.
pub trait Judge: Send + Sync + 'static {
    /// Another one that has seen nothing, with the same limits.
    fn fresh(&self) -> Box<dyn Judge>;
    /// Judges an action, in order of arrival; a person let it by the rules `approved`.
    fn judge(&mut self, action: &Action, approved: &[String]) -> Vec<FiringChange>;
    /// Judges by other limits from now on.
    fn retune(&mut self, plan: &TripwirePlan);
    /// Closes what time closes.
    fn tick(&mut self, now: Time) -> Vec<FiringChange>;
    /// An owner declared an agent.
    fn declare(&mut self, agent: &AgentDeclaration);
    /// A person acknowledged a firing; `expected` closes it and thaws the baseline.
    fn acknowledge(&mut self, key: &FiringKey, expected: bool, now: Time) -> Vec<FiringChange>;
    /// All that baselines need to survive a restart, where it can be written.
    fn snapshot(&self) -> Option<Vec<u8>>;
    /// The same of some agents.
    fn snapshot_of(&self, some: &dyn Fn(&AgentId) -> bool) -> Option<Vec<u8>>;
    /// Goes on from a snapshot; false where it does not read, and nothing changed then.
    fn restore(&mut self, snapshot: &[u8]) -> bool;
    /// What team rules remember, by agent.
    fn recall(&self) -> Vec<(AgentId, Recall)>;
    /// Windows and baselines by agent.
    fn figures(&self, now: Time) -> BTreeMap<String, AgentLive>;
}

/// The interlock's eye on what was executed (DET.9).
pub trait Breaches: Send + Sync + 'static {
    /// Says whether an executed action, delivered by `source`, went past an engaged switch of that world.
    fn observe(&self, drill: Option<DrillId>, action: &Action, source: &str, now: Time) -> Vec<FiringChange>;
    /// The team's rules that a person let this action by, before it ran; each approval is for one (DET.12).
    fn approved(&self, _drill: Option<DrillId>, _action: &Action) -> Vec<String> {
        Vec::new()
    }
    /// Takes what the engine remembers for team rules, after a restart (DET.12).
    fn recalled(&self, _drill: Option<DrillId>, _learned: Vec<(AgentId, Recall)>) {}
}

/// The one writer, as intake uses it.
pub trait Writer: Clone + Send + Sync + 'static {
    /// Has firing changes recorded; the same `id` is recorded once.
    fn fire(
        &self,
        drill: Option<DrillId>,
        id: Uuid,
        changes: Vec<FiringChange>,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Everything folded.
    fn worlds(&self) -> Arc<Worlds>;
    /// Every event from now on.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>>;
}

impl Writer for Core {
    async fn fire(&self, drill: Option<DrillId>, id: Uuid, changes: Vec<FiringChange>) -> Result<(), Problem> {
        let by = Author::Andon("tripwires".into());
        self.submit(drill, id, by, Command::Fire { changes }).await.map(drop)
    }

    fn worlds(&self) -> Arc<Worlds> {
        Core::worlds(self)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        Core::subscribe(self)
    }
}
