//! Forms of the checklist pane beside ticking: operator, undo window, sign-off, values, a step's command (RBK).

use super::when;
use crate::{
    cockpit::{
        commands::Do,
        effect::Effect,
        form::{Ask, Field, Form},
        link::StepPlace,
        model::Model,
    },
    incident::{
        Checklist, Incident, IncidentCommand,
        rollback::{Said, Substitute, WorkRollback, command_of, open_signs, open_windows},
    },
    terms::IncidentId,
};

/// The form of one of this pane's commands.
pub fn form(model: &Model, does: Do) -> Option<Form> {
    let (incident, list) = (model.incident()?, model.checklist()?);
    let (id, rb) = (incident.id, list.id);
    Some(match does {
        Do::Operator => {
            let me = model.state.as_ref().map(|state| state.you.name.name().to_owned()).unwrap_or_default();
            let fields = vec![Field::text("who", "a name; empty gives it back", me)];
            Form::new(format!("Who works {rb}"), Ask::Operator(id, rb), fields)
                .about("Nobody else ticks what changes the state then.")
        }
        Do::Window => window(list, id),
        Do::SignOff => sign(model, incident, list)?,
        Do::RecordValue => value(list, id),
        Do::RunStep => {
            let step = model.selected_step()?;
            let command = command_of(step.plan.command.as_ref()?, incident, list);
            Form::new(
                format!("Run {rb}/{} here, as you", step.plan.id),
                Ask::RunStep(id, rb, step.plan.id.clone()),
                vec![],
            )
            .about(format!("$ {command}"))
            .about("What it writes is kept with the incident. Enter runs it, Esc does not.")
        }
        Do::Impossible => {
            let step = model.selected_step()?;
            let kinds = Substitute::ALL.iter().map(|kind| (kind.to_string(), String::new()));
            let fields = vec![
                Field::text("substitute", "what is done instead", list.substitute.as_str()),
                Field::choice("kind", kinds.collect(), 0),
            ];
            let ask = Ask::Impossible(id, rb, step.plan.id.clone());
            Form::new("Impossible", ask, fields).about(step.plan.text.clone())
        }
        _ => return None,
    })
}

fn window(list: &Checklist, id: IncidentId) -> Form {
    let known = open_windows(list);
    let first = known.first().map(|(what, _)| (*what).to_owned()).unwrap_or_default();
    let fields = vec![
        Field::text("what closes", "refund period, log rotation", first),
        Field::text("in", "30m, 4h, 2d, or 2026-11-30T00:00:00Z; empty takes it back", ""),
    ];
    Form::new(format!("Undo window of {}", list.id), Ask::Window(id, list.id), fields)
        .about("After it undoing is no longer possible; it is counted down beside the budget.")
}

fn sign(model: &Model, incident: &Incident, list: &Checklist) -> Option<Form> {
    let open: Vec<&str> = match &model.runbook {
        Some(runbook) => open_signs(list, incident, runbook).iter().map(|sign| sign.id.as_str()).collect(),
        None => Vec::new(),
    };
    let signs: Vec<(String, String)> =
        list.work.plan.signs.iter().map(|sign| (sign.id.clone(), sign.title.clone())).collect();
    let at = signs.iter().position(|(sign, _)| open.contains(&sign.as_str())).unwrap_or(0);
    let how = vec![
        ("sign".to_owned(), "it is as it should be".to_owned()),
        ("waive".to_owned(), "go without; for the severity owner".to_owned()),
    ];
    let fields = vec![
        Field::choice("sign-off", signs, at),
        Field::choice("how", how, 0),
        Field::text("note", "what was found, or why it goes without", ""),
    ];
    (!list.work.plan.signs.is_empty())
        .then(|| Form::new(format!("Sign off {}", list.id), Ask::SignOff(incident.id, list.id), fields))
}

fn value(list: &Checklist, id: IncidentId) -> Form {
    let unread = list.work.values.iter().find(|(_, value)| !value.is_back());
    let record = unread.map(|(record, _)| record.clone()).unwrap_or_default();
    let fields = vec![
        Field::text("record", "which: row, file, account", record),
        Field::text("before", "its value before the agent; empty leaves what is known", ""),
        Field::text("after", "as the agent left it", ""),
        Field::text("now", "as you read it back", ""),
    ];
    Form::new(format!("A value of {}", list.id), Ask::RecordValue(id, list.id), fields)
}

/// What a filled form of this pane asks.
pub fn asked(form: &Form, model: &Model) -> Option<Result<(IncidentId, String, IncidentCommand), String>> {
    let (id, rb, what, said) = match &form.ask {
        Ask::Operator(id, rb) => (id, rb, "operator named", Ok(Said::Assigned { operator: form.given("who") })),
        Ask::Window(id, rb) => (id, rb, "undo window recorded", closes(form, model)),
        Ask::SignOff(id, rb) => (
            id,
            rb,
            "signed off",
            form.need("note").map(|note| Said::Signed {
                sign: form.get("sign-off"),
                note,
                waived: form.choice("how") == Some(1),
            }),
        ),
        Ask::RecordValue(id, rb) => (
            id,
            rb,
            "value recorded",
            form.need("record").map(|record| Said::Value {
                record,
                before: form.given("before"),
                after: form.given("after"),
                found: form.given("now"),
            }),
        ),
        _ => return None,
    };
    let (id, checklist) = (*id, *rb);
    Some(said.map(|said| (id, what.to_owned(), IncidentCommand::WorkRollback(WorkRollback { checklist, said }))))
}

fn closes(form: &Form, model: &Model) -> Result<Said, String> {
    let closes_at = form.given("in").map(|text| when::later(&text, model.now)).transpose()?;
    Ok(Said::Window { what: form.need("what closes")?, closes_at })
}

/// Runs the shown command outside; `None` for other forms.
pub fn running(form: &Form, model: &Model) -> Option<Effect> {
    let Ask::RunStep(incident, checklist, step) = &form.ask else { return None };
    let (incident, checklist, step) = (*incident, *checklist, step.clone());
    let step_of = model.incident()?.checklists.iter().find(|list| list.id == checklist)?;
    let template = step_of.steps.iter().find(|one| one.plan.id == step)?.plan.command.as_ref()?;
    // What was shown is what runs.
    let command = command_of(template, model.incident()?, step_of);
    let place = StepPlace { world: model.world, incident, checklist, step };
    Some(Effect::RunStep { place, command })
}
