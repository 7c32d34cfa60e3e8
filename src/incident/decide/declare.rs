//! Declaring incidents: by hand, from a firing, or by a halt (SEV.1, DET.6).

use super::{
    checks,
    dispatch::{Case, conflict, unknown},
    first_minutes, pages, restriction,
};
use crate::{
    incident::{
        ClockPlan, Declare, Fact, NewEvent, Refusal, Topic,
        team::{AddTask, TaskAdded, TaskFrom},
    },
    runbook::{IncidentTemplate, TaskPlan},
    terms::{AgentId, IncidentId, TaskId, Time},
    tripwire::Firing,
};

/// The id the next incident gets.
pub(super) fn next_id(case: &Case<'_>) -> IncidentId {
    case.world.incidents.keys().next_back().map_or(IncidentId(1), |id| id.next())
}

/// Declares an incident by a person's or a script's word.
pub(super) fn declare(case: &Case<'_>, ask: &Declare) -> Result<(IncidentId, Vec<NewEvent>), Refusal> {
    let firing = match ask.firing {
        Some(id) => Some(
            case.world
                .firings
                .get(&id)
                .ok_or_else(|| unknown(format!("there is no {id}; `andon firings` lists those there are")))?,
        ),
        None => None,
    };
    if let Some(joined) = firing.and_then(|firing| firing.incident)
        && let Some(incident) = case.world.incidents.get(&joined).filter(|incident| incident.is_open())
    {
        return Err(conflict(format!("that firing belongs to {} already; work on it there", incident.id)));
    }
    let template = ask.template.as_deref().map(|id| template(case, id)).transpose()?;
    let title = match (ask.title.trim(), firing, template) {
        ("", _, Some(template)) => template.title.clone(),
        ("", Some(firing), None) => checks::title(&title_of(firing))?,
        (title, ..) => checks::title(title)?,
    };
    let scheme = case.scheme(ask.scheme.as_deref())?;
    let harm_at = ask.harm_at.map(|at| case.past("the harm time", at)).transpose()?;
    let surfaced_at = ask.surfaced_at.map(|at| case.past("when the consequence surfaced", at)).transpose()?;
    let workflow = ask.workflow.as_deref().or_else(|| template?.workflow.as_deref());
    let workflow = workflow.map(str::trim).filter(|workflow| !workflow.is_empty());
    let workflow = workflow.map(|workflow| checks::name("the workflow", workflow)).transpose()?;
    let id = next_id(case);
    let mut agents: Vec<AgentId> = Vec::new();
    for agent in ask.agents.iter().chain(firing.map(|firing| &firing.key.agent)) {
        if !agents.contains(agent) {
            agents.push(agent.clone());
        }
    }
    let workflow = workflow.or_else(|| served(case, &agents));
    let agreed = workflow.as_deref().and_then(|workflow| agreed(case, workflow, &scheme.id));
    let severity = match ask.severity.as_ref().or_else(|| template?.severity.get(&scheme.id)).or(agreed) {
        Some(level) => checks::level(scheme, level)?,
        None => scheme.levels.last().map(|level| level.id.clone()).unwrap_or_default(),
    };
    let broken = first_minutes::approvals_of(case, id, &agents);
    let paging = pages::declared(case, id, &severity);
    let mut facts = vec![case.fact(
        Topic::Incident(id),
        Fact::IncidentDeclared {
            title,
            clocks: clocks(case, &scheme.id, &severity),
            scheme: scheme.id.clone(),
            severity,
            workflow,
            agents,
            firing: ask.firing,
            confirmed: !ask.unconfirmed,
            runbook: case.runbook.version.clone(),
            evidence: case.runbook.evidence.planned(),
            source: ask.source,
            surfaced_at,
        },
    )];
    facts.extend(
        restriction::from_the_beginning(case, &ask.restricted_to)?.map(|fact| case.fact(Topic::Incident(id), fact)),
    );
    if let Some(firing) = firing {
        let joined = Fact::FiringJoined { firing: firing.id, agent: firing.key.agent.clone() };
        facts.push(case.fact(Topic::Incident(id), joined));
        facts.push(case.fact(Topic::Tripwires, Fact::FiringLinked { firing: firing.id, incident: id }));
    }
    facts.extend(broken);
    if let Some(at) = harm_at {
        facts.push(case.fact(Topic::Incident(id), Fact::HarmConfirmed { at }));
    }
    let tasks = template.map(|template| template.tasks.as_slice()).unwrap_or_default();
    facts.extend(
        tasks.iter().zip(1..).map(|(task, number)| case.fact(Topic::Incident(id), planned(case, task, number))),
    );
    facts.extend(paging);
    Ok((id, facts))
}

/// The one workflow that all of `agents` serve, as their owners declared it.
fn served(case: &Case<'_>, agents: &[AgentId]) -> Option<String> {
    let of = |agent: &AgentId| case.world.agents.get(agent)?.declared.workflow.as_ref().map(ToString::to_string);
    let first = of(agents.first()?)?;
    agents.iter().all(|agent| of(agent).as_ref() == Some(&first)).then_some(first)
}

/// The level that was agreed for a workflow before it launched (SEV.8).
pub(super) fn agreed<'a>(case: &Case<'a>, workflow: &str, scheme: &str) -> Option<&'a String> {
    case.runbook.workflow(workflow)?.default.get(scheme)
}

fn template<'a>(case: &Case<'a>, id: &str) -> Result<&'a IncidentTemplate, Refusal> {
    case.runbook.incidents.template(id).ok_or_else(|| {
        let known: Vec<&str> = case.runbook.incidents.templates.iter().map(|one| one.id.as_str()).collect();
        let given: String = id.chars().take(40).collect();
        unknown(format!("{given:?} is no incident template: one of {}", known.join(", ")))
    })
}

fn planned(case: &Case<'_>, task: &TaskPlan, number: u32) -> Fact {
    Fact::TaskAdded(TaskAdded {
        task: TaskId(number),
        plan: AddTask {
            text: task.text.clone(),
            owner: task.owner.clone(),
            due_at: task.due_s.map(|seconds| case.context.now.plus(i64::from(seconds) * Time::SECOND)),
            from: TaskFrom::Template,
            blocks: true,
        },
    })
}

/// The clocks of an incident of this level, copied from the runbook.
pub(super) fn clocks(case: &Case<'_>, scheme: &str, severity: &str) -> ClockPlan {
    let base = &case.runbook.clocks;
    let level = case.runbook.schemes.get(scheme).and_then(|scheme| scheme.level(severity));
    let mut plan = level.map_or_else(|| base.clone(), |level| level.clocks(base, None, base));
    plan.regulatory.retain(|clock| clock.on);
    plan
}

/// What a firing is called when nobody gives it a better title.
pub(super) fn title_of(firing: &Firing) -> String {
    title_for(&firing.key)
}

/// The same for a firing that is only being recorded.
pub(super) fn title_for(key: &crate::tripwire::FiringKey) -> String {
    let mut title = format!("{}: {}", key.tripwire, key.agent);
    if !key.detail.is_empty() {
        let detail: String = key.detail.chars().take(100).collect();
        title.push_str(" · ");
        title.push_str(&detail);
    }
    title.chars().filter(|c| !c.is_control()).take(checks::TITLE).collect()
}
