//! The first ten minutes: facts answered, factors weighed, work that comes too early (TEN.1, TEN.2, SEV.5, DET.13).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, NewEvent, Topic,
        first_minutes::{AnswerFact, Answered, Early, EarlyWork, FirstFact, Known, WeighFactor, Weighed},
    },
    terms::{AgentId, Author, IncidentId},
    tripwire::{FiringKey, FiringState},
};

/// The timeline's kind of what was begun too early.
const KIND: &str = "begun-before-containment";

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    match ask {
        IncidentCommand::AnswerFact(ask) => answer(case, incident, ask),
        IncidentCommand::WeighFactor(ask) => weigh(case, incident, ask),
        _ => Ok(Vec::new()),
    }
}

fn weigh(case: &Case<'_>, incident: &Incident, ask: &WeighFactor) -> Decided {
    let named = |text: &str| text.chars().take(40).collect::<String>();
    let Some(factor) = case.runbook.factor(&ask.factor) else {
        let known: Vec<&str> = case.runbook.factors.iter().map(|factor| factor.id.as_str()).collect();
        return Err(unknown(format!("{:?} is no factor: one of {}", named(&ask.factor), known.join(", "))));
    };
    let answer = match &ask.answer {
        None => None,
        Some(given) => Some(factor.answer(given).map(|answer| answer.id.clone()).ok_or_else(|| {
            let known: Vec<&str> = factor.answer.iter().map(|answer| answer.id.as_str()).collect();
            unknown(format!("{:?} is no answer to {}: one of {}", named(given), factor.id, known.join(", ")))
        })?),
    };
    if incident.factors.get(&factor.id).map(|known| &known.answer) == answer.as_ref() {
        return Ok(Vec::new());
    }
    let weighed = Weighed { factor: factor.id.clone(), answer };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::FactorWeighed(weighed))])
}

fn answer(case: &Case<'_>, incident: &Incident, ask: &AnswerFact) -> Decided {
    let fact = ask.fact;
    let given = ask.answer.as_deref().map(|text| checks::reason(&format!("answer {fact}"), text)).transpose()?;
    let dispute = ask.dispute.as_deref().map(|why| checks::reason(&format!("dispute {fact}"), why)).transpose()?;
    let settle = ask.settle.as_deref().map(|why| checks::reason(&format!("settle {fact}"), why)).transpose()?;
    let state = incident.facts.known(fact);
    if ask.unknown && (given.is_some() || dispute.is_some() || settle.is_some()) {
        return Err(invalid(format!("{fact} is either unknown, or answered: leave one out")));
    }
    if !ask.unknown && given.is_none() && dispute.is_none() {
        return Err(invalid(format!("{} Give an answer, say that it is unknown, or dispute it", fact.asks())));
    }
    if dispute.is_some() && settle.is_some() {
        return Err(invalid(format!("{fact} cannot be disputed and settled in one breath")));
    }
    if dispute.is_some() && given.is_none() && state == Known::Unknown {
        return Err(conflict(format!("{fact} is unknown: there is nothing to dispute yet; answer it instead")));
    }
    if settle.is_some() {
        case.person("settle a dispute")?;
        if state != Known::Disputed {
            return Err(conflict(format!("{fact} is {state}: there is no dispute to settle; answer it instead")));
        }
        if given.is_none() {
            return Err(invalid(format!("name the answer that settles {fact}")));
        }
    }
    if ask.unknown && state == Known::Unknown {
        return Ok(Vec::new());
    }
    if fact == FirstFact::Severity && dispute.is_none() {
        severity(case, incident, given.as_deref())?;
    }
    let told = Answered { fact, answer: given, dispute, settle };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::FactAnswered(told))])
}

/// The severity is set by its own command (SEV.5); here it can be affirmed, or disputed.
fn severity(case: &Case<'_>, incident: &Incident, given: Option<&str>) -> Result<(), crate::incident::Refusal> {
    let level = given.map(|given| checks::level(case.scheme(Some(&incident.scheme))?, given)).transpose()?;
    if level.as_ref() == Some(&incident.severity) {
        return Ok(());
    }
    Err(conflict(format!(
        "{} is {}: set another level with its reason, `andon severity {} LEVEL --why WHY`, or dispute this one",
        incident.id, incident.severity, incident.id
    )))
}

/// The level that stands, said by a person for the first time.
pub(super) fn affirmed(case: &Case<'_>, incident: &Incident) -> Option<NewEvent> {
    let fact = FirstFact::Severity;
    let told = Answered { fact, answer: Some(incident.severity.clone()), dispute: None, settle: None };
    (incident.facts.known(fact) == Known::Unknown)
        .then(|| case.fact(Topic::Incident(incident.id), Fact::FactAnswered(told)))
}

/// What an approval that is none makes of “do approvals still hold”: no, as the system's word, with what is advised.
pub(super) fn approvals_broken(case: &Case<'_>, incident: IncidentId, key: &FiringKey) -> Option<NewEvent> {
    let wrong = key.approval()?;
    let answer = format!("no: {wrong} ({}) · advised: approval mode for it, or a halt", key.agent);
    let told = Answered { fact: FirstFact::Approvals, answer: Some(answer), dispute: None, settle: None };
    let fact = case.fact(Topic::Incident(incident), Fact::FactAnswered(told));
    Some(NewEvent { by: Author::Andon("tripwires".into()), ..fact })
}

/// The same for an incident being declared over `agents`: firings of them that are open already.
pub(super) fn approvals_of(case: &Case<'_>, id: IncidentId, agents: &[AgentId]) -> Option<NewEvent> {
    let open = case.world.firings.values().filter(|firing| firing.state == FiringState::Open);
    let of_them = open.filter(|firing| agents.contains(&firing.key.agent));
    of_them.filter_map(|firing| approvals_broken(case, id, &firing.key)).next_back()
}

/// Work that comes after containment, among `facts`.
fn work_of(fact: &Fact) -> Option<EarlyWork> {
    match fact {
        Fact::RollbackOpened { .. } => Some(EarlyWork::Rollback),
        _ => None,
    }
}

/// Contain before you diagnose: what is begun before is recorded, once for each kind, and never blocked (TEN.2).
pub(super) fn too_early(case: &Case<'_>, incident: &Incident, facts: &[NewEvent]) -> Option<NewEvent> {
    if incident.contained_at.is_some() && !incident.containment_broken {
        return None;
    }
    let work = facts.iter().find_map(|event| work_of(&event.fact))?;
    let early = Early { work };
    let told = incident.timeline.iter().any(|entry| entry.kind == KIND && entry.text == early.line());
    (!told).then(|| case.fact(Topic::Incident(incident.id), Fact::BegunBeforeContainment(early)))
}
