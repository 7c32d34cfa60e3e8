//! What severity is weighed by, as people answered it (SEV.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::{Author, Time};

/// One factor's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorAnswer {
    /// Which of the factor's answers.
    pub answer: String,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// Every factor that somebody answered, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factors(BTreeMap<String, FactorAnswer>);

impl Factors {
    /// A factor's answer.
    pub fn get(&self, factor: &str) -> Option<&FactorAnswer> {
        self.0.get(factor)
    }

    /// Answers one, or takes its answer back.
    pub fn set(&mut self, factor: &str, answer: Option<FactorAnswer>) {
        match answer {
            Some(answer) => drop(self.0.insert(factor.to_owned(), answer)),
            None => drop(self.0.remove(factor)),
        }
    }
}
