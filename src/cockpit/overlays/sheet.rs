//! A page to read: readiness, an agent's operating unit.

use ratatui::{Frame, text::Line};

use super::window;
use crate::{
    cockpit::{commands::Do, model::Model, text, theme::Role},
    report::readiness::Ready,
    terms::{AgentId, Printable},
};

/// Columns of the widest.
const WIDEST: u16 = 120;
/// Rows of one line at most.
const MOST: usize = 12;

/// One line of a sheet: how it stands, and what it says; the words may be agent-written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetLine {
    /// A mark before it, where it has a state.
    pub state: Option<Ready>,
    /// In words.
    pub text: String,
}

/// A page being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its title; may be agent-written.
    pub title: String,
    /// The agent it is about, whose use in the past is still to come.
    pub agent: Option<AgentId>,
    /// Its lines.
    pub lines: Vec<SheetLine>,
    /// First row on the screen.
    pub top: usize,
}

impl Sheet {
    /// Its rows on a screen of so many columns: long lines go on, set in.
    fn rows(&self, columns: usize) -> Vec<(Option<Ready>, bool, String)> {
        let mut rows = Vec::new();
        for line in &self.lines {
            let printable = Printable::line(&line.text);
            for (at, row) in
                text::wrap(printable.as_str(), columns.saturating_sub(2).max(8), MOST).into_iter().enumerate()
            {
                rows.push((line.state, at == 0, row));
            }
        }
        rows
    }

    /// Scrolls by some rows on a screen of this size.
    pub fn scroll(&mut self, by: isize, size: (u16, u16)) {
        let columns = usize::from(size.0.min(WIDEST).saturating_sub(4));
        let last = self.rows(columns).len().saturating_sub(usize::from(size.1.saturating_sub(3)));
        self.top = self.top.saturating_add_signed(by).min(last);
    }
}

/// Draws it.
pub fn draw(model: &Model, sheet: &Sheet, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let columns = usize::from(model.size.0.min(WIDEST).saturating_sub(4));
    let rows = sheet.rows(columns);
    let height = u16::try_from(rows.len().max(1)).unwrap_or(u16::MAX).saturating_add(1);
    let title = Printable::line(&sheet.title);
    let Some(area) = window::open(model, frame, title.as_str(), (WIDEST, height)) else { return };
    let room = usize::from(area.height.saturating_sub(1));
    let top = sheet.top.min(rows.len().saturating_sub(room));
    for (y, (state, first, row)) in rows.into_iter().skip(top).take(room).enumerate() {
        let (mark, style) = match state {
            Some(Ready::Met) => ("✓ ", theme.style(Role::Good)),
            Some(Ready::Open) => ("○ ", theme.style(Role::Warn)),
            None => ("  ", Default::default()),
        };
        let mark = if first { mark } else { "  " };
        window::put(frame, area, y as u16, Line::styled(format!("{mark}{row}"), style));
    }
    let hint = window::hint(model, &[Do::HelpDown, Do::HelpUp, Do::CloseHelp]);
    window::put(frame, area, area.height.saturating_sub(1), hint);
}
