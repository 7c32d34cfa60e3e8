//! `andon decide`: roll back, restrict, fall back, or go on watching (DEC.1).

use clap::Args;

use super::{
    incidents,
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    incident::{
        IncidentCommand,
        decision::{Advice, Choice, ChooseMove, JudgeCriterion},
    },
    terms::IncidentId,
};

/// `andon decide`.
#[derive(Debug, Args)]
pub struct Decide {
    /// INC-7.
    incident: IncidentId,
    /// rollback, restriction, restriction-then-rollback, fallback, monitoring; without it, the criteria are listed.
    choice: Option<Choice>,
    /// This criterion holds.
    #[arg(long, value_name = "CRITERION", conflicts_with = "choice")]
    yes: Vec<String>,
    /// This criterion does not hold.
    #[arg(long, value_name = "CRITERION", conflicts_with = "choice")]
    no: Vec<String>,
    /// Take the answer to this criterion back.
    #[arg(long, value_name = "CRITERION", conflicts_with = "choice")]
    unknown: Vec<String>,
    /// What shows it, or why that is chosen.
    #[arg(long)]
    why: Option<String>,
}

pub async fn decide(reach: &Reach, asked: Decide) -> Result<(), Failed> {
    let Decide { incident, choice, yes, no, unknown, why } = asked;
    if let Some(choice) = choice {
        return reach.ask(incident, IncidentCommand::ChooseMove(ChooseMove { choice, why })).await;
    }
    let answers = [(yes, Some(true)), (no, Some(false)), (unknown, None)];
    let answers: Vec<(String, Option<bool>)> =
        answers.into_iter().flat_map(|(ids, answer)| ids.into_iter().map(move |id| (id, answer))).collect();
    if answers.is_empty() {
        return list(reach, incident).await;
    }
    for (criterion, answer) in answers {
        let judge = JudgeCriterion { criterion, answer, why: why.clone() };
        reach.ask(incident, IncidentCommand::JudgeCriterion(judge)).await?;
    }
    Ok(())
}

async fn list(reach: &Reach, incident: IncidentId) -> Result<(), Failed> {
    let advice: Advice = reach.get(path::decision(incident)).await?;
    let stands = incidents::view(reach, incident).await?.incident.decision.stands().cloned();
    reach.show(&advice, |advice| {
        let row = |one: &crate::incident::decision::Weighed| {
            let answer = one.answer.map_or("?", |yes| if yes { "yes" } else { "no" }).to_owned();
            let from = one.from.as_deref().map(|from| format!(" — {from}")).unwrap_or_default();
            let asks = format!("{}{from}", one.criterion.asks);
            vec![one.criterion.id.clone(), one.criterion.points_to.to_string(), answer, asks]
        };
        let rows: Vec<Vec<String>> = advice.criteria.iter().map(row).collect();
        print::table(&["CRITERION", "POINTS TO", "HOLDS", "ASKS"], &rows)?;
        let because = if advice.because.is_empty() { "no criterion holds".into() } else { advice.because.join(", ") };
        print::line(format!("the criteria point to {}: {because}; {} are not answered", advice.advised, advice.open))?;
        let Some(made) = &stands else {
            return print::line(format!("nothing is decided: `andon decide {incident} {}`", advice.advised));
        };
        let why = made.chosen.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let (choice, at) = (made.chosen.choice, print::clock(made.at));
        print::line(print::clean(format!("decided: {choice}, by {} at {at}{why}", made.by)).as_str())
    })
}
