//! Pane 6: what must be kept and where it stands, the gaps first; or the log of the incident, newest first (EVI).

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        clocks,
        commands::Do,
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::{
        Entry, Incident,
        evidence::{Item, ItemState},
    },
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(incident) = model.incident() else {
        return say(
            model,
            canvas,
            "No incident",
            "What must be kept of an incident stands here, and everything that happens to it. D declares one.",
        );
    };
    canvas.put(0, head(model, incident));
    let list = model.rows.of(Pane::Evidence);
    if list.rows.is_empty() {
        let words = if model.items { "no item here" } else { "nothing here yet; n adds a note" };
        return canvas.put(1, dim(model, words));
    }
    let fits = canvas.rows().saturating_sub(4).max(1);
    let (top, columns) = (list.window(fits), canvas.columns());
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let Some(line) = row(model, incident, id, columns) else { continue };
        if at == list.index() && model.focus == Pane::Evidence {
            canvas.put_selected(at - top + 1, line, &model.look.theme);
        } else {
            canvas.put(at - top + 1, line);
        }
    }
    let below = list.rows.len().saturating_sub(top + fits);
    let above = if model.items { "above" } else { "newer" };
    let newer = if top > 0 { format!("↑ {top} {above} · ") } else { String::new() };
    canvas.put(
        fits + 1,
        dim(model, format!("{newer}{} of {}", text::count(list.rows.len() - below, "row"), list.rows.len())),
    );
    let told = model.selected_entry().map(|entry| entry.text.clone()).or_else(|| model.selected_item().map(account));
    for (y, line) in text::wrap(&told.unwrap_or_default(), columns, 2).into_iter().enumerate() {
        canvas.put(fits + 2 + y, Line::from(line));
    }
}

fn row<'a>(model: &Model, incident: &Incident, id: &RowId, columns: usize) -> Option<Line<'a>> {
    match id {
        RowId::Entry(seq) => {
            // The timeline is in order of seq: found by halving, so that a long one draws as a short one.
            let found = incident.timeline.binary_search_by_key(seq, |entry| entry.seq);
            Some(entry(model, incident.timeline.get(found.ok()?)?, columns))
        }
        RowId::Item(id) => Some(item(model, incident.evidence.item(id)?, columns)),
        _ => None,
    }
}

/// `0/26 held · not frozen: f · 9:12 left · v items`.
fn head(model: &Model, incident: &Incident) -> Line<'static> {
    let theme = &model.look.theme;
    let kept = &incident.evidence;
    let key = |does| model.keymap.key(does);
    let mut spans = vec![Span::styled(format!("{}/{} held", kept.held, kept.total), theme.style(Role::Strong))];
    let mut add = |text: String, role: Role| {
        spans.push(Span::raw(" · "));
        spans.push(Span::styled(text, theme.style(role)));
    };
    if let Some(left) = clocks::evidence_left(model) {
        add(left.text, left.role);
    }
    match kept.freezes.last() {
        Some(freeze) => add(format!("{} {} frozen", freeze.id, text::count(frozen(incident), "action")), Role::Good),
        None => add(format!("not frozen: {}", key(Do::Freeze)), Role::Warn),
    }
    if kept.unknown > 0 {
        add(format!("{} unknown", kept.unknown), Role::Warn);
    }
    if kept.legal_hold().is_some() {
        add("legal hold".to_owned(), Role::Warn);
    }
    add(format!("{} {}", key(Do::Items), if model.items { "log" } else { "items" }), Role::Dim);
    Line::from(spans)
}

fn frozen(incident: &Incident) -> usize {
    let counts = incident.evidence.freezes.iter().map(crate::incident::evidence::Freeze::count);
    usize::try_from(counts.max().unwrap_or(0)).unwrap_or(usize::MAX)
}

/// A sign and a role for a state: told by more than colour.
fn sign(state: ItemState) -> (&'static str, Role) {
    match state {
        ItemState::Unknown => ("?", Role::Warn),
        ItemState::Held => ("✓", Role::Good),
        ItemState::Confirmed => ("✓", Role::Good),
        ItemState::ClaimedOnly => ("~", Role::Warn),
        ItemState::Disproved => ("✗", Role::Bad),
        ItemState::Expiring => ("⚠", Role::Bad),
        ItemState::Missing => ("○", Role::Bad),
        ItemState::NotApplicable => ("–", Role::Dim),
    }
}

fn item<'a>(model: &Model, item: &Item, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (sign, role) = sign(item.state);
    let gone = item.expires_at.map(|at| format!(" {} left", text::span(at.since(model.now)))).unwrap_or_default();
    let why = item.why.as_deref().map(|why| format!(" · {}", text::cut(why, columns))).unwrap_or_default();
    Line::from(vec![
        Span::styled(format!("{sign} "), theme.style(role)),
        Span::raw(text::cut(&item.plan.title, columns)),
        Span::styled(format!("  {}{gone}", item.state), theme.style(role)),
        Span::styled(why, theme.style(Role::Dim)),
    ])
}

/// All of an item in words, under the list.
fn account(item: &Item) -> String {
    let by = item.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    match &item.why {
        Some(why) => format!("{}{by}: {why}", item.state),
        None => format!("{}{by}; needed: {}", item.state, item.plan.satisfied_by),
    }
}

fn entry<'a>(model: &Model, entry: &Entry, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (sign, role) = match entry.kind.as_str() {
        "note-added" => ("✎", Role::Key),
        "switch-joined" | "switch-engaged" => ("■", Role::Halted),
        "severity-set" | "incident-declared" => ("▲", Role::Warn),
        "containment-broken" | "evidence-lost" => ("⚠", Role::Bad),
        "contained" | "rollback-verified" | "resolved" | "step-ticked" | "evidence-frozen" => ("✓", Role::Good),
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
