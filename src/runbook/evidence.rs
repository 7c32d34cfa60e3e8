//! What must be kept of an incident, as data (EVI.2, EVI.5).

use serde::Deserialize;

use super::{RunbookError, nearest, read::wrong};
use crate::incident::evidence::{Capture, EvidencePlanned, ItemPlan};

/// The file this is read from.
const FILE: &str = "evidence.toml";

/// Items of evidence, and how long they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidencePlan {
    /// In order.
    pub items: Vec<ItemPlan>,
    /// Days that what is pinned stays after closing.
    pub keep_days: u32,
    /// Roles of an incident that may lift its legal hold.
    pub hold_lifted_by: Vec<String>,
}

impl EvidencePlan {
    /// What an incident copies when it begins.
    pub fn planned(&self) -> EvidencePlanned {
        EvidencePlanned { items: self.items.clone(), keep_days: Some(self.keep_days) }
    }

    /// Whoever lifts a legal hold has a role that incidents have.
    pub(super) fn check(&self, text: &str, roles: &[String]) -> Result<(), RunbookError> {
        if let Some(unknown) = self.hold_lifted_by.iter().find(|role| !roles.contains(role)) {
            let hint = nearest(unknown, roles.iter().map(String::as_str));
            let hint = hint.map(|role| format!("; did you mean {role}?")).unwrap_or_default();
            let line = text.lines().position(|line| line.trim_start().starts_with("hold_lifted_by")).map(|at| at + 1);
            return Err(wrong(FILE, line, format!("hold_lifted_by: {unknown:?} is no role of runbook.toml{hint}")));
        }
        Ok(())
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceText {
    keep_days: u32,
    hold_lifted_by: Vec<String>,
    item: Vec<ItemPlan>,
}

impl EvidenceText {
    /// The whole of it, checked; `text` is what it was read from.
    pub(super) fn whole(self, text: &str) -> Result<EvidencePlan, RunbookError> {
        let Self { keep_days, hold_lifted_by, item: items } = self;
        if items.is_empty() {
            return Err(wrong(FILE, None, "no item: nothing would be kept of an incident".into()));
        }
        for (index, item) in items.iter().enumerate() {
            let line = line_of(text, index);
            let at = |what: String| Err(wrong(FILE, line, what));
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if item.id.is_empty() || !item.id.chars().all(word) {
                return at(format!("id: {:?} is no short name of lower-case letters, digits and hyphens", item.id));
            }
            if items[..index].iter().any(|other| other.id == item.id) {
                return at(format!("id: there are two items {:?}", item.id));
            }
            if item.title.trim().is_empty() || item.satisfied_by.trim().is_empty() {
                return at(format!("item {:?} needs a title and what satisfies it", item.id));
            }
            let by_itself = item.capture.iter().any(|capture| matches!(capture, Capture::Telemetry | Capture::Record));
            if item.capture.is_empty() {
                return at(format!("capture: item {:?} cannot be had in any way", item.id));
            }
            if item.told.is_some() != by_itself {
                return at(format!(
                    "told: item {:?} needs it when, and only when, telemetry or a record fills it",
                    item.id
                ));
            }
        }
        Ok(EvidencePlan { items, keep_days, hold_lifted_by })
    }
}

/// The line on which the item of this number begins.
fn line_of(text: &str, index: usize) -> Option<usize> {
    text.lines().enumerate().filter(|(_, line)| line.trim() == "[[item]]").nth(index).map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::runbook::Runbook;

    fn with(text: &str) -> Result<Runbook, RunbookError> {
        Runbook::from_texts(&BTreeMap::from([(FILE.to_owned(), text.to_owned())]))
    }

    /// EVI.2: every thing that must be kept has an item, with what satisfies it and how it can be had.
    #[test]
    fn what_ships_lists_everything_that_must_be_kept() {
        let plan = Runbook::shipped().evidence;
        assert_eq!(plan.items.len(), 26);
        assert!(plan.items.iter().all(|item| item.required));
        assert!(plan.items.iter().filter(|item| item.told.is_some()).count() >= 24);
    }

    /// GOV.1: what does not fit is named with its line and the nearest word.
    #[test]
    fn what_does_not_fit_is_named() {
        let head = "keep_days = 1\nhold_lifted_by = []\n";
        let item = "[[item]]\nid = \"a\"\ntitle = \"A\"\nsatisfied_by = \"b\"\ncapture = [\"word\"]\n";
        assert!(with(&format!("{head}{item}")).is_ok());
        for (text, line, says) in [
            (head.to_owned(), None, "item"),
            (format!("{head}item = []"), None, "nothing would be kept"),
            (format!("{head}{item}{item}"), Some(8), "two items"),
            (format!("{head}{}", item.replace("\"a\"", "\"A b\"")), Some(3), "short name"),
            (format!("{head}{}", item.replace("word", "wrod")), Some(7), "did you mean word?"),
            (format!("{head}{}", item.replace("title", "titel")), Some(5), "did you mean title?"),
            (format!("{head}{}", item.replace("word", "telemetry")), Some(3), "told"),
            (format!("{head}{item}").replace("[]", "[\"comander\"]"), Some(2), "did you mean commander?"),
        ] {
            let error = with(&text).unwrap_err();
            assert_eq!(error.file, FILE);
            assert!(error.what.contains(says), "{text}: {error}");
            assert!(line.is_none() || error.line == line, "{text}: {error}");
        }
    }
}
