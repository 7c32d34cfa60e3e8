//! `andon drill score` and `andon drill history`: what drills came to (DRL.3).

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    drill::Score,
    incident::{
        self, ClockState,
        drilled::{Harm, HarmCount},
    },
    terms::DrillId,
};

pub async fn score(reach: &Reach, drill: DrillId) -> Result<(), Failed> {
    let score: Score = reach.client().await?.get(&path::drill_score(drill)).await?;
    reach.show(&score, show)
}

pub async fn history(reach: &Reach) -> Result<(), Failed> {
    let client = reach.client().await?;
    let takes: Vec<incident::Drill> = client.get(path::DRILLS).await?;
    let mut scores = Vec::with_capacity(takes.len());
    for take in takes {
        scores.push(client.get::<Score>(&path::drill_score(take.id)).await?);
    }
    reach.show(&scores, |scores| {
        if scores.is_empty() {
            return print::line("no drill was played; `andon drill list` shows what can be");
        }
        let rows: Vec<Vec<String>> = scores.iter().map(row).collect();
        print::table(&["DRILL", "RECORDING", "BEGAN", "SPARED", "STOPPED AFTER", "BUDGETS", "NOT DONE"], &rows)
    })
}

fn row(score: &Score) -> Vec<String> {
    let met = score.budgets.iter().filter(|budget| budget.state == ClockState::Met).count();
    vec![
        score.drill.to_string(),
        score.name.clone(),
        print::clock(score.began_at),
        if score.over { share(score) } else { "plays".into() },
        score.stopped_after_s.map_or_else(|| "–".into(), print::span),
        format!("{met} of {}", score.budgets.len()),
        score.missed.len().to_string(),
    ]
}

fn share(score: &Score) -> String {
    score.spared.map_or_else(|| "–".into(), |spared| format!("{:.0} %", spared * 100.0))
}

fn show(score: &Score) -> Result<(), Failed> {
    let state = if score.over { "is over" } else { "plays" };
    print::line(format!("{} {state}: {} (×{})", score.drill, print::clean(&score.title), score.speed))?;
    let HarmCount { course, done, prevented, stopped, .. } = &score.harm;
    let row = |name: &str, of: &dyn Fn(&Harm) -> String| vec![name.to_owned(), of(course), of(done), of(prevented)];
    let rows = [
        row("people", &|harm| harm.people.to_string()),
        row("money", &|harm| harm.money_usd.to_string()),
        row("records", &|harm| harm.records.to_string()),
        row("messages", &|harm| harm.messages.to_string()),
    ];
    print::table(&["HARM", "AS IT WENT", "DONE", "PREVENTED"], &rows)?;
    let after = score.stopped_after_s.map(|after| format!(", stopped {} after the first harm", print::span(after)));
    print::line(format!("spared {}, {stopped} actions stopped{}", share(score), after.unwrap_or_default()))?;
    if !score.budgets.is_empty() {
        print::line("")?;
        let rows: Vec<Vec<String>> = score
            .budgets
            .iter()
            .map(|kept| {
                let left = kept.left_s.map_or_else(
                    || "–".into(),
                    |left| match left < 0.0 {
                        true => format!("{} over", print::span(-left)),
                        false => format!("{} to spare", print::span(left)),
                    },
                );
                vec![kept.incident.to_string(), kept.name.clone(), kept.state.to_string(), left]
            })
            .collect();
        print::table(&["INCIDENT", "BUDGET", "STATE", ""], &rows)?;
    }
    score.missed.iter().try_for_each(|missed| print::line(format!("not done: {missed}")))
}
