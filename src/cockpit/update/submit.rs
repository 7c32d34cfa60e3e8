//! What a filled form asks.

use super::{act, cause, deciding, direct, first, reading, rollback, team, when};
use crate::{
    cockpit::{
        effect::Effect,
        form::{Ask, Form},
        model::{Model, Overlay},
        rows, text,
    },
    incident::{
        Command, Declare, IncidentCommand,
        containment::Stage,
        evidence::{ItemState, SetEvidence},
    },
    runbook::ChannelKind,
    terms::{ActionClass, AgentId, IncidentId, Time},
};

/// Submits the form that is open; one that cannot be taken says why and stays.
pub fn submit(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Form(form)) = model.overlay.take() else { return Vec::new() };
    if let Ask::Filter(pane) = form.ask {
        let list = model.rows.of_mut(pane);
        list.filter = form.get("holds");
        list.selected = None;
        list.top = 0;
        rows::refresh(model);
        return Vec::new();
    }
    if let Some(runs) = rollback::running(&form, model) {
        model.say("it runs …");
        return vec![runs];
    }
    // A drill is steered in the real world, where the list of drills is.
    let directed = direct::asked(&form, model);
    let world = if directed.is_some() { None } else { model.world };
    match directed.unwrap_or_else(|| asked(&form, model)) {
        Ok((what, command)) => act::ask_in(model, world, what, command),
        Err(wrong) => {
            let mut form = form;
            // Enter on one field leads to the next that must be filled; on that one it says why.
            match form.missing().filter(|at| *at != form.at) {
                Some(at) => (form.at, form.wrong) = (at, None),
                None => form.wrong = Some(wrong),
            }
            model.overlay = Some(Overlay::Form(form));
            Vec::new()
        }
    }
}

pub(super) fn time(form: &Form, label: &str, model: &Model) -> Result<Option<Time>, String> {
    let zone = if model.utc { text::Zone::Utc } else { model.look.zone };
    when::read(&form.get(label), model.now, zone)
}

fn asked(form: &Form, model: &Model) -> Result<(String, Command), String> {
    Ok(match &form.ask {
        Ask::Declare(firing) => {
            let agents = form.get("agents");
            let names = agents.split(',').map(str::trim).filter(|name| !name.is_empty());
            let declare = Declare {
                title: form.need("title")?,
                severity: form.given("severity"),
                workflow: form.given("workflow"),
                agents: names.map(AgentId::new).collect::<Result<_, _>>().map_err(|wrong| wrong.to_string())?,
                firing: *firing,
                harm_at: time(form, "harm since", model)?,
                ..Declare::default()
            };
            ("incident declared".into(), Command::Declare(declare))
        }
        Ask::Expected(firing) => {
            (format!("{firing} acknowledged as expected"), Command::AckFiring { firing: *firing, expected: true })
        }
        Ask::Release(switch) => {
            if !form.get("name").eq_ignore_ascii_case(&switch.to_string()) {
                return Err(format!("type {switch} into name: a halted scope is never released by a stray key"));
            }
            let agent = form.given("agent").map(|name| AgentId::new(&name)).transpose().map_err(|e| e.to_string())?;
            let to = form.given("to").map(|to| to.parse::<Stage>()).transpose()?.filter(|to| *to != Stage::Full);
            let what = match (&agent, to) {
                (Some(agent), Some(stage)) => format!("{agent} goes on in {stage}"),
                (Some(agent), None) => format!("{agent} restored from {switch}"),
                (None, Some(stage)) => return Err(format!("only one agent goes on in {stage}: name it in agent")),
                (None, None) => format!("{switch} released"),
            };
            let over = form.given("override");
            (what, Command::Release { switch: *switch, why: form.need("why")?, agent, to, over })
        }
        Ask::Fault(_) => ("reported; the runbook's owner sees to it".into(), reading::fault_asked(form)?),
        Ask::Decide { .. } => deciding::asked(form, model)?,
        Ask::Annotate(switch) => {
            let incident = form.given("incident").map(|id| id.parse::<IncidentId>()).transpose();
            let command = Command::Annotate {
                switch: *switch,
                why: form.given("why"),
                harm_at: time(form, "harm since", model)?,
                incident: incident.map_err(|wrong| wrong.to_string())?,
            };
            (format!("{switch} annotated"), command)
        }
        _ => {
            let family = team::asked(form, model)
                .or_else(|| cause::asked(form, model))
                .or_else(|| rollback::asked(form, model))
                .or_else(|| first::asked(form));
            let (incident, what, ask) = family.unwrap_or_else(|| of_incident(form, model))?;
            (what, Command::OnIncident { incident, ask })
        }
    })
}

fn of_incident(form: &Form, model: &Model) -> Result<(IncidentId, String, IncidentCommand), String> {
    let said = |what: &str| what.to_owned();
    Ok(match &form.ask {
        Ask::Dismiss(id) => (*id, said("incident dismissed"), IncidentCommand::Dismiss { why: form.need("why")? }),
        Ask::Severity(id) => {
            let severity = form.need("severity")?;
            (
                *id,
                format!("severity set to {severity}"),
                IncidentCommand::SetSeverity { severity, why: form.need("why")? },
            )
        }
        Ask::Role(id) => {
            let role = form.need("role")?;
            (*id, format!("{role} set"), IncidentCommand::Assign { role, who: form.given("who"), note: None })
        }
        Ask::Note(id) => {
            let at = time(form, "at", model)?;
            (*id, said("note added"), IncidentCommand::Note { text: form.need("note")?, at })
        }
        Ask::Harm(id) => {
            let at = time(form, "since", model)?;
            (*id, said("harm confirmed"), IncidentCommand::ConfirmHarm { at })
        }
        Ask::Contained(id) => {
            (*id, said("containment declared"), IncidentCommand::DeclareContained { why: form.need("why")? })
        }
        Ask::Resolve(id) => {
            let ask = IncidentCommand::Resolve { note: form.need("how")?, over: form.given("over") };
            (*id, said("incident resolved"), ask)
        }
        Ask::Item(id, item) => {
            let state: ItemState = form.need("state")?.parse()?;
            let expires_at = form.given("gone in").map(|text| when::later(&text, model.now)).transpose()?;
            let set = SetEvidence { item: item.clone(), state, why: form.given("why"), expires_at, source: None };
            (*id, format!("{item} is {state}"), IncidentCommand::SetEvidence(set))
        }
        Ask::Reopen(id) => (*id, said("incident reopened"), IncidentCommand::Reopen { why: form.need("why")? }),
        Ask::OpenRollback(id) => {
            let class = ActionClass::new(&form.need("class")?).map_err(|wrong| wrong.to_string())?;
            let ask = IncidentCommand::OpenRollback { class, target: form.need("target")? };
            (*id, said("checklist opened"), ask)
        }
        Ask::Impossible(id, checklist, step) => {
            let substitute = form.need("substitute")?;
            let (checklist, step, kind) = (*checklist, step.clone(), form.get("kind").parse().ok());
            let ask = IncidentCommand::MarkImpossible { checklist, step, substitute, kind };
            (*id, said("step marked impossible"), ask)
        }
        Ask::Verify(id, checklist) => {
            let ask = IncidentCommand::VerifyRollback { checklist: *checklist, evidence: form.need("read back")? };
            (*id, said("rollback verified"), ask)
        }
        Ask::Send(id, draft) => {
            let (channel, to) = (form.need("channel")?, form.need("to")?);
            let by_hand = model.runbook.as_ref().and_then(|runbook| runbook.channel(&channel));
            let by_hand = by_hand.is_none_or(|channel| channel.kind == ChannelKind::Copy);
            let what = if by_hand { format!("{draft} marked sent") } else { format!("{draft} is being sent") };
            (*id, what, IncidentCommand::SendDraft { draft: *draft, channel, to, over: form.given("over") })
        }
        _ => return Err("this form asks nothing of an incident".into()),
    })
}
