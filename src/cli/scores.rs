//! `andon drill score` and `andon drill history`: what drills came to (DRL.3).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    postmortem::write,
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    drill::{RoleScore, Score, ScoredStep, StepResult},
    incident,
    report::score as report,
    terms::{DrillId, Time},
};

/// `andon drill score`.
#[derive(Debug, Args)]
pub struct Asked {
    /// DRILL-1.
    drill: DrillId,
    /// Text, Markdown, one HTML page, or JSON.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a score is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text.
    Text,
    /// Markdown.
    #[value(alias = "markdown")]
    Md,
    /// One page that needs nothing beside it.
    Html,
    /// JSON.
    Json,
}

pub async fn score(reach: &Reach, asked: Asked) -> Result<(), Failed> {
    let Asked { drill, format, out } = asked;
    let score: Score = reach.client().await?.get(&path::drill_score(drill)).await?;
    let now = Time::from(chrono::Utc::now());
    let text = match format {
        _ if reach.json => serde_json::to_string(&score)?,
        Format::Json => serde_json::to_string(&score)?,
        Format::Md => report::markdown(&score, now),
        Format::Html => report::html(&score, now),
        Format::Text => text(&score).join("\n"),
    };
    write(text.trim_end(), out)
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
        print::table(&HISTORY, &rows)
    })
}

const HISTORY: [&str; 9] =
    ["DRILL", "RECORDING", "BEGAN", "SPARED", "GAINED", "STOPPED AFTER", "IN TIME", "LATE", "MISSED"];

fn row(score: &Score) -> Vec<String> {
    let or_dash = |said: Option<String>| said.unwrap_or_else(|| "–".into());
    vec![
        score.drill.to_string(),
        score.name.clone(),
        print::clock(score.began_at),
        if score.over { or_dash(report::share(score)) } else { "plays".into() },
        or_dash(score.gained_min.map(|gained| format!("{gained:.1} min"))),
        or_dash(score.stopped_after_s.map(print::span)),
        score.count(StepResult::Kept).to_string(),
        score.count(StepResult::Late).to_string(),
        score.missed.len().to_string(),
    ]
}

/// The score as lines of text; everything of it was an exercise (law 8).
fn text(score: &Score) -> Vec<String> {
    let state = if score.over { "is over" } else { "plays" };
    let title = print::clean(&score.title);
    let mut lines = vec![format!("DRILL · {} {state}: {title} (×{})", score.drill, score.speed)];
    lines.extend(print::rows(&["HARM", "AS IT WENT", "DONE", "PREVENTED"], &report::harm_rows(&score.harm)));
    let spared = report::share(score).unwrap_or_else(|| "–".into());
    let after = score.stopped_after_s.map(|after| format!(", stopped {} after the first harm", print::span(after)));
    let (stopped, after) = (score.harm.stopped, after.unwrap_or_default());
    lines.push(format!("spared {spared}, {stopped} actions stopped{after}"));
    for one in &score.course {
        let at = |at: Option<f64>| at.map_or_else(|| "never".into(), |at| format!("after {}", print::span(at)));
        let what = report::turn(one.turn);
        lines.push(format!("{what} {} in the drill, {} as it went", at(one.drill_s), at(one.course_s)));
    }
    lines.extend(report::gained(score).map(|gained| format!("harm ended {gained} than it did")));
    lines.push(String::new());
    let rows: Vec<Vec<String>> = score.steps.iter().map(report::cells).collect();
    lines.extend(print::rows(&["STEP", "ROLE", "BY", "TOOK", "TARGET", "RESULT"], &rows));
    let late = |role: &RoleScore| {
        let held = if role.held_by.is_empty() { "nobody".into() } else { role.held_by.join(", ") };
        (!role.late.is_empty()).then(|| format!("late, {} ({held}): {}", role.role, role.late.join(", ")))
    };
    lines.extend(score.roles.iter().filter_map(late).map(|line| print::clean(line).to_string()));
    let lacks = |step: &&ScoredStep| step.result == StepResult::Open && !step.lacks.is_empty();
    lines.extend(
        score.steps.iter().filter(lacks).map(|step| print::clean(format!("open: {}", step.words())).to_string()),
    );
    let armed =
        score.armed.words().map(|said| print::clean(format!("the real switches when it began: {said}")).to_string());
    lines.extend(armed);
    lines.extend(score.missed.iter().map(|missed| print::clean(format!("not done: {missed}")).to_string()));
    lines
}
