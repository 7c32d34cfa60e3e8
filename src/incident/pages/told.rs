//! What a pager is told after its page: that somebody has it, and that it is over (TEAM.3).

use serde::{Deserialize, Serialize};

use crate::{
    incident::communication::DeliveryState,
    terms::{FiringId, Time, words},
};

words! {
    /// What is said of a page later.
    Word, "a word to a pager" {
        /// Somebody acknowledged it.
        Acknowledged = "acknowledged",
        /// Its trouble is over.
        Ended = "ended",
    }
}

/// What came of telling one step's pager; the newest word counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTold {
    /// Which step, from 0.
    pub step: u32,
    /// What it was told.
    pub word: Word,
    /// Where that stands.
    pub state: DeliveryState,
    /// What the other side said.
    pub status: String,
}

/// The pager of a firing's step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiringTold {
    /// Which firing.
    pub firing: FiringId,
    /// What it was told.
    pub told: StepTold,
}

/// The pager of a step of an incident's round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTold {
    /// Which round.
    pub round: u32,
    /// What it was told.
    pub told: StepTold,
}

/// What a step's pager was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Told {
    /// What.
    pub word: Word,
    /// Where that stands.
    pub state: DeliveryState,
    /// What the other side said.
    pub status: String,
    /// When that was.
    pub at: Time,
}

impl Told {
    /// Folds what came of telling a step at `at` into what is known of it.
    pub(in crate::incident) fn take(known: &mut Vec<Self>, told: &StepTold, at: Time) {
        let told = Self { word: told.word, state: told.state, status: told.status.clone(), at };
        match known.iter_mut().find(|one| one.word == told.word) {
            Some(one) => *one = told,
            None => known.push(told),
        }
    }
}
