//! What `!` shows: what would stop, what goes on, whom this key cannot stop, and where it fires.

use ratatui::{
    Frame,
    text::{Line, Span},
};

use super::window;
use crate::cockpit::{
    commands::Do,
    link::Link,
    model::Model,
    scope_choice::{Choice, ContainForm},
    text,
    theme::Role,
};
use crate::{incident::containment::Mode, runbook::Actuator};

/// Draws it.
pub fn draw(model: &Model, form: &ContainForm, frame: &mut Frame<'_>) {
    let theme = &model.look.theme;
    let rows = u16::try_from(form.choices.len()).unwrap_or(9) + 15;
    let title = if form.world.is_some() { "Stop — in a drill" } else { "Stop" };
    let Some(area) = window::open(model, frame, title, (84, rows)) else { return };
    let columns = usize::from(area.width);
    let mut lines = vec![place(model, form)];
    if matches!(model.link, Link::Offline { .. } | Link::Connecting) {
        let blind = "⚠ The backend is not reached: agents with a lease stop by themselves when it runs out.";
        let glass = glass(model, form);
        for (words, role) in [(blind, Role::Bad), (&glass, Role::Warn)] {
            lines.extend(text::wrap(words, columns, 2).into_iter().map(|line| Line::styled(line, theme.style(role))));
        }
    }
    for (at, choice) in form.choices.iter().enumerate() {
        let here = at == form.at;
        let mut spans = vec![
            Span::styled(if here { "▸ " } else { "  " }, theme.style(Role::Key)),
            Span::styled(text::cut(&choice.scope.to_string(), columns.saturating_sub(30)), theme.style(Role::Strong)),
        ];
        if at == 0 {
            spans.push(Span::styled("  recommended", theme.style(Role::Good)));
        }
        let line = text::ends(Line::from(spans), Line::from(counts(choice)), columns);
        lines.push(if here { line.patch_style(theme.style(Role::Selected)) } else { line });
    }
    let why = format!("Recommended: {}.", form.why);
    lines.extend(text::wrap(&why, columns, 2).into_iter().map(|line| Line::styled(line, theme.style(Role::Dim))));
    if let Some(choice) = form.choice() {
        lines.extend(preview(model, choice, columns));
    }
    lines.push(Line::from(vec![
        Span::raw("Mode "),
        Span::styled(form.mode.as_str(), theme.style(Role::Halted)),
        Span::styled(format!("  {}{}", form.mode.does(), share(form)), theme.style(Role::Dim)),
    ]));
    lines.push(Line::styled("Reason and harm time can be given after: m in pane 3, H.", theme.style(Role::Dim)));
    if form.again {
        lines.push(Line::styled(
            "Enter again to fire: the first came before this could be read.",
            theme.style(Role::Warn),
        ));
    }
    let last = area.height.saturating_sub(1);
    for (y, line) in lines.into_iter().take(usize::from(last)).enumerate() {
        window::put(frame, area, y as u16, line);
    }
    let hint = window::hint(model, &[Do::Fire, Do::Narrower, Do::Wider, Do::Mode, Do::CancelHalt]);
    window::put(frame, area, last, hint);
}

/// World, backend, incident: where it fires.
fn place(model: &Model, form: &ContainForm) -> Line<'static> {
    let theme = &model.look.theme;
    let world = match form.world {
        Some(drill) => Span::styled(format!(" {drill} "), theme.style(Role::Drill)),
        None => Span::styled("real world", theme.style(Role::Strong)),
    };
    let incident = match form.incident {
        Some(id) => format!(" · {id}"),
        None => " · no incident: one is declared after firing".into(),
    };
    Line::from(vec![world, Span::raw(format!(" · {}{incident}", text::cut(&model.backend_name(), 40)))])
}

fn counts(choice: &Choice) -> String {
    let beyond =
        if choice.beyond.is_empty() { String::new() } else { format!(" · {} beyond reach", choice.beyond.len()) };
    let partly = if choice.partly.is_empty() { String::new() } else { format!(" · {} in part", choice.partly.len()) };
    format!("stops {}{partly} · {} go on{beyond}", choice.stops.len(), choice.goes_on.len())
}

fn preview(model: &Model, choice: &Choice, columns: usize) -> Vec<Line<'static>> {
    let theme = &model.look.theme;
    let list = |names: &[String]| {
        let shown: Vec<String> = names.iter().take(12).map(|name| text::cut(name, 40)).collect();
        let more = names.len().saturating_sub(12);
        let end = if more > 0 { format!(" and {more} more") } else { String::new() };
        if names.is_empty() { "nobody known".into() } else { format!("{}{end}", shown.join(", ")) }
    };
    let row = |head: &str, names: &[String], role: Role| {
        let line = format!("{head:<9} {}", list(names));
        Line::styled(text::cut(&line, columns), theme.style(role))
    };
    let mut lines = Vec::new();
    if !choice.stops.is_empty() || choice.partly.is_empty() {
        lines.push(row("Stops", &choice.stops, Role::Strong));
    }
    if !choice.partly.is_empty() {
        lines.push(row("In part", &choice.partly, Role::Strong));
    }
    lines.push(row("Goes on", &choice.goes_on, Role::Dim));
    if choice.healthy_calls_per_h > 0 {
        let lost =
            format!("          {} calls an hour of agents that nothing speaks against", choice.healthy_calls_per_h);
        lines.push(Line::styled(text::cut(&lost, columns), theme.style(Role::Dim)));
    }
    if !choice.beyond.is_empty() {
        lines.push(row("Beyond", &choice.beyond, Role::Bad));
        lines.push(Line::styled("          observed only: this key cannot stop them", theme.style(Role::Bad)));
    }
    lines
}

/// What a mode has besides its words.
fn share(form: &ContainForm) -> String {
    match form.mode {
        Mode::Canary => format!(": {} % of them · ← → changes it", form.percent),
        Mode::Fallback => ": the lane “fallback”".into(),
        _ => String::new(),
    }
}

/// What `g` would set off from this host.
fn glass(model: &Model, form: &ContainForm) -> String {
    let Some(choice) = form.choice() else { return String::new() };
    let actuators = model.runbook.as_ref().map(|runbook| runbook.actuators.as_slice()).unwrap_or_default();
    let fits = |one: &&Actuator| one.break_glass && one.is_set_off_by(&choice.scope, form.mode);
    let names: Vec<&str> = actuators.iter().filter(fits).map(|one| one.name.as_str()).collect();
    let names = if names.is_empty() { "nothing on this host".to_owned() } else { names.join(", ") };
    format!("g breaks the glass: sets off {names}, and tells the backend once it is back.")
}
