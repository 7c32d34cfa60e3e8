//! What went past a switch: slipped, in flight, or a breach (DET.9); and what a person let pass (CON.12).

use std::{collections::BTreeMap, sync::Arc};

use imbl::OrdMap;

use super::{
    heard::Lease,
    world::{GRANTS, Known},
};
use crate::{
    incident::{
        World,
        containment::{Call, Hold, HoldState, Slipped, Switch},
    },
    telemetry::Action,
    terms::{AgentId, HoldId, SwitchId, Time, ToolName},
    tripwire::{FiringChange, FiringKey, FiringState, Tripwire},
};

/// A breach that is open: how often it was met, and when last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Breach {
    pub(super) count: u64,
    pub(super) last_at: Time,
}

/// One approved call.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) agent: Option<AgentId>,
    pub(super) tool: Option<ToolName>,
    pub(super) switches: Vec<SwitchId>,
    pub(super) at: Time,
}

impl Known {
    /// Whether the proof of an engaged switch still rests on a lease.
    pub(super) fn rests_on(&self, lease: &Lease) -> bool {
        self.effects.values().any(|effect| effect.rests_on(lease))
    }

    pub(super) fn grant(&mut self, grant: Grant) {
        self.granted.retain(|old| grant.at.since(old.at) < Time::DAY);
        if self.granted.len() >= GRANTS {
            self.granted.remove(0);
        }
        self.granted.push(grant);
    }

    /// Takes the tickets that were used since the last look, at whichever node. One call may have used several at once.
    pub(super) fn follow_used(&mut self, holds: &OrdMap<HoldId, Arc<Hold>>) {
        let used = holds.values().rev().take(GRANTS).filter(|hold| hold.state == HoldState::Used);
        let used: Vec<&Hold> = used.map(AsRef::as_ref).collect();
        let before = self.used.replace(used.iter().map(|hold| hold.id).collect());
        // What was used before this process began, the ones before saw.
        let Some(before) = before else { return };
        let mut calls: BTreeMap<_, Vec<SwitchId>> = BTreeMap::new();
        for hold in used.iter().rev().filter(|hold| !before.contains(&hold.id)) {
            let call = (hold.ended_at.unwrap_or(hold.opened_at), hold.call.agent.clone(), hold.call.tool.clone());
            calls.entry(call).or_default().extend(hold.switch);
        }
        for ((at, agent, tool), switches) in calls {
            self.grant(Grant { agent, tool, switches, at });
        }
    }

    /// The switches that an approval of this call passes; once.
    pub(super) fn take_grant(&mut self, call: &Call) -> Vec<SwitchId> {
        let of = self.granted.iter().position(|grant| (&grant.agent, &grant.tool) == (&call.agent, &call.tool));
        of.map(|at| self.granted.remove(at).switches).unwrap_or_default()
    }

    /// Breaches that were open before a restart go on, and close.
    pub(super) fn recall_breaches(&mut self, world: &World) {
        let open = world.firings.values().filter(|firing| firing.state == FiringState::Open);
        for firing in open.filter(|firing| firing.key.tripwire == Tripwire::Breach) {
            if let Ok(switch) = firing.key.detail.parse() {
                let breach = Breach { count: firing.count, last_at: firing.at };
                self.breaches.insert((switch, firing.key.agent.clone()), breach);
            }
        }
    }

    pub(super) fn went_past(&mut self, switch: &Switch, action: &Action, began: Time) -> Option<FiringChange> {
        let effect = self.effects.get_mut(&switch.id)?;
        effect.slip(slipped(action));
        if action.received_at < effect.enforced_at {
            // It was over before.
            return None;
        }
        if began <= effect.enforced_at {
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

pub(super) fn key(switch: SwitchId, agent: &AgentId) -> FiringKey {
    FiringKey { tripwire: Tripwire::Breach, agent: agent.clone(), detail: switch.to_string() }
}

pub(super) fn slipped(action: &Action) -> Slipped {
    Slipped { agent: action.agent.clone(), what: action.what().to_owned(), at: action.at }
}
