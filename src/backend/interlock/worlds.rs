//! The interlocks of all worlds (law 8): the writer swaps their tables, intake shows them what was executed.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::Interlock;
use crate::{
    backend::{clock::Clock, core::Interlocks, intake::Breaches},
    incident::{
        Worlds,
        containment::{AgentProof, Scope},
    },
    telemetry::Action,
    terms::{DrillId, Time},
    tripwire::FiringChange,
};

/// Interlocks by world.
pub struct InterlockWorlds {
    worlds: RwLock<BTreeMap<Option<DrillId>, Arc<Interlock>>>,
    clock: Clock,
}

impl InterlockWorlds {
    /// With the real world's, and nothing engaged.
    pub fn new(clock: Clock) -> Self {
        let real = (None, Arc::new(Interlock::new()));
        Self { worlds: RwLock::new(BTreeMap::from([real])), clock }
    }

    /// A world's interlock, if it has one.
    pub fn get(&self, drill: Option<DrillId>) -> Option<Arc<Interlock>> {
        self.worlds.read().unwrap_or_else(PoisonError::into_inner).get(&drill).cloned()
    }

    /// Every world's.
    pub fn all(&self) -> Vec<(Option<DrillId>, Arc<Interlock>)> {
        let worlds = self.worlds.read().unwrap_or_else(PoisonError::into_inner);
        worlds.iter().map(|(drill, interlock)| (*drill, interlock.clone())).collect()
    }

    fn of(&self, drill: Option<DrillId>) -> Arc<Interlock> {
        self.get(drill).unwrap_or_else(|| {
            let mut worlds = self.worlds.write().unwrap_or_else(PoisonError::into_inner);
            worlds.entry(drill).or_default().clone()
        })
    }
}

impl Interlocks for InterlockWorlds {
    fn counted(&self, drill: Option<DrillId>, scope: &Scope, now: Time) -> Vec<AgentProof> {
        self.get(drill).map(|interlock| interlock.counted(scope, now)).unwrap_or_default()
    }

    fn publish(&self, worlds: &Worlds, changed: &[Option<DrillId>]) {
        let now = (self.clock)();
        // A drill that just began is told of in the real world.
        let begun = worlds.drills.keys().map(|drill| Some(*drill)).filter(|drill| self.get(*drill).is_none());
        for drill in changed.iter().copied().chain(begun) {
            if let Some(world) = worlds.get(drill) {
                self.of(drill).publish(world, worlds.position, now);
            }
        }
    }
}

impl Breaches for InterlockWorlds {
    fn observe(&self, drill: Option<DrillId>, action: &Action, now: Time) -> Vec<FiringChange> {
        self.get(drill).map(|interlock| interlock.observe(action, now)).unwrap_or_default()
    }
}
