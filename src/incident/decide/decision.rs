//! What to do about what is broken: criteria answered, the move chosen (DEC.1).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, Topic,
        decision::{ChooseMove, JudgeCriterion, Judged, MoveChosen, advise},
    },
    runbook::nearest,
};

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    if !incident.is_open() {
        return Err(conflict(format!("{} is {}; reopen it to decide more", incident.id, incident.status)));
    }
    match ask {
        IncidentCommand::JudgeCriterion(ask) => judge(case, incident, ask),
        IncidentCommand::ChooseMove(ask) => choose(case, incident, ask),
        _ => Ok(Vec::new()),
    }
}

fn judge(case: &Case<'_>, incident: &Incident, ask: &JudgeCriterion) -> Decided {
    let known = || case.runbook.decision.iter().map(|criterion| criterion.id.as_str());
    if !known().any(|id| id == ask.criterion) {
        let given: String = ask.criterion.chars().take(60).collect();
        let hint = nearest(&given, known()).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
        let all: Vec<&str> = known().collect();
        return Err(unknown(format!("{given:?} is no criterion: one of {}{hint}", all.join(", "))));
    }
    let why = ask.why.as_deref().map(|why| checks::reason("answer a criterion", why)).transpose()?;
    let stands = incident.decision.answers.get(&ask.criterion);
    if stands.map(|given| (given.answer, &given.why)) == ask.answer.map(|answer| (answer, &why)) {
        return Ok(Vec::new());
    }
    let judged = Judged { criterion: ask.criterion.clone(), answer: ask.answer, why };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::CriterionJudged(judged))])
}

fn choose(case: &Case<'_>, incident: &Incident, ask: &ChooseMove) -> Decided {
    // RST.5: an agent gathers, a person decides.
    case.person("decide what is done")?;
    let advice = advise(&case.runbook.decision, incident);
    let why = ask.why.as_deref().map(|why| checks::reason("choose", why)).transpose()?;
    if why.is_none() && ask.choice != advice.advised {
        return Err(invalid(format!(
            "the criteria point to {}: answer those that say otherwise, or give a reason to choose {} over it",
            advice.advised, ask.choice
        )));
    }
    let chosen = MoveChosen { choice: ask.choice, advised: advice.advised, because: advice.because, why };
    if incident.decision.stands().is_some_and(|stands| stands.chosen == chosen) {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::MoveChosen(chosen))])
}
