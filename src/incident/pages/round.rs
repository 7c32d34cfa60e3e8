//! An incident's own pages: asked for by its level, until somebody acknowledges (TEAM.3, TEAM.12).

use serde::{Deserialize, Serialize};

use super::Told;
use crate::{
    incident::communication::DeliveryState,
    terms::{Author, Time, words},
};

words! {
    /// Why an incident pages by itself.
    Occasion, "an occasion" {
        /// It was declared at a level that pages.
        Declared = "declared",
        /// Its severity was raised to one.
        Raised = "raised",
    }
}

/// A round of pages began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagingBegun {
    /// Its number within the incident, from 1.
    pub round: u32,
    /// The queue, as the runbook names it.
    pub queue: String,
    /// The level that asks for it.
    pub severity: String,
    /// Why.
    pub occasion: Occasion,
}

/// A step of a queue, as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSent {
    /// Which step, from 0.
    pub step: u32,
    /// By which channel.
    pub channel: String,
    /// Whom.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// What the other side said, or why it did not go.
    pub status: String,
    /// By which key the pager knows it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// What came of a step of a round; the newest word counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundSent {
    /// Which round.
    pub round: u32,
    /// Its step.
    pub page: StepSent,
}

/// Somebody has seen the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagesAcknowledged {
    /// Of which rounds.
    pub rounds: Vec<u32>,
}

/// One step of a firing's pages, or of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StepState {
    /// What came of it last.
    #[serde(flatten)]
    pub sent: StepSent,
    /// When that was.
    pub at: Time,
    /// What its pager was told later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
}

impl StepState {
    /// Folds what came of a step at `at` into what is known of it.
    pub(in crate::incident) fn take(known: &mut Vec<Self>, sent: StepSent, at: Time) {
        match known.iter_mut().find(|one| one.sent.step == sent.step) {
            Some(one) => (one.sent, one.at) = (sent, at),
            None => known.push(Self { sent, at, told: Vec::new() }),
        }
    }
}

/// One round: a queue's steps, until somebody acknowledges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// What began.
    #[serde(flatten)]
    pub begun: PagingBegun,
    /// When.
    pub at: Time,
    /// Who declared it, or raised it.
    pub by: Author,
    /// How its steps went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<StepState>,
    /// When somebody acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked_at: Option<Time>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked_by: Option<Author>,
}

/// An incident's own pages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paging {
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
}

impl Paging {
    /// A round by its number.
    pub fn round(&self, number: u32) -> Option<&Round> {
        self.rounds.iter().find(|round| round.begun.round == number)
    }

    /// Rounds that wait for somebody to acknowledge.
    pub fn unanswered(&self) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(|round| round.acked_at.is_none())
    }

    /// Whether a later round pages the same queue: then this one's steps go no further.
    pub fn is_superseded(&self, round: &Round) -> bool {
        self.rounds.iter().any(|later| later.begun.round > round.begun.round && later.begun.queue == round.begun.queue)
    }
}
