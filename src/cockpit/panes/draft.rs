//! Pane 5: drafts, one tab each; the fields, the message, what the linter says; the ledger; or the draft being written.

use ratatui::text::{Line, Span};

use super::{
    draft_write, ledger,
    pane::{Canvas, say, zone},
};
use crate::{
    cockpit::{
        draft_view::View,
        model::Model,
        text,
        theme::{Role, Theme},
    },
    incident::{
        Draft, Fields, Incident, Sent,
        communication::{DeliveryState, Finding},
    },
};

/// From so many columns on, findings stand beside the text.
const BESIDE: usize = 110;

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    if let Some(editor) = model.editor.as_ref().filter(|editor| Some(editor.incident) == model.incident) {
        return draft_write::draw(model, editor, canvas);
    }
    let Some(incident) = model.incident() else {
        return say(
            model,
            canvas,
            "No incident",
            "Drafts tell those affected what happened. They belong to an incident: D declares one.",
        );
    };
    if model.drafts.view == View::Ledger {
        return ledger::draw(model, incident, canvas);
    }
    let Some(draft) = model.draft() else {
        return say(
            model,
            canvas,
            "No draft yet",
            "o begins one for an audience, its fields filled from the incident; v shows who is owed word.",
        );
    };
    canvas.put(0, tabs(model, incident, draft, canvas.columns()));
    if model.drafts.view == View::Copies {
        return ledger::copies(model, draft, canvas);
    }
    let notes = notes(model);
    let (columns, last) = (canvas.columns(), canvas.rows());
    if columns >= BESIDE && !notes.is_empty() {
        let left = columns * 60 / 100;
        for (y, line) in body(model, draft, left, last.saturating_sub(1)).into_iter().enumerate() {
            canvas.put(y + 1, text::ends(text::fit(line, left), Line::default(), left));
        }
        return beside(model, &notes, left, canvas);
    }
    let kept = notes.len().min(if last > 14 { 4 } else { 2 }).min(last.saturating_sub(4));
    for (y, line) in body(model, draft, columns, last.saturating_sub(1 + kept)).into_iter().enumerate() {
        canvas.put(y + 1, line);
    }
    for (y, (head, tail, role)) in notes.iter().take(kept).enumerate() {
        let more = if y + 1 == kept && notes.len() > kept {
            format!(" (+{} more)", notes.len() - kept)
        } else {
            String::new()
        };
        canvas.put(last - kept + y, note(&model.look.theme, head, &format!("{tail}{more}"), *role));
    }
}

/// A tab for each draft: `★` is agreed, `✓` was told, `…` is on its way, `⚠` did not arrive or contradicts.
fn tabs<'a>(model: &Model, incident: &Incident, draft: &Draft, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let mut tabs = Vec::new();
    for other in &incident.drafts {
        let twice = incident.drafts.iter().filter(|one| one.audience == other.audience).count() > 1;
        let number = if twice { format!(" {}", other.id.0) } else { String::new() };
        let label = format!("{}{number}{}", text::cut(&other.audience, 18), signs(incident, other));
        let (label, role) =
            if other.id == draft.id { (format!("[{label}]"), Role::Strong) } else { (format!(" {label} "), Role::Dim) };
        tabs.push(Span::styled(label, theme.style(role)));
    }
    let names = |names: Vec<&str>| names.into_iter().map(|name| text::cut(name, 12)).collect::<Vec<_>>().join(", ");
    let writing: Vec<&str> = model.writers(incident.id, draft.id).map(|writer| writer.name.as_str()).collect();
    let right = if writing.is_empty() {
        let authors = draft.authors.iter().map(|by| by.name()).collect();
        Line::styled(format!("✎ {}", names(authors)), theme.style(Role::Dim))
    } else {
        let verb = if writing.len() == 1 { "writes" } else { "write" };
        Line::styled(format!("✎ {} {verb}", names(writing)), theme.style(Role::Warn))
    };
    text::ends(Line::from(tabs), right, columns)
}

fn signs(incident: &Incident, draft: &Draft) -> String {
    let agreed = incident.communication.agreed.get(&draft.audience);
    let mut signs = String::new();
    if agreed.is_some_and(|agreed| (agreed.draft, agreed.version) == (draft.id, draft.version)) {
        signs.push_str(" ★");
    }
    let states = || draft.sent.iter().filter_map(|sent| sent.delivery.as_ref()).map(|delivery| delivery.state);
    if states().any(DeliveryState::is_dead) {
        signs.push_str(" ⚠");
    } else if states().any(DeliveryState::is_open) {
        signs.push_str(" …");
    } else if draft.sent.iter().any(|sent| sent.told_at().is_some()) {
        signs.push_str(" ✓");
    }
    signs
}

/// What is to be said of the draft: contradictions first, then the linter's findings.
fn notes(model: &Model) -> Vec<(String, String, Role)> {
    let view = &model.drafts;
    let differs = view.differs.iter().map(|one| {
        let head = format!("≠ {} says {}", one.field.replace('_', " "), text::cut(&one.says, 40));
        (head, format!(": agreed is {}", text::cut(&one.agreed, 40)), Role::Bad)
    });
    differs.chain(view.findings.iter().map(finding)).collect()
}

/// A finding as head and tail.
pub(super) fn finding(finding: &Finding) -> (String, String, Role) {
    let phrase =
        if finding.phrase.is_empty() { String::new() } else { format!("“{}” ", text::cut(&finding.phrase, 40)) };
    (format!("⚠ {phrase}{}", finding.why), format!(": {}", finding.instead), Role::Warn)
}

/// A note in a line.
pub(super) fn note<'a>(theme: &Theme, head: &str, tail: &str, role: Role) -> Line<'a> {
    Line::from(vec![
        Span::styled(head.to_owned(), theme.style(role)),
        Span::styled(tail.to_owned(), theme.style(Role::Dim)),
    ])
}

/// Notes in a column of their own, whole.
fn beside(model: &Model, notes: &[(String, String, Role)], left: usize, canvas: &mut Canvas<'_, '_>) {
    let theme = &model.look.theme;
    let width = canvas.columns().saturating_sub(left + 2);
    let (mut y, last) = (1, canvas.rows());
    for (head, tail, role) in notes {
        for (at, line) in text::wrap(&format!("{head}{tail}"), width, last).into_iter().enumerate() {
            if y >= last {
                return;
            }
            let role = if at == 0 { *role } else { Role::Dim };
            canvas.put_at(left + 2, y, Line::styled(line, theme.style(role)));
            y += 1;
        }
    }
}

fn body<'a>(model: &Model, draft: &Draft, columns: usize, rows: usize) -> Vec<Line<'a>> {
    let theme = &model.look.theme;
    let mut lines: Vec<Line<'a>> = draft.sent.last().map(|sent| sent_line(model, sent)).into_iter().collect();
    let needs = model.runbook.as_ref().and_then(|runbook| runbook.template(&draft.audience));
    let needs = needs.map(|template| template.needs.as_slice()).unwrap_or_default();
    for name in &Fields::ALL[..Fields::ALL.len() - 1] {
        let value = draft.fields.get(name).unwrap_or_default();
        if !Fields::NAMES.contains(name) && !needs.iter().any(|need| need == name) {
            continue;
        }
        let shown = if value.trim().is_empty() {
            Span::styled("–", theme.style(Role::Warn))
        } else {
            Span::raw(text::cut(value, columns))
        };
        let label = format!("{:<13} ", label(name));
        lines.push(Line::from(vec![Span::styled(label, theme.style(Role::Dim)), shown]));
    }
    let top = model.drafts.top;
    lines.extend(text::wrap_from(&draft.fields.body, columns, top + rows).into_iter().map(Line::from));
    lines.into_iter().skip(top).take(rows).collect()
}

/// A field's name on the screen.
pub(super) fn label(name: &str) -> &str {
    match name {
        "next_update" => "next update",
        "reader_should" => "reader should",
        "agent_did" => "agent did",
        "before_restart" => "before restart",
        other => other,
    }
}

/// The newest message, and what came of it.
pub(super) fn sent_line<'a>(model: &Model, sent: &Sent) -> Line<'a> {
    let (sign, role) = match sent.delivery.as_ref().map(|delivery| delivery.state) {
        None | Some(DeliveryState::Accepted | DeliveryState::Rehearsed) => ("✓ sent", Role::Good),
        Some(state) if state.is_open() => ("… sending", Role::Warn),
        Some(_) => ("⚠ not delivered,", Role::Bad),
    };
    let at = sent.told_at().unwrap_or(sent.at);
    let mut words = format!(
        "{sign} {} by {} to {} ({})",
        text::clock(at, zone(model)),
        text::cut(sent.by.name(), 16),
        text::cut(&sent.to, 30),
        text::cut(&sent.channel, 16)
    );
    if let Some(delivery) = sent.delivery.as_ref().filter(|delivery| delivery.state != DeliveryState::Accepted)
        && let Some(last) = delivery.attempts.last()
    {
        words.push_str(&format!(" {}: {}", delivery.state, text::cut(&last.status, 60)));
    }
    Line::styled(words, model.look.theme.style(role))
}
