//! What calls that were only asked for leave behind: how often each rule objected, and firings (DET.12).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Firing,
    before::{AskedCall, Objection},
    firing::{FiringChange, Tripwire},
    own::OwnFirings,
};
use crate::{
    runbook::BeforeStage,
    terms::{AgentId, Time},
};

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

#[derive(Debug, Default)]
pub(super) struct AskedFirings {
    counts: HashMap<String, Count>,
    firings: OwnFirings,
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
        let stopped = match objection.stage {
            BeforeStage::EnforceDeny => "refused",
            BeforeStage::EnforceHold => "held",
            _ => "warned",
        };
        self.firings.meet(objection.key(asked.agent), asked.at, |key| FiringChange::Opened {
            key,
            at: asked.at,
            received_at: asked.at,
            window: objection.figures.0,
            limit: objection.figures.1,
            baseline: None,
            note: Some(format!("{stopped} before it ran: {}", objection.note)),
            run: asked.run.map(str::to_owned),
            workflow: asked.workflow.map(ToString::to_string),
        });
    }

    pub fn changes(&self, now: Time) -> Vec<FiringChange> {
        self.firings.changes(now)
    }

    pub fn told(&mut self, changes: &[FiringChange], now: Time) {
        self.firings.told(changes, now);
    }

    pub fn reopen<'a>(&mut self, firings: impl IntoIterator<Item = &'a Firing>) {
        self.firings.reopen(firings, |key| key.asked().is_some());
    }

    pub fn tally(&self, tripwire: Tripwire, name: &str, before: BeforeStage) -> Tally {
        let none = Count::default();
        let Count { judged, met, last } = self.counts.get(name).unwrap_or(&none);
        Tally { tripwire, name: name.to_owned(), before, judged: *judged, met: *met, last: last.clone() }
    }
}
