//! What was asked, and what was answered: against it the log is held in the end.

use std::collections::{BTreeMap, BTreeSet};

use andon::{
    api::Accepted,
    incident::{Event, Fact, World, containment::SwitchState},
    terms::{AgentId, Time},
};
use uuid::Uuid;

use super::writing::Written;

/// A halt that was acknowledged.
#[derive(Clone)]
pub struct Halted {
    pub agent: AgentId,
    /// Durably; otherwise while the backend lives.
    pub recorded: bool,
    /// In which life of the backend.
    pub life: u64,
    /// When that was known.
    pub at: Time,
}

/// What became of a command, as its author was told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Nobody knows yet.
    Nothing,
    /// Done.
    Done(Vec<Event>),
    /// Done, its facts not told.
    Once,
    /// In force, and not recorded.
    InForce,
    /// Not done.
    Refused(String),
}

#[derive(Default)]
pub struct Ledger {
    pub asked: BTreeMap<Uuid, Told>,
    pub halted: Vec<Halted>,
    /// What must never happen, and did.
    pub wrong: Vec<String>,
    /// How often who was told what, for a figure.
    pub kept: usize,
    pub checks: usize,
    /// What agents did under their leases, and were halted before.
    pub acts: usize,
    pub stopped: usize,
    /// Actions that counted, in which life of the backend.
    pub counted: BTreeSet<(u64, Uuid)>,
    /// What was written in the draft.
    pub written: Written,
}

/// The text that tells one command's facts from another's.
pub fn mark(id: Uuid) -> String {
    format!("m{}", id.simple())
}

impl Ledger {
    pub fn ask(&mut self, id: Uuid) {
        self.asked.insert(id, Told::Nothing);
    }

    /// Somebody was answered.
    pub fn done(&mut self, id: Uuid, accepted: Accepted) {
        if !accepted.recorded {
            self.asked.insert(id, Told::InForce);
            return;
        }
        if let Some(Told::Done(first)) = self.asked.get(&id)
            && *first != accepted.events
        {
            self.wrong.push(format!("{id} was answered twice, and not alike"));
        }
        if let Some(Told::Refused(why)) = self.asked.get(&id) {
            self.wrong.push(format!("{id} was done after it was refused: {why}"));
        }
        self.asked.insert(id, Told::Done(accepted.events));
    }

    /// Somebody was told that it was done, and no more.
    pub fn done_once(&mut self, id: Uuid) {
        if !matches!(self.asked.get(&id), Some(Told::Done(_))) {
            self.asked.insert(id, Told::Once);
        }
    }

    pub fn refused(&mut self, id: Uuid, why: String) {
        if let Some(Told::Done(_)) = self.asked.get(&id) {
            self.wrong.push(format!("{id} was refused after it was done: {why}"));
        }
        self.asked.insert(id, Told::Refused(why));
    }

    /// Holds the whole log against what people were told.
    pub fn hold_against(&self, log: &[Event], world: &World) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        let mut found: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
        for event in log {
            found.entry(of(event).unwrap_or_default()).or_default().push(event);
        }
        for (id, told) in &self.asked {
            let events = found.get(&mark(*id)).map(Vec::as_slice).unwrap_or_default();
            if events.len() > 1 {
                wrong.push(format!("{id} was applied {} times", events.len()));
            }
            match told {
                Told::Done(acknowledged) => {
                    for event in acknowledged {
                        let at = usize::try_from(event.position).unwrap() - 1;
                        if log.get(at) != Some(event) {
                            wrong.push(format!("{id} was acknowledged at {} and is not there", event.position));
                        }
                    }
                    // A severity that was so already makes no fact.
                    if events.is_empty() && !acknowledged.is_empty() {
                        wrong.push(format!("{id} was acknowledged and is lost"));
                    }
                }
                Told::Once if events.is_empty() => wrong.push(format!("{id} was said to be done and is lost")),
                Told::Refused(why) if !events.is_empty() => {
                    wrong.push(format!("{id} was applied, and its author told that it was refused: {why}"));
                }
                _ => {}
            }
        }
        wrong.extend(self.written.hold_against(log, world));
        for halted in self.halted.iter().filter(|halted| halted.recorded) {
            let engaged = world.switches.values().any(|switch| {
                switch.scope.agent.as_ref() == Some(&halted.agent) && switch.state == SwitchState::Engaged
            });
            if !engaged {
                wrong.push(format!("the switch over {} is forgotten", halted.agent));
            }
        }
        wrong
    }
}

/// The mark of the command behind an event.
fn of(event: &Event) -> Option<String> {
    let text = match &event.fact {
        Fact::NoteAdded { text } => text.clone(),
        Fact::IncidentDeclared { title, .. } => title.clone(),
        Fact::SeveritySet { why, .. } => why.clone(),
        Fact::SwitchEngaged { why, .. } => why.clone()?,
        _ => return None,
    };
    text.starts_with('m').then_some(text)
}
