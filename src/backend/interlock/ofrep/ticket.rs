//! Tickets for the event stream: an EventSource carries no header, so what admits it stands in the URL. Good once, for 60 s,
//! for the agent and by the identity that asked; kept as a digest, written to no log.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use crate::{
    api::CheckRequest,
    backend::identity::{Identity, hash_of},
    terms::{AgentId, DrillId, Time},
};

/// How long a ticket waits to be used.
const TTL: i64 = Time::MINUTE;
/// Tickets that wait at most, per source: beyond it the oldest of that source gives way.
const WAITING: usize = 1 << 13;
/// Agents owed a fresh ticket that are remembered at most.
const OWED: usize = 1 << 16;

/// What a ticket admits to.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Who asked.
    pub identity: Identity,
    /// In which world.
    pub drill: Option<DrillId>,
    /// What: the flags that are watched.
    pub asked: CheckRequest,
    /// How they were told.
    pub tag: String,
    until: Time,
}

#[derive(Default)]
struct State {
    waiting: HashMap<String, Ticket>,
    order: HashMap<String, VecDeque<String>>,
    owed: HashSet<AgentId>,
}

/// Every ticket that waits, and who is owed another.
pub struct Tickets {
    /// New with every start.
    pub process: String,
    state: Mutex<State>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self { process: Uuid::new_v4().to_string(), state: Mutex::default() }
    }
}

impl Tickets {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket's secret; none where the system has no randomness.
    pub fn issue(
        &self,
        identity: &Identity,
        drill: Option<DrillId>,
        asked: &CheckRequest,
        tag: &str,
        now: Time,
    ) -> Option<String> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).ok()?;
        let secret = hex::encode(bytes);
        let digest = hash_of(&secret);
        let ticket = Ticket {
            identity: identity.clone(),
            drill,
            asked: asked.clone(),
            tag: tag.to_owned(),
            until: now.plus(TTL),
        };
        let State { waiting, order, owed } = &mut *self.state();
        let order = order.entry(identity.source()).or_default();
        while let Some(oldest) = order.front() {
            let over = waiting.get(oldest).is_none_or(|oldest| oldest.until <= now);
            if !over && order.len() < WAITING {
                break;
            }
            waiting.remove(oldest);
            order.pop_front();
        }
        order.push_back(digest.clone());
        waiting.insert(digest, ticket);
        owed.remove(&asked.agent);
        Some(secret)
    }

    /// What a ticket admits to. Shown once it is gone, whatever comes of it; a wrong one makes `agent` be owed another.
    pub fn take(&self, secret: &str, agent: &AgentId, now: Time) -> Option<Ticket> {
        let found = self.state().waiting.remove(&hash_of(secret));
        let good = found.filter(|ticket| ticket.asked.agent == *agent && ticket.until > now);
        if good.is_none() {
            self.owe(agent);
        }
        good
    }

    /// `agent` has no stream any more: its next bulk answer is whole, with a fresh ticket, even when no flag changed.
    pub fn owe(&self, agent: &AgentId) {
        let owed = &mut self.state().owed;
        if owed.len() >= OWED {
            // Whoever is forgotten here shows its old ticket again, and is owed again.
            owed.clear();
        }
        owed.insert(agent.clone());
    }

    /// Whether a fresh ticket is owed.
    pub fn is_owed(&self, agent: &AgentId) -> bool {
        self.state().owed.contains(agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(agent: &str) -> CheckRequest {
        serde_json::from_value(serde_json::json!({"agent": agent})).unwrap()
    }

    #[test]
    fn a_ticket_is_good_once_for_a_minute_for_its_agent() {
        let (tickets, who, now) = (Tickets::default(), Identity::loopback(), Time::from_millis(1_795_183_200_000));
        let issue = |agent: &str, at: Time| tickets.issue(&who, None, &asked(agent), "\"a\"", at).unwrap();
        let (bot, other) = (asked("refund-bot").agent, asked("mail-bot").agent);

        let secret = issue("refund-bot", now);
        assert_eq!(secret.len(), 64);
        assert_eq!(tickets.take(&secret, &bot, now.plus(59_999)).unwrap().identity, who);
        assert!(!tickets.is_owed(&bot));
        assert!(tickets.take(&secret, &bot, now).is_none(), "used");
        assert!(tickets.is_owed(&bot));
        let late = issue("refund-bot", now);
        assert!(!tickets.is_owed(&bot), "a fresh one pays");
        assert!(tickets.take(&late, &bot, now.plus(60_000)).is_none(), "ran out");
        let stolen = issue("refund-bot", now);
        assert!(tickets.take(&stolen, &other, now).is_none(), "another agent's");
        assert!(tickets.take(&stolen, &bot, now).is_none(), "it was shown already");
        assert!(tickets.take("", &bot, now).is_none());
    }

    #[test]
    fn tickets_that_wait_are_bounded_by_source() {
        let (tickets, now) = (Tickets::default(), Time::from_millis(0));
        let mine = tickets.issue(&Identity::person("dana"), None, &asked("a"), "", now).unwrap();
        let first = tickets.issue(&Identity::loopback(), None, &asked("a"), "", now).unwrap();
        for _ in 0..WAITING {
            tickets.issue(&Identity::loopback(), None, &asked("a"), "", now).unwrap();
        }
        assert_eq!(tickets.state().waiting.len(), WAITING + 1);
        assert!(tickets.take(&first, &asked("a").agent, now).is_none(), "the oldest gave way");
        assert!(tickets.take(&mine, &asked("a").agent, now).is_some(), "nobody else's did");
        tickets.issue(&Identity::loopback(), None, &asked("a"), "", now.plus(TTL)).unwrap();
        assert_eq!(tickets.state().waiting.len(), 1, "what ran out is forgotten");

        for guess in 0..=OWED {
            tickets.take("guessed", &asked(&format!("agent-{guess}")).agent, now);
        }
        assert!(tickets.state().owed.len() <= OWED && tickets.is_owed(&asked(&format!("agent-{OWED}")).agent));
    }
}
