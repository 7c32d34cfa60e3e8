//! The trace: from what was put in to what came of it, as a tree (EVI.6).

use ratatui::{
    Frame,
    text::{Line, Span},
};

use super::window;
use crate::{
    cockpit::{commands::Do, model::Model, theme::Role},
    telemetry::trace::{Tone, Trace, TraceLine, lines},
    terms::IncidentId,
};

/// Columns of the widest.
const WIDEST: u16 = 160;

/// A trace being looked at.
#[derive(Debug, Clone)]
pub struct TraceView {
    /// Whose.
    pub incident: IncidentId,
    /// First line on the screen.
    pub top: usize,
    /// Why it did not come.
    pub wrong: Option<String>,
    trace: Option<Box<Trace>>,
    lines: Vec<TraceLine>,
}

impl TraceView {
    /// One that was asked for.
    pub fn asked(incident: IncidentId) -> Self {
        Self { incident, top: 0, wrong: None, trace: None, lines: Vec::new() }
    }

    /// It came; its lines are made once for a width of the screen.
    pub fn came(&mut self, trace: Box<Trace>, columns: u16) {
        self.trace = Some(trace);
        self.fit(columns);
    }

    /// The screen has another width.
    pub fn fit(&mut self, columns: u16) {
        if let Some(trace) = &self.trace {
            self.lines = lines(trace, usize::from(columns.min(WIDEST).saturating_sub(4)));
        }
    }

    /// Scrolls by some lines on a screen of so many rows.
    pub fn scroll(&mut self, by: isize, rows: u16) {
        let last = self.lines.len().saturating_sub(usize::from(rows.saturating_sub(3)));
        self.top = self.top.saturating_add_signed(by).min(last);
    }
}

/// Draws it; only the lines on the screen are built.
pub fn draw(model: &Model, view: &TraceView, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let title = format!("Trace of {}", view.incident);
    let height = u16::try_from(view.lines.len().max(3)).unwrap_or(u16::MAX).saturating_add(1);
    let Some(area) = window::open(model, frame, &title, (WIDEST, height)) else { return };
    let rows = usize::from(area.height.saturating_sub(1));
    if let Some(wrong) = &view.wrong {
        window::put(
            frame,
            area,
            0,
            Line::styled(crate::cockpit::text::cut(wrong, usize::from(area.width)), theme.style(Role::Bad)),
        );
    } else if view.lines.is_empty() {
        window::put(frame, area, 0, Line::styled("reading …", theme.style(Role::Dim)));
    }
    let top = view.top.min(view.lines.len().saturating_sub(rows));
    for (y, line) in view.lines.iter().skip(top).take(rows).enumerate() {
        let style = match line.tone {
            Tone::Run => theme.style(Role::Strong),
            Tone::Step => Default::default(),
            Tone::Bad | Tone::Consequence => theme.style(Role::Bad),
            Tone::Said | Tone::Note => theme.style(Role::Dim),
        };
        window::put(frame, area, y as u16, Line::from(Span::styled(line.text.as_str(), style)));
    }
    let hint = window::hint(model, &[Do::HelpDown, Do::HelpUp, Do::CloseHelp]);
    window::put(frame, area, area.height.saturating_sub(1), hint);
}
