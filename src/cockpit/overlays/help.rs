//! The keys of where one is, then the ones everywhere; version, backend, config and log.

use ratatui::{
    Frame,
    text::{Line, Span},
};

use super::window;
use crate::cockpit::{
    commands::{Command, Do, Scope, of_scope},
    model::{Model, Pane},
    text,
    theme::Role,
};

/// How far help was scrolled, and for which pane it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelpState {
    /// Whose keys come first.
    pub pane: Pane,
    /// First line on the screen.
    pub top: usize,
}

/// Every line of help: pane's keys, keys of everywhere, keys within texts and overlays, places.
pub fn lines(model: &Model, pane: Pane) -> Vec<Line<'static>> {
    let theme = &model.look.theme;
    let head = |text: String| Line::styled(text, theme.style(Role::Strong));
    let narrow = model.size.0 < 70;
    let row = |command: &'static Command| {
        let keys = model.keymap.keys(command.does).join(" ");
        if narrow {
            let key = Span::styled(format!("  {keys:<8} "), theme.style(Role::Key));
            return Line::from(vec![key, Span::raw(command.doc)]);
        }
        Line::from(vec![
            Span::styled(format!("  {keys:<14} "), theme.style(Role::Key)),
            Span::raw(format!("{:<16} ", command.title)),
            Span::styled(command.doc, theme.style(Role::Dim)),
        ])
    };
    let directing = "In the console of a drill you lead";
    let mut lines = Vec::new();
    // Where somebody stands comes first.
    if model.console.is_some() {
        lines.push(head(directing.into()));
        lines.extend(of_scope(Scope::Directing).map(row));
    }
    lines.push(head(format!("In {}", pane.title())));
    let own: Vec<Line<'static>> = of_scope(Scope::of(pane)).map(row).collect();
    if own.is_empty() {
        lines.push(Line::styled("  only the keys below", theme.style(Role::Dim)));
    }
    lines.extend(own);
    lines.push(head("Everywhere".into()));
    lines.extend(of_scope(Scope::Everywhere).map(row));
    for (scope, name) in [
        (Scope::Directing, directing),
        (Scope::Containing, "In the halt window"),
        (Scope::Filling, "In a form"),
        (Scope::Picking, "In a list"),
        (Scope::Editing, "In a draft being written"),
        (Scope::Reading, "In this help, and in the trace"),
    ] {
        if scope == Scope::Directing && model.console.is_some() {
            continue;
        }
        lines.push(head(name.into()));
        lines.extend(of_scope(scope).map(row));
    }
    for other in Pane::ALL.iter().filter(|other| **other != pane) {
        let rows: Vec<Line<'static>> = of_scope(Scope::of(*other)).map(row).collect();
        if !rows.is_empty() {
            lines.push(head(format!("In {}", other.title())));
            lines.extend(rows);
        }
    }
    lines.push(head("Places".into()));
    let place = |name: &str, value: String| Line::from(format!("  {name:<14} {}", text::cut(&value, 200)));
    let backend = model.state.as_ref().map(|state| &state.backend);
    lines.push(place("version", env!("CARGO_PKG_VERSION").into()));
    lines.push(place("backend", format!("{} {}", model.backend_name(), backend.map_or("", |info| &info.version))));
    let or_none = |text: Option<&String>| text.cloned().unwrap_or_else(|| "not known".into());
    lines.push(place("telemetry", or_none(backend.and_then(|info| info.telemetry.as_ref()))));
    lines.push(place("backend log", or_none(backend.and_then(|info| info.log_file.as_ref()))));
    lines.push(place("config", or_none(model.places.config.as_ref())));
    lines.push(place("clipboard", "y uses OSC 52; in tmux: set -g set-clipboard on".into()));
    lines
}

/// Draws it.
pub fn draw(model: &Model, help: HelpState, frame: &mut Frame<'_>) {
    let rows = lines(model, help.pane);
    let Some(area) = window::open(model, frame, "Help", (100, rows.len() as u16 + 1)) else { return };
    let height = usize::from(area.height.saturating_sub(1));
    let top = help.top.min(rows.len().saturating_sub(height));
    for (y, line) in rows.into_iter().skip(top).take(height).enumerate() {
        window::put(frame, area, y as u16, line);
    }
    let hint = window::hint(model, &[Do::HelpDown, Do::HelpUp, Do::CloseHelp]);
    window::put(frame, area, area.height.saturating_sub(1), hint);
}
