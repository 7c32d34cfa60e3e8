//! `andon facts`: the seven facts of the first ten minutes (TEN.1).

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{IncidentView, path},
    incident::{
        IncidentCommand,
        first_minutes::{AnswerFact, FactState, FirstFact, Known},
    },
    terms::IncidentId,
};

/// `andon facts`.
#[derive(Debug, Args)]
pub struct Facts {
    /// INC-7.
    incident: IncidentId,
    /// workflow, severity, impact, recent-changes, side-effects-possible, approvals-intact, fallback-lane; none lists all.
    fact: Option<FirstFact>,
    /// What is known: “no, stopped before any mail left”.
    #[arg(requires = "fact")]
    answer: Option<String>,
    /// Nobody knows: takes back what stands.
    #[arg(long, requires = "fact", conflicts_with_all = ["answer", "dispute", "settle"])]
    unknown: bool,
    /// Doubt what stands, with the reason.
    #[arg(long, value_name = "WHY", requires = "fact", conflicts_with = "settle")]
    dispute: Option<String>,
    /// End a dispute by this answer, with the reason.
    #[arg(long, value_name = "WHY", requires = "answer")]
    settle: Option<String>,
}

pub async fn facts(reach: &Reach, asked: Facts) -> Result<(), Failed> {
    let Facts { incident, fact, answer, unknown, dispute, settle } = asked;
    match fact {
        Some(fact) if answer.is_some() || unknown || dispute.is_some() => {
            let ask = AnswerFact { fact, answer, unknown, dispute, settle };
            reach.ask(incident, IncidentCommand::AnswerFact(ask)).await
        }
        only => list(reach, incident, only).await,
    }
}

async fn list(reach: &Reach, incident: IncidentId, only: Option<FirstFact>) -> Result<(), Failed> {
    let view: IncidentView = reach.get(path::incident(incident)).await?;
    let all = view.incident.facts.iter().filter(|fact| only.is_none_or(|only| fact.id == only));
    let facts: Vec<FactState> = all.cloned().collect();
    reach.show(&facts, |facts| {
        if let Some(clock) = view.clocks.iter().find(|clock| clock.name == "facts") {
            let left = clock.left_s.map(print::span).unwrap_or_default();
            print::line(format!("ten minutes: {} {left}", clock.state))?;
        }
        facts.iter().try_for_each(|fact| line(fact, only.is_some()))
    })
}

fn line(fact: &FactState, whole: bool) -> Result<(), Failed> {
    let who = fact.by.as_ref().zip(fact.at).map(|(by, at)| format!(" · {by} {}", print::clock(at)));
    let answer = match (fact.state, &fact.answer) {
        (Known::Unknown, _) => fact.id.asks().to_owned(),
        (_, answer) => format!("{}{}", answer.as_deref().unwrap_or_default(), who.unwrap_or_default()),
    };
    print::line(print::clean(format!("{:<8}  {:<21}  {answer}", fact.state, fact.id)).as_str())?;
    let said = if whole { &fact.history } else { &fact.sides };
    for said in said {
        let answer = said.answer.as_deref().unwrap_or("does not know");
        let why = said.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        let line = format!("{:10}{} {}: {answer}{why}", "", print::clock(said.at), said.by);
        print::line(print::clean(line).as_str())?;
    }
    Ok(())
}
