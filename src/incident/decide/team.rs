//! A team's work: tasks, links, key events, reminders, fields (TEAM.2, TEAM.4, TEAM.8, TEAM.11).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
    kin,
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, Refusal, Topic,
        team::{
            AddLink, AddTask, ChangeTask, EndTask, MarkEvent, ReopenTask, SetField, Snooze, Task, TaskAdded, TaskState,
        },
    },
    terms::{Author, TaskId, Time},
};

/// The longest that a reminder is put off.
const LONGEST_SNOOZE: i64 = 7 * Time::DAY;
/// Longest address of a link, in characters.
const ADDRESS: usize = 2_000;
/// Most tasks, and most links, that one incident takes.
const MOST: usize = 500;

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::AddTask(ask) => one(Fact::TaskAdded(add(case, incident, ask)?)),
        IncidentCommand::ChangeTask(ask) => change(case, incident, ask),
        IncidentCommand::EndTask(ask) => end(case, incident, ask),
        IncidentCommand::ReopenTask(ask) => match task(incident, ask.task)?.is_open() {
            true => Ok(Vec::new()),
            false => one(Fact::TaskReopened(ReopenTask { task: ask.task })),
        },
        IncidentCommand::MarkEvent(ask) => mark(case, incident, ask),
        IncidentCommand::AddLink(ask) => link(case, incident, ask),
        IncidentCommand::RemoveLink(ask) => match incident.team.links.iter().any(|link| link.url == ask.url) {
            true => one(Fact::LinkRemoved(ask.clone())),
            false => Err(unknown(format!("{} has no such link; `andon show {}` lists them", incident.id, incident.id))),
        },
        IncidentCommand::Snooze(ask) => snooze(case, incident, ask),
        IncidentCommand::SetField(ask) => field(case, incident, ask),
        IncidentCommand::Relate(ask) => kin::relate(case, incident, ask),
        IncidentCommand::Merge(ask) => kin::merge(case, incident, ask.into),
        IncidentCommand::Split(ask) => kin::split(case, incident, ask),
        _ => Ok(Vec::new()),
    }
}

fn add(case: &Case<'_>, incident: &Incident, ask: &AddTask) -> Result<TaskAdded, Refusal> {
    if incident.tasks.len() >= MOST {
        return Err(conflict(format!(
            "{} has {MOST} tasks already; put the rest into a tracker and link it",
            incident.id
        )));
    }
    let text = checks::title(&ask.text).map_err(|_| invalid("a task is a line that says what to do"))?;
    let owner = ask.owner.as_deref().map(|owner| person(case, owner)).transpose()?.flatten();
    let plan = AddTask { text, owner, ..ask.clone() };
    Ok(TaskAdded { task: next_id(&incident.tasks), plan })
}

/// The id that follows the last task's.
pub(super) fn next_id(tasks: &[Task]) -> TaskId {
    tasks.last().map_or(TaskId(1), |last| last.id.next())
}

/// Who is named: a person or a role, never an agent (RST.5); `None` where nobody is.
pub(super) fn person(case: &Case<'_>, who: &str) -> Result<Option<String>, Refusal> {
    if who.trim().is_empty() {
        return Ok(None);
    }
    let who = checks::name("who", who)?;
    let agent = matches!(who.parse(), Ok(Author::Agent(_))) || case.world.agents.keys().any(|one| one.as_str() == who);
    match agent {
        true => Err(Refusal::new(
            crate::incident::RefusalCode::Forbidden,
            "an agent holds no role and no task on an incident; name a person",
        )),
        false => Ok(Some(who)),
    }
}

fn task(incident: &Incident, id: TaskId) -> Result<&Task, Refusal> {
    incident.tasks.iter().find(|task| task.id == id).ok_or_else(|| {
        unknown(format!("{} has no {id}; `andon task list {}` lists those there are", incident.id, incident.id))
    })
}

fn change(case: &Case<'_>, incident: &Incident, ask: &ChangeTask) -> Decided {
    let known = task(incident, ask.task)?;
    if !known.is_open() {
        return Err(conflict(format!("{} is {}; reopen it first", known.id, known.state)));
    }
    let text = ask.text.as_deref().map(checks::title).transpose()?.filter(|text| *text != known.text);
    let owner = match ask.owner.as_deref() {
        Some(owner) => Some(person(case, owner)?).filter(|owner| *owner != known.owner).map(Option::unwrap_or_default),
        None => None,
    };
    let due_at = ask.due_at.filter(|due| Some(*due) != known.due_at);
    if text.is_none() && owner.is_none() && due_at.is_none() {
        return Ok(Vec::new());
    }
    let fact = Fact::TaskChanged(ChangeTask { task: known.id, text, owner, due_at });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

fn end(case: &Case<'_>, incident: &Incident, ask: &EndTask) -> Decided {
    let known = task(incident, ask.task)?;
    let note = match ask.how {
        TaskState::Open => return Err(invalid("a task ends as done or dropped; reopen one that is ended")),
        // What blocks closing is not dropped without words.
        TaskState::Dropped => Some(checks::reason("drop a task", ask.note.as_deref().unwrap_or_default())?),
        TaskState::Done => ask.note.as_deref().map(|note| checks::reason("end a task", note)).transpose()?,
    };
    if known.state == ask.how {
        return Ok(Vec::new());
    }
    if !known.is_open() {
        return Err(conflict(format!("{} is {} already; reopen it first", known.id, known.state)));
    }
    let fact = Fact::TaskEnded(EndTask { task: known.id, how: ask.how, note });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

fn mark(case: &Case<'_>, incident: &Incident, ask: &MarkEvent) -> Decided {
    let Some(entry) = incident.timeline.iter().find(|entry| entry.seq == ask.seq) else {
        return Err(unknown(format!(
            "{} has no event {}; `andon log {}` numbers them",
            incident.id, ask.seq, incident.id
        )));
    };
    match entry.key == ask.key {
        true => Ok(Vec::new()),
        false => Ok(vec![case.fact(Topic::Incident(incident.id), Fact::EventMarked(ask.clone()))]),
    }
}

fn link(case: &Case<'_>, incident: &Incident, ask: &AddLink) -> Decided {
    let url = ask.url.trim().to_owned();
    let known = ["https://", "http://", "tel:", "mailto:", "sip:"];
    let plain = !url.chars().any(|c| c.is_whitespace() || c.is_control()) && url.chars().count() <= ADDRESS;
    if !plain || !known.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
        return Err(invalid(format!("a link begins with {} and has no spaces", known.join(", "))));
    }
    let title = ask.title.as_deref().map(checks::title).transpose()?;
    let same = |link: &crate::incident::team::Link| link.url == url && link.kind == ask.kind && link.title == title;
    if incident.team.links.iter().any(same) {
        return Ok(Vec::new());
    }
    if incident.team.links.len() >= MOST {
        return Err(conflict(format!("{} has {MOST} links already; take one away first", incident.id)));
    }
    let fact = Fact::LinkAdded(AddLink { kind: ask.kind, url, title });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

fn snooze(case: &Case<'_>, incident: &Incident, ask: &Snooze) -> Decided {
    let reminder = checks::name("the reminder", &ask.reminder)?;
    let away = ask.until.since(case.context.now);
    if away <= 0 || away > LONGEST_SNOOZE {
        return Err(invalid("a reminder is put off to a time from now, by seven days at most"));
    }
    let fact = Fact::Snoozed(Snooze { reminder, until: ask.until });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

fn field(case: &Case<'_>, incident: &Incident, ask: &SetField) -> Decided {
    let fields = &case.runbook.incidents.fields;
    let Some(plan) = fields.iter().find(|plan| plan.id.eq_ignore_ascii_case(ask.field.trim())) else {
        let known: Vec<&str> = fields.iter().map(|plan| plan.id.as_str()).collect();
        let given: String = ask.field.chars().take(40).collect();
        return Err(unknown(match known.is_empty() {
            true => "the runbook has no fields of its own: incidents.toml adds them".to_owned(),
            false => format!("{given:?} is no field of the runbook: one of {}", known.join(", ")),
        }));
    };
    let value = match ask.value.trim() {
        "" => String::new(),
        given => checks::name(&plan.title, given)?,
    };
    if !value.is_empty() && !plan.values.is_empty() && !plan.values.contains(&value) {
        return Err(invalid(format!("{} is one of {}", plan.title, plan.values.join(", "))));
    }
    if incident.team.fields.get(&plan.id).map_or("", String::as_str) == value {
        return Ok(Vec::new());
    }
    let fact = Fact::FieldSet(SetField { field: plan.id.clone(), value });
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

/// What keeps an incident from being closed: blocking tasks, and fields that must be filled (TEAM.2, TEAM.11).
pub(super) fn left(case: &Case<'_>, incident: &Incident) -> Vec<String> {
    let open = incident.tasks.iter().filter(|task| task.blocks && task.is_open());
    let mut left: Vec<String> = open
        .map(|task| format!("{} is open ({}): {}", task.id, task.owner.as_deref().unwrap_or("nobody's"), task.text))
        .collect();
    let fields = case.runbook.incidents.fields.iter().filter(|plan| plan.needed_to_close);
    let empty = fields.filter(|plan| !incident.team.fields.contains_key(&plan.id));
    left.extend(empty.map(|plan| format!("{} ({}) is empty", plan.title, plan.id)));
    left
}
