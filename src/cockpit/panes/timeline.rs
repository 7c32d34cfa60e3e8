//! Pane 1: severity over time, with what happened and what is due.

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        model::Model,
        text,
        theme::{Role, severity_sign},
    },
    incident::{ClockState, Incident, clocks},
    terms::Time,
};

/// Severities from worst to mildest, as this incident's scheme has them.
fn levels(model: &Model, incident: &Incident) -> Vec<String> {
    let scheme = model.runbook.as_ref().and_then(|runbook| runbook.schemes.get(&incident.scheme));
    match scheme {
        Some(scheme) => scheme.levels.iter().map(|level| level.id.clone()).collect(),
        None => (1..=4).map(|level| format!("SEV-{level}")).collect(),
    }
}

/// The rank of a severity, 0 being the worst.
pub fn rank(model: &Model, incident: &Incident, severity: &str) -> usize {
    levels(model, incident).iter().position(|level| level.eq_ignore_ascii_case(severity)).unwrap_or(3)
}

/// The stretch of time that is drawn: from the first thing to now, and a bit of what is due.
struct Scale {
    from: Time,
    to: Time,
    columns: usize,
}

impl Scale {
    fn of(model: &Model, incident: &Incident, columns: usize) -> Self {
        let first = incident.mttd.action.into_iter().chain(incident.harm_at).chain([incident.declared_at]).min();
        let from = first.unwrap_or(incident.declared_at);
        let end = incident.resolved_at.unwrap_or(model.now).max(from.plus(10 * Time::MINUTE));
        // A fifth of the width is kept for what is due.
        Self { from, to: end.plus(end.since(from) / 4), columns }
    }

    fn column(&self, at: Time) -> Option<usize> {
        let whole = self.to.since(self.from).max(1);
        let into = at.since(self.from);
        (0..=whole)
            .contains(&into)
            .then(|| (into as i128 * (self.columns.saturating_sub(1)) as i128 / i128::from(whole)) as usize)
    }

    fn time(&self, column: usize) -> Time {
        let whole = self.to.since(self.from);
        self.from.plus((i128::from(whole) * column as i128 / (self.columns.max(2) - 1) as i128) as i64)
    }
}

/// Draws the pane: a row a level, marks, times.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(incident) = model.incident() else {
        return say(
            model,
            canvas,
            "No incident",
            "Its severity over time is drawn here, with firings, halts, messages and what is due. D declares one; a firing can open one.",
        );
    };
    let levels = levels(model, incident);
    let label = levels.iter().map(String::len).max().unwrap_or(5).min(10) + 3;
    let columns = canvas.columns().saturating_sub(label + 1).max(1);
    let scale = Scale::of(model, incident, columns);
    let per_level = ((canvas.rows().saturating_sub(2)) / levels.len().max(1)).clamp(1, 3);
    for (at, level) in levels.iter().enumerate() {
        let theme = &model.look.theme;
        let now = incident.severity.eq_ignore_ascii_case(level);
        let style = if now { theme.severity(at) } else { theme.style(Role::Dim) };
        let head = format!("{} {:<width$} ", severity_sign(at), text::cut(level, 10), width = label - 3);
        let line = Line::from(vec![
            Span::styled(head, style),
            Span::styled(step_line(model, incident, &scale, at), theme.severity(at)),
        ]);
        canvas.put(at * per_level, line);
    }
    let y = (levels.len() * per_level).min(canvas.rows().saturating_sub(2));
    let pad = " ".repeat(label);
    canvas.put(y, Line::from(vec![Span::raw(pad.clone()), Span::raw(marks(model, incident, &scale))]));
    canvas.put(
        y + 1,
        Line::from(vec![Span::raw(pad), Span::styled(times(model, &scale), model.look.theme.style(Role::Dim))]),
    );
    if canvas.rows() > y + 3 {
        canvas.put(y + 3, chain(model, incident));
    }
}

/// The stretch of one level: thick where it held.
fn step_line(model: &Model, incident: &Incident, scale: &Scale, level: usize) -> String {
    let end = incident.resolved_at.unwrap_or(model.now);
    (0..scale.columns)
        .map(|column| {
            let at = scale.time(column);
            if at > end || at < scale.from {
                return ' ';
            }
            let held = held_at(incident, at).map(|severity| rank(model, incident, severity));
            if held == Some(level) { '━' } else { ' ' }
        })
        .collect()
}

/// The severity in force at a moment; before the declaration, the first one.
fn held_at(incident: &Incident, at: Time) -> Option<&str> {
    let changes = &incident.severities;
    let held = changes.iter().rev().find(|change| change.at <= at).or_else(|| changes.first());
    held.map(|change| change.severity.as_str()).or(Some(incident.severity.as_str()))
}

/// Firings ◆, halts ■, messages ✉, containment ✓, now │, what is due ⚑; the more important wins a column.
fn marks(model: &Model, incident: &Incident, scale: &Scale) -> String {
    let mut row = vec![(' ', 0); scale.columns];
    let mut put = |at: Option<Time>, sign: char, weight: u8| {
        if let Some(cell) = at.and_then(|at| scale.column(at)).and_then(|column| row.get_mut(column))
            && weight >= cell.1
        {
            *cell = (sign, weight);
        }
    };
    if let Some(world) = model.world() {
        for clock in clocks(incident, world, model.now).iter().filter(|clock| clock.state == ClockState::Running) {
            put(clock.due_at, '⚑', 1);
        }
        for firing in incident.firings.iter().filter_map(|id| world.firings.get(id)) {
            put(Some(firing.at), '◆', 3);
        }
        for switch in incident.switches.iter().filter_map(|id| world.switches.get(id)) {
            put(Some(switch.engaged_at), '■', 5);
        }
    }
    for sent in incident.drafts.iter().flat_map(|draft| &draft.sent) {
        put(Some(sent.at), '✉', 2);
    }
    put(incident.contained_at, '✓', 4);
    put(Some(incident.resolved_at.unwrap_or(model.now)), '│', 2);
    row.into_iter().map(|(sign, _)| sign).collect()
}

/// The marks of the strip, with `now`, where the drawn stretch begins, and where it ends, wherever no mark stands.
fn labelled(model: &Model, incident: &Incident, scale: &Scale) -> String {
    let mut row: Vec<char> = marks(model, incident, scale).chars().collect();
    let mut label = |from: usize, text: &str| {
        let cells = row.get_mut(from..from + text.chars().count());
        if let Some(cells) = cells.filter(|cells| cells.iter().all(|cell| *cell == ' ')) {
            cells.iter_mut().zip(text.chars()).for_each(|(cell, sign)| *cell = sign);
        }
    };
    let now = if incident.resolved_at.is_some() { "resolved" } else { "now" };
    if let Some(column) = scale.column(incident.resolved_at.unwrap_or(model.now)) {
        label(column + 1, now);
    }
    let ends = text::minute(scale.to, zone(model));
    label(scale.columns.saturating_sub(ends.chars().count()), &ends);
    label(1, &text::minute(scale.from, zone(model)));
    row.into_iter().collect()
}

/// A time every twelve columns or so.
fn times(model: &Model, scale: &Scale) -> String {
    let mut line = String::new();
    let mut column = 0;
    while column + 5 <= scale.columns {
        line.push_str(&format!("{:<12}", text::minute(scale.time(column), zone(model))));
        column += 12;
    }
    line
}

/// The detection chain, as far as it is recorded (PM.2).
fn chain<'a>(model: &Model, incident: &Incident) -> Line<'a> {
    let mut parts = Vec::new();
    for (name, at) in incident.mttd.points() {
        let shown = at.map_or("not recorded".into(), |at| text::clock(at, zone(model)));
        parts.push(format!("{name} {shown}"));
    }
    dim(model, parts.join(" · "))
}

/// The strip for smaller screens: one row of severity, one of marks.
pub fn strip(model: &Model, columns: usize) -> [Line<'static>; 2] {
    let Some(incident) = model.incident() else {
        return [dim(model, "no incident"), Line::default()];
    };
    let scale = Scale::of(model, incident, columns);
    let end = incident.resolved_at.unwrap_or(model.now);
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut column = 0;
    while column < columns {
        let at = scale.time(column);
        let held = (at <= end).then(|| held_at(incident, at).unwrap_or_default().to_owned());
        let same = |column: usize| {
            let at = scale.time(column);
            (at <= end).then(|| held_at(incident, at).unwrap_or_default().to_owned()) == held
        };
        let until = (column..columns).find(|column| !same(*column)).unwrap_or(columns);
        spans.push(match &held {
            Some(severity) => {
                let at = rank(model, incident, severity);
                let name = format!("{}{severity}", severity_sign(at));
                let room = until - column;
                let name = if room > name.chars().count() + 1 { name } else { String::new() };
                let rest = room.saturating_sub(name.chars().count());
                let line = ["━", "─", "╌", "·"][at.min(3)].repeat(rest);
                Span::styled(format!("{name}{line}"), model.look.theme.severity(at))
            }
            None => Span::styled(" ".repeat(until - column), model.look.theme.style(Role::Dim)),
        });
        column = until;
    }
    [Line::from(spans), Line::from(labelled(model, incident, &scale))]
}
