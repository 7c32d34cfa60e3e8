//! What the criteria point to, from people's answers and from facts that are recorded anyway (DEC.1).

use serde::{Deserialize, Serialize};

use super::Choice;
use crate::{
    incident::{
        Incident,
        first_minutes::{FirstFact, Known},
    },
    terms::words,
};

words! {
    /// What a criterion speaks for.
    Points, "a move that a criterion points to" {
        /// Back to the previous version.
        Rollback = "rollback",
        /// Less autonomy.
        Restriction = "restriction",
        /// Another lane.
        Fallback = "fallback",
    }
}

words! {
    /// Which answer of a fact means yes.
    Means, "an answer that means yes" {
        /// One that begins with yes.
        Yes = "yes",
        /// One that begins with no.
        No = "no",
        /// Any, but no, none or nothing.
        Anything = "anything",
    }
}

/// A fact of the first ten minutes that answers a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// Which.
    pub fact: FirstFact,
    /// What of it means yes.
    pub means_yes: Means,
}

/// A criterion as the runbook has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Its short name.
    pub id: String,
    /// What yes speaks for.
    pub points_to: Points,
    /// What it asks.
    pub asks: String,
    /// What answers it where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
}

/// A criterion with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighed {
    /// As the runbook has it.
    #[serde(flatten)]
    pub criterion: Criterion,
    /// Yes or no; absent where nobody knows.
    pub answer: Option<bool>,
    /// Whose answer it is, and what shows it; person-written.
    pub from: Option<String>,
}

/// What the criteria point to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// Every criterion.
    pub criteria: Vec<Weighed>,
    /// Where they point.
    pub advised: Choice,
    /// The criteria that hold, by id.
    pub because: Vec<String>,
    /// Those that nobody answered.
    pub open: usize,
}

/// Weighs `plan` for an incident.
pub fn advise(plan: &[Criterion], incident: &Incident) -> Advice {
    let criteria: Vec<Weighed> = plan.iter().map(|criterion| weigh(criterion, incident)).collect();
    let holds = |points| criteria.iter().any(|one| one.answer == Some(true) && one.criterion.points_to == points);
    let advised = match (holds(Points::Rollback), holds(Points::Restriction)) {
        // Restriction works at once; the rollback can then be done with care.
        (true, true) => Choice::RestrictionThenRollback,
        (true, false) => Choice::Rollback,
        (false, true) => Choice::Restriction,
        (false, false) if holds(Points::Fallback) => Choice::Fallback,
        (false, false) => Choice::Monitoring,
    };
    let held = criteria.iter().filter(|one| one.answer == Some(true)).map(|one| one.criterion.id.clone());
    let (because, open) = (held.collect(), criteria.iter().filter(|one| one.answer.is_none()).count());
    Advice { advised, because, open, criteria }
}

fn weigh(criterion: &Criterion, incident: &Incident) -> Weighed {
    let (answer, from) = match incident.decision.answers.get(&criterion.id) {
        Some(given) => {
            let why = given.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            (Some(given.answer), Some(format!("{}{why}", given.by)))
        }
        None => criterion.reads.and_then(|reads| read(reads, incident)).unzip(),
    };
    Weighed { criterion: criterion.clone(), answer, from }
}

/// What a recorded fact says of it. A disputed one says nothing.
fn read(reads: Reads, incident: &Incident) -> Option<(bool, String)> {
    let fact = incident.facts.get(reads.fact).filter(|fact| fact.state == Known::Known)?;
    let answer = fact.answer.as_deref()?;
    let begins: String = answer.chars().take_while(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let yes = match (reads.means_yes, begins.as_str()) {
        (Means::Anything, begins) => !matches!(begins, "no" | "none" | "nothing"),
        (Means::Yes, "yes") | (Means::No, "no") => true,
        (Means::Yes, "no") | (Means::No, "yes") => false,
        (Means::Yes | Means::No, _) => return None,
    };
    Some((yes, format!("{}: {answer}", reads.fact)))
}
