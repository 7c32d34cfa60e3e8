//! Forms of a team's work: tasks, links, merging (TEAM).

use crate::{
    cockpit::{
        commands::Do,
        form::{Ask, Field, Form},
        model::Model,
    },
    incident::{
        IncidentCommand,
        restriction::{LiftRestriction, Restrict},
        team::{AddLink, AddTask, EndTask, LinkKind, Merge, TaskFrom, TaskState},
    },
    terms::{IncidentId, Time},
};

/// The form a command opens.
pub fn form(model: &Model, does: Do) -> Option<Form> {
    let incident = model.incident()?;
    let id = incident.id;
    Some(match does {
        Do::AddTask => Form::new(
            format!("Add a task to {id}"),
            Ask::AddTask(id),
            vec![
                Field::text("what", "what is done, in a line", ""),
                Field::text("owner", "who does it: a person, or a role", ""),
                Field::text("due in", "30m, 4h, 2d; empty is no date", ""),
            ],
        )
        .about("The incident is not closed before it is done or dropped."),
        Do::DropTask => {
            let task = model.selected_task()?;
            let fields = vec![Field::text("why", "why nobody does it", "")];
            Form::new(format!("Give {} up", task.id), Ask::DropTask(id, task.id), fields).about(task.text.clone())
        }
        Do::AddLink => {
            let kinds = LinkKind::ALL.iter().map(|kind| (kind.to_string(), String::new())).collect();
            let fields = vec![
                Field::choice("kind", kinds, 0),
                Field::text("address", "https://…, tel:…, sip:…, mailto:…", ""),
                Field::text("title", "what it is called", ""),
            ];
            Form::new(format!("Add a link to {id}"), Ask::AddLink(id), fields)
        }
        Do::Restrict => {
            let named = incident.restricted.as_ref().map(|only| only.people.iter().cloned().collect::<Vec<_>>());
            let fields = vec![
                Field::text(
                    "who",
                    "names with commas between; you are always one",
                    named.unwrap_or_default().join(", "),
                ),
                Field::text("why", "read by those who are named", ""),
            ];
            Form::new(format!("Restrict {id}"), Ask::Restrict(id), fields)
                .about("Only these people see it from now on: not in lists, not in the log, not by its number.")
                .about("Nobody named: everybody sees it again. What is stopped stays everybody's to see.")
        }
        Do::Merge => {
            let open = model.world()?.incidents.values().rev().filter(|other| other.is_open() && other.id != id);
            let others: Vec<_> = open.map(|other| (other.id.to_string(), other.title.clone())).collect();
            if others.is_empty() {
                return None;
            }
            Form::new(format!("Merge {id} into another"), Ask::Merge(id), vec![Field::choice("into", others, 0)])
                .about("It ends here. The other takes in its firings, switches, checklists, drafts and tasks.")
                .about("Clocks keep the earliest zero.")
        }
        _ => return None,
    })
}

/// What the filled form asks.
pub fn asked(form: &Form, model: &Model) -> Option<Result<(IncidentId, String, IncidentCommand), String>> {
    Some(match &form.ask {
        Ask::AddTask(id) => add(form, model).map(|ask| (*id, "task added".into(), IncidentCommand::AddTask(ask))),
        Ask::DropTask(id, task) => form.need("why").map(|why| {
            let end = EndTask { task: *task, how: TaskState::Dropped, note: Some(why) };
            (*id, format!("{task} dropped"), IncidentCommand::EndTask(end))
        }),
        Ask::AddLink(id) => link(form).map(|ask| (*id, "link added".into(), IncidentCommand::AddLink(ask))),
        Ask::Restrict(id) => restrict(form, *id),
        Ask::Merge(id) => form
            .get("into")
            .parse::<IncidentId>()
            .map_err(|wrong| wrong.to_string())
            .map(|into| (*id, format!("{id} merged into {into}"), IncidentCommand::Merge(Merge { into }))),
        _ => return None,
    })
}

fn restrict(form: &Form, id: IncidentId) -> Result<(IncidentId, String, IncidentCommand), String> {
    let why = form.need("why")?;
    let people: Vec<String> = form.get("who").split(',').map(|name| name.trim().to_owned()).collect();
    Ok(if people.iter().all(String::is_empty) {
        (id, format!("{id} is everybody's to see"), IncidentCommand::LiftRestriction(LiftRestriction { why }))
    } else {
        (id, format!("{id} is restricted"), IncidentCommand::Restrict(Restrict { people, why }))
    })
}

fn add(form: &Form, model: &Model) -> Result<AddTask, String> {
    let due_at = form.given("due in").map(|text| after(&text, model.now)).transpose()?;
    let (text, owner) = (form.need("what")?, form.given("owner"));
    Ok(AddTask { text, owner, due_at, from: TaskFrom::Person, blocks: true })
}

/// `30m`, `4h`, `2d` from now.
fn after(text: &str, now: Time) -> Result<Time, String> {
    let wrong = || format!("{text:?} is no span: write 30m, 4h or 2d");
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
    let unit = match unit.trim() {
        "m" | "min" => Time::MINUTE,
        "h" => Time::HOUR,
        "d" => Time::DAY,
        _ => return Err(wrong()),
    };
    let span =
        number.parse::<i64>().ok().filter(|number| *number <= 10_000).and_then(|number| number.checked_mul(unit));
    span.map(|span| now.plus(span)).ok_or_else(wrong)
}

fn link(form: &Form) -> Result<AddLink, String> {
    Ok(AddLink { kind: form.get("kind").parse()?, url: form.need("address")?, title: form.given("title") })
}
