//! What one node heard of agents, as it tells the other nodes of its database: an agent leased at one node is proved stopped
//! by whichever node proves (CON.10, protocol 3).

use std::{collections::BTreeMap, sync::atomic::Ordering};

use serde::{Deserialize, Serialize};

use super::{Interlock, heard::Lease};
use crate::{
    api::Writer,
    backend::clock::Moment,
    incident::{OnBlind, containment::Slipped},
    terms::{AgentId, DrillId, SwitchId, Time},
};

/// One node's sight.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sighting {
    /// Who works with a cockpit at it.
    pub present: Vec<String>,
    /// Who writes in which draft there.
    pub writing: Vec<Writer>,
    /// Who follows which drill there.
    pub in_drills: Vec<(DrillId, String)>,
    agents: BTreeMap<AgentId, Seen>,
    effects: BTreeMap<SwitchId, Effects>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Seen {
    last: Option<Time>,
    acted: Option<Time>,
    checked: Option<Time>,
    gated: Option<Time>,
    began: Option<Time>,
    behind: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    refused: BTreeMap<SwitchId, Time>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    leases: BTreeMap<String, SeenLease>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SeenLease {
    /// Milliseconds that it still lives; clocks of two hosts differ.
    left_ms: i64,
    version: u64,
    at: Time,
    on_blind: OnBlind,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Effects {
    escaped: BTreeMap<AgentId, Time>,
    slipped: Vec<Slipped>,
    in_flight: u32,
}

impl Interlock {
    /// What this node heard by itself of those whom a switch would count.
    pub fn sighting(&self, now: Time) -> Sighting {
        let moment = self.moment(now);
        let known = self.known();
        let counted = known.everybody.agents.iter().filter(|(_, heard)| heard.is_counted(moment));
        let lease = |lease: &Lease| SeenLease {
            left_ms: lease.until.since(moment.steady),
            version: lease.acknowledged.0,
            at: lease.acknowledged.1,
            on_blind: lease.on_blind,
        };
        let agents = counted.map(|(agent, heard)| {
            let own = heard.leases.iter().filter(|(_, lease)| lease.here);
            let seen = Seen {
                last: heard.last,
                acted: heard.acted,
                checked: heard.checked,
                gated: heard.gated,
                began: heard.began,
                behind: heard.behind,
                refused: heard.refused.clone(),
                leases: own.map(|(instance, held)| (instance.clone(), lease(held))).collect(),
            };
            (agent.clone(), seen)
        });
        let agents = agents.collect();
        let own = |_: &_| !self.sees_all.load(Ordering::Acquire);
        let effects = known.effects.iter().filter(own).map(|(switch, effect)| {
            let (escaped, slipped) = (effect.escaped.clone(), effect.slipped().to_vec());
            (*switch, Effects { escaped, slipped, in_flight: effect.in_flight })
        });
        Sighting { agents, effects: effects.collect(), ..Sighting::default() }
    }

    /// Takes what another node heard, told `age_ms` ago. Its leases live as long as it said, and not longer for being told.
    pub fn take_sighting(&self, node: uuid::Uuid, sighting: &Sighting, age_ms: i64, now: Time) {
        let moment = self.moment(now);
        let mut known = self.known();
        for (agent, seen) in &sighting.agents {
            let Some(heard) = known.everybody.of(agent) else { continue };
            heard.last = heard.last.max(seen.last);
            heard.acted = heard.acted.max(seen.acted);
            heard.checked = heard.checked.max(seen.checked);
            heard.gated = heard.gated.max(seen.gated);
            heard.began = heard.began.max(seen.began);
            heard.first = heard.first.or(seen.last);
            heard.behind = heard.behind.into_iter().chain(seen.behind).min();
            for (switch, at) in &seen.refused {
                let known = heard.refused.entry(*switch).or_insert(*at);
                *known = (*known).max(*at);
            }
            for (instance, lease) in &seen.leases {
                take_lease(heard.leases.entry(instance.clone()), lease, age_ms, moment);
            }
        }
        for (switch, told) in &sighting.effects {
            let Some(effect) = known.effects.get_mut(switch) else { continue };
            for (agent, at) in &told.escaped {
                effect.escaped.entry(agent.clone()).or_insert(*at);
            }
            for slipped in &told.slipped {
                if !effect.slipped().contains(slipped) {
                    effect.slip(slipped.clone());
                }
            }
            effect.in_flight_elsewhere.insert(node, told.in_flight);
        }
    }
}

fn take_lease(
    place: std::collections::btree_map::Entry<'_, String, Lease>,
    told: &SeenLease,
    age_ms: i64,
    now: Moment,
) {
    let until = now.steady.plus(told.left_ms.saturating_sub(age_ms.max(0)));
    let lease =
        Lease { until, acknowledged: (told.version, told.at), on_blind: told.on_blind, holder: None, here: false };
    match place {
        std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(lease)),
        std::collections::btree_map::Entry::Occupied(mut place) => {
            let known = place.get_mut();
            // An instance that went on to another node is where it was renewed last.
            if until > known.until || !known.here {
                let newest = known.acknowledged.0.max(told.version);
                let at = if newest == known.acknowledged.0 { known.acknowledged.1 } else { told.at };
                *known = Lease { acknowledged: (newest, at), ..lease };
            }
        }
    }
}
