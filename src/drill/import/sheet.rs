//! A recording being put together from foreign calls: each line remembers where it came from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::ImportError;
use crate::{
    drill::{Recording, RecordingError},
    terms::Time,
};

/// When calls begin whose form gives no times: 2026-01-05T09:00:00Z, in milliseconds.
const BEGINS: i64 = 1_767_603_600_000;
/// How far apart they are.
const STEP: i64 = 10 * Time::SECOND;

/// Lines, and where each came from.
pub(super) struct Sheet {
    title: &'static str,
    of: &'static str,
    set: String,
    now: Time,
    tools: BTreeMap<String, BTreeSet<String>>,
    lines: Vec<(String, Value)>,
}

impl Sheet {
    /// An empty one; `of` names what it is made from, `set` what nobody recorded.
    pub fn new(title: &'static str, of: &'static str, set: impl Into<String>) -> Self {
        Self { title, of, set: set.into(), now: Time::from_millis(BEGINS), tools: BTreeMap::new(), lines: Vec::new() }
    }

    /// The time of the next call of a form that has none.
    pub fn next(&mut self) -> Time {
        self.now = self.now.plus(STEP);
        self.now
    }

    /// A tool that the agent is declared with.
    pub fn declare(&mut self, agent: &str, tool: &str) {
        self.tools.entry(agent.to_owned()).or_default().insert(tool.to_owned());
    }

    /// Takes an action or a mark.
    pub fn line(&mut self, place: impl Into<String>, line: Value) {
        self.lines.push((place.into(), line));
    }

    /// Says more of what was left out.
    pub fn add_to_set(&mut self, words: &str) {
        self.set.push_str(words);
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Reads the whole as a recording, by the one parser there is.
    pub fn finish(self) -> Result<Recording, ImportError> {
        let at = |line: &Value| line["at"].as_str().and_then(|at| at.parse::<Time>().ok());
        let starts = self.lines.iter().filter_map(|(_, line)| at(line)).min();
        let Some(starts) = starts else { return Err(ImportError::NoAction("it holds no call with a time".into())) };
        let agents: Vec<Value> =
            self.tools.iter().map(|(agent, tools)| json!({"id": agent, "inventory": tools})).collect();
        let header = json!({
            "andon_recording": 1, "title": self.title, "modelled_on": self.of, "published": "the calls and their order",
            "set": self.set, "starts": starts, "agents": agents,
        });
        let mut text = header.to_string();
        for (_, line) in &self.lines {
            text.push('\n');
            text.push_str(&line.to_string());
        }
        Recording::parse(&text).map_err(|error| self.placed(error))
    }

    /// The parser's line, as a place of the foreign file.
    fn placed(&self, error: RecordingError) -> ImportError {
        match error {
            RecordingError::Line { line: 1, why } => ImportError::Item { place: "the agents' names".into(), why },
            RecordingError::Line { line, why } => {
                let place = self.lines.get(line.saturating_sub(2)).map_or("the file", |(place, _)| place.as_str());
                ImportError::Item { place: place.to_owned(), why }
            }
            RecordingError::Empty => ImportError::NoAction("nobody acts in it".into()),
        }
    }
}

/// An object of a file, and where it stands.
pub(super) type Placed = (String, Map<String, Value>);

/// The objects of a file: one, a list of them, one a line, or a list under `under`; each with its place.
pub(super) fn objects(text: &str, under: Option<&str>) -> Result<Vec<Placed>, ImportError> {
    let whole = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut fields)) => match under.and_then(|under| fields.remove(under)) {
            Some(Value::Array(items)) => numbered("record", items),
            Some(_) => return Err(ImportError::Json(format!("{} is no list", under.unwrap_or_default()))),
            None => vec![("the file".to_owned(), Value::Object(fields))],
        },
        Ok(Value::Array(items)) => numbered("item", items),
        Ok(_) => return Err(ImportError::Json("an object or a list is meant".into())),
        Err(whole) => lines(text, &whole)?,
    };
    let object = |(place, value)| match value {
        Value::Object(fields) => Ok((place, fields)),
        _ => Err(ImportError::Item { place, why: "is no object".into() }),
    };
    whole.into_iter().map(object).collect()
}

fn numbered(what: &str, items: Vec<Value>) -> Vec<(String, Value)> {
    (1..).zip(items).map(|(number, item)| (format!("{what} {number}"), item)).collect()
}

/// One object a line; a file whose first line is no value by itself is one value that broke off.
fn lines(text: &str, whole: &serde_json::Error) -> Result<Vec<(String, Value)>, ImportError> {
    let filled = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let mut found = Vec::new();
    for (number, line) in filled {
        match serde_json::from_str(line) {
            Ok(value) => found.push((format!("line {number}"), value)),
            Err(_) if found.is_empty() => return Err(ImportError::Json(whole.to_string())),
            Err(why) => {
                return Err(ImportError::Item { place: format!("line {number}"), why: format!("is no JSON: {why}") });
            }
        }
    }
    if found.is_empty() { Err(ImportError::Json("it is empty".into())) } else { Ok(found) }
}

/// A list under a name; absent is empty.
pub(super) fn list<'a>(fields: &'a Map<String, Value>, name: &str, place: &str) -> Result<&'a [Value], ImportError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(wrong(place, format!("{name} is no list"))),
    }
}

/// A text under a name.
pub(super) fn text<'a>(fields: &'a Value, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// An error with its place.
pub(super) fn wrong(place: &str, why: impl Into<String>) -> ImportError {
    ImportError::Item { place: place.to_owned(), why: why.into() }
}
