//! Whom messages reached, and who read a corrupted record, from stored telemetry (RBK.3, RBK.7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    telemetry::{Action, Status},
    terms::{AgentId, Time},
};

/// Rows that one answer holds; beyond it rows are only counted.
const MOST: usize = 50_000;
/// Message ids kept of one recipient, runs of one reader.
const EACH: usize = 100;

/// One recipient (RBK.3); agent-written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Who.
    pub recipient: String,
    /// What was sent, by the sender's ids.
    pub messages: Vec<String>,
    /// How many messages.
    pub count: u64,
    /// From which agent.
    pub agent: AgentId,
    /// The first.
    pub first: Time,
    /// The last.
    pub last: Time,
}

/// Everybody that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reached {
    /// By recipient.
    pub recipients: Vec<Recipient>,
    /// Messages whose recipient telemetry does not name.
    pub unnamed: u64,
    /// Recipients beyond those listed.
    pub more: u64,
}

/// Gathers recipients.
#[derive(Debug, Default)]
pub struct Reaching {
    found: BTreeMap<(String, AgentId), Recipient>,
    unnamed: u64,
    more: u64,
}

impl Reaching {
    /// Takes an action in; only what people see counts.
    pub fn add(&mut self, action: &Action) {
        let detail = action.detail.as_deref();
        let named = detail.map(|detail| detail.recipients.as_slice()).unwrap_or_default();
        let speaks = action.artefact.is_some()
            || !named.is_empty()
            || action.class.as_ref().is_some_and(|class| class.speaks_to_customers());
        if action.status != Status::Ok || !speaks {
            return;
        }
        let mut who: Vec<&str> = named.iter().map(String::as_str).collect();
        if who.is_empty() {
            who.extend(action.counterparty.as_deref());
        }
        if who.is_empty() {
            self.unnamed += 1;
        }
        let messages = detail.map(|detail| detail.effects.as_slice()).unwrap_or_default();
        for one in who {
            let key = (one.to_owned(), action.agent.clone());
            if !self.found.contains_key(&key) && self.found.len() >= MOST {
                self.more += 1;
                continue;
            }
            let row = self.found.entry(key).or_insert_with(|| Recipient {
                recipient: one.to_owned(),
                messages: Vec::new(),
                count: 0,
                agent: action.agent.clone(),
                first: action.at,
                last: action.at,
            });
            row.count += 1;
            (row.first, row.last) = (row.first.min(action.at), row.last.max(action.at));
            for message in messages.iter().filter(|message| !message.is_empty()) {
                if row.messages.len() < EACH && !row.messages.contains(message) {
                    row.messages.push(message.clone());
                }
            }
        }
    }

    /// The answer, by name.
    pub fn finish(self) -> Reached {
        Reached { recipients: self.found.into_values().collect(), unnamed: self.unnamed, more: self.more }
    }
}

/// An agent that read a corrupted record (RBK.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// Who.
    pub agent: AgentId,
    /// Which record, as it was retrieved.
    pub record: String,
    /// How often.
    pub count: u64,
    /// In which runs.
    pub runs: Vec<String>,
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
}

/// Gathers readers of some records.
#[derive(Debug, Default)]
pub struct Reading {
    records: Vec<String>,
    found: BTreeMap<(AgentId, String), Reader>,
}

impl Reading {
    /// Of these records; a record is what a source's id or address is, or ends with.
    pub fn of(records: Vec<String>) -> Self {
        Self { records, found: BTreeMap::new() }
    }

    /// Takes an action of any agent in.
    pub fn add(&mut self, action: &Action) {
        let Some(detail) = action.detail.as_deref().filter(|_| action.status != Status::Denied) else { return };
        let found = detail.retrieval.iter().flat_map(|retrieval| &retrieval.sources);
        let sources = found.flat_map(|source| [source.id.as_deref(), source.uri.as_deref()]).flatten();
        let mut read: Vec<&str> = Vec::new();
        for source in sources.chain(detail.files.iter().map(String::as_str)) {
            let hit = self.records.iter().find(|record| source == **record || source.ends_with(&format!("/{record}")));
            read.extend(hit.map(String::as_str).filter(|hit| !read.contains(hit)));
        }
        let read: Vec<String> = read.into_iter().map(str::to_owned).collect();
        for record in read {
            let key = (action.agent.clone(), record.clone());
            if !self.found.contains_key(&key) && self.found.len() >= MOST {
                continue;
            }
            let row = self.found.entry(key).or_insert_with(|| Reader {
                agent: action.agent.clone(),
                record,
                count: 0,
                runs: Vec::new(),
                first: action.at,
                last: action.at,
            });
            row.count += 1;
            (row.first, row.last) = (row.first.min(action.at), row.last.max(action.at));
            if let Some(run) = action.run.as_ref().filter(|run| row.runs.len() < EACH && !row.runs.contains(run)) {
                row.runs.push(run.clone());
            }
        }
    }

    /// The answer, by agent and record.
    pub fn finish(self) -> Vec<Reader> {
        self.found.into_values().collect()
    }
}
