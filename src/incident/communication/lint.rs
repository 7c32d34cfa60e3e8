//! Wording that says nothing, blames the model, tells a guess as a fact; fields left out; characters that hide (COM.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    hidden::{Hidden, joins},
    is_last,
    missing::missing,
    words::{Words, phrase},
};
use crate::{
    incident::Fields,
    runbook::{BannedWording, Runbook, Template, WordingKind},
    terms::words,
};

words! {
    /// What is wrong.
    FindingKind, "a kind of finding" {
        /// A field that the message needs is empty.
        Missing = "missing",
        /// Words that say nothing, or blame the model.
        Wording = "wording",
        /// A guess told as a fact.
        Speculation = "speculation",
        /// Nothing that anybody could observe is named.
        FailureClass = "failure-class",
        /// A reason that the runbook does not have for this audience.
        Reason = "reason",
        /// A gap that only the writer can fill.
        Gap = "gap",
        /// A character that shows the reader something else than was written.
        Hidden = "hidden",
    }
}

/// Where a finding stands in its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Bytes from, up to.
    pub bytes: (usize, usize),
    /// Characters from, up to.
    pub chars: (usize, usize),
}

/// One finding of the linter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Of which kind.
    pub kind: FindingKind,
    /// In which field, or `body`.
    pub field: String,
    /// The phrase that was found; empty for a missing field.
    pub phrase: String,
    /// What is wrong.
    pub why: String,
    /// What to write instead.
    pub instead: String,
    /// Text to put in its place, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Where; absent for a missing field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// Whether `text` says a phrase of the runbook, by whole words, case and hidden characters aside.
pub fn says(text: &str, said: &str) -> bool {
    let (words, said) = (Words::of(text), phrase(said));
    !said.is_empty() && (0..words.len()).any(|at| words.holds_at(at, &said))
}

/// Findings that are told of one field; a text that is all wrong is told by the first ones.
const MOST: usize = 100;

/// Everything the linter has to say of a draft, in the order of the fields.
pub fn lint(runbook: &Runbook, template: &Template, fields: &Fields) -> Vec<Finding> {
    Linter::new(runbook).all(template, fields)
}

/// The runbook's wording, made ready: what is scanned again at every key is the text, not the runbook.
#[derive(Debug, Clone)]
pub struct Linter {
    /// Phrases by their first word: the words, and whose they are.
    banned: BTreeMap<String, Vec<(Vec<String>, usize)>>,
    wordings: Vec<BannedWording>,
    /// As the runbook spells each phrase.
    spelled: BTreeMap<Vec<String>, String>,
    failures: Vec<Vec<String>>,
    classes: Vec<String>,
}

impl Linter {
    /// Made of `runbook`.
    pub fn new(runbook: &Runbook) -> Self {
        let (mut banned, mut spelled) = (BTreeMap::<String, Vec<_>>::new(), BTreeMap::new());
        for (at, wording) in runbook.banned.iter().enumerate() {
            for one in &wording.phrases {
                let words = phrase(one);
                let Some(first) = words.first().cloned() else { continue };
                spelled.entry(words.clone()).or_insert_with(|| one.clone());
                banned.entry(first).or_default().push((words, at));
            }
        }
        Self {
            banned,
            wordings: runbook.banned.clone(),
            spelled,
            failures: runbook.failures.iter().flat_map(|one| &one.words).map(|one| phrase(one)).collect(),
            classes: runbook.failures.iter().map(|one| one.class.clone()).collect(),
        }
    }

    /// Everything of a draft, in the order of the fields.
    pub fn all(&self, template: &Template, fields: &Fields) -> Vec<Finding> {
        let found = Fields::ALL.into_iter().flat_map(|name| self.field(name, fields.get(name).unwrap_or_default()));
        self.over(template, fields, found)
    }

    /// The same, where what is wrong with each field's text is known already.
    pub fn over(&self, template: &Template, fields: &Fields, found: impl Iterator<Item = Finding>) -> Vec<Finding> {
        let mut findings = whole(template, fields);
        findings.extend(found);
        findings.extend(self.failure_class(fields));
        findings.extend(wrong_reason(template, fields));
        findings
    }

    /// What is wrong with the text of one field, in its order.
    pub fn field(&self, name: &str, text: &str) -> Vec<Finding> {
        let mut found = hidden(name, text);
        let words = Words::of(text);
        let mut after = 0;
        for at in 0..words.len() {
            if at < after || found.len() >= MOST {
                continue;
            }
            let Some(phrases) = self.banned.get(words.get(at)) else { continue };
            let fits = phrases.iter().filter(|(phrase, of)| {
                words.holds_at(at, phrase) && !self.wordings[*of].except.iter().any(|field| field == name)
            });
            // The longest says most of what stands there.
            let Some((phrase, of)) = fits.max_by_key(|(phrase, _)| phrase.len()) else { continue };
            after = at + phrase.len();
            found.push(self.wording(name, phrase, *of, words.place(at, phrase.len())));
        }
        found.extend(gaps(name, text));
        found.sort_by_key(|finding| finding.at.map(|place| place.bytes));
        found.truncate(MOST);
        count_characters(text, &mut found);
        found
    }

    fn wording(&self, field: &str, phrase: &[String], of: usize, bytes: (usize, usize)) -> Finding {
        let wording = &self.wordings[of];
        Finding {
            kind: match wording.kind {
                WordingKind::Wording => FindingKind::Wording,
                WordingKind::Speculation => FindingKind::Speculation,
            },
            field: field.into(),
            phrase: self.spelled.get(phrase).cloned().unwrap_or_default(),
            why: wording.why.clone(),
            instead: wording.instead.clone(),
            offer: wording.offer.clone(),
            at: Some(Place { bytes, chars: (0, 0) }),
        }
    }

    /// COM.3: what went wrong is named in words of a failure that somebody could observe.
    fn failure_class(&self, fields: &Fields) -> Option<Finding> {
        let said = [&fields.impact, &fields.body, &fields.agent_did];
        let silent = said.iter().all(|text| text.trim().is_empty()) || self.failures.is_empty();
        if silent || said.iter().any(|text| self.names_failure(text)) {
            return None;
        }
        Some(Finding {
            kind: FindingKind::FailureClass,
            field: "impact".into(),
            phrase: String::new(),
            why: "names no failure that anybody could observe".into(),
            instead: format!("say which it was: {}", self.classes.join(", ")),
            offer: None,
            at: None,
        })
    }

    fn names_failure(&self, text: &str) -> bool {
        let words = Words::of(text);
        self.failures.iter().any(|phrase| words.holds(phrase))
    }
}

/// Fields that are empty and must not be.
fn whole(template: &Template, fields: &Fields) -> Vec<Finding> {
    let last = is_last(&fields.next_update);
    let needed = |name: &str| {
        Fields::NAMES.contains(&name)
            || template.needs.iter().any(|need| need == name)
            || (last && Fields::FINAL.contains(&name))
            || (name == "body" && template.external)
    };
    let empty = |name: &&str| needed(name) && fields.get(name).unwrap_or_default().trim().is_empty();
    Fields::ALL.into_iter().filter(empty).map(missing).collect()
}

/// COM.2: a message to the outside names a reason that its template has.
fn wrong_reason(template: &Template, fields: &Fields) -> Option<Finding> {
    let given = fields.reason.trim();
    if given.is_empty() || template.reasons.is_empty() || template.reasons.iter().any(|reason| reason == given) {
        return None;
    }
    Some(Finding {
        kind: FindingKind::Reason,
        field: "reason".into(),
        phrase: given.into(),
        why: format!("is no reason that {} is told for", template.audience),
        instead: format!("one of {}", template.reasons.join(", ")),
        offer: template.reasons.first().cloned(),
        at: Some(Place { bytes: (0, fields.reason.len()), chars: (0, fields.reason.chars().count()) }),
    })
}

fn hidden(field: &str, text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let (mut before, mut characters) = (None, text.char_indices().peekable());
    while let Some((at, c)) = characters.next() {
        let hidden = Hidden::of(c).filter(|_| !joins(before, c, characters.peek().map(|(_, next)| *next)));
        before = Some(c);
        let Some(hidden) = hidden else { continue };
        if found.len() >= MOST {
            break;
        }
        let bytes = (at, at + c.len_utf8());
        found.push(Finding {
            kind: FindingKind::Hidden,
            field: field.into(),
            phrase: format!("U+{:04X}", c as u32),
            why: format!("{} stands here", hidden.words()),
            instead: "take it out".into(),
            offer: Some(String::new()),
            at: Some(Place { bytes, chars: (0, 0) }),
        });
    }
    found
}

/// `[[…]]`, left for the writer to fill.
fn gap_from(text: &str, from: usize) -> Option<(usize, usize)> {
    let start = from + text.get(from..)?.find("[[")?;
    let end = start + text[start..].find("]]")? + 2;
    Some((start, end))
}

/// The first gap that nobody filled.
pub fn has_gap(text: &str) -> Option<String> {
    gap_from(text, 0).map(|(start, end)| text[start..end].chars().take(80).collect())
}

fn gaps(field: &str, text: &str) -> Vec<Finding> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some((start, end)) = gap_from(text, from).filter(|_| found.len() < MOST) {
        from = end;
        found.push(Finding {
            kind: FindingKind::Gap,
            field: field.into(),
            phrase: text[start..end].chars().take(80).collect(),
            why: "a gap that only you can fill".into(),
            instead: "write what it asks for".into(),
            offer: None,
            at: Some(Place { bytes: (start, end), chars: (0, 0) }),
        });
    }
    found
}

/// Characters to bytes, in one walk over findings in their order.
fn count_characters(text: &str, found: &mut [Finding]) {
    let (mut byte, mut character) = (0, 0);
    for place in found.iter_mut().filter_map(|finding| finding.at.as_mut()) {
        character += text.get(byte..place.bytes.0).map_or(0, |between| between.chars().count());
        byte = place.bytes.0;
        let length = text.get(place.bytes.0..place.bytes.1).map_or(0, |within| within.chars().count());
        place.chars = (character, character + length);
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
