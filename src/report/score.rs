//! A drill's score as Markdown and as one HTML page (DRL.3).

use super::{
    document::{Block, Document, Headline, Section, seconds, time},
    html, markdown,
};
use crate::{
    drill::{Harm, PersonScore, RoleScore, Score, ScoredStep, StepResult, TargetFrom, Turn},
    incident::drilled::HarmCount,
    terms::Time,
};

/// As Markdown.
pub fn markdown(score: &Score, now: Time) -> String {
    markdown::render(&document(score, now))
}

/// As one HTML page that needs nothing beside it.
pub fn html(score: &Score, now: Time) -> String {
    html::render(&document(score, now))
}

/// The document, before it has a format.
fn document(score: &Score, now: Time) -> Document {
    let began = time(score.began_at);
    let mut warnings = Vec::new();
    if !score.over {
        warnings.push("The recording still plays: this is not its last word.".to_owned());
    }
    Document {
        title: format!("DRILL · Score of {}: {}", score.drill, score.title),
        drill: true,
        as_of: format!(
            "As of {}. Recording {}, played ×{} from {began}. All times are UTC.",
            time(now),
            score.name,
            score.speed
        ),
        warnings,
        headlines: headlines(score),
        summary: Section::new("Summary", vec![Block::Say(sentence(score))]),
        parts: vec![
            Section::new("Harm", vec![harm(&score.harm)]),
            Section::new("Beside the historical course", course(score)),
            Section::new("Steps", vec![steps(&score.steps)]),
            Section::new("Missed", missed(score)),
            Section::new("Roles", vec![roles(&score.roles)]),
            Section::new("People", vec![people(&score.people)]),
        ],
        record: vec![
            Section::new("Every clock that ran", vec![budgets(score)]),
            Section::new("The real switches, when it began", score.armed.words().map(Block::Say).into_iter().collect()),
        ],
    }
}

/// The share of harm that was spared, in words.
pub fn share(score: &Score) -> Option<String> {
    score.spared.map(|spared| format!("{:.0} %", spared * 100.0))
}

/// Minutes gained, in words: `17 min earlier`.
pub fn gained(score: &Score) -> Option<String> {
    Some(earlier(score.gained_min? * 60.0))
}

fn earlier(gained_s: f64) -> String {
    let word = if gained_s < 0.0 { "later" } else { "earlier" };
    format!("{} {word}", seconds(gained_s.abs()))
}

/// The score in a sentence.
pub fn sentence(score: &Score) -> String {
    let [kept, late, missed] = [StepResult::Kept, StepResult::Late, StepResult::Missed].map(|one| score.count(one));
    let spared = share(score).map(|share| format!("{share} of the harm did not come about; ")).unwrap_or_default();
    let gained = gained(score).map(|gained| format!("harm ended {gained} than it did; ")).unwrap_or_default();
    format!("{spared}{gained}{kept} steps in time, {late} late, {missed} missed.")
}

fn headlines(score: &Score) -> Vec<Headline> {
    let mut all = Vec::new();
    let mut headline = |label, value: Option<String>| all.extend(value.map(|value| Headline { value, label }));
    headline("of the harm spared", share(score));
    headline("minutes gained", score.gained_min.map(|gained| format!("{gained:.1}")));
    headline("from the first harm to the first switch", score.stopped_after_s.map(seconds));
    headline("actions stopped", Some(score.harm.stopped.to_string()));
    headline("steps in time", Some(format!("{} of {}", score.count(StepResult::Kept), asked(score))));
    headline("steps missed", Some(score.count(StepResult::Missed).to_string()));
    all
}

/// Steps that were due.
fn asked(score: &Score) -> usize {
    let due = [StepResult::Kept, StepResult::Late, StepResult::Missed];
    due.into_iter().map(|one| score.count(one)).sum()
}

fn harm(harm: &HarmCount) -> Block {
    Block::table(["", "as it went", "done", "prevented"], harm_rows(harm).into())
}

/// Each figure of the harm: as it went, done, prevented.
pub fn harm_rows(harm: &HarmCount) -> [Vec<String>; 4] {
    let HarmCount { course, done, prevented, .. } = harm;
    let row = |name: &str, of: &dyn Fn(&Harm) -> String| vec![name.to_owned(), of(course), of(done), of(prevented)];
    [
        row("people", &|harm| harm.people.to_string()),
        row("money", &|harm| harm.money_usd.to_string()),
        row("records", &|harm| harm.records.to_string()),
        row("messages", &|harm| harm.messages.to_string()),
    ]
}

/// What a turn is called.
pub fn turn(turn: Turn) -> &'static str {
    match turn {
        Turn::Known => "somebody knows",
        Turn::HarmEnds => "harm ends",
    }
}

fn course(score: &Score) -> Vec<Block> {
    let after = |at: Option<f64>| at.map_or_else(|| "never".to_owned(), |at| format!("after {}", seconds(at)));
    let row = |one: &crate::drill::Milestone| {
        let gained = one.gained_s.map(earlier).unwrap_or_default();
        vec![turn(one.turn).to_owned(), after(one.course_s), after(one.drill_s), gained]
    };
    vec![
        Block::Say("In the recording's own time.".into()),
        Block::table(["", "as it went", "in the drill", "gained"], score.course.iter().map(row).collect()),
    ]
}

/// A step in cells: what, whose, by whom, how long, its target, what became of it.
pub fn cells(step: &ScoredStep) -> Vec<String> {
    let of = step.incident.map_or_else(String::new, |incident| format!("{incident} "));
    let target = step.target_s.map_or_else(String::new, |target| {
        let from = if step.target_from == Some(TargetFrom::Recording) { " (this drill)" } else { "" };
        format!("{}{from}", seconds(target))
    });
    let by = step.by.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let by = if step.result == StepResult::NotDue { String::new() } else { by };
    vec![
        format!("{of}{}", step.step),
        step.role.clone(),
        by,
        step.took_s.map_or_else(String::new, seconds),
        target,
        step.result.to_string(),
    ]
}

fn steps(all: &[ScoredStep]) -> Block {
    let row = |step: &ScoredStep| {
        let mut cells = cells(step);
        cells.insert(1, step.what.clone());
        cells.push(step.lacks.join("; "));
        cells
    };
    let heading = ["step", "what", "role", "by", "took", "target", "result", "lacks"];
    Block::table(heading, all.iter().map(row).collect())
}

fn missed(score: &Score) -> Vec<Block> {
    match (score.missed.as_slice(), score.over) {
        ([], true) => vec![Block::Say("Nothing was missed.".into())],
        ([], false) => vec![Block::Say("Not known before the recording is over.".into())],
        (missed, _) => vec![Block::List(missed.to_vec())],
    }
}

fn or_none(all: &[String], none: &str) -> String {
    if all.is_empty() { none.to_owned() } else { all.join(", ") }
}

fn roles(all: &[RoleScore]) -> Block {
    let row = |role: &RoleScore| {
        vec![
            role.role.clone(),
            or_none(&role.held_by, "nobody"),
            role.taken_after_s.map_or_else(String::new, seconds),
            or_none(&role.kept, "–"),
            or_none(&role.late, "–"),
            or_none(&role.missed, "–"),
        ]
    };
    Block::table(["role", "held by", "taken after", "in time", "late", "missed"], all.iter().map(row).collect())
}

fn people(all: &[PersonScore]) -> Block {
    let row = |person: &PersonScore| {
        let roles: Vec<String> = person.roles.iter().cloned().collect();
        vec![person.who.clone(), or_none(&roles, "none"), person.acts.to_string(), or_none(&person.steps, "–")]
    };
    Block::table(["who", "roles", "acts", "steps taken"], all.iter().map(row).collect())
}

fn budgets(score: &Score) -> Block {
    let row = |kept: &crate::drill::Kept| {
        let left = kept.left_s.map_or_else(String::new, |left| match left < 0.0 {
            true => format!("{} over", seconds(-left)),
            false => format!("{} to spare", seconds(left)),
        });
        vec![kept.incident.to_string(), kept.name.clone(), kept.state.to_string(), left]
    };
    Block::table(["incident", "clock", "state", ""], score.budgets.iter().map(row).collect())
}
