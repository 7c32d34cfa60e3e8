//! A form: declare, severity, notes and reasons, release, send.

use ratatui::{
    Frame,
    text::{Line, Span},
};

use super::window;
use crate::cockpit::{
    commands::Do,
    form::{Form, Value},
    model::Model,
    text,
    theme::Role,
};

/// Draws it.
pub fn draw(model: &Model, form: &Form, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let columns = usize::from(frame.area().width).saturating_sub(6).min(80);
    let about: Vec<String> = form.about.iter().flat_map(|line| text::wrap(line, columns, 3)).collect();
    let rows = about.len() + form.fields.len() * 2 + 3;
    let Some(area) = window::open(model, frame, &form.title, (86, u16::try_from(rows).unwrap_or(24))) else { return };
    let mut y = 0;
    for line in about {
        window::put(frame, area, y, Line::from(line));
        y += 1;
    }
    for (at, field) in form.fields.iter().enumerate() {
        let here = at == form.at;
        let role = if here { Role::Key } else { Role::Dim };
        let mark = if here { "▸ " } else { "  " };
        let mut spans = vec![Span::styled(format!("{mark}{:<12} ", field.label), theme.style(role))];
        let room = usize::from(area.width).saturating_sub(16);
        let hint = match &field.value {
            Value::Text(input) => {
                spans.extend(typed(model, input.halves(), here, room));
                field.hint.clone()
            }
            Value::Choice { options, at } => {
                let (word, meaning) = options.get(*at).cloned().unwrap_or_default();
                let style = if here { theme.style(Role::Selected) } else { theme.style(Role::Strong) };
                spans.push(Span::styled(format!("← {} →", text::cut(&word, room.saturating_sub(4))), style));
                meaning
            }
        };
        window::put(frame, area, y, Line::from(spans));
        let hint = Line::styled(format!("{:15}{}", "", text::cut(&hint, room + 1)), theme.style(Role::Dim));
        window::put(frame, area, y + 1, hint);
        y += 2;
    }
    if let Some(wrong) = &form.wrong {
        window::put(frame, area, y, Line::styled(format!("⚠ {}", text::cut(wrong, 200)), theme.style(Role::Bad)));
    }
    let hint = window::hint(model, &[Do::SubmitForm, Do::NextInput, Do::CancelForm]);
    window::put(frame, area, area.height.saturating_sub(1), hint);
}

/// The end of what is left of the cursor, the cursor, what is right of it.
fn typed<'a>(model: &Model, (left, right): (&'a str, &'a str), here: bool, room: usize) -> Vec<Span<'a>> {
    use unicode_segmentation::UnicodeSegmentation;
    use unicode_width::UnicodeWidthStr;
    let (mut from, mut used) = (left.len(), 0);
    for (at, grapheme) in left.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used + 2 > room {
            break;
        }
        from = at;
    }
    let under = right.graphemes(true).next().unwrap_or(" ");
    let style = if here { model.look.theme.style(Role::Selected) } else { Default::default() };
    vec![Span::raw(&left[from..]), Span::styled(under, style), Span::raw(right.get(under.len()..).unwrap_or_default())]
}
