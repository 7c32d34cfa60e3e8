//! The draft being written: a field a row, the message below, what the linter says of it as it is typed.

use ratatui::{layout::Rect, style::Modifier, text::Line};
use ratatui_textarea::TextArea;

use super::{
    draft::{finding, label, note},
    pane::{Canvas, dim},
};
use crate::cockpit::{commands::Do, editor::DraftEditor, model::Model, text, theme::Role};

/// Draws it.
pub fn draw(model: &Model, editor: &DraftEditor, canvas: &mut Canvas<'_, '_>) {
    let theme = &model.look.theme;
    let area = canvas.area;
    let names = editor.names();
    let fields = (names.len() - 1) as u16;
    // Where there is little room, only the field in hand is shown, then the message.
    let all = area.height >= fields + 5;
    let kept = (editor.findings.len() as u16).min(if area.height > fields + 9 { 3 } else { 1 });
    let kept = if area.height > 3 { kept } else { 0 };
    let mut y = 0;
    for (at, name) in names.iter().enumerate().take(names.len() - 1) {
        if !all && at != editor.at {
            continue;
        }
        let here = at == editor.at;
        let found = editor.findings.iter().any(|finding| finding.field == *name);
        let sign = if found { "⚠" } else { " " };
        let label = format!("{}{:<14}{sign}", if here { "▸" } else { " " }, label(name));
        let role = match (here, found) {
            (true, _) => Role::Key,
            (false, true) => Role::Warn,
            (false, false) => Role::Dim,
        };
        canvas.put(usize::from(y), Line::styled(label, theme.style(role)));
        field(editor, at, Rect::new(area.x + 16, area.y + y, area.width.saturating_sub(16), 1), canvas);
        y += 1;
    }
    let here = editor.at + 1 == names.len();
    let heading = if here { "▸message" } else { " message" };
    let heading = Line::styled(heading, theme.style(if here { Role::Key } else { Role::Dim }));
    canvas.put(usize::from(y), text::ends(heading, others(model, editor), canvas.columns()));
    let rest =
        Rect::new(area.x + 1, area.y + y + 1, area.width.saturating_sub(1), area.height.saturating_sub(y + 1 + kept));
    field(editor, names.len() - 1, rest, canvas);
    findings(model, editor, usize::from(kept), canvas);
    for writer in model.writers(editor.incident, editor.draft) {
        let found = writer.writing.place.as_ref().and_then(|place| editor.find(&writer.writing.field, place));
        let Some((at, place)) = found else { continue };
        let within = if at + 1 == names.len() {
            rest
        } else if all || at == editor.at {
            let row = if all { at as u16 } else { 0 };
            Rect::new(area.x + 16, area.y + row, area.width.saturating_sub(16), 1)
        } else {
            continue;
        };
        if let Some(cell) = editor.area(at).and_then(|text| cell(text, place, within)) {
            canvas.mark(cell, theme.style(Role::Warn).add_modifier(Modifier::REVERSED));
        }
    }
    if rest.is_empty() && area.height > 0 {
        canvas.put(0, dim(model, "a taller window shows the message"));
    }
}

/// Who else writes in the draft, and in which field.
fn others<'a>(model: &Model, editor: &DraftEditor) -> Line<'a> {
    let words = model.writers(editor.incident, editor.draft).map(|writer| {
        let field = if writer.writing.field == "body" { "message" } else { label(&writer.writing.field) };
        format!("{} in {field}", text::cut(&writer.name, 12))
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        return Line::default();
    }
    Line::styled(format!("✎ {}", words.join(", ")), model.look.theme.style(Role::Warn))
}

/// The cell at which a place of a text is drawn, where it is on the screen.
fn cell(text: &TextArea<'_>, (row, column): (usize, usize), within: Rect) -> Option<(u16, u16)> {
    let (top, left) = text.scroll_offset();
    let at = |y: u16, x: u16| {
        let data = text.screen_to_data(usize::from(top + y), usize::from(left + x));
        (data.0, data.1)
    };
    // The last row that begins before the place holds it; rows below the text read as its last one.
    let begins = (0..within.height).map(|y| at(y, 0)).filter(|begins| *begins <= (row, column)).max()?;
    let y = (0..within.height).find(|y| at(*y, 0) == begins)?;
    let x = (0..within.width).find(|x| at(y, *x) == (row, column))?;
    Some((within.x + x, within.y + y))
}

/// The finding whose offer would be taken first, with where it stands and what would stand there; then the others.
fn findings(model: &Model, editor: &DraftEditor, kept: usize, canvas: &mut Canvas<'_, '_>) {
    let nearest = editor.nearest();
    let others = editor.findings.iter().filter(|finding| Some(*finding) != nearest);
    let rows = canvas.rows();
    for (y, one) in nearest.into_iter().chain(others).take(kept).enumerate() {
        let (head, mut tail, role) = finding(one);
        let place = one.at.map(|place| format!(" {}", place.chars.0 + 1)).unwrap_or_default();
        let head = format!("{head} ({}{place})", label(&one.field));
        if let Some(offer) = one.offer.as_deref().filter(|_| Some(one) == nearest) {
            let what =
                if offer.is_empty() { "takes it out".to_owned() } else { format!("“{}”", text::cut(offer, 60)) };
            tail = format!(" {} {what}{tail}", model.keymap.key(Do::TakeOffer));
        }
        if y + 1 == kept && editor.findings.len() > kept {
            tail.push_str(&format!(" (+{} more)", editor.findings.len() - kept));
        }
        canvas.put(rows - kept + y, note(&model.look.theme, &head, &tail, role));
    }
}

fn field(editor: &DraftEditor, at: usize, area: Rect, canvas: &mut Canvas<'_, '_>) {
    if let Some(text) = editor.area(at).filter(|_| !area.is_empty()) {
        canvas.widget(text, area);
    }
}
