//! The word on calls that wait: one, or all of an agent, a tool or a class (CON.12).

use super::opening;
use crate::{
    cockpit::{
        commands::Do,
        form::{Ask, Field, Form},
        model::Model,
        panes,
    },
    incident::{Command, containment::Hold},
    terms::HoldId,
};

/// The form that approves or denies the selected call; what it is about is settled when it opens.
pub fn form(model: &Model, does: Do) -> Option<Form> {
    let hold = model.selected_hold()?;
    let approve = does == Do::Approve;
    let groups = groups(model, hold);
    let options = groups.iter().map(|(word, ids)| (word.clone(), format!("{} in all", ids.len()))).collect();
    let mut fields = vec![Field::choice("which", options, 0)];
    let hint = if approve { "why it may go; may be empty" } else { "why not: the agent is told" };
    fields.push(Field::text("why", hint, ""));
    let verb = if approve { "Approve" } else { "Deny" };
    let account = panes::hold_account(model, hold);
    let ask = Ask::Decide {
        approve,
        groups: groups.into_iter().map(|(_, ids)| ids).collect(),
        saw: account.join("\n"),
        opened_at: model.now,
    };
    let mut form = Form::new(format!("{verb} {}", hold.id), ask, fields);
    form.about = account;
    form.about.extend(opening::unsigned(model).filter(|_| approve));
    Some(form)
}

/// The call itself, then, in words that no repeated `a` or `d` turns to, every group of calls that wait with it.
fn groups(model: &Model, hold: &Hold) -> Vec<(String, Vec<HoldId>)> {
    let ids = |like: &dyn Fn(&Hold) -> bool| -> Vec<HoldId> {
        panes::waiting(model).filter(|other| like(other)).map(|other| other.id).collect()
    };
    let mut groups = vec![(format!("only {}", hold.id), vec![hold.id])];
    let call = &hold.call;
    if let Some(tool) = &call.tool {
        groups.push((format!("every call of {tool}"), ids(&|other| other.call.tool == call.tool)));
    }
    if let Some(agent) = &call.agent {
        groups.push((format!("every call by {agent}"), ids(&|other| other.call.agent == call.agent)));
    }
    if let Some(class) = &call.declared_class {
        groups.push((
            format!("every call of class {class}"),
            ids(&|other| other.call.declared_class == call.declared_class),
        ));
    }
    groups.retain(|(word, ids)| ids.len() > 1 || word.starts_with("only"));
    groups
}

/// What the filled form asks.
pub fn asked(form: &Form, model: &Model) -> Result<(String, Command), String> {
    let Ask::Decide { approve, groups, saw, opened_at } = &form.ask else { return Err("nothing is decided".into()) };
    let which = form.choice("which").unwrap_or(0);
    let holds = groups.get(which).ok_or("nothing is chosen")?.clone();
    let why = if *approve { form.given("why") } else { Some(form.need("why")?) };
    let verb = if *approve { "approved" } else { "denied" };
    let what = match holds[..] {
        [one] => format!("{one} {verb}"),
        _ => format!("{} calls {verb}", holds.len()),
    };
    let looked_s = Some(model.now.since(*opened_at) as f64 / 1_000.0);
    let command = Command::DecideHolds { holds, approve: *approve, why, saw: Some(saw.clone()), looked_s };
    Ok((what, command))
}
