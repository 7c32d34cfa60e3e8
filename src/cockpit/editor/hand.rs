//! The draft in hand: the fields that its audience needs, the message, and what the linter says of them as they are typed.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui_textarea::TextArea;

use super::area;
use crate::{
    incident::{
        Draft, Fields,
        communication::{
            Finding, FindingKind, Linter, is_last,
            writing::{Manuscript, Unreadable},
        },
    },
    runbook::Template,
    terms::{DraftId, IncidentId, Printable, Time},
};

/// Longer texts are not broken into lines on the screen, and are judged now and then instead of at every key: keys stay quick.
pub const LONG: usize = 64 * 1024;
/// How often a long text is judged.
const NOW_AND_THEN: i64 = Time::SECOND;

/// One draft in hand.
#[derive(Debug)]
pub struct DraftEditor {
    /// Of which incident.
    pub incident: IncidentId,
    /// Which.
    pub draft: DraftId,
    /// Which field takes the keys.
    pub at: usize,
    /// What the linter says, in the order of the fields.
    pub findings: Vec<Finding>,
    /// The fields that are written, the body last.
    pub(super) names: Vec<&'static str>,
    pub(super) areas: Vec<TextArea<'static>>,
    /// What the areas showed when they were looked at last: what is the same still was not touched.
    pub(super) shown: Vec<String>,
    /// The draft as it is written here.
    pub(super) mine: Manuscript,
    /// The draft as the backend is known to have it.
    pub(super) there: Manuscript,
    /// The version up to which others were heard.
    pub(super) heard: u64,
    /// Something was written since it was sent last, and when that was.
    pub(super) written: bool,
    pub(super) sent_at: Time,
    pub(super) on_its_way: bool,
    pub(super) refused: bool,
    /// What was judged last, and when.
    judged: Vec<(String, Vec<Finding>)>,
    pub(super) judged_at: Time,
}

impl DraftEditor {
    /// Takes a draft in hand, to be written on under a number that nobody else has.
    ///
    /// # Errors
    /// A draft with an edit that does not read.
    pub fn open(
        incident: IncidentId,
        draft: &Draft,
        writer: u64,
        template: Option<&Template>,
    ) -> Result<Self, Unreadable> {
        let last = is_last(&draft.fields.next_update);
        let wanted = |name: &&&str| {
            Fields::NAMES.contains(*name)
                || **name == "body"
                || template.is_none_or(|template| template.needs.iter().any(|need| need == **name))
                || (last && Fields::FINAL.contains(*name))
        };
        let names: Vec<&'static str> = Fields::ALL.iter().filter(wanted).copied().collect();
        let (mine, there) = (Manuscript::of(draft, writer)?, Manuscript::of(draft, writer)?);
        let shown: Vec<String> = names.iter().map(|name| area::shown(name, &mine.get(name))).collect();
        let mut editor = Self {
            incident,
            draft: draft.id,
            at: names.len() - 1,
            findings: Vec::new(),
            areas: shown.iter().map(|text| area::area(text)).collect(),
            names,
            shown,
            mine,
            there,
            heard: draft.version,
            written: false,
            sent_at: Time::default(),
            on_its_way: false,
            refused: false,
            judged: Vec::new(),
            judged_at: Time::default(),
        };
        editor.show_cursor();
        Ok(editor)
    }

    /// Has the draft read as in `fields`, which were written over `before` elsewhere: only what differs is written.
    pub fn write_over(&mut self, before: &Fields, fields: &Fields) {
        for name in Fields::ALL {
            let (was, is) = (before.get(name).unwrap_or_default(), fields.get(name).unwrap_or_default());
            if was != is {
                self.mine.write(name, is);
                self.written = true;
            }
        }
        self.mine.pause();
        self.show_again();
    }

    /// The fields as written; those nobody touched exactly as they were.
    pub fn fields(&self) -> Fields {
        self.mine.fields()
    }

    /// The fields that are written, the body last.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The field that takes the keys.
    pub fn name(&self) -> &'static str {
        self.names.get(self.at).copied().unwrap_or("body")
    }

    /// To another field. A final message asks for more fields than another one (COM.2).
    pub fn turn(&mut self, by: isize) {
        self.grow();
        self.at = (self.at as isize + by).rem_euclid(self.names.len() as isize) as usize;
        self.show_cursor();
    }

    pub(super) fn grow(&mut self) {
        if !self.names.iter().position(|name| *name == "next_update").is_some_and(|at| is_last(&self.shown[at])) {
            return;
        }
        for name in Fields::FINAL {
            if !self.names.contains(&name) {
                let body = self.names.len() - 1;
                let shown = area::shown(name, &self.mine.get(name));
                self.names.insert(body, name);
                self.areas.insert(body, area::area(&shown));
                self.shown.insert(body, shown);
                self.at += usize::from(self.at >= body);
            }
        }
    }

    pub(super) fn show_cursor(&mut self) {
        for (at, area) in self.areas.iter_mut().enumerate() {
            area::show_cursor(area, at == self.at);
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) {
        let single = self.at + 1 < self.names.len();
        if single && key.code == KeyCode::Enter {
            self.turn(1);
        } else if let Some(area) = self.areas.get_mut(self.at) {
            area.input(key);
            // A word, a line, a way of the cursor: what is taken back at once.
            let same = !self.keep();
            if same || matches!(key.code, KeyCode::Enter | KeyCode::Char(' ')) {
                self.mine.pause();
            }
        }
    }

    /// Writes what the area in hand shows; whether it showed something new.
    fn keep(&mut self) -> bool {
        let name = self.names[self.at];
        let now = area::text(name, &self.areas[self.at]);
        if now == self.shown[self.at] {
            return false;
        }
        self.mine.write(name, &now);
        self.shown[self.at] = now;
        self.written = true;
        self.refused = false;
        true
    }

    /// Takes back what was written here last, or writes it again; nothing that others wrote.
    ///
    /// # Errors
    /// When there is nothing of it.
    pub fn take_back(&mut self, again: bool) -> Result<(), String> {
        let done = if again { self.mine.redo() } else { self.mine.undo() };
        if !done {
            let what = if again { "written again" } else { "taken back: you wrote nothing here" };
            return Err(format!("nothing to be {what}"));
        }
        self.written = true;
        self.show_again();
        Ok(())
    }

    /// Puts pasted text in.
    pub fn paste(&mut self, text: &str) {
        let text =
            if self.at + 1 < self.names.len() { text.replace(['\r', '\n'], " ") } else { text.replace('\r', "") };
        if let Some(area) = self.areas.get_mut(self.at) {
            area.insert_str(Printable::block(&text).as_str());
            area::broken(area);
        }
        self.mine.pause();
        self.keep();
        self.mine.pause();
    }

    /// The text area of a field.
    pub fn area(&self, at: usize) -> Option<&TextArea<'static>> {
        self.areas.get(at)
    }

    /// Judges what was written since; a long text only now and then. `filled` is what the incident knows of each field: it is
    /// offered where one is empty.
    pub fn judge(&mut self, linter: &Linter, template: &Template, filled: &Fields, now: Time) {
        let shown = self.visible();
        let size: usize = Fields::ALL.iter().filter_map(|name| shown.get(name)).map(str::len).sum();
        if size > LONG && now.since(self.judged_at) < NOW_AND_THEN {
            return;
        }
        self.judged_at = now;
        self.judged.resize(Fields::ALL.len(), (String::new(), Vec::new()));
        for (name, judged) in Fields::ALL.iter().zip(&mut self.judged) {
            let text = shown.get(name).unwrap_or_default();
            if judged.0 != text {
                *judged = (text.to_owned(), linter.field(name, text));
            }
        }
        self.findings = linter.over(template, &shown, self.judged.iter().flat_map(|(_, found)| found.iter().cloned()));
        for finding in self.findings.iter_mut().filter(|finding| finding.kind == FindingKind::Missing) {
            finding.offer = filled.get(&finding.field).filter(|text| !text.trim().is_empty()).map(str::to_owned);
        }
    }

    /// The finding that an offer would be taken of: in this field at the cursor or after it, else its first, else the first of
    /// all that has one.
    pub fn nearest(&self) -> Option<&Finding> {
        let offering = |finding: &&Finding| finding.offer.is_some() && self.names.contains(&finding.field.as_str());
        let here = || self.findings.iter().filter(offering).filter(|finding| finding.field == self.name());
        let cursor = self.cursor();
        here()
            .find(|finding| finding.at.is_none_or(|place| place.chars.1 >= cursor))
            .or_else(|| here().next())
            .or_else(|| self.findings.iter().find(offering))
    }

    /// The fields as the areas show them; the others as they are.
    fn visible(&self) -> Fields {
        let mut fields = Fields::default();
        for name in Fields::ALL {
            let shown = self.names.iter().position(|one| *one == name).map(|at| self.shown[at].clone());
            fields.set(name, shown.unwrap_or_else(|| self.mine.get(name)));
        }
        fields
    }

    /// The cursor's place in the field, in characters.
    fn cursor(&self) -> usize {
        let Some(area) = self.areas.get(self.at) else { return 0 };
        let cursor = area.cursor();
        area.lines().iter().take(cursor.0).map(|line| line.chars().count() + 1).sum::<usize>() + cursor.1
    }

    /// Takes the offered wording in, and stands behind it; what was done, in words.
    ///
    /// # Errors
    /// When nothing is offered.
    pub fn take_offer(&mut self) -> Result<String, String> {
        let Some(finding) = self.nearest().cloned() else {
            return Err(match self.findings.first() {
                Some(finding) => format!("no wording is offered: {}", finding.instead),
                None => "the linter has nothing to say against it".into(),
            });
        };
        let offer = finding.offer.unwrap_or_default();
        let Some(at) = self.names.iter().position(|name| *name == finding.field) else {
            return Err("that field is not shown".into());
        };
        self.at = at;
        let name = self.name();
        let text = self.shown[at].clone();
        let bytes = finding.at.map_or((0, text.len()), |place| place.bytes);
        let (Some(head), Some(tail)) = (text.get(..bytes.0), text.get(bytes.1..)) else {
            return Err("it was written over meanwhile".into());
        };
        let (before, whole) = (format!("{head}{offer}"), format!("{head}{offer}{tail}"));
        area::replace(&mut self.areas[at], &whole, before.len());
        self.mine.pause();
        self.keep();
        self.mine.pause();
        self.judged_at = Time::default();
        self.show_cursor();
        Ok(match (finding.phrase.is_empty(), offer.is_empty()) {
            (true, _) => format!("{} filled from the incident", name.replace('_', " ")),
            (false, true) => format!("{} taken out", finding.phrase),
            (false, false) => format!("“{}” replaced", finding.phrase),
        })
    }
}
