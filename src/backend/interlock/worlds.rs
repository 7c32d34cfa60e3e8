//! The interlocks of all worlds (law 8): the writer swaps their tables, intake shows them what was executed.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use arc_swap::ArcSwap;

use super::{Interlock, Memory, ofrep::Tickets, room::Room};
use crate::{
    backend::{
        clock::Clock,
        core::{Interlocks, Pulse},
        intake::Breaches,
    },
    incident::{
        Worlds,
        containment::{AgentProof, Scope},
    },
    runbook::Runbook,
    telemetry::Action,
    terms::{AgentId, DrillId, Time},
    tripwire::{FiringChange, Recall},
};

/// Interlocks by world.
pub struct InterlockWorlds {
    worlds: RwLock<BTreeMap<Option<DrillId>, Arc<Interlock>>>,
    clock: Clock,
    steady: Clock,
    pulse: Arc<Pulse>,
    runbook: Arc<ArcSwap<Runbook>>,
    version: Mutex<String>,
    tickets: Arc<Tickets>,
    room: Room,
}

impl InterlockWorlds {
    /// With the real world's, and nothing engaged.
    pub fn new(clock: Clock, steady: Clock, runbook: Arc<ArcSwap<Runbook>>) -> Self {
        let pulse = Arc::new(Pulse::default());
        let real = (None, Arc::new(Interlock::new(pulse.clone(), steady.clone(), &runbook.load().tripwires)));
        let room = Room::new(&pulse);
        let version = Mutex::new(runbook.load().version.clone());
        let worlds = RwLock::new(BTreeMap::from([real]));
        Self { worlds, clock, steady, pulse, runbook, version, tickets: Arc::default(), room }
    }

    /// The pulse of the log that all of them answer by.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// The room of everybody who listens to a table.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The tickets for OFREP's event stream, of all of them.
    pub fn tickets(&self) -> &Arc<Tickets> {
        &self.tickets
    }

    /// A world's interlock, if it has one.
    pub fn get(&self, drill: Option<DrillId>) -> Option<Arc<Interlock>> {
        self.worlds.read().unwrap_or_else(PoisonError::into_inner).get(&drill).cloned()
    }

    /// The real world's sees what every node takes, from now on: what it sees is told to none of them.
    pub fn sees_everything(&self) {
        self.of(None).sees_everything();
    }

    /// Every world's.
    pub fn all(&self) -> Vec<(Option<DrillId>, Arc<Interlock>)> {
        let worlds = self.worlds.read().unwrap_or_else(PoisonError::into_inner);
        worlds.iter().map(|(drill, interlock)| (*drill, interlock.clone())).collect()
    }

    /// Remembers in the real world whom an earlier process heard.
    pub fn recall(&self, memory: Memory, now: Time) {
        self.of(None).recall(memory, now);
    }

    /// Writes down whom the real world's heard, at the end.
    pub fn save(&self, path: &Path) {
        let (_, memory) = self.of(None).memory((self.clock)());
        if let Err(why) = memory.write(path) {
            tracing::warn!(%why, "who was heard is not remembered");
        }
    }

    /// Another runbook came into force: every world judges by it.
    fn retune(&self) {
        let runbook = self.runbook.load();
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        if *version != runbook.version {
            version.clone_from(&runbook.version);
            self.all().iter().for_each(|(_, interlock)| interlock.retune(&runbook.tripwires));
        }
    }

    fn of(&self, drill: Option<DrillId>) -> Arc<Interlock> {
        self.get(drill).unwrap_or_else(|| {
            let mut worlds = self.worlds.write().unwrap_or_else(PoisonError::into_inner);
            let new =
                || Arc::new(Interlock::new(self.pulse.clone(), self.steady.clone(), &self.runbook.load().tripwires));
            worlds.entry(drill).or_insert_with(new).clone()
        })
    }
}

impl Interlocks for InterlockWorlds {
    fn counted(&self, drill: Option<DrillId>, scope: &Scope, now: Time) -> Vec<AgentProof> {
        self.get(drill).map(|interlock| interlock.counted(scope, now)).unwrap_or_default()
    }

    fn runs(&self, drill: Option<DrillId>, agent: &AgentId) -> Option<u32> {
        self.get(drill).map(|interlock| interlock.runs(agent))
    }

    fn publish(&self, worlds: &Worlds, changed: &[Option<DrillId>]) {
        let now = (self.clock)();
        self.retune();
        // A drill that just began is told of in the real world.
        let begun = worlds.drills.keys().map(|drill| Some(*drill)).filter(|drill| self.get(*drill).is_none());
        for drill in changed.iter().copied().chain(begun) {
            if let Some(world) = worlds.get(drill) {
                self.of(drill).publish(world, worlds.position, now);
            }
        }
        self.room.ring();
    }
}

impl Breaches for InterlockWorlds {
    fn observe(&self, drill: Option<DrillId>, action: &Action, source: &str, now: Time) -> Vec<FiringChange> {
        self.get(drill).map(|interlock| interlock.observe(action, source, now)).unwrap_or_default()
    }
    fn approved(&self, drill: Option<DrillId>, action: &Action) -> Vec<String> {
        self.get(drill).map(|interlock| interlock.approved(action)).unwrap_or_default()
    }

    fn recalled(&self, drill: Option<DrillId>, learned: Vec<(AgentId, Recall)>) {
        if let Some(interlock) = self.get(drill) {
            interlock.recall_rules(learned);
        }
    }
}
