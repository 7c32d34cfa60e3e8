//! Who was told and who is owed word; and every message that was sent, exactly (COM.4, COM.5, COM.7).

use ratatui::text::{Line, Span};

use super::{
    draft::sent_line,
    pane::{Canvas, say, zone},
};
use crate::{
    cockpit::{model::Model, text, theme::Role},
    incident::{
        ClockState, Draft, Incident,
        communication::{Duty, Row, Subject, Told, ledger},
    },
};

/// Draws the ledger.
pub fn draw(model: &Model, incident: &Incident, canvas: &mut Canvas<'_, '_>) {
    let (Some(world), Some(runbook)) = (model.world(), &model.runbook) else {
        return say(model, canvas, "No runbook", "The ledger needs the audiences of templates.toml; see the banner.");
    };
    let rows = ledger(&Subject { incident, world, runbook, now: model.now });
    if rows.is_empty() {
        return say(model, canvas, "Nobody is owed word", "o begins a draft for an audience.");
    }
    let columns = canvas.columns();
    let mut lines = vec![heading(model, "Who was told, and who is owed word", columns)];
    lines.extend(rows.iter().flat_map(|row| of_row(model, row, columns)));
    for (y, line) in lines.into_iter().skip(model.drafts.top).take(canvas.rows()).enumerate() {
        canvas.put(y, line);
    }
}

fn heading<'a>(model: &Model, words: &'a str, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let back = Line::styled("v the text", theme.style(Role::Dim));
    text::ends(Line::styled(words, theme.style(Role::Strong)), back, columns)
}

fn of_row<'a>(model: &Model, row: &Row, columns: usize) -> Vec<Line<'a>> {
    let theme = &model.look.theme;
    let (sign, role) = match (row.is_told(), row.wants_care()) {
        (_, true) => ("⚠", Role::Bad),
        (true, false) => ("✓", Role::Good),
        (false, false) => ("○", Role::Warn),
    };
    let agreed =
        row.agreed.as_ref().map(|agreed| format!(" ★ {} by {}", agreed.draft, text::cut(agreed.by.name(), 12)));
    let left = Line::from(vec![
        Span::styled(format!("{sign} "), theme.style(role)),
        Span::styled(text::cut(&who(row), 60), theme.style(Role::Strong)),
        Span::styled(agreed.unwrap_or_default(), theme.style(Role::Dim)),
    ]);
    let (words, role) = row.owed.as_ref().map(|duty| owed(model, duty)).unwrap_or((String::new(), Role::Dim));
    let right = Line::styled(words, theme.style(role));
    // Where both do not fit, who it is comes first and the clock below.
    let mut lines = if text::width(&left) + text::width(&right) < columns {
        vec![text::ends(left, right, columns)]
    } else {
        let below = Line::from([vec![Span::raw("  ")], right.spans].concat());
        vec![left, below]
    };
    lines.extend(row.told.iter().map(|told| message(model, told)));
    for one in &row.contradicts {
        let differs = one.differs.first().map(ToString::to_string).unwrap_or_default();
        let words = format!("  ≠ {} {}", one.draft, text::cut(&differs, 80));
        lines.push(Line::styled(words, theme.style(Role::Bad)));
    }
    lines
}

/// The audience; of regulators, which one.
fn who(row: &Row) -> String {
    if row.audience == "regulator" && row.owed.is_some() { row.recipient.clone() } else { row.audience.clone() }
}

fn owed(model: &Model, duty: &Duty) -> (String, Role) {
    let left = duty.clock.left_s.map(|left| text::span((left * 1000.0) as i64)).unwrap_or_default();
    let due = duty.clock.due_at.map(|due| match due.since(model.now) {
        -43_200_000..43_200_000 => text::minute(due, zone(model)),
        _ => text::day(due, zone(model)),
    });
    let due = due.unwrap_or_default();
    let why = text::cut(&duty.why, 40);
    match duty.clock.state {
        ClockState::Waiting => (format!("waits · {why}"), Role::Dim),
        ClockState::Running => (format!("by {due}, {left} left · {why}"), Role::Warn),
        ClockState::Met => (format!("in time for {due}"), Role::Good),
        ClockState::Missed => (format!("⚠ due {due}, {left} late · {why}"), Role::Bad),
    }
}

fn message<'a>(model: &Model, told: &Told) -> Line<'a> {
    let at = text::clock(told.told_at.unwrap_or(told.asked_at), zone(model));
    let state = told.state.map(|state| format!(" · {state}")).unwrap_or_default();
    let tries = if told.tries > 1 { format!(", {} tries", told.tries) } else { String::new() };
    let status = if told.told_at.is_some() || told.status.is_empty() {
        String::new()
    } else {
        format!(": {}", text::cut(&told.status, 60))
    };
    let words = format!(
        "  {at} {} {} to {} by {}{state}{tries}{status}",
        told.draft,
        text::cut(&told.channel, 16),
        text::cut(&told.to, 40),
        text::cut(told.by.name(), 16),
    );
    let role = match told.state {
        Some(state) if state.is_dead() => Role::Bad,
        Some(state) if state.is_open() => Role::Warn,
        _ => Role::Dim,
    };
    Line::styled(words, model.look.theme.style(role))
}

/// Draws every message of a draft as it was sent, newest first.
pub fn copies(model: &Model, draft: &Draft, canvas: &mut Canvas<'_, '_>) {
    if draft.sent.is_empty() {
        return canvas
            .put(1, Line::styled("nothing was sent of this draft yet; m sends it", model.look.theme.style(Role::Dim)));
    }
    let (columns, rows, top) = (canvas.columns(), canvas.rows().saturating_sub(1), model.drafts.top);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for sent in draft.sent.iter().rev() {
        lines.push(sent_line(model, sent));
        for attempt in sent.delivery.iter().flat_map(|delivery| &delivery.attempts) {
            let at = text::clock(attempt.at, zone(model));
            let words = format!("  {at} {} {}", attempt.state, text::cut(&attempt.status, columns));
            lines.push(Line::styled(words, model.look.theme.style(Role::Dim)));
        }
        let room = (top + rows).saturating_sub(lines.len());
        lines.extend(
            text::wrap_from(&sent.text, columns.saturating_sub(2), room)
                .into_iter()
                .map(|line| Line::from(format!("  {line}"))),
        );
        if lines.len() >= top + rows {
            break;
        }
    }
    for (y, line) in lines.into_iter().skip(top).take(rows).enumerate() {
        canvas.put(y + 1, line);
    }
}
