//! Who did what in a drill, and whose step was late (DRL.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::step::{ScoredStep, StepResult};
use crate::incident::Incident;

/// One role of a drill.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RoleScore {
    /// `commander`.
    pub role: String,
    /// Who held it, in their order.
    pub held_by: Vec<String>,
    /// Seconds from the declaration until somebody took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_after_s: Option<f64>,
    /// Its steps that were done in time.
    pub kept: Vec<String>,
    /// Its steps that were late.
    pub late: Vec<String>,
    /// Its steps that nobody took.
    pub missed: Vec<String>,
}

/// One person of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonScore {
    /// Their name.
    pub who: String,
    /// What they did, as often as the log holds it: acts in the incidents' timelines.
    pub acts: usize,
    /// Roles they held.
    pub roles: BTreeSet<String>,
    /// Steps they took.
    pub steps: Vec<String>,
}

fn name(step: &ScoredStep) -> String {
    step.incident.map_or_else(|| step.step.clone(), |incident| format!("{incident} {}", step.step))
}

/// Every role that a step belongs to or that somebody held.
pub(super) fn roles(incidents: &[&Incident], steps: &[ScoredStep]) -> Vec<RoleScore> {
    let mut roles: BTreeMap<&str, RoleScore> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.result != StepResult::NotDue) {
        let role = roles.entry(&step.role).or_default();
        match step.result {
            StepResult::Kept => role.kept.push(name(step)),
            StepResult::Late => role.late.push(name(step)),
            StepResult::Missed => role.missed.push(name(step)),
            StepResult::Open | StepResult::NotDue => {}
        }
    }
    for incident in incidents {
        for change in &incident.team.handovers {
            let Some(who) = &change.to else { continue };
            let role = roles.entry(&change.role).or_default();
            if !role.held_by.contains(who) {
                role.held_by.push(who.clone());
            }
            role.taken_after_s.get_or_insert(change.at.since(incident.declared_at) as f64 / 1_000.0);
        }
    }
    roles.into_iter().map(|(name, role)| RoleScore { role: name.to_owned(), ..role }).collect()
}

/// Every person who did anything.
pub(super) fn people(incidents: &[&Incident], steps: &[ScoredStep]) -> Vec<PersonScore> {
    let mut people: BTreeMap<String, PersonScore> = BTreeMap::new();
    for incident in incidents {
        for entry in incident.timeline.iter().filter(|entry| entry.by.is_person()) {
            people.entry(entry.by.name().to_owned()).or_default().acts += 1;
        }
        for change in &incident.team.handovers {
            let Some(who) = &change.to else { continue };
            people.entry(who.clone()).or_default().roles.insert(change.role.clone());
        }
    }
    for step in steps {
        let Some(by) = step.by.as_ref().filter(|by| by.is_person()) else { continue };
        people.entry(by.name().to_owned()).or_default().steps.push(name(step));
    }
    people.into_iter().map(|(who, person)| PersonScore { who, ..person }).collect()
}
