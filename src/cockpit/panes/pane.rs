//! What all panes share: the frame, the six states, the canvas.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType},
};

use super::{checklist, containment, draft, evidence, investigation, people, restart, timeline, tripwires, welcome};
use crate::cockpit::{
    link::Link,
    model::{Model, Pane},
    text::{self, Zone},
    theme::{Role, Theme},
};

/// Where a pane draws: lines by row, cut to its columns.
pub struct Canvas<'f, 'b> {
    frame: &'f mut Frame<'b>,
    /// Its place.
    pub area: Rect,
    /// Old data is dimmed.
    pub stale: bool,
}

impl<'f, 'b> Canvas<'f, 'b> {
    /// One at a place.
    pub fn at(frame: &'f mut Frame<'b>, area: Rect, stale: bool) -> Self {
        Self { frame, area, stale }
    }
}

impl Canvas<'_, '_> {
    /// Columns.
    pub fn columns(&self) -> usize {
        usize::from(self.area.width)
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        usize::from(self.area.height)
    }

    /// Puts a line into a row; outside it, nothing.
    pub fn put(&mut self, y: usize, line: Line<'_>) {
        let Ok(row) = u16::try_from(y) else { return };
        if row < self.area.height {
            let line = text::fit(line, self.columns());
            let line = if self.stale { line.patch_style(Style::new().add_modifier(Modifier::DIM)) } else { line };
            self.frame.buffer_mut().set_line(self.area.x, self.area.y + row, &line, self.area.width);
        }
    }

    /// Puts a line into a row from a column on.
    pub fn put_at(&mut self, x: usize, y: usize, line: Line<'_>) {
        let (Ok(column), Ok(row)) = (u16::try_from(x), u16::try_from(y)) else { return };
        if row < self.area.height && column < self.area.width {
            let width = self.area.width - column;
            let line = text::fit(line, usize::from(width));
            let line = if self.stale { line.patch_style(Style::new().add_modifier(Modifier::DIM)) } else { line };
            self.frame.buffer_mut().set_line(self.area.x + column, self.area.y + row, &line, width);
        }
    }

    /// Puts a selected line: its whole row is marked.
    pub fn put_selected(&mut self, y: usize, line: Line<'_>, theme: &Theme) {
        let line = text::ends(text::fit(line, self.columns()), Line::default(), self.columns());
        self.put(y, line.patch_style(theme.style(Role::Selected)));
    }

    /// Marks the cell at a column and a row of the screen, where it is this canvas's.
    pub fn mark(&mut self, (x, y): (u16, u16), style: Style) {
        if self.area.contains((x, y).into()) {
            self.frame.buffer_mut()[(x, y)].set_style(style);
        }
    }

    /// Lets a widget draw.
    pub fn widget(&mut self, widget: impl ratatui::widgets::Widget, area: Rect) {
        self.frame.render_widget(widget, area.intersection(self.area));
    }
}

/// Rows of a pane that its list does not have.
pub fn fixed_rows(pane: Pane) -> u16 {
    match pane {
        Pane::Tripwires => 2,
        Pane::Containment => 1,
        Pane::Checklist => 3,
        Pane::Timeline | Pane::Draft => 0,
        Pane::Investigation | Pane::Restart | Pane::People => 1,
        Pane::Evidence => 4,
    }
}

/// Rows of one item in a pane's list.
pub fn row_height(pane: Pane) -> usize {
    if pane == Pane::Tripwires { 2 } else { 1 }
}

/// The zone that times are shown in now.
pub fn zone(model: &Model) -> Zone {
    if model.utc { Zone::Utc } else { model.look.zone }
}

/// A line that says something dimly.
pub fn dim<'a>(model: &Model, text: impl Into<String>) -> Line<'a> {
    Line::from(Span::styled(text.into(), model.look.theme.style(Role::Dim)))
}

/// Draws a pane with its frame, if it has one, and whichever of its states holds.
pub fn draw(model: &Model, pane: Pane, area: Rect, framed: bool, frame: &mut Frame<'_>) {
    let inner = if framed { outline(model, pane, area, frame) } else { area };
    if inner.is_empty() {
        return;
    }
    let mut canvas = Canvas::at(frame, inner, model.is_stale());
    let canvas = &mut canvas;
    if let Some(why) = &model.refused {
        return say(model, canvas, "Refused", why);
    }
    if model.state.is_none() {
        return match &model.link {
            Link::Offline { why, .. } => {
                say(model, canvas, "Nothing to show yet", &format!("The backend is not reached: {why}"))
            }
            _ => canvas.put(0, dim(model, "Loading …")),
        };
    }
    if welcome::is_first_run(model) && (!framed || pane == Pane::Checklist) {
        return welcome::draw(model, canvas);
    }
    match pane {
        Pane::Timeline => timeline::draw(model, canvas),
        Pane::Tripwires => tripwires::draw(model, canvas),
        Pane::Containment => containment::draw(model, canvas),
        Pane::Checklist => checklist::draw(model, canvas),
        Pane::Draft => draft::draw(model, canvas),
        Pane::Evidence => evidence::draw(model, canvas),
        Pane::Investigation => investigation::draw(model, canvas),
        Pane::Restart => restart::draw(model, canvas),
        Pane::People => people::draw(model, canvas),
    }
}

/// A state in words: what it is, and what to do.
pub fn say(model: &Model, canvas: &mut Canvas<'_, '_>, head: &str, words: &str) {
    canvas.put(0, Line::styled(head.to_owned(), model.look.theme.style(Role::Strong)));
    for (y, line) in text::wrap(words, canvas.columns(), canvas.rows().saturating_sub(1)).into_iter().enumerate() {
        canvas.put(y + 1, Line::from(line));
    }
}

/// The title: number, name, what the pane adds, drill and age.
pub fn title(model: &Model, pane: Pane) -> Line<'static> {
    let theme = &model.look.theme;
    let mut spans = vec![
        Span::styled(format!(" {} ", pane.number()), theme.style(Role::Key)),
        Span::styled(format!("{} ", pane.title()), theme.style(Role::Strong)),
    ];
    let filter = &model.rows.of(pane).filter;
    if !filter.is_empty() {
        spans.push(Span::styled(format!("/{} ", text::cut(filter, 16)), theme.style(Role::Warn)));
    }
    if model.world.is_some() {
        spans.push(Span::styled(" DRILL ", theme.style(Role::Drill)));
        spans.push(Span::raw(" "));
    }
    if model.is_stale() {
        spans.push(Span::styled(
            format!("as of {} ", text::clock(model.heard_at, zone(model))),
            theme.style(Role::Warn),
        ));
    }
    Line::from(spans)
}

fn outline(model: &Model, pane: Pane, area: Rect, frame: &mut Frame<'_>) -> Rect {
    let focused = pane == model.focus && model.console.is_none();
    let style = model.look.theme.style(if focused { Role::Focus } else { Role::Border });
    // The focused pane is told by a thicker line too, not by its hue alone.
    let kind = if focused { BorderType::Thick } else { BorderType::Plain };
    let block = Block::bordered().border_type(kind).border_style(style).title(title(model, pane));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    Rect { x: inner.x, width: inner.width, ..inner }
}
