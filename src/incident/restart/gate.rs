//! Whether an incident's own agents may go on: each condition, met, accepted or open (RST.1, RST.4).

use serde::{Deserialize, Serialize};

use super::Approval;
use crate::{
    incident::Incident,
    runbook::{KnownBy, Runbook},
    terms::words,
};

words! {
    /// Where a condition stands.
    ConditionState, "a condition's state" {
        /// A recorded fact meets it.
        Met = "met",
        /// A person accepted it as it is, with a reason.
        Accepted = "accepted",
        /// Neither.
        Open = "open",
    }
}

/// One condition at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `contained`.
    pub id: String,
    /// In words.
    pub title: String,
    /// Where it stands.
    pub state: ConditionState,
    /// Needed even for reading.
    pub light: bool,
    /// What shows it, or what to do about it; may hold person-written text.
    pub words: String,
}

/// Every condition of the runbook, in order.
pub fn conditions(incident: &Incident, runbook: &Runbook) -> Vec<Condition> {
    let plan = &runbook.restart;
    let conditions = plan.conditions.iter().map(|condition| {
        let met = condition.known.and_then(|known| shown(incident, runbook, known));
        let accepted = incident.gate.accepted.iter().rev().find(|one| one.condition == condition.id);
        let (state, words) = match (met, accepted) {
            (Some(words), _) => (ConditionState::Met, words),
            (None, Some(accepted)) => (ConditionState::Accepted, format!("{}: {}", accepted.by, accepted.why)),
            (None, None) => (ConditionState::Open, condition.advice.clone()),
        };
        Condition { id: condition.id.clone(), title: condition.title.clone(), state, light: condition.light, words }
    });
    conditions.collect()
}

/// What is recorded that meets it.
fn shown(incident: &Incident, runbook: &Runbook, known: KnownBy) -> Option<String> {
    match known {
        KnownBy::Contained => {
            incident.contained_at.filter(|_| !incident.containment_broken).map(|at| format!("since {at}"))
        }
        KnownBy::Register => {
            let rows = incident.register.rows.len();
            incident.register.is_identified().then(|| format!("{rows} rows, nothing unknown"))
        }
        KnownBy::Rollback => {
            let lists = &incident.checklists;
            let verified = !lists.is_empty() && lists.iter().all(|list| list.verified.is_some());
            verified.then(|| format!("{} of {} verified", lists.len(), lists.len()))
        }
        KnownBy::Evidence => incident.evidence.frozen_at.map(|at| format!("frozen {at}")),
        KnownBy::Owner => incident.roles.get(OWNER).cloned(),
        KnownBy::Cause => incident.investigation.roots().last().map(|root| root.said.text.clone()),
        KnownBy::Correction => incident.gate.corrections.last().map(|last| last.said.text.clone()),
        KnownBy::Tests => {
            let tried = |said: &super::AddCorrection| said.shadow.clone().zip(said.checks.clone());
            let last = incident.gate.corrections.iter().rev().find_map(|one| tried(&one.said));
            last.map(|(shadow, checks)| format!("{shadow}; {checks}"))
        }
        KnownBy::Approval => {
            let owner = severity_owner_approval(incident)?;
            match persons_needed(incident, runbook) {
                0 | 1 => Some(owner.by.to_string()),
                _ => second(incident).map(|second| format!("{} and {}", owner.by, second.by)),
            }
        }
    }
}

/// The role whose holder answers for the severity.
const OWNER: &str = "severity-owner";

/// The standing approval of whoever is the severity owner now.
pub fn severity_owner_approval(incident: &Incident) -> Option<&Approval> {
    let owner = incident.roles.get(OWNER)?;
    incident.gate.approvals.iter().rev().find(|one| !one.second && one.by.is_person() && one.by.name() == owner)
}

/// The standing approval of a second person, who is not the severity owner (RST.4).
pub fn second(incident: &Incident) -> Option<&Approval> {
    let owner = incident.roles.get(OWNER);
    let other = |one: &&Approval| one.by.is_person() && owner.is_none_or(|owner| one.by.name() != owner);
    incident.gate.approvals.iter().rev().filter(|one| one.second).find(other)
}

/// How many persons a restart needs: by the worst severity it ever had, so that lowering it evades nothing (RST.4).
pub fn persons_needed(incident: &Incident, runbook: &Runbook) -> u8 {
    let Some(scheme) = runbook.schemes.get(&incident.scheme) else { return 2 };
    let levels = incident.severities.iter().filter_map(|change| scheme.level(&change.severity));
    levels.map(|level| level.restart_persons).max().unwrap_or(2)
}
