//! One world's interlock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    heard::{Everybody, TTL_S, Way},
    proof::{Effect, proof},
    table::Table,
};
use crate::{
    api::{AgentLive, CheckAnswer, CheckRequest, Decision, LeaseAnswer, LeaseRequest},
    incident::{
        Reach, World,
        containment::{AgentProof, Call, HaltProof, ProofState, Scope, Slipped, Switch},
    },
    telemetry::{Action, Status},
    terms::{AgentId, SwitchId, Time},
    tripwire::{FiringChange, FiringKey, FiringState, Tripwire},
};

/// A breach that is open: how often it was met, and when last.
#[derive(Debug, Clone, Copy)]
struct Breach {
    count: u64,
    last_at: Time,
}

#[derive(Debug, Default)]
struct Known {
    everybody: Everybody,
    effects: BTreeMap<SwitchId, Effect>,
    breaches: BTreeMap<(SwitchId, AgentId), Breach>,
}

/// The table of a world, and what is known of those it restrains.
pub struct Interlock {
    table: watch::Sender<Arc<Table>>,
    known: Mutex<Known>,
}

impl Interlock {
    /// With nothing engaged.
    pub fn new() -> Self {
        Self { table: watch::Sender::new(Arc::default()), known: Mutex::default() }
    }

    /// The table in force.
    pub fn table(&self) -> Arc<Table> {
        self.table.borrow().clone()
    }

    /// Hears every swap.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Table>> {
        self.table.subscribe()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Swaps the table for the world as it is now. The version rises only when an answer may have changed.
    pub fn publish(&self, world: &World, position: u64, now: Time) {
        let before = self.table();
        let mut table = Table::of(world, before.version);
        let changed = !table.answers_like(&before);
        if changed {
            table.version = (before.version + 1).max(position);
        }
        let mut known = self.known();
        if before.version == 0 {
            known.recall_breaches(world);
        }
        known.effects.retain(|id, _| table.engaged.contains_key(id));
        for (id, switch) in &table.engaged {
            let version = table.version;
            known.effects.entry(*id).or_insert_with(|| Effect::new(switch, version, now));
        }
        drop(known);
        self.table.send_if_modified(|current| {
            *current = Arc::new(table);
            changed
        });
    }

    /// Answers one call, and remembers that it was asked.
    pub fn check(&self, asked: &CheckRequest, way: Way, now: Time) -> CheckAnswer {
        let table = self.table();
        let call = table.call(asked);
        self.note(&table, &asked.agent, &call, way, asked.sent_at, now);
        table.answer(&call)
    }

    fn note(&self, table: &Table, agent: &AgentId, call: &Call, way: Way, sent: Option<Time>, now: Time) {
        let mut known = self.known();
        let Some(heard) = known.everybody.of(agent) else { return };
        heard.check(way, sent, now);
        heard.refused.retain(|id, _| table.engaged.contains_key(id));
        for (id, switch) in &table.engaged {
            if switch.decide(call) != Decision::Allow {
                heard.refused.insert(*id, now);
            }
        }
    }

    /// Renews a lease: it acknowledges a version, never one that is still to come.
    pub fn lease(&self, asked: &LeaseRequest, now: Time) -> Option<LeaseAnswer> {
        let table = self.table();
        let mut known = self.known();
        let version = asked.version.min(table.version);
        let followed =
            known.everybody.of(&asked.agent)?.renew(&asked.instance, version, asked.on_blind, asked.sent_at, now);
        followed.then(|| LeaseAnswer { ttl_s: TTL_S, view: table.view(&asked.agent) })
    }

    /// How a switch reaches an agent now (CON.16).
    pub fn reach(&self, agent: &AgentId, now: Time) -> Reach {
        self.known().everybody.0.get(agent).map_or(Reach::Observed, |heard| heard.reach(now))
    }

    /// Adds what is known here to an agent's figures; agents never figured on appear too.
    pub fn add_figures(&self, agents: &mut BTreeMap<String, AgentLive>, now: Time) {
        let known = self.known();
        for (agent, heard) in &known.everybody.0 {
            let live = agents.entry(agent.to_string()).or_default();
            live.last_seen = live.last_seen.max(heard.last);
        }
        for agent in self.table().agents.keys() {
            agents.entry(agent.to_string()).or_default();
        }
        for (name, live) in agents {
            let heard = known.everybody.0.get(name.as_str());
            live.reach = Some(heard.map_or(Reach::Observed, |heard| heard.reach(now)));
            live.leases = heard.map_or(0, |heard| u32::try_from(heard.live_leases(now)).unwrap_or(u32::MAX));
        }
    }

    /// Whom a switch over `scope` counts now: the live ones as requested, declared others as idle (protocol 3).
    pub fn counted(&self, scope: &Scope, now: Time) -> Vec<AgentProof> {
        let table = self.table();
        let known = self.known();
        let mut lines: BTreeMap<AgentId, ProofState> =
            table.agents.keys().map(|agent| (agent.clone(), ProofState::Idle)).collect();
        for (agent, heard) in &known.everybody.0 {
            if heard.is_counted(now) {
                lines.insert(agent.clone(), ProofState::Requested);
            }
        }
        lines.retain(|agent, _| table.is_in(scope, agent));
        lines.into_iter().map(|(id, state)| AgentProof { id, state, how: None, at: now }).collect()
    }

    /// An executed action under an engaged switch that would not have allowed it: slipped, in flight, or a breach (DET.9).
    pub fn observe(&self, action: &Action, now: Time) -> Vec<FiringChange> {
        let mut known = self.known();
        let behind = match known.everybody.of(&action.agent) {
            Some(heard) => {
                heard.last = heard.last.max(Some(action.at.min(now)));
                heard.behind
            }
            None => 0,
        };
        if action.status == Status::Denied {
            return Vec::new();
        }
        let table = self.table();
        let call = table.call_of(action);
        let against = table.engaged.values().filter(|switch| switch.decide(&call) != Decision::Allow);
        against.filter_map(|switch| known.went_past(switch, action, behind)).collect()
    }

    /// The proofs that changed since the log took them, and the breaches that closed.
    pub fn proofs(&self, now: Time) -> Vec<(SwitchId, HaltProof)> {
        let table = self.table();
        if table.engaged.is_empty() {
            return Vec::new();
        }
        let known = self.known();
        let proved = table.engaged.values().filter_map(|switch| {
            let effect = known.effects.get(&switch.id)?;
            let halt = proof(switch, effect, |agent| known.everybody.0.get(agent), now);
            (switch.recorded && halt != switch.halt).then_some((switch.id, halt))
        });
        proved.collect()
    }

    /// Breaches that nobody committed again for an hour.
    pub fn closed_breaches(&self, now: Time) -> Vec<FiringChange> {
        let mut closed = Vec::new();
        self.known().breaches.retain(|(switch, agent), breach| {
            let at = breach.last_at.plus(Time::HOUR);
            if at <= now {
                closed.push(FiringChange::Closed { key: key(*switch, agent), at });
            }
            at > now
        });
        closed
    }
}

impl Default for Interlock {
    fn default() -> Self {
        Self::new()
    }
}

impl Known {
    /// Breaches that were open before a restart go on, and close.
    fn recall_breaches(&mut self, world: &World) {
        let open = world.firings.values().filter(|firing| firing.state == FiringState::Open);
        for firing in open.filter(|firing| firing.key.tripwire == Tripwire::Breach) {
            if let Ok(switch) = firing.key.detail.parse() {
                let breach = Breach { count: firing.count, last_at: firing.at };
                self.breaches.insert((switch, firing.key.agent.clone()), breach);
            }
        }
    }

    fn went_past(&mut self, switch: &Switch, action: &Action, behind: i64) -> Option<FiringChange> {
        let effect = self.effects.get_mut(&switch.id)?;
        if action.at >= switch.harm_at.unwrap_or(switch.engaged_at) {
            effect.slip(Slipped { agent: action.agent.clone(), what: action.what().to_owned(), at: action.at });
        }
        // Its own clock's error is taken out before the two times are compared.
        let started = action.started.unwrap_or(action.at).plus(behind);
        if started <= effect.enforced_at {
            effect.in_flight += 1;
            return None;
        }
        effect.escaped.entry(action.agent.clone()).or_insert(action.at);
        let key = key(switch.id, &action.agent);
        match self.breaches.get_mut(&(switch.id, action.agent.clone())) {
            Some(breach) => {
                breach.count += 1;
                breach.last_at = breach.last_at.max(action.at);
                Some(FiringChange::Counted { key, count: breach.count, peak: None, last_at: breach.last_at })
            }
            None => {
                self.breaches.insert((switch.id, action.agent.clone()), Breach { count: 1, last_at: action.at });
                Some(FiringChange::Opened {
                    key,
                    at: action.at,
                    received_at: action.received_at,
                    window: None,
                    limit: None,
                    baseline: None,
                    note: Some(format!("{} was called under {} ({})", action.what(), switch.id, switch.mode)),
                    run: action.run.clone(),
                    workflow: action.workflow.as_ref().map(ToString::to_string),
                })
            }
        }
    }
}

fn key(switch: SwitchId, agent: &AgentId) -> FiringKey {
    FiringKey { tripwire: Tripwire::Breach, agent: agent.clone(), detail: switch.to_string() }
}
