//! The criteria of a decision, as data (DEC.1).

use serde::Deserialize;

use super::{RunbookError, read::wrong};
use crate::incident::decision::{Criterion, Points};

/// The file this is read from.
const FILE: &str = "decision.toml";

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionText {
    criterion: Vec<Criterion>,
}

impl DecisionText {
    /// The whole of it, checked; `text` is what it was read from.
    pub(super) fn whole(self, text: &str) -> Result<Vec<Criterion>, RunbookError> {
        let line = |index: usize| {
            let begins = text.lines().enumerate().filter(|(_, line)| line.trim() == "[[criterion]]").nth(index);
            begins.map(|(at, _)| at + 1)
        };
        for (index, criterion) in self.criterion.iter().enumerate() {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if criterion.id.is_empty() || !criterion.id.chars().all(word) {
                let what = format!("id: {:?} is no short name of lower-case letters, digits and hyphens", criterion.id);
                return Err(wrong(FILE, line(index), what));
            }
            if self.criterion[..index].iter().any(|other| other.id == criterion.id) {
                return Err(wrong(FILE, line(index), format!("id: there are two criteria {:?}", criterion.id)));
            }
            if criterion.asks.trim().is_empty() {
                return Err(wrong(FILE, line(index), format!("asks: criterion {:?} asks nothing", criterion.id)));
            }
        }
        let points = |points| self.criterion.iter().any(|criterion| criterion.points_to == points);
        if let Some(missing) = Points::ALL.iter().find(|one| !points(**one)) {
            return Err(wrong(FILE, None, format!("no criterion points to {missing}: it would never be advised")));
        }
        Ok(self.criterion)
    }
}
