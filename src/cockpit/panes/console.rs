//! Draws the facilitator's console: the playhead, the harm, who is there, and the recording's outline (DRL.1).

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Block,
};

use super::pane::Canvas;
use crate::{
    cockpit::{
        console::{Console, Row, kind_word, stamp},
        model::Model,
        text,
        theme::Role,
    },
    drill::Passage,
    incident::Drill,
    terms::Author,
};

/// Columns of a moment and of what it is; and where there is little room.
const WIDE: (usize, usize) = (9, 10);
const NARROW: (usize, usize) = (7, 7);

/// Draws it into `area`, whatever lay there before.
pub fn draw(model: &Model, console: &Console, area: Rect, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    frame.render_widget(ratatui::widgets::Clear, area);
    let framed = area.width >= 70;
    let drill = model.world.map(|drill| drill.to_string()).unwrap_or_default();
    let head = Line::from(vec![
        Span::styled(" 0 ", theme.style(Role::Key)),
        Span::styled("Console ", theme.style(Role::Strong)),
        Span::styled(format!(" DRILL {drill} "), theme.style(Role::Drill)),
        Span::styled(" only who leads sees this ", theme.style(Role::Dim)),
    ]);
    let inner = if framed {
        let block = Block::bordered().border_style(theme.style(Role::Focus)).title(head);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    } else {
        frame.buffer_mut().set_line(area.x, area.y, &text::fit(head, usize::from(area.width)), area.width);
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    };
    let mut canvas = Canvas::at(frame, inner, model.is_stale());
    let Some(take) = model.take() else {
        canvas.put(0, Line::styled("Loading …", theme.style(Role::Dim)));
        return;
    };
    let mut y = top(model, console, take, &mut canvas);
    canvas.put(y, Line::styled("─".repeat(canvas.columns()), theme.style(Role::Border)));
    y += 1;
    outline(model, console, take, y, &mut canvas);
}

/// The playhead, the harm, who is there; how many rows that took.
fn top(model: &Model, console: &Console, take: &Drill, canvas: &mut Canvas<'_, '_>) -> usize {
    let theme = &model.look.theme;
    let columns = canvas.columns();
    let mut lines = vec![playhead(model, console, take, columns)];
    if columns >= 70 {
        lines.push(bar(model, console, columns));
    }
    let done = model.state.as_ref().and_then(|state| state.live.harm).unwrap_or_default();
    let label = |words: &str| Span::styled(words.to_owned(), theme.style(Role::Dim));
    let done_words = done.done.to_string();
    let role = if done.done.is_none() { Role::Good } else { Role::Bad };
    lines.push(Line::from(vec![
        label("harm now   "),
        Span::styled(done_words, theme.style(role)),
        label(&format!("  · {} stopped", done.stopped)),
    ]));
    if let Some(outline) = &console.outline {
        let by_now = outline.harm_by(model.second().unwrap_or_default());
        lines.push(Line::from(vec![
            label("as it went "),
            Span::raw(by_now.to_string()),
            label(&format!("  · in the end {}", done.course)),
        ]));
    }
    lines.push(people(model, take));
    for (y, line) in lines.iter().enumerate() {
        canvas.put(y, line.clone());
    }
    lines.len()
}

fn playhead(model: &Model, console: &Console, take: &Drill, columns: usize) -> Line<'static> {
    let theme = &model.look.theme;
    let over = model.place().is_none_or(|place| place.over) || take.played.is_some();
    let (word, role) = match (take.ended_at.is_some(), over, take.paused) {
        (true, ..) => ("■ ended", Role::Dim),
        (_, true, _) => ("■ over", Role::Strong),
        (_, _, true) => ("‖ held", Role::Warn),
        _ => ("▶ plays", Role::Good),
    };
    let length = console.outline.as_ref().map(|outline| format!(" of {}", stamp(outline.length_s))).unwrap_or_default();
    let left = Line::from(vec![
        Span::styled(format!("{word} ×{}", take.speed), theme.style(role)),
        Span::styled(format!("  {}", stamp(model.second().unwrap_or_default())), theme.style(Role::Strong)),
        Span::raw(length),
    ]);
    let title = text::cut(&take.title, columns.saturating_sub(text::width(&left) + 2));
    text::ends(left, Line::styled(title, theme.style(Role::Dim)), columns)
}

/// `━━━●──◆──`: what was played, the playhead, marks to come.
fn bar(model: &Model, console: &Console, columns: usize) -> Line<'static> {
    let theme = &model.look.theme;
    let Some(outline) = &console.outline else { return Line::default() };
    let cell = |at_s: f64| ((at_s / outline.length_s.max(1.0)) * columns.saturating_sub(1) as f64).max(0.0) as usize;
    let now = cell(model.second().unwrap_or_default());
    let mut marks = vec![' '; columns];
    for line in outline.lines.iter().filter(|line| line.kind != Passage::Action) {
        let sign = if line.kind == Passage::Hint { '?' } else { '◆' };
        if let Some(mark) = marks.get_mut(cell(line.at_s)) {
            *mark = sign;
        }
    }
    let spans = marks.into_iter().enumerate().map(|(at, mark)| {
        let (sign, role) = match (mark, at.cmp(&now)) {
            (_, std::cmp::Ordering::Equal) => ('●', Role::Strong),
            (' ', std::cmp::Ordering::Less) => ('━', Role::Good),
            (' ', _) => ('─', Role::Dim),
            (mark, std::cmp::Ordering::Less) => (mark, Role::Good),
            (mark, _) => (mark, Role::Warn),
        };
        Span::styled(sign.to_string(), theme.style(role))
    });
    Line::from(spans.collect::<Vec<_>>())
}

fn people(model: &Model, take: &Drill) -> Line<'static> {
    let theme = &model.look.theme;
    let here = model.state.as_ref().map(|state| state.live.in_drill.clone()).unwrap_or_default();
    let mut spans = vec![Span::styled("here       ", theme.style(Role::Dim))];
    let leads = |name: &str| take.is_led_by(&Author::Person(name.to_owned()));
    for (at, name) in here.iter().enumerate() {
        let gap = if at > 0 { ", " } else { "" };
        let role = if leads(name) { " leads" } else { "" };
        spans.push(Span::raw(format!("{gap}{}", text::cut(name, 16))));
        spans.push(Span::styled(role, theme.style(Role::Dim)));
    }
    if here.is_empty() {
        spans.push(Span::styled("nobody yet", theme.style(Role::Dim)));
    }
    for (name, until) in take.cuts.iter().filter(|(_, until)| model.now < **until) {
        let left = text::span(until.since(model.now));
        spans.push(Span::styled(format!(" · {} cut off {left}", text::cut(name, 16)), theme.style(Role::Warn)));
    }
    let hints = if take.hints_shown { " · hints shown" } else { " · hints hidden" };
    spans.push(Span::styled(hints, theme.style(if take.hints_shown { Role::Warn } else { Role::Dim })));
    Line::from(spans)
}

/// The outline around the selected row, and that row in full below it.
fn outline(model: &Model, console: &Console, take: &Drill, from: usize, canvas: &mut Canvas<'_, '_>) {
    let theme = &model.look.theme;
    let columns = canvas.columns();
    if let Some(wrong) = &console.wrong {
        for (y, line) in text::wrap(wrong, columns, 3).into_iter().enumerate() {
            canvas.put(from + y, Line::styled(line, theme.style(Role::Bad)));
        }
        return;
    }
    if console.outline.is_none() {
        canvas.put(from, Line::styled("reading …", theme.style(Role::Dim)));
        return;
    }
    let rows = console.rows(&take.notes);
    let Some((at, _, chosen)) = model.console_row() else { return };
    let full = said(console, take, chosen);
    let full = text::wrap(&full, columns, if columns < 70 { 3 } else { 2 });
    let room = canvas.rows().saturating_sub(from + full.len() + 1).max(1);
    let top = at.saturating_sub(room / 2).min(rows.len().saturating_sub(room));
    let now = model.second().unwrap_or_default();
    let playing = rows.partition_point(|(at_s, _)| *at_s <= now).checked_sub(1);
    for (y, (place, (at_s, row))) in rows.iter().enumerate().skip(top).take(room).enumerate() {
        let line = shown(model, console, take, (*at_s, *row), (playing == Some(place), *at_s <= now), columns);
        if place == at && console.chosen.is_some() {
            canvas.put_selected(from + y, line, theme);
        } else {
            canvas.put(from + y, line);
        }
    }
    let y = canvas.rows().saturating_sub(full.len() + 1);
    canvas.put(y, Line::styled("─".repeat(columns), theme.style(Role::Border)));
    for (at, line) in full.into_iter().enumerate() {
        canvas.put(y + 1 + at, Line::from(line));
    }
}

fn shown(
    model: &Model,
    console: &Console,
    take: &Drill,
    (at_s, row): (f64, Row),
    (playing, past): (bool, bool),
    columns: usize,
) -> Line<'static> {
    let theme = &model.look.theme;
    let (kind, words, harm, role) = match row {
        Row::Note(at) => {
            let text = take.notes.get(at).map(|note| note.text.clone()).unwrap_or_default();
            ("✎ note", text, None, Role::Strong)
        }
        Row::Line(at) => {
            let Some(line) = console.outline.as_ref().and_then(|outline| outline.lines.get(at)) else {
                return Line::default();
            };
            let times = if line.actions > 1 { format!("{}× ", line.actions) } else { String::new() };
            let role = match line.kind {
                Passage::Action if past => Role::Dim,
                Passage::Hint => Role::Key,
                Passage::Action => Role::Strong,
                _ => Role::Warn,
            };
            let harm = (!line.harm.is_none()).then(|| line.harm.to_string());
            (kind_word(line.kind, line.deaf), format!("{times}{}", line.text), harm, role)
        }
    };
    let (stamp_columns, kind_columns) = if columns < 70 { NARROW } else { WIDE };
    let kind = text::cut(kind, kind_columns);
    let sign = if playing { "▸" } else { " " };
    let when = if at_s < 0.0 { String::new() } else { stamp(at_s) };
    let harm = harm.filter(|_| columns >= 60).unwrap_or_default();
    let room = columns.saturating_sub(stamp_columns + kind_columns + 3 + harm.chars().count());
    let dim = theme.style(if past { Role::Dim } else { Role::Strong });
    let left = Line::from(vec![
        Span::styled(format!("{sign}{when:>stamp_columns$} "), dim),
        Span::styled(format!("{kind:<kind_columns$} "), theme.style(role)),
        Span::styled(text::cut(&words, room), if past { theme.style(Role::Dim) } else { Default::default() }),
    ]);
    text::ends(left, Line::styled(harm, theme.style(if past { Role::Dim } else { Role::Bad })), columns)
}

/// A row in full.
fn said(console: &Console, take: &Drill, row: Row) -> String {
    match row {
        Row::Note(at) => take.notes.get(at).map_or_else(String::new, |note| format!("{}: {}", note.by, note.text)),
        Row::Line(at) => {
            console.outline.as_ref().and_then(|outline| outline.lines.get(at)).map_or_else(String::new, |line| {
                let until =
                    if line.until_s > line.at_s { format!(" until {}", stamp(line.until_s)) } else { String::new() };
                let harm = if line.harm.is_none() { String::new() } else { format!(" · {}", line.harm) };
                format!("{}{until}: {}{harm}", stamp(line.at_s), line.text)
            })
        }
    }
}
