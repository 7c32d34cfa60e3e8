//! The trace in lines of a width: what the command line prints and the cockpit shows.

use super::{Kind, Row, Trace};
use crate::{
    telemetry::Status,
    terms::{NanoUsd, Printable},
};

/// What a line is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A run.
    Run,
    /// A step.
    Step,
    /// A step that failed or was stopped.
    Bad,
    /// What a step said, or found.
    Said,
    /// What came of it.
    Consequence,
    /// Said about the trace itself.
    Note,
}

/// One line, printable, no wider than asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// What it is.
    pub tone: Tone,
    /// The row of the trace that it belongs to.
    pub row: Option<usize>,
    /// Its text.
    pub text: String,
}

/// Narrower than this, levels are one column apart and times are short.
const NARROW: usize = 60;

/// The whole trace in lines of at most `width` columns.
pub fn lines(trace: &Trace, width: usize) -> Vec<TraceLine> {
    let width = width.max(10);
    let mut lines = Vec::with_capacity(trace.rows.len() * 2 + 3);
    let note = |text: String| TraceLine { tone: Tone::Note, row: None, text: Printable::line(&text).cut(width) };
    if trace.rows.is_empty() {
        return vec![note("no action to trace".into())];
    }
    let took = trace.from.zip(trace.to).map_or(0, |(from, to)| to.since(from));
    lines.push(note(format!(
        "{} actions · {} consequences · {} · {}",
        trace.actions,
        trace.consequences,
        span(took as f64 / 1000.0),
        trace.cost
    )));
    if trace.cut {
        lines.push(note(format!("only the first {} actions were read: name a run", trace.actions)));
    }
    if trace.left_out > 0 {
        lines.push(note(format!("{} rows left out: name a run", trace.left_out)));
    }
    for (at, row) in trace.rows.iter().enumerate() {
        told(trace, at, row, width, &mut lines);
    }
    lines
}

fn told(trace: &Trace, at: usize, row: &Row, width: usize, lines: &mut Vec<TraceLine>) {
    let step = if width < NARROW { 1 } else { 2 };
    let indent = (row.depth as usize * step).min(width / 3);
    let tone = match (row.step.kind, row.step.status) {
        (Kind::Run, _) => Tone::Run,
        (_, Status::Ok) => Tone::Step,
        _ => Tone::Bad,
    };
    let figures = figures(trace, row, width);
    let room = width.saturating_sub(indent + Printable::line(&figures).width() + 1).max(8);
    let left = Printable::line(&head(row)).cut(room);
    let gap = width.saturating_sub(indent + Printable::line(&left).width() + Printable::line(&figures).width()).max(1);
    let text = format!("{:indent$}{left}{:gap$}{figures}", "", "");
    lines.push(TraceLine { tone, row: Some(at), text: Printable::line(&text).cut(width) });
    let deeper = (indent + 2).min(width / 2);
    let mut said = |tone, text: String| {
        let text = format!("{:deeper$}{}", "", Printable::line(&text).cut(width - deeper));
        lines.push(TraceLine { tone, row: Some(at), text });
    };
    if let Some(input) = row.step.input.as_deref().filter(|_| row.times == 1) {
        said(Tone::Said, format!("in  {input}"));
    }
    if let Some(looked) = &row.step.looked {
        for (rank, source) in looked.sources.iter().enumerate() {
            let score = source.score.map(|score| format!("{score:.2} ")).unwrap_or_default();
            said(Tone::Said, format!("{} {score}{}", rank + 1, source.what));
        }
    }
    if let Some(hand) = &row.step.hand_off {
        let word = |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text}"));
        for text in [word("contract", &hand.contract), word("verdict", &hand.verdict)].into_iter().flatten() {
            said(Tone::Said, text);
        }
    }
    if let Some(output) = row.step.output.as_deref().filter(|_| row.times == 1) {
        said(Tone::Said, format!("out {output}"));
    }
    for consequence in &row.step.consequences {
        said(Tone::Consequence, format!("! {consequence}"));
    }
}

/// What was done, in words.
fn head(row: &Row) -> String {
    let step = &row.step;
    let mut text = match step.kind {
        Kind::Run => match &step.run {
            Some(run) => format!("run {run} · {}", step.agent),
            None => format!("{} without a run", step.agent),
        },
        Kind::Model => format!("asks {}", step.model.as_deref().unwrap_or(&step.what)),
        Kind::Retrieval => {
            let looked = step.looked.as_ref();
            let found = looked.map_or(0, |looked| looked.found);
            match looked.and_then(|looked| looked.query.as_deref()) {
                Some(query) => format!("looks up {query:?}: {found} found"),
                None => format!("looks up with {}: {found} found", step.what),
            }
        }
        Kind::Tool => format!("calls {}", step.what),
        Kind::HandOff => {
            let to = step.hand_off.as_ref().and_then(|hand| hand.to.as_deref());
            format!("hands to {}", to.unwrap_or("?"))
        }
    };
    if row.times > 1 {
        text.push_str(&format!(" ×{}", row.times));
    }
    match step.status {
        Status::Ok => {}
        Status::Error => text.push_str(" failed"),
        Status::Denied => text.push_str(" was stopped"),
    }
    text
}

/// `+12.4s 1.2s $0.03`; a narrow place shows no more than it must.
fn figures(trace: &Trace, row: &Row, width: usize) -> String {
    let since = trace.from.map_or(0, |from| row.step.started.since(from));
    let mut figures = vec![format!("+{}", span(since as f64 / 1000.0))];
    if width >= NARROW || row.step.kind == Kind::Run {
        figures.push(span(row.took_s));
    }
    if row.total != NanoUsd::ZERO && (width >= NARROW || row.step.kind != Kind::Tool) {
        figures.push(row.total.to_string());
    }
    figures.join(" ")
}

/// `0.4s`, `3:12`, `1:02:03`.
fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 60.0 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}
