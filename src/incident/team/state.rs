//! What the fold keeps of a team's work besides its tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Related;
use crate::terms::{Author, IncidentId, Time, words};

words! {
    /// Who noticed first (DET.6).
    Source, "a source" {
        /// A tripwire.
        Tripwire = "tripwire",
        /// Somebody who works here.
        Report = "report",
        /// A scorecard that failed.
        Scorecard = "scorecard",
        /// An anomaly elsewhere.
        Anomaly = "anomaly",
        /// A customer.
        Customer = "customer",
        /// A regulator.
        Regulator = "regulator",
        /// A partner.
        Partner = "partner",
        /// The press.
        Press = "press",
    }
}

words! {
    /// What a link leads to.
    LinkKind, "a kind of link" {
        /// The chat.
        Chat = "chat",
        /// The call everybody is on.
        Bridge = "bridge",
        /// A ticket.
        Ticket = "ticket",
        /// A document.
        Document = "document",
        /// A dashboard.
        Dashboard = "dashboard",
    }
}

/// A link (TEAM.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it leads to.
    pub kind: LinkKind,
    /// Its address.
    pub url: String,
    /// What it is called.
    #[serde(default)]
    pub title: Option<String>,
    /// Who added it.
    pub by: Author,
}

/// A role that changed hands with words (TEAM.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// Which role.
    pub role: String,
    /// Who had it.
    #[serde(default)]
    pub from: Option<String>,
    /// Who has it.
    #[serde(default)]
    pub to: Option<String>,
    /// What was said.
    #[serde(default)]
    pub note: Option<String>,
    /// When.
    pub at: Time,
}

/// A team's work on one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Team {
    /// Chat, bridge, tickets.
    pub links: Vec<Link>,
    /// Every change of a role, oldest first.
    pub handovers: Vec<HandOver>,
    /// Reminders that were put off, by id, and until when.
    pub snoozed: BTreeMap<String, Time>,
    /// The runbook's own fields.
    pub fields: BTreeMap<String, String>,
    /// Incidents it is related to.
    pub related: Vec<Related>,
    /// The one that took it in.
    pub merged_into: Option<IncidentId>,
    /// Who noticed first.
    pub source: Option<Source>,
    /// When a consequence surfaced, where that is how it was noticed: the detection clock's zero.
    pub surfaced_at: Option<Time>,
}
