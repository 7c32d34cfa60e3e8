//! Pane 8: the restart gate: each condition, who approved, where each agent stands on its way back (RST).

use ratatui::text::{Line, Span};

use super::pane::{Canvas, say, zone};
use crate::{
    cockpit::{
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::{
        Incident,
        containment::{Stage, SwitchState},
        restart::{Condition, ConditionState, conditions, persons_needed, second, severity_owner_approval},
    },
    runbook::Runbook,
    terms::AgentId,
};

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let (Some(incident), Some(runbook)) = (model.incident(), model.runbook.as_ref()) else {
        return say(
            model,
            canvas,
            "No incident",
            "What its agents need before they go on stands here, with who approved. D declares one.",
        );
    };
    let all = conditions(incident, runbook);
    canvas.put(0, head(model, incident, runbook, &all, canvas.columns()));
    let list = model.rows.of(Pane::Restart);
    let fits = canvas.rows().saturating_sub(1).max(1);
    let (top, columns) = (list.window(fits), canvas.columns());
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let line = match id {
            RowId::Condition(id) => all.iter().find(|one| one.id == *id).map(|one| condition(model, one, columns)),
            RowId::Stage(agent) => Some(stage(model, agent, columns)),
            RowId::Correction(at) => incident.gate.corrections.get(*at).map(|one| {
                let words = format!("✎ {}: {}", one.said.what, one.said.text);
                Line::styled(text::cut(&words, columns), model.look.theme.style(Role::Dim))
            }),
            _ => None,
        };
        let Some(line) = line else { continue };
        if at == list.index() && model.focus == Pane::Restart {
            canvas.put_selected(at - top + 1, line, &model.look.theme);
        } else {
            canvas.put(at - top + 1, line);
        }
    }
}

/// `7 of 9 · two persons: dana, – `.
fn head<'a>(model: &Model, incident: &Incident, runbook: &Runbook, all: &[Condition], columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let settled = all.iter().filter(|one| one.state != ConditionState::Open).count();
    let role = if settled == all.len() { Role::Good } else { Role::Warn };
    let name = |found: Option<&crate::incident::restart::Approval>| {
        found.map_or_else(|| "–".to_owned(), |one| text::cut(one.by.name(), 12))
    };
    let owner = name(severity_owner_approval(incident));
    let persons = match persons_needed(incident, runbook) {
        0 | 1 => format!("approved by {owner}"),
        _ => format!("two persons: {owner}, {}", name(second(incident))),
    };
    text::ends(
        Line::styled(format!("{settled} of {} conditions", all.len()), theme.style(role)),
        Line::styled(persons, theme.style(Role::Strong)),
        columns,
    )
}

fn condition<'a>(model: &Model, one: &Condition, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (sign, role) = match one.state {
        ConditionState::Met => ("✓", Role::Good),
        ConditionState::Accepted => ("≈", Role::Warn),
        ConditionState::Open => ("○", Role::Key),
    };
    let light = if one.light { "" } else { " " };
    let title = format!("{sign} {}{light}", one.title);
    let room = columns.saturating_sub(title.chars().count() + 2);
    Line::from(vec![
        Span::styled(
            format!("{title}  "),
            theme.style(if one.state == ConditionState::Open { Role::Strong } else { role }),
        ),
        Span::styled(text::cut(&one.words, room), theme.style(Role::Dim)),
    ])
}

/// `refund-bot  ▮▮▯▯▯▯ read-only · watched until 14:05`.
fn stage<'a>(model: &Model, agent: &AgentId, columns: usize) -> Line<'a> {
    let theme = &model.look.theme;
    let (now, watch) = standing(model, agent);
    let at = Stage::ALL.iter().position(|stage| *stage == now).unwrap_or(0);
    let bar: String = (0..Stage::ALL.len()).map(|step| if step <= at { '▮' } else { '▯' }).collect();
    let watch = watch.map(|until| format!(" · watched until {}", text::clock(until, zone(model)))).unwrap_or_default();
    Line::from(vec![
        Span::styled(format!("{} ", text::cut(agent.as_str(), 20)), theme.style(Role::Strong)),
        Span::styled(format!("{bar} "), theme.style(if now == Stage::Full { Role::Good } else { Role::Halted })),
        Span::raw(text::cut(&format!("{now}{watch}"), columns)),
    ])
}

/// The stage an agent of the incident stands in, and until when it is watched there.
pub fn standing(model: &Model, agent: &AgentId) -> (Stage, Option<crate::terms::Time>) {
    let Some(world) = model.world() else { return (Stage::Halted, None) };
    let engaged = world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    let of: Vec<_> = engaged.filter(|switch| switch.scope.agent.as_ref().is_none_or(|only| only == agent)).collect();
    let staged = of.iter().find(|switch| switch.stage.is_some());
    match staged {
        Some(switch) => (switch.stage.unwrap_or(Stage::Halted), switch.watch_until.filter(|until| *until > model.now)),
        None if of.iter().any(|switch| !switch.except.contains(agent)) => (Stage::Halted, None),
        None => (Stage::Full, None),
    }
}
