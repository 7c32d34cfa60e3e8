//! The last row: what was said, else what is being asked, else the keys of where one is.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    commands::{Do, Scope, allowed, command, of_scope, why_not},
    layout::Size,
    model::Model,
    text,
    theme::Role,
};

/// Draws it.
pub fn draw(model: &Model, size: Size, area: Rect, frame: &mut Frame<'_>) {
    let columns = usize::from(area.width);
    let line = said(model, columns).unwrap_or_else(|| keys(model, size));
    frame.buffer_mut().set_line(area.x, area.y, &text::fit(line, columns), area.width);
}

fn said(model: &Model, columns: usize) -> Option<Line<'static>> {
    let theme = &model.look.theme;
    if let Some(toast) = &model.toast {
        let role = if toast.bad { Role::Bad } else { Role::Strong };
        let sign = if toast.bad { "⚠ " } else { "" };
        return Some(Line::styled(text::cut(&format!("{sign}{}", toast.text), columns), theme.style(role)));
    }
    if let Some(asked) = model.asked.last() {
        let words = format!("… asked, not answered yet: {asked}");
        return Some(Line::styled(text::cut(&words, columns), theme.style(Role::Warn)));
    }
    // What keeps the backend from its work is said as long as it does.
    if let Some(why) = model.state.as_ref().and_then(|state| state.live.wrong.first()) {
        return Some(Line::styled(text::cut(&format!("⚠ {why}"), columns), theme.style(Role::Bad)));
    }
    let banner = model.banners.first()?;
    Some(Line::styled(text::cut(&format!("⚠ {banner}  (esc)"), columns), theme.style(Role::Warn)))
}

fn keys(model: &Model, size: Size) -> Line<'static> {
    let theme = &model.look.theme;
    let mut rows: Vec<Do> = if model.editor.is_some() {
        of_scope(Scope::Editing).map(|row| row.does).collect()
    } else if model.console.is_some() {
        let own = of_scope(Scope::Directing).filter(|row| why_not(row, model).is_none()).map(|row| row.does);
        own.take(if size == Size::Narrow { 3 } else { 8 }).chain([Do::Back, Do::Help]).collect()
    } else {
        let own = of_scope(Scope::of(model.focus)).filter(|row| why_not(row, model).is_none()).map(|row| row.does);
        own.take(if size == Size::Narrow { 3 } else { 6 }).collect()
    };
    if model.editor.is_none() && model.console.is_none() {
        let more: &[Do] = if size == Size::Narrow {
            &[Do::Halt, Do::Help]
        } else if model.incident().is_some() {
            &[Do::Halt, Do::Note, Do::Severity, Do::Next, Do::Palette, Do::Help]
        } else {
            &[Do::Halt, Do::Declare, Do::PlayDrill, Do::Next, Do::Palette, Do::Help]
        };
        rows.extend(more.iter().copied().filter(|does| allowed(*does, model)));
    }
    let mut spans = vec![Span::raw(" ")];
    for does in rows {
        let title = command(does).map(|row| row.title).unwrap_or_default();
        spans.push(Span::styled(model.keymap.key(does), theme.style(Role::Key)));
        spans.push(Span::styled(format!(" {title}  "), theme.style(Role::Dim)));
    }
    Line::from(spans)
}
