//! Folds what was decided about what is broken (DEC.1).

use crate::incident::{
    Event, Fact, Incident,
    decision::{Judgement, Made},
};

pub(super) fn fold(incident: &mut Incident, event: &Event) {
    let (by, at) = (event.by.clone(), event.occurred_at);
    match &event.fact {
        Fact::CriterionJudged(judged) => {
            let answers = &mut incident.decision.answers;
            match judged.answer {
                Some(answer) => {
                    let judgement = Judgement { answer, why: judged.why.clone(), by, at };
                    answers.insert(judged.criterion.clone(), judgement);
                }
                None => drop(answers.remove(&judged.criterion)),
            }
        }
        Fact::MoveChosen(chosen) => incident.decision.made.push(Made { chosen: chosen.clone(), by, at }),
        _ => {}
    }
}
