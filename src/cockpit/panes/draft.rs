//! Pane 5: drafts, one tab each; the six fields, the message, what the linter says; or the draft being written.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        editor::{DraftEditor, NAMES},
        model::Model,
        text,
        theme::Role,
    },
    incident::{
        Draft, Fields,
        communication::{self, Finding},
    },
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    if let Some(editor) = model.editor.as_ref().filter(|editor| Some(editor.incident) == model.incident) {
        return write(model, editor, canvas);
    }
    let Some(incident) = model.incident() else {
        return say(
            model,
            canvas,
            "No incident",
            "Drafts tell those affected what happened. They belong to an incident: D declares one.",
        );
    };
    let Some(draft) = model.draft() else {
        return say(
            model,
            canvas,
            "No draft yet",
            "o begins one for an audience, its six fields filled from the incident.",
        );
    };
    let theme = &model.look.theme;
    let mut tabs = Vec::new();
    for other in &incident.drafts {
        let sent = if other.sent.is_empty() { "" } else { " ✓" };
        let label = format!("{}{sent}", text::cut(&other.audience, 18));
        let (label, role) =
            if other.id == draft.id { (format!("[{label}]"), Role::Strong) } else { (format!(" {label} "), Role::Dim) };
        tabs.push(Span::styled(label, theme.style(role)));
    }
    let authors: Vec<String> = draft.authors.iter().map(|by| text::cut(by.name(), 12)).collect();
    let right = Line::styled(format!("✎ {}", authors.join(", ")), theme.style(Role::Dim));
    canvas.put(0, text::ends(Line::from(tabs), right, canvas.columns()));
    let findings = findings(model, draft, &draft.fields);
    let last = canvas.rows();
    let kept = findings.len().min(if last > 14 { 4 } else { 2 }).min(last.saturating_sub(4));
    let body = body(model, draft, canvas.columns(), last.saturating_sub(1 + kept));
    for (y, line) in body.into_iter().take(last.saturating_sub(1 + kept)).enumerate() {
        canvas.put(y + 1, line);
    }
    for (y, finding) in findings.iter().take(kept).enumerate() {
        let more = if y + 1 == kept && findings.len() > kept {
            format!(" (+{} more)", findings.len() - kept)
        } else {
            String::new()
        };
        canvas.put(last - kept + y, finding_line(model, finding, &more));
    }
}

fn body<'a>(model: &Model, draft: &Draft, columns: usize, rows: usize) -> Vec<Line<'a>> {
    let theme = &model.look.theme;
    let mut lines = Vec::new();
    if let Some(sent) = draft.sent.last() {
        let words = format!(
            "✓ sent {} by {} to {} ({})",
            text::clock(sent.at, zone(model)),
            text::cut(sent.by.name(), 16),
            text::cut(&sent.to, 30),
            text::cut(&sent.channel, 16)
        );
        lines.push(Line::styled(words, theme.style(Role::Good)));
    }
    for name in Fields::NAMES {
        let value = draft.fields.get(name).unwrap_or_default();
        let shown = if value.trim().is_empty() {
            Span::styled("–", theme.style(Role::Warn))
        } else {
            Span::raw(text::cut(value, columns))
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{:<13} ", name.replace('_', " ")), theme.style(Role::Dim)),
            shown,
        ]));
    }
    lines.extend(text::wrap(&draft.fields.body, columns, rows).into_iter().map(Line::from));
    lines
}

/// What the linter says of fields, as they are now.
fn findings(model: &Model, draft: &Draft, fields: &Fields) -> Vec<Finding> {
    let Some(runbook) = &model.runbook else { return Vec::new() };
    runbook.template(&draft.audience).map(|template| communication::lint(runbook, template, fields)).unwrap_or_default()
}

fn finding_line<'a>(model: &Model, finding: &Finding, more: &str) -> Line<'a> {
    let phrase =
        if finding.phrase.is_empty() { String::new() } else { format!("“{}” ", text::cut(&finding.phrase, 40)) };
    Line::from(vec![
        Span::styled(format!("⚠ {phrase}{}", finding.why), model.look.theme.style(Role::Warn)),
        Span::styled(format!(": {}{more}", finding.instead), model.look.theme.style(Role::Dim)),
    ])
}

/// The draft being written: a field a row, the message below, what the linter says of it as it is typed.
fn write(model: &Model, editor: &DraftEditor, canvas: &mut Canvas<'_, '_>) {
    let theme = &model.look.theme;
    let area = canvas.area;
    let fields = (NAMES.len() - 1) as u16;
    // Where there is little room, only the field in hand is shown, then the message.
    let all = area.height >= fields + 4;
    let draft = model.draft().filter(|draft| draft.id == editor.draft);
    let findings = draft.map(|draft| self::findings(model, draft, &editor.fields())).unwrap_or_default();
    let kept = u16::from(!findings.is_empty() && area.height > 3);
    let mut y = 0;
    for (at, name) in NAMES.iter().enumerate().take(NAMES.len() - 1) {
        if !all && at != editor.at {
            continue;
        }
        let here = at == editor.at;
        let label = format!("{}{:<13} ", if here { "▸" } else { " " }, name.replace('_', " "));
        canvas.put(usize::from(y), Line::styled(label, theme.style(if here { Role::Key } else { Role::Dim })));
        field(model, editor, at, Rect::new(area.x + 15, area.y + y, area.width.saturating_sub(15), 1), canvas);
        y += 1;
    }
    let label = if editor.at + 1 == NAMES.len() { "▸message" } else { " message" };
    canvas.put(
        usize::from(y),
        Line::styled(label, theme.style(if label.starts_with('▸') { Role::Key } else { Role::Dim })),
    );
    let rest =
        Rect::new(area.x + 1, area.y + y + 1, area.width.saturating_sub(1), area.height.saturating_sub(y + 1 + kept));
    field(model, editor, NAMES.len() - 1, rest, canvas);
    if kept > 0 {
        let more = if findings.len() > 1 { format!(" (+{} more)", findings.len() - 1) } else { String::new() };
        canvas.put(canvas.rows() - 1, finding_line(model, &findings[0], &more));
    }
    if rest.is_empty() && area.height > 0 {
        canvas.put(0, dim(model, "a taller window shows the message"));
    }
}

fn field(model: &Model, editor: &DraftEditor, at: usize, area: Rect, canvas: &mut Canvas<'_, '_>) {
    if area.is_empty() {
        return;
    }
    let Some(text) = editor.area(at) else { return };
    let mut shown = text.clone();
    let cursor = if at == editor.at { model.look.theme.style(Role::Selected) } else { Default::default() };
    shown.set_cursor_style(cursor);
    canvas.widget(&shown, area);
}
