//! Who is proved stopped under one switch: requested → enforced → confirmed, no answer or escaped (CON.10, protocol 3).

use std::collections::BTreeMap;

use super::heard::{Everybody, Heard, Lease};
use crate::{
    backend::clock::Moment,
    incident::{
        OnBlind,
        containment::{AgentProof, HaltProof, ProofHow, ProofState, Slipped, Switch},
    },
    terms::{AgentId, Time},
};

/// After how long without any proof an agent reads “no answer”.
const NO_ANSWER: i64 = 30 * Time::SECOND;
/// How long after the switch was enforced a source must still deliver before one of its agents reads “silent”.
const SILENT: i64 = 10 * Time::SECOND;
/// Slipped actions kept at most.
pub const SLIPPED: usize = 100;

/// What is known of one engaged switch besides its facts.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// When a table first answered it.
    pub enforced_at: Time,
    /// The same by the steady clock.
    pub enforced_steady: Time,
    /// The version of the table that answers it.
    pub version: u64,
    /// Who acted in spite of it, and when first.
    pub escaped: BTreeMap<AgentId, Time>,
    /// Actions that had started before.
    pub in_flight: u32,
    /// The same, as other nodes saw them.
    pub in_flight_elsewhere: BTreeMap<uuid::Uuid, u32>,
    /// Executed actions in scope, newest last.
    slipped: Vec<Slipped>,
    /// From when on the stored actions have been looked through for it.
    pub looked_back: Option<Time>,
}

impl Effect {
    /// From now on the table answers it; what was recorded of it before a restart still counts.
    pub fn new(switch: &Switch, version: u64, now: Moment) -> Self {
        let escaped = switch.halt.agents.iter().filter(|agent| agent.state == ProofState::Escaped);
        Self {
            enforced_at: switch.halt.enforced_at.unwrap_or(now.utc),
            enforced_steady: now.steady_of(switch.halt.enforced_at.unwrap_or(now.utc)),
            version,
            escaped: escaped.map(|agent| (agent.id.clone(), agent.at)).collect(),
            in_flight: switch.halt.in_flight,
            in_flight_elsewhere: BTreeMap::new(),
            slipped: switch.halt.slipped.clone(),
            looked_back: None,
        }
    }

    /// Whether a proof of it still rests on `lease`: it was live then, and nobody knows that its holder stopped.
    pub fn rests_on(&self, lease: &Lease) -> bool {
        lease.goes_on(self.enforced_steady)
            && lease.on_blind == OnBlind::Continue
            && lease.acknowledged.0 < self.version
    }

    /// Executed actions in scope, newest last.
    pub fn slipped(&self) -> &[Slipped] {
        &self.slipped
    }

    /// An executed action in scope.
    pub fn slip(&mut self, slipped: Slipped) {
        let place = self.slipped.partition_point(|other| other.at <= slipped.at);
        self.slipped.insert(place, slipped);
        if self.slipped.len() > SLIPPED {
            self.slipped.remove(0);
        }
    }

    /// What the store holds of it from `from` on; what was seen live as well counts once.
    pub fn look_back(&mut self, from: Time, mut found: Vec<Slipped>) {
        self.looked_back = Some(from);
        for seen in &self.slipped {
            if let Some(same) = found.iter().position(|other| other == seen) {
                found.swap_remove(same);
            }
        }
        for slipped in found {
            self.slip(slipped);
        }
    }
}

/// The proof of `switch` as it stands at `now`.
pub fn proof(switch: &Switch, effect: &Effect, everybody: &Everybody, now: Moment) -> HaltProof {
    let known = |id: &AgentId| switch.halt.agents.iter().any(|agent| agent.id == *id);
    let restored = |agent: &&AgentProof| !switch.except.contains(&agent.id);
    let mut agents: Vec<AgentProof> = switch
        .halt
        .agents
        .iter()
        .filter(restored)
        .map(|before| judge(switch, before, effect, everybody, now))
        .collect();
    // One that nobody counted may escape all the same.
    agents.extend(effect.escaped.iter().filter(|(id, _)| !known(id)).map(|(id, at)| AgentProof {
        id: id.clone(),
        state: ProofState::Escaped,
        how: None,
        at: *at,
    }));
    let count = |state| u32::try_from(agents.iter().filter(|agent| agent.state == state).count()).unwrap_or(u32::MAX);
    let counted = u32::try_from(agents.len()).unwrap_or(u32::MAX) - count(ProofState::Idle);
    let confirmed = count(ProofState::Confirmed);
    let zero = switch.harm_at.unwrap_or(switch.engaged_at);
    let last = agents.iter().filter(|agent| agent.state == ProofState::Confirmed).map(|agent| agent.at).max();
    HaltProof {
        counted,
        confirmed,
        silent: count(ProofState::Silent),
        no_answer: count(ProofState::NoAnswer),
        escaped: count(ProofState::Escaped),
        in_flight: effect.in_flight + effect.in_flight_elsewhere.values().sum::<u32>(),
        confirmed_in_s: last.filter(|_| confirmed == counted).map(|last| last.since(zero) as f64 / 1_000.0),
        slipped: effect.slipped.iter().filter(|slipped| slipped.at >= zero).cloned().collect(),
        enforced_at: Some(effect.enforced_at),
        agents,
    }
}

fn judge(switch: &Switch, before: &AgentProof, effect: &Effect, everybody: &Everybody, now: Moment) -> AgentProof {
    let heard = everybody.agents.get(&before.id);
    let line = |state, how, at| AgentProof { id: before.id.clone(), state, how, at };
    if let Some(at) = effect.escaped.get(&before.id) {
        return line(ProofState::Escaped, None, *at);
    }
    if matches!(before.state, ProofState::Confirmed | ProofState::Idle) {
        return before.clone();
    }
    if let Some((how, at)) = heard.and_then(|heard| stopped(switch, effect, heard, now)) {
        return line(ProofState::Confirmed, Some(how), at);
    }
    if heard.and_then(|heard| heard.began).is_none_or(|began| began <= effect.enforced_at) {
        let went_on = everybody.went_on_without(&before.id);
        if before.state == ProofState::Silent {
            return before.clone();
        } else if let Some(at) = went_on.filter(|at| at.since(effect.enforced_at) >= SILENT) {
            return line(ProofState::Silent, None, at);
        }
    }
    let given_up = switch.engaged_at.plus(NO_ANSWER);
    if now.utc >= given_up {
        return line(ProofState::NoAnswer, None, given_up);
    }
    line(ProofState::Enforced, None, effect.enforced_at)
}

/// What proves it: every instance that was live acknowledged or ran out, else a refusal at a later check.
fn stopped(switch: &Switch, effect: &Effect, heard: &Heard, now: Moment) -> Option<(ProofHow, Time)> {
    let mut leased = heard.leases.values().filter(|lease| lease.goes_on(effect.enforced_steady)).peekable();
    if leased.peek().is_none() {
        let at = *heard.refused.get(&switch.id)?;
        return (at >= effect.enforced_at).then_some((ProofHow::Refused, at));
    }
    let mut all = (ProofHow::Acknowledged, effect.enforced_at);
    for lease in leased {
        let (how, at) = if lease.acknowledged.0 >= effect.version {
            (ProofHow::Acknowledged, lease.acknowledged.1)
        } else if lease.until <= now.steady && lease.on_blind == OnBlind::Stop {
            (ProofHow::Expired, now.utc_of(lease.until))
        } else {
            return None;
        };
        all = (if how == ProofHow::Expired { how } else { all.0 }, all.1.max(at));
    }
    Some(all)
}
