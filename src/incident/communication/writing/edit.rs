//! What was written, as bytes that merge and as plain text.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::check;
use crate::{incident::Fields, terms::DraftId};

/// Something written in a draft: text put in and text taken out, in the Yjs update format (v1), base64 on the wire. Edits merge
/// in any order, and the same one twice is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit(Arc<[u8]>);

/// Why an edit is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no edit, or holds something else than text.
    #[error("the edit does not read: {0}; send what a cockpit or `andon draft edit` makes")]
    Form(&'static str),
    /// It builds on another one that is not here.
    #[error("the edit builds on one that is not here; send that first, or both as one")]
    Early,
}

impl Edit {
    /// Reads an edit.
    ///
    /// # Errors
    /// Bytes that are something else than text put in and taken out of the fields of a draft.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Unreadable> {
        check::is_text_only(&bytes)?;
        Ok(Self(bytes.into()))
    }

    /// One that this program made.
    pub(super) fn made(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Both as one.
    ///
    /// # Errors
    /// Edits that do not go together.
    pub fn and(&self, other: &Self) -> Result<Self, Unreadable> {
        let both = yrs::merge_updates_v1([self.bytes(), other.bytes()]);
        both.map_err(|_| Unreadable::Form("it merges with nothing")).and_then(Self::new)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Edit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Edit({} bytes)", self.0.len())
    }
}

impl Serialize for Edit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Edit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| de::Error::custom("an edit is base64"))?;
        Self::new(bytes).map_err(de::Error::custom)
    }
}

/// One edit as a fact: what merges with those to come, and what it did to the text, so that the log reads without a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// In which draft.
    pub draft: DraftId,
    /// What was written; where `whole`, everything that was ever written in the draft.
    pub edit: Edit,
    /// The edit stands for all before it, which need not be kept any longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// What it changed.
    pub splices: Vec<Splice>,
}

/// A stretch of a field's text that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splice {
    /// Which field.
    pub field: String,
    /// Where it begins, in bytes of UTF-8.
    pub at: usize,
    /// How much was taken out there, in bytes.
    pub cut: usize,
    /// What was put in.
    pub put: String,
}

impl Splice {
    /// The shortest one that makes `before` read `after`; none where they are the same.
    pub fn between(field: &str, before: &str, after: &str) -> Option<Self> {
        let (at, cut, put) = difference(before, after)?;
        Some(Self { field: field.to_owned(), at, cut, put: put.to_owned() })
    }

    /// Every field's.
    pub fn all(before: &Fields, after: &Fields) -> Vec<Self> {
        let texts = Fields::ALL.iter().filter_map(|name| Some((name, before.get(name)?, after.get(name)?)));
        texts.filter_map(|(name, before, after)| Self::between(name, before, after)).collect()
    }

    /// Does it; one that does not fit leaves the text as it is.
    pub fn apply(&self, fields: &mut Fields) {
        let Some(text) = fields.get(&self.field) else { return };
        let (Some(head), Some(tail)) = (text.get(..self.at), text.get(self.at.saturating_add(self.cut)..)) else {
            return;
        };
        let text = [head, &self.put, tail].concat();
        fields.set(&self.field, text);
    }

    /// Where a place in the text before is in the text after, both in bytes: what was put in there comes behind it.
    pub fn moved(&self, place: usize) -> usize {
        if place <= self.at { place } else { (place.max(self.at + self.cut) + self.put.len()) - self.cut }
    }
}

/// Where two texts differ, on whole characters: where it begins, how long it was, what stands there now.
pub(super) fn difference<'a>(before: &str, after: &'a str) -> Option<(usize, usize, &'a str)> {
    if before == after {
        return None;
    }
    let same = |(one, other): &(u8, u8)| one == other;
    let mut head = before.bytes().zip(after.bytes()).take_while(same).count();
    while !before.is_char_boundary(head) || !after.is_char_boundary(head) {
        head -= 1;
    }
    let rest = (&before.as_bytes()[head..], &after.as_bytes()[head..]);
    let mut tail = rest.0.iter().copied().rev().zip(rest.1.iter().copied().rev()).take_while(same).count();
    while !before.is_char_boundary(before.len() - tail) || !after.is_char_boundary(after.len() - tail) {
        tail -= 1;
    }
    Some((head, before.len() - tail - head, &after[head..after.len() - tail]))
}
