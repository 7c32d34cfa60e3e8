//! What calls that were only asked for leave behind: how often each rule objected, and firings (DET.12).

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    Firing,
    before::{AskedCall, Objection},
    firing::{FiringChange, FiringKey, FiringState, Tripwire},
};
use crate::{
    runbook::BeforeStage,
    terms::{AgentId, Time},
};

/// Firings followed at once; one more is counted and fires when there is room.
const FOLLOWED: usize = 4_096;
/// Between two counts told of one firing.
const COALESCE: i64 = Time::SECOND;

/// How often a rule looked at a call before it ran, and objected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// The rule's name, or `authorisation`.
    pub name: String,
    /// Its stage.
    pub before: BeforeStage,
    /// Calls it looked at since the backend began.
    pub judged: u64,
    /// Those it would stop, or stopped.
    pub met: u64,
    /// The newest of them.
    pub last: Option<LastMet>,
}

/// A call that a rule objected to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastMet {
    /// When.
    pub at: Time,
    /// Whose.
    pub agent: AgentId,
    /// Why; quotes what agents wrote.
    pub note: String,
}

#[derive(Debug, Default)]
struct Count {
    judged: u64,
    met: u64,
    last: Option<LastMet>,
}

/// A firing of calls that were asked for.
#[derive(Debug)]
struct Followed {
    opening: Option<FiringChange>,
    count: u64,
    told: u64,
    told_at: Time,
    last_at: Time,
}

#[derive(Debug, Default)]
pub(super) struct AskedFirings {
    counts: HashMap<String, Count>,
    followed: BTreeMap<FiringKey, Followed>,
}

impl AskedFirings {
    fn of(&mut self, name: &str) -> &mut Count {
        if !self.counts.contains_key(name) {
            self.counts.insert(name.to_owned(), Count::default());
        }
        self.counts.entry(name.to_owned()).or_default()
    }

    pub fn judged(&mut self, name: &str) {
        self.of(name).judged += 1;
    }

    pub fn met(&mut self, asked: &AskedCall<'_>, objection: &Objection) {
        let count = self.of(&objection.name);
        count.met += 1;
        count.last = Some(LastMet { at: asked.at, agent: asked.agent.clone(), note: objection.note.clone() });
        if objection.stage < BeforeStage::Warn {
            return;
        }
        let key = objection.key(asked.agent);
        if let Some(followed) = self.followed.get_mut(&key) {
            followed.count += 1;
            followed.last_at = followed.last_at.max(asked.at);
        } else if self.followed.len() < FOLLOWED {
            let stopped = match objection.stage {
                BeforeStage::EnforceDeny => "refused",
                BeforeStage::EnforceHold => "held",
                _ => "warned",
            };
            let opening = FiringChange::Opened {
                key: key.clone(),
                at: asked.at,
                received_at: asked.at,
                window: objection.figures.0,
                limit: objection.figures.1,
                baseline: None,
                note: Some(format!("{stopped} before it ran: {}", objection.note)),
                run: asked.run.map(str::to_owned),
                workflow: asked.workflow.map(ToString::to_string),
            };
            let (count, last_at) = (1, asked.at);
            let followed = Followed { opening: Some(opening), count, told: 0, told_at: Time::default(), last_at };
            self.followed.insert(key, followed);
        }
    }

    pub fn changes(&self, now: Time) -> Vec<FiringChange> {
        let mut changes = Vec::new();
        for (key, followed) in &self.followed {
            let (count, last_at) = (followed.count, followed.last_at);
            changes.extend(followed.opening.clone());
            let over = last_at.plus(Time::HOUR) <= now;
            let opened = u64::from(followed.opening.is_some());
            if count > followed.told.max(opened) && (over || now.since(followed.told_at) >= COALESCE) {
                changes.push(FiringChange::Counted { key: key.clone(), count, peak: None, last_at });
            }
            if over {
                changes.push(FiringChange::Closed { key: key.clone(), at: last_at.plus(Time::HOUR) });
            }
        }
        changes
    }

    pub fn told(&mut self, changes: &[FiringChange], now: Time) {
        for change in changes {
            match change {
                FiringChange::Opened { key, .. } => {
                    if let Some(followed) = self.followed.get_mut(key) {
                        (followed.opening, followed.told, followed.told_at) = (None, 1, now);
                    }
                }
                FiringChange::Counted { key, count, .. } => {
                    if let Some(followed) = self.followed.get_mut(key) {
                        (followed.told, followed.told_at) = (*count, now);
                    }
                }
                FiringChange::Closed { key, .. } => {
                    self.followed.remove(key);
                }
            }
        }
    }

    pub fn reopen<'a>(&mut self, firings: impl IntoIterator<Item = &'a Firing>) {
        let open = firings.into_iter().filter(|firing| firing.state == FiringState::Open);
        for firing in open.filter(|firing| firing.key.asked().is_some()) {
            let (count, last_at) = (firing.count, firing.at);
            let followed = Followed { opening: None, count, told: count, told_at: Time::default(), last_at };
            self.followed.entry(firing.key.clone()).or_insert(followed);
        }
    }

    pub fn tally(&self, tripwire: Tripwire, name: &str, before: BeforeStage) -> Tally {
        let none = Count::default();
        let Count { judged, met, last } = self.counts.get(name).unwrap_or(&none);
        Tally { tripwire, name: name.to_owned(), before, judged: *judged, met: *met, last: last.clone() }
    }
}
