//! Who was heard of, how and when: leases, checks, refusals, clocks. The ground of reach and proof. Bounded.

use std::collections::{BTreeMap, HashMap};

use crate::{
    incident::{OnBlind, Reach},
    terms::{AgentId, SwitchId, Time},
};

/// How long a lease lives without renewal.
pub const TTL_S: u64 = 5;
/// The same, in milliseconds.
const TTL: i64 = TTL_S as i64 * Time::SECOND;
/// Agents followed at most; beyond it new ones are answered, not followed.
const AGENTS: usize = 1 << 16;
/// Instances followed at most, per agent.
const INSTANCES: usize = 1 << 10;
/// How long an expired lease is remembered: a proof may rest on it.
const REMEMBERED: i64 = 10 * Time::MINUTE;

/// One instance's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// When it ends without renewal, by the backend's clock.
    pub until: Time,
    /// The newest version it acknowledged, and when it did first.
    pub acknowledged: (u64, Time),
    /// What it does when blind.
    pub on_blind: OnBlind,
}

/// One agent.
#[derive(Debug, Default)]
pub struct Heard {
    /// Its newest action, check or lease.
    pub last: Option<Time>,
    checked: Option<Time>,
    gated: Option<Time>,
    /// Leases by instance.
    pub leases: BTreeMap<String, Lease>,
    /// The newest refusal by each switch.
    pub refused: BTreeMap<SwitchId, Time>,
    /// The least received − sent: how far its clock is behind ours.
    pub behind: i64,
    behind_known: bool,
}

/// By which way somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It asks by itself.
    Check,
    /// Something before its tools asks.
    Gate,
}

impl Heard {
    /// Live leases now.
    pub fn live_leases(&self, now: Time) -> usize {
        self.leases.values().filter(|lease| lease.until > now).count()
    }

    /// How a switch reaches it (CON.16).
    pub fn reach(&self, now: Time) -> Reach {
        let lately = |at: Option<Time>| at.is_some_and(|at| now.since(at) < Time::DAY);
        if self.live_leases(now) > 0 {
            Reach::Leased
        } else if lately(self.gated) {
            Reach::Gated
        } else if lately(self.checked) {
            Reach::Checks
        } else {
            Reach::Observed
        }
    }

    /// Whether a switch that engages now counts it.
    pub fn is_counted(&self, now: Time) -> bool {
        self.live_leases(now) > 0 || self.last.is_some_and(|at| now.since(at) < Time::DAY)
    }

    /// It was heard at `now`, and says it sent at `sent`.
    fn hear(&mut self, sent: Option<Time>, now: Time) {
        self.last = Some(now);
        if let Some(sent) = sent {
            let behind = now.since(sent);
            self.behind = if self.behind_known { self.behind.min(behind) } else { behind };
            self.behind_known = true;
        }
    }

    /// It asked.
    pub fn check(&mut self, way: Way, sent: Option<Time>, now: Time) {
        self.hear(sent, now);
        match way {
            Way::Check => self.checked = Some(now),
            Way::Gate => self.gated = Some(now),
        }
    }

    /// It renewed, and enforces `version`. False when it has too many instances to follow another.
    pub fn renew(&mut self, instance: &str, version: u64, on_blind: OnBlind, sent: Option<Time>, now: Time) -> bool {
        self.hear(sent, now);
        self.leases.retain(|_, lease| now.since(lease.until) < REMEMBERED);
        if !self.leases.contains_key(instance) && self.leases.len() >= INSTANCES {
            return false;
        }
        let acknowledged = match self.leases.get(instance) {
            Some(lease) if lease.acknowledged.0 >= version => lease.acknowledged,
            _ => (version, now),
        };
        self.leases.insert(instance.to_owned(), Lease { until: now.plus(TTL), acknowledged, on_blind });
        true
    }
}

/// Every agent heard of.
#[derive(Debug, Default)]
pub struct Everybody(pub HashMap<AgentId, Heard>);

impl Everybody {
    /// The line of `agent`, unless there are too many.
    pub fn of(&mut self, agent: &AgentId) -> Option<&mut Heard> {
        if !self.0.contains_key(agent) {
            if self.0.len() >= AGENTS {
                return None;
            }
            self.0.insert(agent.clone(), Heard::default());
        }
        self.0.get_mut(agent)
    }
}
