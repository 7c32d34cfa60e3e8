//! The whole screen as a pure function of the model: the same model gives the same cells.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    clocks, header, hints,
    layout::{self, Places, SMALLEST, Size},
    model::{Model, Overlay, Pane},
    overlays, panes, text,
    theme::{self, Role},
};

/// Draws the model.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let places = layout::places(model, area);
    if places.size == Size::TooSmall {
        too_small(area, frame);
    } else {
        header::draw(model, places.size, places.header, frame);
        if let Some(console) = &model.console {
            let area = console_area(&places, area);
            for (pane, place) in places.panes.iter().filter(|(_, place)| place.x >= area.right()) {
                panes::draw(model, *pane, *place, places.framed, frame);
            }
            panes::draw_console(model, console, area, frame);
        } else {
            draw_panes(model, &places, frame);
        }
        hints::draw(model, places.size, places.hints, frame);
        match &model.overlay {
            Some(Overlay::Contain(form)) => overlays::contain::draw(model, form, frame),
            Some(Overlay::Pick(pick)) => overlays::pick::draw(model, pick, frame),
            Some(Overlay::Form(form)) => overlays::fill::draw(model, form, frame),
            Some(Overlay::Help(help)) => overlays::help::draw(model, *help, frame),
            Some(Overlay::Trace(view)) => overlays::trace::draw(model, view, frame),
            Some(Overlay::Sheet(sheet)) => overlays::sheet::draw(model, sheet, frame),
            None => {}
        }
    }
    if !model.look.colours {
        theme::without_colours(frame.buffer_mut());
    }
    if model.look.ascii {
        theme::in_ascii(frame.buffer_mut());
    }
}

/// Everything between the header and the hints.
fn draw_panes(model: &Model, places: &Places, frame: &mut Frame<'_>) {
    if let Some(strip) = places.strip {
        for (y, line) in panes::strip(model, usize::from(strip.width)).iter().enumerate() {
            frame.buffer_mut().set_line(strip.x, strip.y + y as u16, line, strip.width);
        }
    }
    if let Some(area) = places.tabs {
        tabs(model, area, frame);
    }
    for (pane, area) in &places.panes {
        panes::draw(model, *pane, *area, places.framed, frame);
    }
    if let Some(area) = places.foot {
        foot(model, area, frame);
    }
}

/// Where the console is: on a wide screen the panes of the right column stay beside it.
fn console_area(places: &Places, screen: Rect) -> Rect {
    let top = places.header.bottom();
    let height = places.hints.y.saturating_sub(top);
    let right = places.panes.iter().map(|(_, area)| area.x).filter(|x| *x > 0).min().unwrap_or(screen.width);
    Rect::new(screen.x, top, right, height)
}

fn too_small(area: Rect, frame: &mut Frame<'_>) {
    let words = format!("andon needs {}×{}", SMALLEST.0, SMALLEST.1);
    let words = text::cut(&words, usize::from(area.width));
    let left = (usize::from(area.width).saturating_sub(words.chars().count()) / 2) as u16;
    if area.height > 0 {
        frame.buffer_mut().set_string(area.x + left, area.y + area.height / 2, words, ratatui::style::Style::new());
    }
}

/// `─2 Tripwires─[4 Rollback]─`: the shown pane in brackets; alone, its own title.
fn tabs(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let columns = usize::from(area.width);
    let shown = model.only.unwrap_or(model.focus);
    let mut spans = Vec::new();
    if model.only.is_some() {
        spans.push(Span::styled(format!("─[{} {}]", shown.number(), shown.title()), theme.style(Role::Strong)));
    } else {
        for pane in Pane::ALL {
            // Where there is little room, only numbers stand for the panes that are not shown.
            let name = if columns < 70 || (columns < 100 && (model.is_stale() || model.world.is_some())) {
                format!("{}", pane.number())
            } else if columns < 110 {
                format!("{} {}", pane.number(), pane.short())
            } else {
                format!("{} {}", pane.number(), pane.title())
            };
            let (label, role) = if *pane == shown {
                (format!("[{} {}]", pane.number(), pane.title()), Role::Focus)
            } else {
                (name, Role::Dim)
            };
            spans.push(Span::styled("─", theme.style(Role::Border)));
            spans.push(Span::styled(label, theme.style(role)));
        }
    }
    if model.world.is_some() {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(" DRILL ", theme.style(Role::Drill)));
    }
    if model.is_stale() {
        let zone = if model.utc { text::Zone::Utc } else { model.look.zone };
        spans.push(Span::styled(format!(" as of {} ", text::clock(model.heard_at, zone)), theme.style(Role::Warn)));
    }
    let used: usize = text::width(&Line::from(spans.clone()));
    spans.push(Span::styled("─".repeat(columns.saturating_sub(used)), theme.style(Role::Border)));
    frame.buffer_mut().set_line(area.x, area.y, &text::fit(Line::from(spans), columns), area.width);
}

/// The next clocks, where the header has no room for them.
fn foot(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let columns = usize::from(area.width);
    let step = header::next_step(model).map(|step| text::cut(&step, columns.saturating_sub(3))).unwrap_or_default();
    let mut rule = vec![Span::styled("─", theme.style(Role::Border))];
    if !step.is_empty() {
        rule.push(Span::styled(format!("{step} "), theme.style(Role::Strong)));
    }
    let used = text::width(&Line::from(rule.clone()));
    rule.push(Span::styled("─".repeat(columns.saturating_sub(used)), theme.style(Role::Border)));
    frame.buffer_mut().set_line(area.x, area.y, &text::fit(Line::from(rule), columns), area.width);
    let mut spans = vec![Span::styled("next ", theme.style(Role::Dim))];
    let next = clocks::next(model);
    if next.is_empty() {
        spans.push(Span::styled("no clock runs", theme.style(Role::Dim)));
    }
    for (at, shown) in next.into_iter().take(2).enumerate() {
        let gap = if at > 0 { " · " } else { "" };
        spans.push(Span::styled(format!("{gap}{}", shown.text), theme.style(shown.role)));
    }
    if area.height > 1 {
        frame.buffer_mut().set_line(area.x, area.y + 1, &text::fit(Line::from(spans), columns), area.width);
    }
}
