//! Pane 9: what calls for somebody, who holds which role, who is here, what is to be done, where people talk (TEAM.1,
//! TEAM.2, TEAM.4, TEAM.8).

use ratatui::text::{Line, Span};

use super::pane::{Canvas, dim, say, zone};
use crate::{
    cockpit::{
        model::{Model, Pane},
        rows::RowId,
        text,
        theme::Role,
    },
    incident::{
        Incident, clocks,
        team::{Reminder, TaskState, reminders},
    },
};

/// Reminders that call for somebody now.
pub fn calling(model: &Model) -> Vec<Reminder> {
    let (Some(incident), Some(world)) = (model.incident(), model.world()) else { return Vec::new() };
    let all = reminders(incident, &clocks(incident, world, model.now), model.now);
    all.into_iter().filter(|one| one.calls(model.now)).collect()
}

/// Draws it.
pub fn draw(model: &Model, canvas: &mut Canvas<'_, '_>) {
    let Some(incident) = model.incident() else {
        return say(
            model,
            canvas,
            "No incident",
            "Roles, tasks and reminders belong to an incident. D declares one; a firing can open one.",
        );
    };
    canvas.put(0, present(model, canvas.columns()));
    let list = model.rows.of(Pane::People);
    let fits = canvas.rows().saturating_sub(1).max(1);
    let (top, columns) = (list.window(fits), canvas.columns());
    for (at, id) in list.rows.iter().enumerate().skip(top).take(fits) {
        let Some(line) = row(model, incident, id, columns) else { continue };
        if at == list.index() && model.focus == Pane::People {
            canvas.put_selected(at - top + 1, line, &model.look.theme);
        } else {
            canvas.put(at - top + 1, line);
        }
    }
}

/// `4 here: dana, lee, kim, sam`.
fn present<'a>(model: &Model, columns: usize) -> Line<'a> {
    let names = model.state.as_ref().map(|state| state.live.present.clone()).unwrap_or_default();
    if let Some(only) = model.incident().and_then(|incident| incident.restricted.as_ref()) {
        let people: Vec<String> = only.people.iter().map(|name| text::cut(name, 16)).collect();
        return Line::styled(
            text::cut(&format!("⊘ only {} see this incident", people.join(", ")), columns),
            model.look.theme.style(Role::Warn),
        );
    }
    let words = match names.len() {
        0 => "nobody else is here".to_owned(),
        many => format!("{many} here: {}", names.join(", ")),
    };
    dim(model, text::cut(&words, columns))
}

fn row<'a>(model: &Model, incident: &Incident, id: &RowId, columns: usize) -> Option<Line<'a>> {
    let theme = &model.look.theme;
    Some(match id {
        RowId::Reminder(id) => {
            let words = calling(model).into_iter().find(|one| one.id == *id)?.what;
            Line::styled(format!("⚠ {}", text::cut(&words, columns)), theme.style(Role::Warn))
        }
        RowId::Role(role) => {
            let who = incident.roles.get(role);
            let (who, style) = match who {
                Some(who) => (text::cut(who, columns), theme.style(Role::Strong)),
                None => ("–".to_owned(), theme.style(Role::Dim)),
            };
            Line::from(vec![
                Span::styled(format!("{:<16} ", text::cut(role, 16)), theme.style(Role::Dim)),
                Span::styled(who, style),
            ])
        }
        RowId::Task(id) => {
            let task = incident.tasks.iter().find(|task| task.id == *id)?;
            let (sign, role) = match task.state {
                TaskState::Open if task.is_overdue(model.now) => ("⚠", Role::Bad),
                TaskState::Open => ("○", Role::Key),
                TaskState::Done => ("✓", Role::Good),
                TaskState::Dropped => ("⊘", Role::Dim),
            };
            let owner = text::cut(task.owner.as_deref().unwrap_or("nobody"), 12);
            let right = match (task.is_open(), task.due_at) {
                (true, Some(due)) if due < model.now => format!("{owner} {} over", text::span(due.since(model.now))),
                (true, Some(due)) => format!("{owner} {} left", text::span(due.since(model.now))),
                (true, None) => owner,
                (false, _) => task.ended.as_ref().map(|end| text::minute(end.at, zone(model))).unwrap_or_default(),
            };
            let room = columns.saturating_sub(text::width(&Line::raw(right.clone())) + 3);
            let style = theme.style(if task.is_open() { Role::Strong } else { Role::Dim });
            let left = Line::from(vec![
                Span::styled(format!("{sign} "), theme.style(role)),
                Span::styled(text::cut(&task.text, room), style),
            ]);
            text::ends(left, Line::styled(right, theme.style(Role::Dim)), columns)
        }
        RowId::Link(at) => {
            let link = incident.team.links.get(*at)?;
            let title = link.title.as_deref().map(|title| format!(" {title}")).unwrap_or_default();
            Line::from(vec![
                Span::styled(format!("{:<10} ", link.kind), theme.style(Role::Dim)),
                Span::raw(text::cut(&format!("{}{title}", link.url), columns)),
            ])
        }
        _ => return None,
    })
}
