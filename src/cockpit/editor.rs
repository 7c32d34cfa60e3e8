//! A draft being written: six fields and the body.

use crossterm::event::KeyEvent;
use ratatui_textarea::TextArea;

use crate::{
    incident::{Draft, Fields},
    terms::{DraftId, IncidentId, Printable},
};

/// The fields in their order, the body last.
pub const NAMES: [&str; 7] = ["workflow", "impact", "contained", "investigating", "owner", "next_update", "body"];

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
    before: Fields,
    areas: Vec<TextArea<'static>>,
}

impl DraftEditor {
    /// Takes a draft in hand.
    pub fn open(incident: IncidentId, draft: &Draft) -> Self {
        let mut editor = Self::written(incident, draft.id, draft.version, &draft.fields);
        editor.before = editor.fields();
        editor
    }

    /// A draft as it was written elsewhere, over the version that was seen there.
    pub fn written(incident: IncidentId, draft: DraftId, version: u64, fields: &Fields) -> Self {
        let areas = NAMES.iter().map(|name| area(fields.get(name).unwrap_or_default())).collect();
        Self { incident, draft, version, at: NAMES.len() - 1, before: Fields::default(), areas }
    }

    /// The fields as written.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        for (name, area) in NAMES.iter().zip(&self.areas) {
            fields.set(name, area.lines().join(if *name == "body" { "\n" } else { " " }));
        }
        fields
    }

    /// Whether something was written.
    pub fn is_changed(&self) -> bool {
        self.fields() != self.before
    }

    /// To another field.
    pub fn turn(&mut self, by: isize) {
        self.at = (self.at as isize + by).rem_euclid(NAMES.len() as isize) as usize;
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) {
        let single = self.at + 1 < NAMES.len();
        if single && key.code == crossterm::event::KeyCode::Enter {
            self.turn(1);
        } else if let Some(area) = self.areas.get_mut(self.at) {
            area.input(key);
        }
    }

    /// Puts pasted text in.
    pub fn paste(&mut self, text: &str) {
        let text = if self.at + 1 < NAMES.len() { text.replace(['\r', '\n'], " ") } else { text.replace('\r', "") };
        if let Some(area) = self.areas.get_mut(self.at) {
            area.insert_str(Printable::block(&text).as_str());
        }
    }

    /// The text area of a field.
    pub fn area(&self, at: usize) -> Option<&TextArea<'static>> {
        self.areas.get(at)
    }
}

/// Nothing hidden goes into a draft: what cannot be printed is made visible before it can be sent.
fn area(text: &str) -> TextArea<'static> {
    let mut area = TextArea::new(Printable::block(text).as_str().lines().map(str::to_owned).collect());
    area.set_cursor_line_style(ratatui::style::Style::new());
    area.set_wrap_mode(ratatui_textarea::WrapMode::Word);
    area
}
