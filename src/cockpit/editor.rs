//! A draft being written: the fields that its audience needs, the message, and what the linter says of them as they are typed.

use crossterm::event::KeyEvent;
use ratatui::style::{Modifier, Style};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use crate::{
    incident::{
        Draft, Fields,
        communication::{Finding, FindingKind, Linter, is_last},
    },
    runbook::Template,
    terms::{DraftId, IncidentId, Printable, Time},
};

/// Longer texts are not broken into lines on the screen, and are judged now and then instead of at every key: keys stay quick.
pub const LONG: usize = 64 * 1024;
/// How often a long text is judged.
const NOW_AND_THEN: i64 = Time::SECOND;

/// One draft in hand.
#[derive(Debug, Clone)]
pub struct DraftEditor {
    /// Of which incident.
    pub incident: IncidentId,
    /// Which.
    pub draft: DraftId,
    /// The version that was taken in hand: another one in between is a conflict.
    pub version: u64,
    /// Which field takes the keys.
    pub at: usize,
    /// What the linter says, in the order of the fields.
    pub findings: Vec<Finding>,
    /// The fields that are written, the body last.
    names: Vec<&'static str>,
    /// As they were taken in hand, exactly.
    raw: Fields,
    /// The same, as the areas showed them then: what is the same still is saved exactly as it was.
    before: Fields,
    areas: Vec<TextArea<'static>>,
    /// What was judged last, and when.
    judged: Vec<(String, Vec<Finding>)>,
    judged_at: Time,
}

impl DraftEditor {
    /// Takes a draft in hand.
    pub fn open(incident: IncidentId, draft: &Draft, template: Option<&Template>) -> Self {
        let mut editor = Self::written(incident, draft.id, draft.version, &draft.fields, template);
        editor.before = editor.shown();
        editor.raw = draft.fields.clone();
        editor
    }

    /// A draft as it was written elsewhere, over the version that was seen there.
    pub fn written(
        incident: IncidentId,
        draft: DraftId,
        version: u64,
        fields: &Fields,
        template: Option<&Template>,
    ) -> Self {
        let last = is_last(&fields.next_update);
        let wanted = |name: &&&str| {
            Fields::NAMES.contains(*name)
                || **name == "body"
                || template.is_none_or(|template| template.needs.iter().any(|need| need == **name))
                || (last && Fields::FINAL.contains(*name))
        };
        let names: Vec<&'static str> = Fields::ALL.iter().filter(wanted).copied().collect();
        let areas: Vec<TextArea<'static>> =
            names.iter().map(|name| area(fields.get(name).unwrap_or_default())).collect();
        let mut editor = Self {
            incident,
            draft,
            version,
            at: names.len() - 1,
            findings: Vec::new(),
            names,
            raw: fields.clone(),
            before: Fields::default(),
            areas,
            judged: Vec::new(),
            judged_at: Time::default(),
        };
        editor.show_cursor();
        editor
    }

    /// The fields as written; those nobody touched exactly as they were.
    pub fn fields(&self) -> Fields {
        let (shown, mut fields) = (self.shown(), self.raw.clone());
        for name in &self.names {
            let text = shown.get(name).unwrap_or_default();
            if self.before.get(name) != Some(text) {
                fields.set(name, text.to_owned());
            }
        }
        fields
    }

    /// The fields as the areas show them.
    fn shown(&self) -> Fields {
        let mut fields = self.raw.clone();
        for (name, area) in self.names.iter().zip(&self.areas) {
            fields.set(name, text(name, area));
        }
        fields
    }

    /// The fields that are written, the body last.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The field that takes the keys.
    pub fn name(&self) -> &'static str {
        self.names.get(self.at).copied().unwrap_or("body")
    }

    /// Whether something was written.
    pub fn is_changed(&self) -> bool {
        self.shown() != self.before
    }

    /// To another field. A final message asks for more fields than another one (COM.2).
    pub fn turn(&mut self, by: isize) {
        self.grow();
        self.at = (self.at as isize + by).rem_euclid(self.names.len() as isize) as usize;
        self.show_cursor();
    }

    fn grow(&mut self) {
        if !self
            .names
            .iter()
            .position(|name| *name == "next_update")
            .is_some_and(|at| is_last(&text("", &self.areas[at])))
        {
            return;
        }
        for name in Fields::FINAL {
            if !self.names.contains(&name) {
                let body = self.names.len() - 1;
                self.names.insert(body, name);
                self.areas.insert(body, area(self.raw.get(name).unwrap_or_default()));
                self.at += usize::from(self.at >= body);
            }
        }
    }

    /// The cursor is shown where keys go, and nowhere else.
    fn show_cursor(&mut self) {
        for (at, area) in self.areas.iter_mut().enumerate() {
            let here = at == self.at;
            area.set_cursor_style(if here { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() });
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) {
        let single = self.at + 1 < self.names.len();
        if single && key.code == crossterm::event::KeyCode::Enter {
            self.turn(1);
        } else if let Some(area) = self.areas.get_mut(self.at) {
            area.input(key);
        }
    }

    /// Puts pasted text in.
    pub fn paste(&mut self, text: &str) {
        let text =
            if self.at + 1 < self.names.len() { text.replace(['\r', '\n'], " ") } else { text.replace('\r', "") };
        if let Some(area) = self.areas.get_mut(self.at) {
            area.insert_str(Printable::block(&text).as_str());
            broken(area);
        }
    }

    /// The text area of a field.
    pub fn area(&self, at: usize) -> Option<&TextArea<'static>> {
        self.areas.get(at)
    }

    /// Judges what was written since; a long text only now and then. `filled` is what the incident knows of each field: it is
    /// offered where one is empty.
    pub fn judge(&mut self, linter: &Linter, template: &Template, filled: &Fields, now: Time) {
        let shown = self.shown();
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
        let text = text(name, &self.areas[at]);
        let bytes = finding.at.map_or((0, text.len()), |place| place.bytes);
        let (Some(head), Some(tail)) = (text.get(..bytes.0), text.get(bytes.1..)) else {
            return Err("it was written over meanwhile".into());
        };
        let before = format!("{head}{offer}");
        let mut area = area(&format!("{before}{tail}"));
        let row = before.matches('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        if let (Ok(row), Ok(column)) = (u16::try_from(row), u16::try_from(column)) {
            area.move_cursor(CursorMove::Jump(row, column));
        }
        self.areas[at] = area;
        self.judged_at = Time::default();
        self.show_cursor();
        Ok(match (finding.phrase.is_empty(), offer.is_empty()) {
            (true, _) => format!("{} filled from the incident", name.replace('_', " ")),
            (false, true) => format!("{} taken out", finding.phrase),
            (false, false) => format!("“{}” replaced", finding.phrase),
        })
    }
}

fn text(name: &str, area: &TextArea<'_>) -> String {
    area.lines().join(if name == "body" { "\n" } else { " " })
}

/// Nothing hidden goes into a draft: what cannot be printed is made visible before it can be sent.
fn area(text: &str) -> TextArea<'static> {
    let mut area = TextArea::new(Printable::block(text).as_str().lines().map(str::to_owned).collect());
    area.set_cursor_line_style(Style::new());
    broken(&mut area);
    area
}

/// Breaks lines on the screen, unless that would take too long at every key.
fn broken(area: &mut TextArea<'_>) {
    let size: usize = area.lines().iter().map(String::len).sum();
    area.set_wrap_mode(if size > LONG { WrapMode::None } else { WrapMode::Word });
}
