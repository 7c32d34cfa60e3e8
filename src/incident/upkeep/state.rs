//! What the stream `runbook` says, and its fold.

use std::{collections::BTreeMap, sync::Arc};

use imbl::{OrdMap, Vector};
use serde::{Deserialize, Serialize};

use crate::{
    incident::{Event, Fact},
    runbook::{Book, Runbook},
    terms::{Author, DrillId, FaultId, IncidentId, Time, words},
};

words! {
    /// How a report on the runbook ends.
    FaultEnd, "an end" {
        /// The runbook was changed.
        Mended = "mended",
        /// It stays as it is.
        Declined = "declined",
    }
}

/// A version came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookTaken {
    /// Its name; unlike that of any other texts.
    pub version: String,
    /// SHA-256 (hex) of its texts.
    pub digest: String,
    /// Which files are a team's own.
    pub own: Vec<String>,
    /// Every file's text.
    pub texts: BTreeMap<String, String>,
}

/// Somebody said what is wrong with the runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReported {
    /// Its number.
    pub fault: FaultId,
    /// What.
    pub what: String,
    /// Which class, tripwire, step or file it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The incident in which it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The drill of that incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillId>,
    /// The version it was found in.
    pub version: String,
    /// Who is to see to it.
    pub owner: String,
}

/// A report ended, or went to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSettled {
    /// Which.
    pub fault: FaultId,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<FaultEnd>,
    /// Why, or how it was mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who is to see to it from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// A report on the runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What was reported.
    #[serde(flatten)]
    pub reported: FaultReported,
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Author,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// How a report ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// How.
    pub end: FaultEnd,
    /// Why, or how it was mended.
    pub why: Option<String>,
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Author,
}

/// A version that was in force at some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// SHA-256 (hex) of its texts.
    pub digest: String,
    /// Which files are a team's own.
    pub own: Vec<String>,
    /// Date of its review.
    pub review_by: String,
    /// When it came into force last.
    pub at: Time,
    /// Who brought it.
    pub by: Author,
    /// Its texts, and what they mean to this program; absent in what a cockpit is sent, and where another andon wrote
    /// what this one cannot read.
    #[serde(skip)]
    pub book: Option<Arc<Book>>,
}

/// The runbook's versions and the reports on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Upkeep {
    /// The version in force; absent before any was taken.
    pub in_force: Option<String>,
    /// Every version, by name.
    pub versions: OrdMap<String, Version>,
    /// Every report, in order.
    pub faults: Vector<Arc<Fault>>,
}

impl Upkeep {
    /// The runbook of a version, where this program can read it.
    pub fn book(&self, version: &str) -> Option<&Arc<Book>> {
        self.versions.get(version)?.book.as_ref()
    }

    /// The book in force.
    pub fn now(&self) -> Option<&Arc<Book>> {
        self.book(self.in_force.as_deref()?)
    }

    /// The runbook that an incident began with.
    pub fn runbook(&self, version: &str) -> Option<&Arc<Runbook>> {
        self.book(version).map(|book| &book.runbook)
    }

    /// Reports that nobody settled.
    pub fn open(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().map(AsRef::as_ref).filter(|fault| fault.settled.is_none())
    }

    /// Folds one event of the stream `runbook`.
    pub fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::RunbookTaken(taken) => self.take(taken, event),
            Fact::FaultReported(reported) => self.faults.push_back(Arc::new(Fault {
                reported: (**reported).clone(),
                at: event.occurred_at,
                by: event.by.clone(),
                settled: None,
            })),
            Fact::FaultSettled(settled) => {
                let Some(fault) = self.faults.iter_mut().find(|fault| fault.reported.fault == settled.fault) else {
                    return;
                };
                let fault = Arc::make_mut(fault);
                if let Some(owner) = &settled.owner {
                    fault.reported.owner.clone_from(owner);
                }
                if let Some(end) = settled.end {
                    let (at, by) = (event.occurred_at, event.by.clone());
                    fault.settled = Some(Settled { end, why: settled.why.clone(), at, by });
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, taken: &BookTaken, event: &Event) {
        let read = Runbook::from_texts(&taken.texts).ok().map(|mut runbook| {
            runbook.version.clone_from(&taken.version);
            Arc::new(Book {
                digest: taken.digest.clone(),
                own: taken.own.clone(),
                texts: taken.texts.clone(),
                runbook: Arc::new(runbook),
            })
        });
        let version = Version {
            digest: taken.digest.clone(),
            own: taken.own.clone(),
            review_by: read.as_ref().map(|book| book.runbook.review_by.clone()).unwrap_or_default(),
            at: event.occurred_at,
            by: event.by.clone(),
            book: read,
        };
        self.versions.insert(taken.version.clone(), version);
        self.in_force = Some(taken.version.clone());
    }
}
