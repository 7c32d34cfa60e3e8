//! Writes a recording; what is written reads back equal.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    Conduct, Harm,
    recording::{Hint, Item, Mark, MarkKind, Moment, Recording, Target},
};
use crate::{
    incident::AgentDeclaration,
    telemetry::Action,
    terms::{AgentId, Time},
};

#[derive(Serialize)]
struct Header<'a> {
    andon_recording: u32,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    modelled_on: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<&'a str>,
    starts: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    targets: &'a BTreeMap<Target, u32>,
    #[serde(skip_serializing_if = "<[Hint]>::is_empty")]
    hints: &'a [Hint],
    #[serde(skip_serializing_if = "<[AgentDeclaration]>::is_empty")]
    agents: &'a [AgentDeclaration],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    conduct: &'a BTreeMap<AgentId, Conduct>,
}

#[derive(Serialize)]
struct MarkLine<'a> {
    mark: MarkKind,
    at: Time,
    text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    set: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deaf: bool,
    #[serde(skip_serializing_if = "Harm::is_none")]
    harm: Harm,
}

impl Recording {
    /// The recording as text: a header, then each action and mark on a line of its own.
    ///
    /// # Errors
    /// For a figure that JSON cannot write; a recording that was read has none.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        let header = Header {
            andon_recording: 1,
            title: &self.title,
            modelled_on: self.modelled_on.as_deref(),
            published: self.published.as_deref(),
            set: self.set.as_deref(),
            starts: self.starts,
            speed: self.speed,
            targets: &self.targets,
            hints: &self.hints,
            agents: &self.agents,
            conduct: &self.conduct,
        };
        let mut text = serde_json::to_string(&header)?;
        text.push('\n');
        for action in &self.history {
            line(&mut text, action, Harm::NONE)?;
        }
        for Moment { item, harm, .. } in &self.moments {
            match item {
                Item::Action(action) => line(&mut text, action, *harm)?,
                Item::Mark(Mark { mark, at, text: words, set, deaf }) => {
                    let mark = MarkLine { mark: *mark, at: *at, text: words, set: *set, deaf: *deaf, harm: *harm };
                    text.push_str(&serde_json::to_string(&mark)?);
                    text.push('\n');
                }
            }
        }
        Ok(text)
    }
}

fn line(text: &mut String, action: &Action, harm: Harm) -> Result<(), serde_json::Error> {
    let mut value = serde_json::to_value(action)?;
    if let Value::Object(fields) = &mut value {
        // A recording is received as it happens.
        fields.remove("received_at");
        if !harm.is_none() {
            fields.insert("harm".to_owned(), serde_json::to_value(harm)?);
        }
    }
    text.push_str(&value.to_string());
    text.push('\n');
    Ok(())
}
