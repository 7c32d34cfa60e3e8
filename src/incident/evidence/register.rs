//! What is affected: records, people, money, regulatory surface; unknowns counted (EVI.8).

use serde::{Deserialize, Serialize};

use crate::{
    telemetry::Amount,
    terms::{AffectedId, Author, Time, words},
};

words! {
    /// What kind of thing is affected (EVI.8).
    AffectedKind, "a kind of what is affected" {
        /// Records, documents, files.
        Record = "record",
        /// People: customers, recipients, users.
        Person = "person",
        /// Money.
        Money = "money",
        /// A duty towards a regulator.
        Regulatory = "regulatory",
    }
}

words! {
    /// Where it stands.
    AffectedState, "a state of what is affected" {
        /// How many, or which, is not known.
        Unknown = "unknown",
        /// Known which and how many.
        Identified = "identified",
        /// Those concerned are told.
        Notified = "notified",
        /// It is made good.
        Repaired = "repaired",
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Affected {
    /// `AFF-1`, within the incident.
    pub id: AffectedId,
    /// What kind of thing.
    pub kind: AffectedKind,
    /// What, in a line; person-written, or from telemetry.
    pub what: String,
    /// How many; absent is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How much money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Where it stands.
    pub state: AffectedState,
    /// Telemetry showed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_telemetry: bool,
    /// The last word on it; person-written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who set it last.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// What is affected by an incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Register {
    /// Rows in order of their addition.
    pub rows: Vec<Affected>,
}

impl Register {
    /// A row by number.
    pub fn row(&self, id: AffectedId) -> Option<&Affected> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Rows of which it is not known which or how many.
    pub fn unknown(&self) -> usize {
        self.rows.iter().filter(|row| row.state == AffectedState::Unknown || row.count.is_none()).count()
    }

    /// Known affected things of a kind.
    pub fn count(&self, kind: AffectedKind) -> u64 {
        self.rows.iter().filter(|row| row.kind == kind).filter_map(|row| row.count).fold(0, u64::saturating_add)
    }

    /// Whether something was identified and nothing is left unknown (RST.1).
    pub fn is_identified(&self) -> bool {
        !self.rows.is_empty() && self.unknown() == 0
    }
}
