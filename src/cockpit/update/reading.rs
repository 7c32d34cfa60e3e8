//! Pages to read: readiness before an incident, an agent's operating unit; and what is wrong with the runbook.

use crate::{
    api::Used,
    cockpit::{
        effect::Effect,
        form::{Ask, Field, Form},
        link::LinkError,
        model::{Model, Overlay},
        overlays::{Choice, Item, Pick, Sheet, SheetLine},
    },
    incident::{Command, upkeep::ReportFault},
    report::{
        readiness::{Ready, readiness},
        unit::{agents, unit},
    },
    terms::AgentId,
};

/// What is open before an incident, GOV.1 to GOV.6.
pub(super) fn ready(model: &mut Model) {
    let (Some(state), Some(runbook)) = (&model.state, &model.runbook) else { return };
    let mut lines = readiness(state, runbook);
    // What is open first: it is why somebody looks.
    lines.sort_by_key(|it| it.state == Ready::Met);
    let lines = lines
        .into_iter()
        .map(|it| SheetLine { state: Some(it.state), text: format!("{} {}: {}", it.code, it.what, it.detail) })
        .collect();
    let title = "Ready before an incident".to_owned();
    model.overlay = Some(Overlay::Sheet(Box::new(Sheet { title, agent: None, lines, top: 0 })));
}

/// One of the agents: the incident's first.
pub(super) fn choose(model: &Model) -> Option<Pick> {
    let known = agents(model.state.as_ref()?);
    let involved = model.incident().map(|incident| incident.agents.clone()).unwrap_or_default();
    let rest = known.keys().filter(|agent| !involved.contains(agent)).cloned();
    let all: Vec<AgentId> = involved.iter().cloned().chain(rest).collect();
    let item = |agent: AgentId| Item {
        label: agent.to_string(),
        doc: if involved.contains(&agent) { "of this incident".into() } else { String::new() },
        mark: known.get(&agent).copied().unwrap_or_default().to_owned(),
        why_not: None,
        choice: Choice::Agent(agent),
    };
    Some(Pick::new("Operating unit of", "no agent is declared or seen", all.into_iter().map(item).collect()))
}

/// Opens an agent's page; what it used lately comes after.
pub(super) fn open(model: &mut Model, agent: AgentId) -> Vec<Effect> {
    show(model, &agent, &[], 0);
    vec![Effect::ReadUsed { world: model.world, agent }]
}

/// What it used lately came, for the page that waits for it.
pub(super) fn came(model: &mut Model, agent: &AgentId, used: Result<Vec<Used>, LinkError>) {
    let Some(Overlay::Sheet(sheet)) = &model.overlay else { return };
    if sheet.agent.as_ref() != Some(agent) {
        return;
    }
    let top = sheet.top;
    match used {
        Ok(used) => show(model, agent, &used, top),
        Err(why) => model.complain(why.to_string()),
    }
}

fn show(model: &mut Model, agent: &AgentId, used: &[Used], top: usize) {
    let Some(state) = &model.state else { return };
    let lines = unit(state, model.runbook.as_deref(), agent, used);
    let lines = lines.unwrap_or_else(|| vec!["neither declared nor seen".to_owned()]).into_iter();
    let lines = lines.map(|text| SheetLine { state: None, text }).collect();
    let sheet = Sheet { title: format!("Operating unit of {agent}"), agent: Some(agent.clone()), lines, top };
    model.overlay = Some(Overlay::Sheet(Box::new(sheet)));
}

/// GOV.6: said where it was noticed, at the checklist.
pub(super) fn fault(model: &Model) -> Form {
    let class = model.checklist().map(|list| list.class.to_string()).unwrap_or_default();
    let fields = vec![
        Field::text("what is wrong", "a budget, a step that fails, a class that is missing", ""),
        Field::text("about", "the class, step, tripwire or file", class),
        Field::text("owner", "who sees to it; empty is the runbook's owner", ""),
    ];
    Form::new("Report what is wrong with the runbook", Ask::Fault(model.incident), fields)
        .about("It gets an owner, and comes up at the runbook's next review.")
}

pub(super) fn fault_asked(form: &Form) -> Result<Command, String> {
    let Ask::Fault(incident) = form.ask else { return Err("this form reports nothing".into()) };
    let (what, about, owner) = (form.need("what is wrong")?, form.given("about"), form.given("owner"));
    Ok(Command::ReportFault(Box::new(ReportFault { what, about, incident, owner })))
}
