//! `andon severity`: what is advised and why, the factors it rests on, and setting it (SEV.5, SEV.8).

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    incident::{
        Command, IncidentCommand,
        first_minutes::{Advice, WeighFactor},
    },
    terms::IncidentId,
};

/// `andon severity`.
#[derive(Debug, Args)]
pub struct Severity {
    /// INC-7.
    incident: IncidentId,
    /// The level to set: SEV-1 … SEV-4; without it, what is advised and why.
    #[arg(requires = "why")]
    severity: Option<String>,
    /// Why.
    #[arg(long, requires = "severity")]
    why: Option<String>,
    /// Answer a factor, as money=moved; `money=` takes its answer back. May be said again.
    #[arg(long, value_name = "FACTOR=ANSWER", value_parser = factor)]
    factor: Vec<(String, Option<String>)>,
}

/// Reads `money=moved`.
fn factor(text: &str) -> Result<(String, Option<String>), String> {
    let (factor, answer) = text.split_once('=').ok_or("a factor and its answer, as money=moved")?;
    let answer = answer.trim();
    Ok((factor.trim().to_owned(), (!answer.is_empty()).then(|| answer.to_owned())))
}

pub async fn severity(reach: &Reach, asked: Severity) -> Result<(), Failed> {
    let Severity { incident, severity, why, factor } = asked;
    for (factor, answer) in factor {
        let ask = IncidentCommand::WeighFactor(WeighFactor { factor, answer });
        reach.submit(Command::OnIncident { incident, ask }).await?;
    }
    match (severity, why) {
        (Some(severity), Some(why)) => reach.ask(incident, IncidentCommand::SetSeverity { severity, why }).await,
        _ => advice(reach, incident).await,
    }
}

async fn advice(reach: &Reach, incident: IncidentId) -> Result<(), Failed> {
    let advice: Advice = reach.get(path::advice(incident)).await?;
    reach.show(&advice, |advice| {
        print::line(format!("{} now; {}", advice.now, advice.line()))?;
        let rows: Vec<Vec<String>> = (advice.reasons.iter())
            .map(|reason| {
                let level = reason.level.clone().unwrap_or_else(|| "–".into());
                let means = format!("{} ({})", reason.means, reason.answer);
                vec![level, reason.title.clone(), means, format!("{}: {}", reason.from, reason.by)]
            })
            .collect();
        if !rows.is_empty() {
            print::table(&["LEVEL", "FACTOR", "ANSWER", "FROM"], &rows)?;
        }
        if !advice.open.is_empty() {
            print::line(format!("not weighed yet: {}", advice.open.join(", ")))?;
        }
        examples(advice)
    })
}

/// What was agreed for the workflow (SEV.8).
pub(super) fn examples(advice: &Advice) -> Result<(), Failed> {
    let mut examples = advice.examples.iter();
    examples.try_for_each(|example| print::line(print::clean(format!("{}: {}", example.level, example.when)).as_str()))
}
