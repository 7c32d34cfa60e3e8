//! What others write in the draft in hand, and what of ours they have not heard (COM.5).

use super::{DraftEditor, area};
use crate::{
    incident::{
        Draft,
        communication::writing::{Edit, Place, Splice, Unreadable},
    },
    terms::Time,
};

impl DraftEditor {
    /// Takes in what others wrote; the cursor stays where it stood in the text.
    ///
    /// # Errors
    /// A draft with an edit that does not read.
    pub fn hear(&mut self, draft: &Draft) -> Result<(), Unreadable> {
        let new = usize::try_from(draft.version.saturating_sub(self.heard)).unwrap_or(usize::MAX);
        if new == 0 {
            return Ok(());
        }
        for edit in &draft.edits[draft.edits.len().saturating_sub(new)..] {
            self.there.take(edit)?;
            self.mine.take(edit)?;
        }
        self.heard = draft.version;
        self.show_again();
        Ok(())
    }

    /// Shows each field as it reads now, where that is something else than its area shows.
    pub(super) fn show_again(&mut self) {
        for at in 0..self.names.len() {
            let name = self.names[at];
            let now = area::shown(name, &self.mine.get(name));
            let Some(splice) = Splice::between(name, &self.shown[at], &now) else { continue };
            let cursor = splice.moved(area::cursor(&self.areas[at]));
            area::replace(&mut self.areas[at], &now, cursor);
            self.shown[at] = now;
        }
        self.grow();
        self.show_cursor();
        self.judged_at = Time::default();
    }

    /// What is written here and the backend has not, where something was written since and `every` so many ms.
    pub fn due(&mut self, now: Time, every: i64) -> Option<Edit> {
        let early = now.since(self.sent_at) < every || self.on_its_way;
        if self.written && !early { self.unsent(now) } else { None }
    }

    /// What is written here and the backend is not known to have.
    pub fn unsent(&mut self, now: Time) -> Option<Edit> {
        let edit = self.mine.beyond(&self.there);
        self.written = false;
        self.sent_at = now;
        self.on_its_way = edit.is_some();
        edit
    }

    /// The backend answered: what it did not take is asked again with the next key.
    pub fn answered(&mut self, taken: bool) {
        self.on_its_way = false;
        self.refused = !taken;
    }

    /// Whether something is written here that the backend was not heard to have.
    pub fn is_ahead(&self) -> bool {
        self.mine.fields() != self.there.fields()
    }

    /// Whether the backend refused what was written last.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Where the cursor stands, for the others: it stays there in the text whatever is written around it.
    pub fn place(&self) -> Option<Place> {
        let at = area::cursor(self.areas.get(self.at)?);
        self.mine.place(self.name(), self.raw_at(at))
    }

    /// Row and column, in characters, of somebody's place in a field that is shown.
    pub fn find(&self, name: &str, place: &Place) -> Option<(usize, (usize, usize))> {
        let at = self.names.iter().position(|one| *one == name)?;
        let raw = self.mine.get(name);
        let found = self.mine.find(name, place)?;
        let shown = area::shown(name, raw.get(..found)?);
        Some((at, area::row_and_column(&self.shown[at], shown.len())))
    }

    /// A place of what is shown, in the text as it is: hidden characters are shown longer than they are.
    fn raw_at(&self, shown: usize) -> usize {
        let name = self.name();
        let raw = self.mine.get(name);
        if raw.len() == self.shown[self.at].len() {
            return shown.min(raw.len());
        }
        // Found by halves: what is shown of a longer text is never shorter.
        let ends: Vec<usize> = raw.char_indices().map(|(at, _)| at).chain([raw.len()]).collect();
        let before = ends.partition_point(|at| area::shown(name, &raw[..*at]).len() <= shown);
        before.checked_sub(1).map_or(0, |at| ends[at])
    }
}
