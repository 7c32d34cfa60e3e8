//! A checklist while it is worked: operator, undo windows, sign-offs, values, commands that ran (RBK.1, RBK.8, RBK.9).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, forbidden, unknown},
    rollback::{find, list},
    team,
};
use crate::{
    incident::{
        Checklist, Fact, Incident, Refusal, StepState, Topic,
        rollback::{Said, Value, WorkRollback, open_signs},
    },
    runbook::nearest,
};

/// Values of one checklist at most.
const VALUES: usize = 1_000;
/// Commands that one checklist keeps at most.
const RUNS: usize = 200;

pub(super) fn work(case: &Case<'_>, incident: &Incident, ask: &WorkRollback) -> Decided {
    let checklist = list(incident, ask.checklist)?;
    let said = match &ask.said {
        Said::Assigned { operator } => {
            let operator = operator.as_deref().map(|who| team::person(case, who)).transpose()?.flatten();
            (checklist.work.operator != operator).then_some(Said::Assigned { operator })
        }
        Said::Window { what, closes_at } => window(checklist, what, *closes_at)?,
        Said::Signed { sign, note, waived } => Some(signed(case, incident, checklist, (sign, note, *waived))?),
        Said::Value { .. } => value(checklist, &ask.said)?,
        Said::Ran { step, command, output } => {
            case.person("run a rollback's command")?;
            let step = find(incident, ask.checklist, step)?;
            if checklist.work.runs.len() >= RUNS {
                return Err(conflict(format!(
                    "{} keeps {RUNS} outputs already; add this one as evidence",
                    checklist.id
                )));
            }
            let (step, command) = (step.plan.id.clone(), checks::text("the command", command)?);
            Some(Said::Ran { step, command, output: output.clone() })
        }
    };
    let worked = said.map(|said| Fact::RollbackWorked(WorkRollback { checklist: ask.checklist, said }));
    Ok(worked.map(|fact| case.fact(Topic::Incident(incident.id), fact)).into_iter().collect())
}

fn window(checklist: &Checklist, what: &str, closes_at: Option<crate::terms::Time>) -> Result<Option<Said>, Refusal> {
    let what = checks::name("what closes", what)?;
    let stands = checklist.work.windows.get(&what).map(|window| window.closes_at);
    Ok((stands != closes_at).then_some(Said::Window { what, closes_at }))
}

/// RBK.9: who signs holds the role of that name, where it is one; only the severity owner goes without.
fn signed(
    case: &Case<'_>,
    incident: &Incident,
    checklist: &Checklist,
    (sign, note, waived): (&str, &str, bool),
) -> Result<Said, Refusal> {
    case.person("sign a rollback off")?;
    let known = || checklist.work.plan.signs.iter().map(|sign| sign.id.as_str());
    if !known().any(|id| id == sign) {
        let given: String = sign.chars().take(60).collect();
        let hint = nearest(&given, known()).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
        let all: Vec<&str> = known().collect();
        let all = if all.is_empty() { "it asks for none".to_owned() } else { format!("one of {}", all.join(", ")) };
        return Err(unknown(format!("{} has no sign-off {given:?}: {all}{hint}", checklist.id)));
    }
    let me = case.context.by.name();
    let holds = |role: &str| incident.roles.get(role).is_some_and(|who| who == me);
    if waived && !holds("severity-owner") {
        return Err(forbidden(format!(
            "only the severity owner goes without a sign-off; `andon assign {} severity-owner WHO` names one",
            incident.id
        )));
    }
    if !waived && case.runbook.roles.iter().any(|role| role == sign) && !holds(sign) {
        return Err(forbidden(format!(
            "{sign} signs that off; `andon assign {} {sign} WHO` says who that is",
            incident.id
        )));
    }
    let note = checks::reason(if waived { "go without a sign-off" } else { "sign off: what was found" }, note)?;
    Ok(Said::Signed { sign: sign.to_owned(), note, waived })
}

fn value(checklist: &Checklist, said: &Said) -> Result<Option<Said>, Refusal> {
    let Said::Value { record, before, after, found } = said else { return Ok(None) };
    let record = checks::title(record)?;
    let line = |value: &Option<String>| value.as_deref().map(|value| checks::text("a value", value)).transpose();
    let (before, after, found) = (line(before)?, line(after)?, line(found)?);
    let stands = checklist.work.values.get(&record);
    if stands.is_none() && checklist.work.values.len() >= VALUES {
        return Err(conflict(format!("{} holds {VALUES} values already; keep the rest as evidence", checklist.id)));
    }
    let same = |said: &Option<String>, stood: &Option<String>| said.is_none() || said == stood;
    let nothing = Value::default();
    let stands = stands.unwrap_or(&nothing);
    if same(&before, &stands.before) && same(&after, &stands.after) && same(&found, &stands.found) {
        return Ok(None);
    }
    Ok(Some(Said::Value { record, before, after, found }))
}

/// Who may tick what changes the state: the operator it was given to, else whoever holds a role the class asks for.
pub(super) fn may_change(case: &Case<'_>, incident: &Incident, checklist: &Checklist) -> Result<(), Refusal> {
    let me = case.context.by.name();
    let (work, id) = (&checklist.work, checklist.id);
    match &work.operator {
        Some(operator) if operator == me => return Ok(()),
        Some(operator) => {
            return Err(forbidden(format!(
                "{id} is worked by {operator}; `andon rollback assign {} {id} {me}` hands it over",
                incident.id
            )));
        }
        None => {}
    }
    let holds = |role: &String| incident.roles.get(role).is_some_and(|who| who == me);
    if work.plan.roles.is_empty() || work.plan.roles.iter().any(holds) {
        return Ok(());
    }
    Err(forbidden(format!(
        "{id} is for whoever is {}: `andon rollback assign {} {id} WHO` names the operator",
        work.plan.roles.join(" or "),
        incident.id
    )))
}

/// A read-back closes a checklist when every value reads as before, or a substitute stands in, and whoever must has signed
/// (RBK.1, RBK.8, RBK.9).
pub(super) fn ready_to_verify(case: &Case<'_>, incident: &Incident, checklist: &Checklist) -> Result<(), Refusal> {
    let (id, incident_id) = (checklist.id, incident.id);
    let unread: Vec<&str> = some(checklist, |value| value.found.is_none());
    if !unread.is_empty() {
        let first = unread.first().copied().unwrap_or_default();
        return Err(conflict(format!(
            "{id} has values that were not read back: {}. `andon rollback value {incident_id} {id} {first:?} --found VALUE`",
            unread.join(", ")
        )));
    }
    let replaced = checklist.steps.iter().any(|step| step.state == StepState::Impossible);
    let wrong: Vec<&str> = some(checklist, |value| !value.is_back());
    if !wrong.is_empty() && !replaced {
        return Err(conflict(format!(
            "{id} has values that do not read as before: {}. Roll them back, or mark the step impossible with its substitute",
            wrong.join(", ")
        )));
    }
    let open: Vec<String> = open_signs(checklist, incident, case.runbook)
        .into_iter()
        .map(|sign| format!("{} ({})", sign.id, sign.title))
        .collect();
    if !open.is_empty() {
        return Err(conflict(format!(
            "{id} waits for sign-offs: {}. `andon rollback sign {incident_id} {id} SIGN --note TEXT`",
            open.join("; ")
        )));
    }
    Ok(())
}

/// The first records whose value is so.
fn some(checklist: &Checklist, which: impl Fn(&Value) -> bool) -> Vec<&str> {
    checklist.work.values.iter().filter(|(_, value)| which(value)).map(|(record, _)| record.as_str()).take(5).collect()
}
