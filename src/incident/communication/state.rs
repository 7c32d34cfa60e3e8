//! What the fold keeps of communication beside the drafts: deliveries, and what is agreed for each audience.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    incident::Fields,
    runbook::ChannelKind,
    terms::{Author, DraftId, Time, words},
};

words! {
    /// How far a message has come (COM.5).
    DeliveryState, "a state of a delivery" {
        /// Asked for; nobody tried yet.
        Waiting = "waiting",
        /// A try goes on.
        Sending = "sending",
        /// It was not taken, and is tried again.
        Retrying = "retrying",
        /// The other side took it.
        Accepted = "accepted",
        /// It was not taken, and is not tried again: a dead letter.
        Failed = "failed",
        /// The backend ended while it was sent: whether it went out is not known.
        Unknown = "unknown",
        /// A drill's: nothing leaves one.
        Rehearsed = "rehearsed",
    }
}

impl DeliveryState {
    /// Whether anything more is to come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Sending | Self::Retrying)
    }

    /// Whether a person should look after it.
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
}

/// One step of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Time,
    /// Where it stood then.
    pub state: DeliveryState,
    /// In words: `HTTP 202`, `250 queued`, `no answer in 20 s`; may hold foreign text.
    pub status: String,
}

/// What came of a message that andon sends itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How the channel sends.
    pub kind: ChannelKind,
    /// Its subject.
    pub subject: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Every try and what came of it, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// What is still on its way goes on elsewhere: this copy of it is settled.
    pub fn left_to(&mut self, elsewhere: &str, at: Time) {
        if self.state.is_open() {
            let status = format!("it goes on under {elsewhere}");
            self.state = DeliveryState::Unknown;
            self.attempts.push(Attempt { at, state: self.state, status });
        }
    }

    /// How often it was tried.
    pub fn tries(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.state == DeliveryState::Sending).count()
    }
}

/// The one statement that holds for an audience now (COM.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Whose fields.
    pub draft: DraftId,
    /// As of which version.
    pub version: u64,
    /// The fields as they were agreed.
    pub fields: Fields,
    /// Who agreed.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// Communication as an incident keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Communication {
    /// The agreed statement, by audience.
    pub agreed: BTreeMap<String, Agreed>,
}
