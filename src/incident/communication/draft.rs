//! Drafts: what is written for an audience, and what was sent of it.

use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryState, Promise, writing::Edit};
use crate::terms::{Author, DraftId, Time};

/// The six fields of every update (COM.1). All text is person-written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Affected workflow.
    pub workflow: String,
    /// Known user impact.
    pub impact: String,
    /// What is contained.
    pub contained: String,
    /// What is still investigated.
    pub investigating: String,
    /// Who owns the next decision.
    pub owner: String,
    /// When the next update comes.
    pub next_update: String,
    /// Why this audience is told: customer, partner, regulatory, reputational (COM.2).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the reader should do (COM.6).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reader_should: String,
    /// What the agent did (COM.2).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent_did: String,
    /// Which systems it touched (COM.2).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub systems: String,
    /// What changes before it restarts (COM.2).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before_restart: String,
    /// The message itself, free text.
    pub body: String,
}

impl Fields {
    /// The six field names in their order, as commands and templates spell them.
    pub const NAMES: [&'static str; 6] = ["workflow", "impact", "contained", "investigating", "owner", "next_update"];

    /// Every field, the six first, the body last; which of the others an audience needs its template says.
    pub const ALL: [&'static str; 12] = [
        "workflow",
        "impact",
        "contained",
        "investigating",
        "owner",
        "next_update",
        "reason",
        "reader_should",
        "agent_did",
        "systems",
        "before_restart",
        "body",
    ];
    /// What internal and final messages add to the six (COM.2).
    pub const FINAL: [&'static str; 3] = ["agent_did", "systems", "before_restart"];

    /// A field by name; `body` too.
    pub fn get(&self, name: &str) -> Option<&str> {
        Some(match name {
            "workflow" => &self.workflow,
            "impact" => &self.impact,
            "contained" => &self.contained,
            "investigating" => &self.investigating,
            "owner" => &self.owner,
            "next_update" => &self.next_update,
            "reason" => &self.reason,
            "reader_should" => &self.reader_should,
            "agent_did" => &self.agent_did,
            "systems" => &self.systems,
            "before_restart" => &self.before_restart,
            "body" => &self.body,
            _ => return None,
        })
    }

    /// Sets a field by name; false when there is no such field.
    pub fn set(&mut self, name: &str, text: String) -> bool {
        let field = match name {
            "workflow" => &mut self.workflow,
            "impact" => &mut self.impact,
            "contained" => &mut self.contained,
            "investigating" => &mut self.investigating,
            "owner" => &mut self.owner,
            "next_update" => &mut self.next_update,
            "reason" => &mut self.reason,
            "reader_should" => &mut self.reader_should,
            "agent_did" => &mut self.agent_did,
            "systems" => &mut self.systems,
            "before_restart" => &mut self.before_restart,
            "body" => &mut self.body,
            _ => return false,
        };
        *field = text;
        true
    }
}

/// One communication draft (COM.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// `DRAFT-1`, within the incident.
    pub id: DraftId,
    /// For whom.
    pub audience: String,
    /// Its fields now.
    pub fields: Fields,
    /// What was written, in the order in which it came: a copy of the draft is made of these (COM.5).
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// Rises with each edit; who agrees names the one they read.
    pub version: u64,
    /// Who edited it, in order of their first edit.
    pub authors: Vec<Author>,
    /// When it was last edited.
    pub edited_at: Time,
    /// Every time it was sent, with the exact text.
    pub sent: Vec<Sent>,
}

/// A draft as it was sent (COM.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// When.
    pub at: Time,
    /// Who.
    pub by: Author,
    /// Exactly what.
    pub text: String,
    /// By which channel.
    pub channel: String,
    /// To whom.
    pub to: String,
    /// Its number among the draft's messages, from 1; 0 in logs from before they were numbered.
    #[serde(default)]
    pub number: u32,
    /// What it promised of the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// Why it was sent over the statement that is agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// Who had written it by then (COM.5); empty in logs from before that was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    /// What came of it, where andon sends it itself; absent where a person carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
}

impl Sent {
    /// When somebody was told: by hand at once, else once the other side took it.
    pub fn told_at(&self) -> Option<Time> {
        let Some(delivery) = &self.delivery else { return Some(self.at) };
        let taken = |state| matches!(state, DeliveryState::Accepted | DeliveryState::Rehearsed);
        delivery.attempts.iter().find(|attempt| taken(attempt.state)).map(|attempt| attempt.at)
    }
}
