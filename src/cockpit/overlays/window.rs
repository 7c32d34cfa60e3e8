//! The frame that every overlay has.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear},
};

use crate::cockpit::{
    commands::{Do, command},
    model::Model,
    text,
    theme::Role,
};

/// Clears a window of at most `size` in the middle of the screen and frames it; `None` when nothing fits inside.
pub fn open(model: &Model, frame: &mut Frame<'_>, title: &str, size: (u16, u16)) -> Option<Rect> {
    let screen = frame.area();
    let width = size.0.min(screen.width);
    let height = size.1.saturating_add(2).min(screen.height);
    let area = Rect::new(screen.x + (screen.width - width) / 2, screen.y + (screen.height - height) / 3, width, height);
    let inner = Block::bordered().inner(area);
    if inner.width < 2 || inner.height < 1 {
        return None;
    }
    let theme = &model.look.theme;
    let mut head = vec![Span::styled(
        format!(" {} ", text::cut(title, usize::from(width).saturating_sub(12))),
        theme.style(Role::Strong),
    )];
    if let Some(drill) = model.world {
        head.push(Span::styled(format!(" {drill} "), theme.style(Role::Drill)));
    }
    frame.render_widget(Clear, area);
    frame.render_widget(Block::bordered().border_style(theme.style(Role::Focus)).title(Line::from(head)), area);
    let padded = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    (padded.width > 0).then_some(padded)
}

/// Puts a line into row `y` of `area`, cut to it; outside it, nothing.
pub fn put(frame: &mut Frame<'_>, area: Rect, y: u16, line: Line<'_>) {
    if y < area.height {
        let line = text::fit(line, usize::from(area.width));
        frame.buffer_mut().set_line(area.x, area.y + y, &line, area.width);
    }
}

/// `enter do it   esc cancel` from the table.
pub fn hint(model: &Model, commands: &[Do]) -> Line<'static> {
    let theme = &model.look.theme;
    let mut spans = Vec::new();
    for does in commands {
        let Some(row) = command(*does) else { continue };
        spans.push(Span::styled(model.keymap.key(*does), theme.style(Role::Key)));
        spans.push(Span::styled(format!(" {}   ", row.title), theme.style(Role::Dim)));
    }
    Line::from(spans)
}
