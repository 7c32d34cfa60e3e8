//! Reads a recording: JSON Lines, a header first or none at all.

use serde::Deserialize;
use serde_json::Value;

use super::recording::{Item, Mark, Moment, Recording};
use crate::{
    incident::AgentDeclaration,
    telemetry::{Action, native},
    terms::{ActionClass, AgentId, NanoUsd, Time, ToolName, Workflow},
};

/// The longest quiet history: what a baseline looks back on.
const LONGEST_HOURS: u32 = 168;
/// Actions that a quiet line may stand for.
const MOST_QUIET: u32 = 100_000;

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
struct Header {
    andon_recording: u32,
    title: String,
    #[serde(default)]
    modelled_on: Option<String>,
    #[serde(default)]
    published: Option<String>,
    #[serde(default)]
    set: Option<String>,
    starts: Time,
    #[serde(default)]
    agents: Vec<AgentDeclaration>,
}

/// `{"quiet": {…}}`: hours of even work before the start, spelt in one line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quiet {
    agent: AgentId,
    hours: u32,
    calls_per_hour: u32,
    #[serde(default)]
    usd_per_call: Option<NanoUsd>,
    #[serde(default)]
    tool: Option<ToolName>,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    class: Option<ActionClass>,
    #[serde(default)]
    workflow: Option<Workflow>,
}

impl Recording {
    /// Reads and checks a recording.
    ///
    /// # Errors
    /// Names the line that does not read.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines: Vec<(usize, &str)> = (1..)
            .zip(text.lines())
            .map(|(line, text)| (line, text.trim()))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        let header = lines.first().filter(|(_, first)| first.contains("\"andon_recording\""));
        let header = header.map(|(line, first)| header_of(*line, first)).transpose()?;
        let mut recording = Self {
            title: "A recording".into(),
            modelled_on: None,
            published: None,
            set: None,
            starts: Time::default(),
            agents: Vec::new(),
            history: Vec::new(),
            moments: Vec::new(),
        };
        let rest = if header.is_some() { &lines[1..] } else { &lines[..] };
        let zero = header.as_ref().map(|header| header.starts);
        for (line, text) in rest {
            recording.line(*line, text, zero)?;
        }
        recording.moments.sort_by_key(|moment| moment.at);
        recording.history.sort_by_key(|action| action.at);
        let Some(first) = recording.moments.first() else { return Err(RecordingError::Empty) };
        recording.starts = zero.unwrap_or(first.at);
        if let Some(header) = header {
            recording.title = header.title;
            (recording.modelled_on, recording.published) = (header.modelled_on, header.published);
            (recording.set, recording.agents) = (header.set, header.agents);
        }
        Ok(recording)
    }

    fn line(&mut self, line: usize, text: &str, zero: Option<Time>) -> Result<(), RecordingError> {
        let wrong = |why: String| RecordingError::Line { line, why };
        let value: Value = serde_json::from_str(text).map_err(|error| wrong(format!("is no JSON: {error}")))?;
        let Value::Object(object) = &value else {
            return Err(wrong("is no JSON object; an action, a mark or a quiet stretch is one".into()));
        };
        if let Some(quiet) = object.get("quiet") {
            let quiet = Quiet::deserialize(quiet).map_err(|error| wrong(format!("in quiet: {error}")))?;
            let zero = zero.ok_or_else(|| wrong("a quiet stretch needs a header that says when it starts".into()))?;
            self.history.extend(expand(&quiet, zero).map_err(wrong)?);
        } else if object.contains_key("mark") {
            let mark = Mark::deserialize(&value).map_err(|error| wrong(format!("in the mark: {error}")))?;
            self.moments.push(Moment { at: mark.at, item: Item::Mark(mark) });
        } else {
            let action = action(text, object.contains_key("at")).map_err(wrong)?;
            if zero.is_some_and(|zero| action.at < zero) {
                self.history.push(action);
            } else {
                self.moments.push(Moment { at: action.at, item: Item::Action(Box::new(action)) });
            }
        }
        Ok(())
    }
}

fn header_of(line: usize, text: &str) -> Result<Header, RecordingError> {
    let wrong = |why: String| RecordingError::Line { line, why };
    let header: Header = serde_json::from_str(text).map_err(|error| wrong(format!("in the header: {error}")))?;
    if header.andon_recording != 1 {
        return Err(wrong(format!(
            "is a recording of version {}; this andon reads version 1: take a newer andon",
            header.andon_recording
        )));
    }
    Ok(header)
}

/// An action, as `POST /v1/actions` takes it; a recording must say when.
fn action(text: &str, timed: bool) -> Result<Action, String> {
    let decoded = native::decode(text.as_bytes(), Time::default()).map_err(|error| error.to_string())?;
    if let Some(rejected) = decoded.rejected.into_iter().next() {
        return Err(rejected.reason);
    }
    if !timed {
        return Err("an action of a recording needs its time: `at`".into());
    }
    let Some((_, mut action)) = decoded.actions.into_iter().next() else {
        return Err("is no action".into());
    };
    action.received_at = action.at;
    Ok(action)
}

/// Even work: the same calls each hour, never two at once for two agents.
fn expand(quiet: &Quiet, zero: Time) -> Result<Vec<Action>, String> {
    if quiet.hours == 0 || quiet.hours > LONGEST_HOURS {
        return Err(format!("a quiet stretch lasts 1 to {LONGEST_HOURS} hours, not {}", quiet.hours));
    }
    let calls = quiet.hours.checked_mul(quiet.calls_per_hour).filter(|calls| (1..=MOST_QUIET).contains(calls));
    let calls = calls.ok_or_else(|| format!("a quiet stretch stands for 1 to {MOST_QUIET} calls"))?;
    let step = Time::HOUR / i64::from(quiet.calls_per_hour);
    let make = |back: i64| {
        let at = zero.plus(-back * step);
        Action {
            id: None,
            started: None,
            at,
            received_at: at,
            agent: quiet.agent.clone(),
            run: None,
            workflow: quiet.workflow.clone(),
            tool: quiet.tool.clone(),
            endpoint: quiet.endpoint.clone(),
            class: quiet.class.clone(),
            cost: quiet.usd_per_call,
            cost_estimated: false,
            status: crate::telemetry::Status::Ok,
            artefact: None,
            amount: None,
            counterparty: None,
            model: None,
            tokens: None,
            on_behalf_of: None,
            input: None,
            output: None,
            call_id: None,
            trace_id: None,
            span_id: None,
            parent_span_id: None,
            detail: None,
        }
    };
    Ok((1..=i64::from(calls)).rev().map(make).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = r#"{"andon_recording":1,"title":"T","starts":"2026-03-02T14:00:00Z"}"#;

    /// DRL.1: a file of plain actions is a recording; its zero is its first action.
    #[test]
    fn plain_actions_are_a_recording() {
        let text = "{\"agent\":\"b\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:05Z\"}\n\n{\"agent\":\"a\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:01Z\"}\n";
        let recording = Recording::parse(text).unwrap();
        assert_eq!(recording.moments.len(), 2);
        assert_eq!(recording.starts.to_string(), "2026-03-02T14:00:01.000Z");
        assert!(matches!(&recording.moments[0].item, Item::Action(action) if action.agent.as_str() == "a"));
    }

    /// DRL.1: a stretch of quiet hours becomes history before the start, the same each time.
    #[test]
    fn quiet_hours_become_history() {
        let quiet = r#"{"quiet":{"agent":"a","hours":25,"calls_per_hour":4,"usd_per_call":0.01,"tool":"x"}}"#;
        let action = r#"{"agent":"a","tool":"x","at":"2026-03-02T14:00:01Z"}"#;
        let text = format!("{HEADER}\n{quiet}\n{action}");
        let recording = Recording::parse(&text).unwrap();
        assert_eq!(recording.history.len(), 100);
        assert_eq!(recording.history[0].at.to_string(), "2026-03-01T13:00:00.000Z");
        assert!(recording.history.iter().all(|action| action.at < recording.starts));
        assert_eq!(Recording::parse(&text), Ok(recording));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let good = r#"{"agent":"a","tool":"x","at":"2026-03-02T14:00:01Z"}"#;
        for (text, words) in [
            (String::new(), "holds no action"),
            (HEADER.to_owned(), "holds no action"),
            (format!("{HEADER}\n{good}\nnot json"), "line 3 of the recording: is no JSON"),
            (format!("{HEADER}\n[1]"), "line 2 of the recording: is no JSON object"),
            (format!("{HEADER}\n{{\"agent\":\"a\",\"tool\":\"x\"}}"), "needs its time"),
            (
                format!("{HEADER}\n{{\"mark\":\"thunder\",\"at\":\"2026-03-02T14:00:01Z\",\"text\":\"x\"}}"),
                "not a mark",
            ),
            (format!("{HEADER}\n{{\"quiet\":{{\"agent\":\"a\",\"hours\":0,\"calls_per_hour\":1}}}}"), "1 to 168 hours"),
            (
                format!("{HEADER}\n{{\"quiet\":{{\"agent\":\"a\",\"hours\":1,\"calls_per_hour\":0}}}}"),
                "1 to 100000 calls",
            ),
            ("{\"quiet\":{\"agent\":\"a\",\"hours\":1,\"calls_per_hour\":1}}".to_owned(), "needs a header"),
            (HEADER.replace(":1,", ":2,"), "version 2"),
            (HEADER.replace("\"title\":\"T\",", ""), "missing field `title`"),
            (format!("{good}\n{{\"agent\":\"\",\"at\":\"2026-03-02T14:00:01Z\"}}"), "line 2 of the recording"),
        ] {
            let said = Recording::parse(&text).unwrap_err().to_string();
            assert!(said.contains(words), "{said:?} does not say {words:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>(), hours in any::<u32>(), calls in any::<u32>()) {
            let _ = Recording::parse(&text);
            let _ = Recording::parse(&format!("{HEADER}\n{text}"));
            if hours.checked_mul(calls).is_none_or(|all| all > 5_000) {
                let quiet = format!(r#"{{"quiet":{{"agent":"a","hours":{hours},"calls_per_hour":{calls}}}}}"#);
                let _ = Recording::parse(&format!("{HEADER}\n{quiet}"));
            }
        }
    }
}
