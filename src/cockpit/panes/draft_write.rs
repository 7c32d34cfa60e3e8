//! The draft being written: a field a row, the message below, what the linter says of it as it is typed.

use ratatui::{layout::Rect, text::Line};

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
    canvas.put(usize::from(y), Line::styled(heading, theme.style(if here { Role::Key } else { Role::Dim })));
    let rest =
        Rect::new(area.x + 1, area.y + y + 1, area.width.saturating_sub(1), area.height.saturating_sub(y + 1 + kept));
    field(editor, names.len() - 1, rest, canvas);
    findings(model, editor, usize::from(kept), canvas);
    if rest.is_empty() && area.height > 0 {
        canvas.put(0, dim(model, "a taller window shows the message"));
    }
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
