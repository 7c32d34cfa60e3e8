//! Pane 6: the log of the incident, newest first; notes and everything that happened.

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::Entry,
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(incident) = model.incident() else {
        return say(
            model,
            canvas,
            "No incident",
            "Everything that happens to an incident stands here, with who and when. D declares one.",
        );
    };
    let list = model.rows.of(Pane::Evidence);
    if list.rows.is_empty() {
        return canvas.put(0, dim(model, "nothing here yet; n adds a note"));
    }
    let fits = canvas.rows().saturating_sub(3).max(1);
    let (top, columns) = (list.window(fits), canvas.columns());
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let RowId::Entry(seq) = id else { continue };
        // The timeline is in order of seq: found by halving, so that a long one draws as a short one.
        let found = incident.timeline.binary_search_by_key(seq, |entry| entry.seq);
        let Some(entry) = found.ok().and_then(|at| incident.timeline.get(at)) else { continue };
        let line = line(model, entry, columns);
        if at == list.index() && model.focus == Pane::Evidence {
            canvas.put_selected(at - top, line, &model.look.theme);
        } else {
            canvas.put(at - top, line);
        }
    }
    let below = list.rows.len().saturating_sub(top + fits);
    let newer = if top > 0 { format!("↑ {top} newer · ") } else { String::new() };
    canvas.put(
        fits,
        dim(model, format!("{newer}{} of {}", text::count(list.rows.len() - below, "row"), list.rows.len())),
    );
    if let Some(entry) = model.selected_entry() {
        for (y, line) in text::wrap(&entry.text, columns, 2).into_iter().enumerate() {
            canvas.put(fits + 1 + y, Line::from(line));
        }
    }
}

fn line<'a>(model: &Model, entry: &Entry, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (sign, role) = match entry.kind.as_str() {
        "note-added" => ("✎", Role::Key),
        "switch-joined" | "switch-engaged" => ("■", Role::Halted),
        "severity-set" | "incident-declared" => ("▲", Role::Warn),
        "containment-broken" => ("⚠", Role::Bad),
        "contained" | "rollback-verified" | "resolved" | "step-ticked" => ("✓", Role::Good),
        "firing-joined" => ("◆", Role::Bad),
        _ => ("·", Role::Dim),
    };
    let retracted = if entry.retracted { "taken back: " } else { "" };
    let role_of_text = if entry.retracted { theme.style(Role::Dim) } else { Default::default() };
    // When it was recorded is told where it differs from when it happened.
    let late = entry.recorded_at.since(entry.at) > 60_000;
    let late = if late { format!(" (told {})", text::minute(entry.recorded_at, zone(model))) } else { String::new() };
    Line::from(vec![
        Span::styled(text::clock(entry.at, zone(model)), theme.style(Role::Dim)),
        Span::styled(format!(" {sign} "), theme.style(role)),
        Span::styled(format!("{} ", text::cut(entry.by.name(), 12)), theme.style(Role::Strong)),
        Span::styled(format!("{retracted}{}{late}", text::cut(&entry.text, columns)), role_of_text),
    ])
}
