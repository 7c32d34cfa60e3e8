//! A document before it has a format: plain words, tables and charts; nothing in it is escaped yet.

use crate::terms::Time;

/// A figure at the head: read in a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// `9.2 s`.
    pub value: String,
    /// `from harm to halt`.
    pub label: &'static str,
}

/// A moment marked on a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What happened.
    pub name: String,
}

/// A picture; formats without pictures show what it says in the table beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// Severity over time (SEV.7).
    Severity {
        /// The scheme's levels, worst first.
        levels: Vec<String>,
        /// When which level began, oldest first.
        steps: Vec<(Time, String)>,
        /// The end of the axis.
        until: Time,
        /// Harm, containment, the end.
        marks: Vec<Mark>,
    },
    /// The detection chain, gaps to scale (PM.2).
    Chain {
        /// The five stations in order.
        stations: Vec<(&'static str, Option<Time>)>,
        /// The gap to close first, `signal-trigger`.
        first: Option<String>,
    },
    /// Cumulative cost and actions (PM.3).
    Spend {
        /// When, cost in USD so far, actions so far.
        points: Vec<(Time, f64, u64)>,
        /// Firing, harm, halt.
        marks: Vec<Mark>,
    },
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading below the section's.
    Heading(String),
    /// A paragraph.
    Say(String),
    /// A paragraph that must be seen.
    Strong(String),
    /// What a person answered: the question's title, the text, and by whom; no text is “not answered”.
    Answer {
        /// The title.
        title: String,
        /// The text; may have lines.
        text: Option<String>,
        /// Who, and when.
        by: Option<String>,
    },
    /// Points.
    List(Vec<String>),
    /// Steps, done or not.
    Steps(Vec<(bool, String)>),
    /// A table.
    Table {
        /// Its heading; all empty for pairs.
        heading: Vec<&'static str>,
        /// Its rows.
        rows: Vec<Vec<String>>,
    },
    /// Text exactly as it was sent.
    Exact(String),
    /// A picture.
    Chart(Chart),
}

impl Block {
    /// A table.
    pub fn table<const N: usize>(heading: [&'static str; N], rows: Vec<Vec<String>>) -> Self {
        Self::Table { heading: heading.to_vec(), rows }
    }
}

/// A section under its heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section.
    pub fn new(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { title: title.into(), blocks }
    }
}

/// The whole document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `Post-mortem INC-7: refunds paid twice`.
    pub title: String,
    /// It was an exercise (law 8).
    pub drill: bool,
    /// `As of …`.
    pub as_of: String,
    /// What must be known before reading: it is open, it is not filed.
    pub warnings: Vec<String>,
    /// The figures to see first.
    pub headlines: Vec<Headline>,
    /// The summary.
    pub summary: Section,
    /// The five parts (PM.1).
    pub parts: Vec<Section>,
    /// The record behind them.
    pub record: Vec<Section>,
}

/// What a drill's document says at its head and at its end (law 8).
pub(super) const DRILL: &str = "DRILL. This was an exercise: no agent, customer or payment in it is real.";
/// What stands where nothing was recorded.
pub(super) const NOT_RECORDED: &str = "not recorded";
/// What stands where nobody answered.
pub(super) const NOT_ANSWERED: &str = "not answered";

/// `2026-11-20 14:05:41.120` (all times of a document are UTC, said once at its head).
pub(super) fn time(at: Time) -> String {
    at.to_chrono().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A time, or that there is none.
pub(super) fn maybe_time(at: Option<Time>) -> String {
    at.map_or_else(|| NOT_RECORDED.to_owned(), time)
}

/// `4.2 s`, `9 min 12 s`, `3 h 5 min`, `2 d 4 h`.
pub(super) fn span(millis: i64) -> String {
    let seconds = millis.unsigned_abs() as f64 / 1000.0;
    let whole = seconds as u64;
    let sign = if millis < 0 { "−" } else { "" };
    match whole {
        0..60 => format!("{sign}{} s", (seconds * 10.0).round() / 10.0),
        60..3_600 => format!("{sign}{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{sign}{} h {} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{sign}{} d {} h", whole / 86_400, whole / 3_600 % 24),
    }
}

/// The same from seconds.
pub(super) fn seconds(seconds: f64) -> String {
    span((seconds * 1000.0).round() as i64)
}

/// Words, or that there are none.
pub(super) fn optional(written: Option<&str>) -> String {
    written.map(str::trim).filter(|one| !one.is_empty()).unwrap_or(NOT_RECORDED).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_in_two_units() {
        for (millis, words) in
            [(0, "0 s"), (4_240, "4.2 s"), (552_000, "9 min 12 s"), (11_100_000, "3 h 5 min"), (-90_000, "−1 min 30 s")]
        {
            assert_eq!(span(millis), words);
        }
        assert_eq!(span(52 * Time::HOUR), "2 d 4 h");
    }
}
