//! A draft as one writer has it.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use yrs::{
    Assoc, Doc, GetString, IndexedSequence, OffsetKind, Options, Origin, ReadTxn, StateVector, StickyIndex, Text,
    TextRef, Transact, Update,
    block::ClientID,
    branch::{Branch, BranchPtr},
    undo::{self, UndoManager},
    updates::{decoder::Decode, encoder::Encode},
};

use super::{Edit, Unreadable, check::WRITERS, edit::difference};
use crate::incident::{Draft, Fields};

/// Who begins every draft: the same fields make the same beginning everywhere.
const BEGINNING: u64 = 1;
/// The longest place on the wire, in characters: it holds two numbers, or the name of a field.
const LONGEST_PLACE: usize = 64;
/// Where a transaction brings what others wrote: it is not undone here.
const OTHERS: &str = "others";

/// A draft as one writer has it: what they wrote, and what they heard of the others'.
pub struct Manuscript {
    doc: Doc,
    undo: UndoManager<()>,
}

/// A place in a field that stays where it is in the text while others write around it; base64 on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(StickyIndex);

impl Manuscript {
    /// Of a draft, to be written on by `writer`: a number that nobody else writes under.
    ///
    /// # Errors
    /// A draft with an edit that does not read.
    pub fn of(draft: &Draft, writer: u64) -> Result<Self, Unreadable> {
        let own = Self::empty(writer);
        for edit in &draft.edits {
            own.take(edit)?;
        }
        Ok(own)
    }

    fn empty(writer: u64) -> Self {
        // The lowest number is the beginning's; the format counts to 53 bits.
        let writer = ClientID::new((writer % WRITERS).max(BEGINNING + 1));
        let doc = Doc::with_options(Options {
            offset_kind: OffsetKind::Bytes,
            ..Options::with_guid_and_client_id("draft".into(), writer)
        });
        let mut undo = UndoManager::with_options(undo::Options {
            // What belongs together is told by `pause`, not by a clock.
            capture_timeout_millis: u64::MAX,
            timestamp: Arc::new(|| 1),
            ..undo::Options::default()
        });
        for name in Fields::ALL {
            let text = doc.get_or_insert_text(name);
            undo.expand_scope(&doc, &text);
        }
        Self { doc, undo }
    }

    /// The edit with which a draft begins: its fields as they were filled.
    pub fn beginning(fields: &Fields) -> Edit {
        let doc = Doc::with_options(Options {
            offset_kind: OffsetKind::Bytes,
            ..Options::with_guid_and_client_id("draft".into(), ClientID::new(BEGINNING))
        });
        for name in Fields::ALL {
            let text = doc.get_or_insert_text(name);
            let given = fields.get(name).unwrap_or_default();
            if !given.is_empty() {
                text.insert(&mut doc.transact_mut(), 0, given);
            }
        }
        Edit::made(doc.transact().encode_diff_v1(&StateVector::default()))
    }

    /// Takes in what somebody wrote.
    ///
    /// # Errors
    /// An edit that builds on one that is not here: it counts once that came.
    pub fn take(&self, edit: &Edit) -> Result<(), Unreadable> {
        let update = Update::decode_v1(edit.bytes()).map_err(|_| Unreadable::Form("it is no update"))?;
        let mut here = self.doc.transact_mut_with(Origin::from(OTHERS));
        here.apply_update(update).map_err(|_| Unreadable::Form("it fits nowhere"))?;
        if here.store().pending_update().is_some() || here.store().pending_ds().is_some() {
            return Err(Unreadable::Early);
        }
        Ok(())
    }

    /// Has a field read `text`; only what differs is written, so that what others write beside it stays.
    pub fn write(&self, name: &str, text: &str) {
        let Some((field, before)) = self.field(name).map(|field| (field.clone(), self.text(&field))) else { return };
        let Some((at, cut, put)) = difference(&before, text) else { return };
        let mut here = self.doc.transact_mut();
        // Lengths are checked by whoever takes the edit; what is longer than the format counts is no draft.
        let (Ok(at), Ok(cut)) = (u32::try_from(at), u32::try_from(cut)) else { return };
        if cut > 0 {
            field.remove_range(&mut here, at, cut);
        }
        if !put.is_empty() {
            field.insert(&mut here, at, put);
        }
    }

    /// Has every field read as in `fields`.
    pub fn write_all(&self, fields: &Fields) {
        for name in Fields::ALL {
            self.write(name, fields.get(name).unwrap_or_default());
        }
    }

    /// A field as it reads here.
    pub fn get(&self, name: &str) -> String {
        self.field(name).map(|field| self.text(&field)).unwrap_or_default()
    }

    /// Every field as it reads here.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        for name in Fields::ALL {
            fields.set(name, self.get(name));
        }
        fields
    }

    /// What was written here and not in `other`, as one edit; none where both read the same.
    pub fn beyond(&self, other: &Self) -> Option<Edit> {
        let seen = other.doc.transact().state_vector();
        (self.fields() != other.fields()).then(|| Edit::made(self.doc.transact().encode_diff_v1(&seen)))
    }

    /// Everything that was ever written, as one edit.
    pub fn whole(&self) -> Edit {
        Edit::made(self.doc.transact().encode_diff_v1(&StateVector::default()))
    }

    /// What is written from here on is undone apart from what was written before.
    pub fn pause(&mut self) {
        self.undo.reset();
    }

    /// Takes back what was written here last, and nothing that others wrote; whether there was something.
    pub fn undo(&mut self) -> bool {
        self.undo.undo_blocking()
    }

    /// Writes again what was taken back last.
    pub fn redo(&mut self) -> bool {
        self.undo.redo_blocking()
    }

    /// The place at `at` bytes of a field.
    pub fn place(&self, name: &str, at: usize) -> Option<Place> {
        let (field, at) = (self.field(name)?, u32::try_from(at).ok()?);
        field.sticky_index(&self.doc.transact(), at, Assoc::Before).map(Place)
    }

    /// Where a place is now, in bytes of its field; nowhere while what it stands by has not come.
    pub fn find(&self, name: &str, place: &Place) -> Option<usize> {
        let here = self.doc.transact();
        let (offset, field) = (place.0.get_offset(&here)?, here.get_text(name)?);
        (offset.branch == BranchPtr::from(AsRef::<Branch>::as_ref(&field))).then_some(offset.index as usize)
    }

    fn field(&self, name: &str) -> Option<TextRef> {
        self.doc.transact().get_text(name)
    }

    fn text(&self, field: &TextRef) -> String {
        field.get_string(&self.doc.transact())
    }
}

impl fmt::Debug for Manuscript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Manuscript").field("fields", &self.fields()).finish_non_exhaustive()
    }
}

/// The edit that makes a draft read as in `fields`, whatever others write meanwhile; none where it reads so already.
///
/// # Errors
/// A draft with an edit that does not read.
pub fn edit_to(draft: &Draft, writer: u64, fields: &Fields) -> Result<Option<Edit>, Unreadable> {
    let (here, mine) = (Manuscript::of(draft, writer)?, Manuscript::of(draft, writer)?);
    mine.write_all(fields);
    Ok(mine.beyond(&here))
}

/// A draft as it is with an edit, for whoever writes nothing in it.
///
/// # Errors
/// An edit that does not fit the draft.
pub fn with(draft: &Draft, edit: &Edit) -> Result<Manuscript, Unreadable> {
    let manuscript = Manuscript::of(draft, 0)?;
    manuscript.take(edit)?;
    Ok(manuscript)
}

impl serde::Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0.encode_v1()))
    }
}

impl<'de> serde::Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("no place in a draft");
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        if text.len() > LONGEST_PLACE {
            return Err(wrong());
        }
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| wrong())?;
        StickyIndex::decode_v1(&bytes).map(Self).map_err(|_| wrong())
    }
}
