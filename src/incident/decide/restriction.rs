//! Who alone sees an incident (TEAM.9): named people, on the record; nobody shuts themselves out, and an override gets in.

use std::collections::BTreeSet;

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, no_incident},
};
use crate::{
    incident::{
        Fact, Incident, Refusal, Topic,
        restriction::{EnterRestricted, LiftRestriction, Restrict, Restricted, Restriction},
    },
    terms::IncidentId,
};

/// Most people of one restriction.
const MOST: usize = 100;

pub(super) fn restrict(case: &Case<'_>, incident: &Incident, ask: &Restrict) -> Decided {
    let people = people(case, &ask.people)?;
    if incident.restricted.as_ref().is_some_and(|now| now.people.iter().eq(&people)) {
        return Ok(Vec::new());
    }
    if let Some((role, who)) = incident.roles.iter().find(|(_, who)| !people.contains(*who)) {
        return Err(conflict(format!(
            "{who} holds the role of {role} on {}: name them too, or hand the role over first",
            incident.id
        )));
    }
    let why = checks::reason("restrict an incident", &ask.why)?;
    one(case, incident.id, Restricted { people, why, entered: false })
}

/// The fact that a new incident begins with, where it is restricted.
pub(super) fn from_the_beginning(case: &Case<'_>, named: &[String]) -> Result<Option<Fact>, Refusal> {
    if named.is_empty() {
        return Ok(None);
    }
    let why = "from its declaration".to_owned();
    Ok(Some(Fact::Restricted(Restricted { people: people(case, named)?, why, entered: false })))
}

/// Those who are named, and whoever says so: nobody shuts themselves out by a slip.
fn people(case: &Case<'_>, named: &[String]) -> Result<Vec<String>, Refusal> {
    case.person("restrict an incident")?;
    let mut people = BTreeSet::from([case.context.by.name().to_owned()]);
    for name in named.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        people.insert(checks::name("who sees it", name)?);
    }
    if people.len() > MOST {
        return Err(invalid(format!("{} people are named; at most {MOST} are taken", people.len())));
    }
    Ok(people.into_iter().collect())
}

pub(super) fn lift(case: &Case<'_>, incident: &Incident, ask: &LiftRestriction) -> Decided {
    case.person("lift a restriction")?;
    if incident.restricted.is_none() {
        return Ok(Vec::new());
    }
    let why = checks::reason("lift a restriction", &ask.why)?;
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::RestrictionLifted(LiftRestriction { why }))])
}

/// Whoever may override, and is not named, lets themselves in; those who are named read who did, and why.
pub(super) fn enter(case: &Case<'_>, id: IncidentId, ask: &EnterRestricted) -> Decided {
    case.person("let yourself in")?;
    let incident = case.world.incidents.get(&id).ok_or_else(|| no_incident(id))?;
    let Some(Restriction { people, .. }) = &incident.restricted else {
        return Err(conflict(format!("{id} is restricted to nobody; it is seen by everybody")));
    };
    let mut people: Vec<String> = people.iter().cloned().collect();
    let me = case.context.by.name().to_owned();
    if people.contains(&me) {
        return Ok(Vec::new());
    }
    let why = checks::reason("let yourself in", &ask.why)?;
    people.push(me);
    people.sort();
    one(case, id, Restricted { people, why, entered: true })
}

/// A role goes to somebody who sees the incident.
pub(super) fn sees(incident: &Incident, who: &str) -> Result<(), Refusal> {
    match &incident.restricted {
        Some(only) if !only.people.contains(who) => Err(conflict(format!(
            "{} is restricted, and {who} does not see it: `andon restrict` names who does",
            incident.id
        ))),
        _ => Ok(()),
    }
}

/// What goes from one incident into another may not come before other eyes by that.
pub(super) fn same(one: &Incident, other: &Incident) -> Result<(), Refusal> {
    let people = |incident: &Incident| incident.restricted.as_ref().map(|only| only.people.clone());
    if people(one) == people(other) {
        return Ok(());
    }
    Err(conflict(format!(
        "{} and {} are not seen by the same people: `andon restrict` both to the same, or lift it",
        one.id, other.id
    )))
}

fn one(case: &Case<'_>, id: IncidentId, restricted: Restricted) -> Decided {
    Ok(vec![case.fact(Topic::Incident(id), Fact::Restricted(restricted))])
}
