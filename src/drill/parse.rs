//! Reads a recording: JSON Lines, a header first or none at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::value::RawValue;

use super::{
    Conduct, Harm, SpeedError,
    recording::{Hint, Item, Mark, MarkKind, Moment, Recording, Target},
    spread::{Quiet, Repeat},
};
use crate::{
    incident::{AgentDeclaration, drilled::SPEEDS},
    telemetry::{Action, endpoint, native},
    terms::{AgentId, Time},
};

/// The most actions and marks of a recording.
const MOST: usize = 2_000_000;
/// The most of them that quiet stretches and repeats may stand for.
const MOST_SPREAD: usize = 500_000;

/// What is wrong with a recording, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// One line does not read.
    #[error("line {line} of the recording: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong; may quote the file: print it through `Printable`.
        why: String,
    },
    /// Nothing happens in it.
    #[error(
        "the recording holds no action: write one action as a JSON object a line, as `POST /v1/actions` takes them"
    )]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    andon_recording: u32,
    title: String,
    #[serde(default)]
    modelled_on: Option<String>,
    #[serde(default)]
    published: Option<String>,
    #[serde(default)]
    set: Option<String>,
    pub starts: Time,
    #[serde(default)]
    speed: Option<f64>,
    #[serde(default)]
    targets: BTreeMap<Target, u32>,
    #[serde(default)]
    hints: Vec<Hint>,
    #[serde(default)]
    agents: Vec<AgentDeclaration>,
    #[serde(default)]
    pub conduct: BTreeMap<AgentId, Conduct>,
}

/// What tells the kinds of lines apart; everything else of the line is read by whom it concerns.
#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, default)]
    quiet: Option<&'a RawValue>,
    #[serde(borrow, default)]
    repeat: Option<&'a RawValue>,
    #[serde(borrow, default)]
    action: Option<&'a RawValue>,
    #[serde(default)]
    mark: Option<IgnoredAny>,
    #[serde(default)]
    at: Option<IgnoredAny>,
    #[serde(borrow, default)]
    harm: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkLine {
    mark: MarkKind,
    at: Time,
    text: String,
    #[serde(default)]
    set: bool,
    #[serde(default)]
    deaf: bool,
    #[serde(default)]
    harm: Harm,
}

impl Recording {
    /// Reads and checks a recording; what it takes grows with the text, not faster.
    ///
    /// # Errors
    /// Names the line that does not read.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let mut reading = Reading::default();
        let mut header = None;
        for (number, (line, _, part)) in numbered(text).enumerate() {
            let wrong = |why| RecordingError::Line { line, why };
            if number == 0 && is_header(part) {
                let read = header_of(part).map_err(wrong)?;
                reading.zero = Some(read.starts);
                header = Some((line, read));
            } else {
                reading.at_line(line).line(part).map_err(wrong)?;
            }
        }
        reading.finish(header, None).map(|(recording, _)| recording)
    }
}

/// Lines that hold anything: their number from 1, where they begin, and what they hold.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut at = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let parts = text.get(at..).unwrap_or_default().split_inclusive('\n');
    (1..).zip(parts).filter_map(move |(line, part)| {
        let start = at + part.len() - part.trim_start().len();
        at += part.len();
        let part = part.trim();
        (!part.is_empty()).then_some((line, start, part))
    })
}

/// Whether a recording's first line is its header.
pub(super) fn is_header(line: &str) -> bool {
    line.contains("\"andon_recording\"")
}

/// A recording that is being read.
#[derive(Default)]
pub(super) struct Reading {
    pub zero: Option<Time>,
    /// The line that is read.
    line: usize,
    spread: usize,
    /// Actions and marks that were read and let go of.
    gone: usize,
    /// Who acted in those; `None` where that was looked at before.
    pub acted: Option<BTreeSet<AgentId>>,
    pub history: Vec<Action>,
    /// With the line of each.
    pub moments: Vec<(usize, Moment)>,
}

impl Reading {
    /// Before the first line; who acts in what was let go of is known.
    pub fn knowing(acted: Option<BTreeSet<AgentId>>) -> Self {
        Self { acted, ..Self::default() }
    }

    /// What is read now stands in this line.
    pub fn at_line(&mut self, line: usize) -> &mut Self {
        self.line = line;
        self
    }

    /// Lets go of what was read, and remembers who acted.
    pub fn let_go(&mut self) {
        self.gone += self.history.len() + self.moments.len();
        let acted = self.acted.get_or_insert_default();
        let played = self.moments.drain(..).filter_map(|(_, moment)| match moment.item {
            Item::Action(action) => Some(action.agent),
            Item::Mark(_) => None,
        });
        for agent in self.history.drain(..).map(|action| action.agent).chain(played) {
            if !acted.contains(&agent) {
                acted.insert(agent);
            }
        }
    }

    pub fn line(&mut self, text: &str) -> Result<(), String> {
        if !text.starts_with('{') {
            return Err(match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => "is no JSON object; an action, a mark or a quiet stretch is one".into(),
                Err(error) => format!("is no JSON: {error}"),
            });
        }
        let peek: Peek<'_> = serde_json::from_str(text).map_err(|error| format!("is no JSON: {}", said(&error)))?;
        if let Some(quiet) = peek.quiet {
            let quiet: Quiet = read("quiet", quiet.get())?;
            let zero = self.zero.ok_or("a quiet stretch needs a header that says when it starts")?;
            let actions = quiet.spread(zero)?;
            self.spread(actions.len())?;
            self.history.extend(actions);
        } else if let Some(repeat) = peek.repeat {
            let repeat: Repeat = read("repeat", repeat.get())?;
            let pattern = peek.action.ok_or("a repeat needs what is repeated: `action`")?;
            self.spread(repeat.times())?;
            for (text, later_ms) in repeat.texts(pattern.get()) {
                self.action(&text, later_ms)?;
            }
        } else if peek.mark.is_some() {
            self.mark(read("the mark", text)?)?;
        } else {
            self.timed_action(text, &peek, 0)?;
        }
        if self.gone + self.history.len() + self.moments.len() > MOST {
            return Err(format!("a recording holds at most {MOST} actions and marks; split it"));
        }
        Ok(())
    }

    fn spread(&mut self, more: usize) -> Result<(), String> {
        self.spread = self.spread.saturating_add(more);
        if self.spread > MOST_SPREAD {
            return Err(format!("quiet stretches and repeats stand for at most {MOST_SPREAD} actions in all"));
        }
        Ok(())
    }

    fn mark(&mut self, line: MarkLine) -> Result<(), String> {
        let MarkLine { mark, at, text, set, deaf, harm } = line;
        if deaf && mark != MarkKind::Page {
            return Err("only a page is deaf".into());
        }
        within(harm)?;
        self.moments.push((self.line, Moment { at, item: Item::Mark(Mark { mark, at, text, set, deaf }), harm }));
        Ok(())
    }

    fn action(&mut self, text: &str, later_ms: i64) -> Result<(), String> {
        let peek: Peek<'_> = serde_json::from_str(text).map_err(|error| format!("in action: {}", said(&error)))?;
        self.timed_action(text, &peek, later_ms)
    }

    /// An action, as `POST /v1/actions` takes it; a recording must say when.
    fn timed_action(&mut self, text: &str, peek: &Peek<'_>, later_ms: i64) -> Result<(), String> {
        let decoded = native::decode(text.as_bytes(), Time::default()).map_err(|error| error.to_string())?;
        if let Some(rejected) = decoded.rejected.into_iter().next() {
            return Err(rejected.reason);
        }
        if peek.at.is_none() {
            return Err("an action of a recording needs its time: `at`".into());
        }
        let Some((_, mut action)) = decoded.actions.into_iter().next() else {
            return Err("is no action".into());
        };
        let harm = peek.harm.map(|harm| read("harm", harm.get())).transpose()?.unwrap_or(Harm::NONE);
        within(harm)?;
        action.endpoint = action.endpoint.map(|endpoint| settled(&endpoint)).transpose()?;
        action.started = action.started.map(|started| started.plus(later_ms));
        action.at = action.at.plus(later_ms);
        action.received_at = action.at;
        if self.zero.is_some_and(|zero| action.at < zero) {
            if !harm.is_none() {
                return Err("what comes before `starts` is history and harms nothing: leave `harm` out".into());
            }
            self.history.push(action);
        } else {
            self.moments.push((self.line, Moment { at: action.at, item: Item::Action(Box::new(action)), harm }));
        }
        Ok(())
    }

    /// The whole, and the line of each moment; `first` is when the first of those happens that are not held.
    pub fn finish(
        mut self,
        header: Option<(usize, Header)>,
        first: Option<Time>,
    ) -> Result<(Recording, Vec<usize>), RecordingError> {
        self.moments.sort_by_key(|(_, moment)| moment.at);
        self.history.sort_by_key(|action| action.at);
        let (lines, moments): (Vec<usize>, Vec<Moment>) = self.moments.into_iter().unzip();
        let first = moments.first().map(|moment| moment.at).into_iter().chain(first).min();
        let Some(first) = first else { return Err(RecordingError::Empty) };
        let starts = self.zero.unwrap_or(first);
        let mut recording =
            Recording { title: "A recording".into(), starts, history: self.history, moments, ..Recording::default() };
        if let Some((line, header)) = header {
            recording.title = header.title;
            (recording.modelled_on, recording.published) = (header.modelled_on, header.published);
            (recording.set, recording.agents) = (header.set, header.agents);
            (recording.speed, recording.targets) = (header.speed, header.targets);
            (recording.hints, recording.conduct) = (header.hints, header.conduct);
            recording.hints.sort_by_key(|hint| hint.at);
            let acted = |agent: &AgentId| self.acted.as_ref().is_some_and(|acted| acted.contains(agent));
            whole(&recording, acted).map_err(|why| RecordingError::Line { line, why })?;
        }
        Ok((recording, lines))
    }
}

/// What a facilitator puts into a drill: a line of a recording, which happens `now` (DRL.1).
///
/// # Errors
/// What does not read as an action or a mark.
pub fn injected(line: &str, now: Time) -> Result<Moment, RecordingError> {
    let wrong = |why: String| RecordingError::Line { line: 1, why };
    let mut value: serde_json::Value =
        serde_json::from_str(line).map_err(|error| wrong(format!("is no JSON: {error}")))?;
    let serde_json::Value::Object(object) = &mut value else {
        return Err(wrong("is no JSON object; an action or a mark is one".into()));
    };
    if object.contains_key("quiet") || object.contains_key("repeat") {
        return Err(wrong("one action or one mark is put in at a time".into()));
    }
    object.insert("at".into(), now.to_string().into());
    object.remove("started");
    let recording = Recording::parse(&value.to_string())?;
    recording.moments.into_iter().next().ok_or(RecordingError::Empty)
}

pub(super) fn header_of(text: &str) -> Result<Header, String> {
    let header: Header = read("the header", text)?;
    if header.andon_recording != 1 {
        return Err(format!(
            "is a recording of version {}; this andon reads version 1: take a newer andon",
            header.andon_recording
        ));
    }
    Ok(header)
}

/// What the header says must fit what follows.
fn whole(recording: &Recording, acted: impl Fn(&AgentId) -> bool) -> Result<(), String> {
    if let Some(speed) = recording.speed.filter(|speed| !SPEEDS.contains(speed)) {
        return Err(format!("in the header: speed: {}", SpeedError(speed)));
    }
    if let Some(hint) = recording.hints.iter().find(|hint| hint.at < recording.starts) {
        return Err(format!("in the header: a hint at {} comes before the start", hint.at));
    }
    for agent in recording.conduct.keys() {
        let declared = recording.agents.iter().any(|declared| declared.id == *agent);
        if !declared && !acted(agent) && recording.actions().all(|action| action.agent != *agent) {
            return Err(format!("in the header: conduct names {agent}, who neither is declared nor acts"));
        }
    }
    Ok(())
}

/// An endpoint's template that stays itself however often it is read.
pub(super) fn settled(given: &str) -> Result<String, String> {
    let mut settled = endpoint::template(given).into_owned();
    loop {
        let again = endpoint::template(&settled);
        if again.is_empty() {
            return Err("endpoint: an endpoint needs a name".into());
        }
        if again == settled {
            return Ok(settled);
        }
        settled = again.into_owned();
    }
}

fn within(harm: Harm) -> Result<(), String> {
    harm.excess().map_or(Ok(()), |why| Err(format!("in harm: {why}")))
}

fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, String> {
    if !text.starts_with('{') {
        return Err(format!("in {what}: an object is meant"));
    }
    serde_json::from_str(text).map_err(|error| format!("in {what}: {}", said(&error)))
}

/// serde's words without a place inside the line.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
