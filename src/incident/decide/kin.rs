//! Incidents that belong together: related, merged, split off. Clocks keep the earliest zero (TEAM.10).

use super::{
    checks, declare,
    dispatch::{Case, Decided, conflict, invalid, unknown},
    restriction, team,
};
use crate::{
    incident::{
        Fact, Incident, Topic,
        restriction::Restricted,
        team::{Kinship, Merge, Relate, Split, SplitOff, Task, TookIn},
    },
    terms::{ChecklistId, DraftId, IncidentId},
};

pub(super) fn relate(case: &Case<'_>, incident: &Incident, ask: &Relate) -> Decided {
    let other = case.incident(ask.to)?;
    if other.id == incident.id {
        return Err(invalid("an incident is not related to itself"));
    }
    if matches!(ask.how, Kinship::SplitFrom | Kinship::SplitInto) {
        return Err(invalid("splitting says that by itself: `andon split`"));
    }
    if incident.team.related.iter().any(|known| known.to == ask.to && known.how == ask.how) {
        return Ok(Vec::new());
    }
    Ok(vec![
        case.fact(Topic::Incident(incident.id), Fact::RelatedTo(ask.clone())),
        case.fact(Topic::Incident(other.id), Fact::RelatedTo(Relate { to: incident.id, how: ask.how.turned() })),
    ])
}

/// Everything of `incident` goes on in `into`.
pub(super) fn merge(case: &Case<'_>, incident: &Incident, into: IncidentId) -> Decided {
    case.person("merge incidents")?;
    let target = case.incident(into)?;
    if target.id == incident.id {
        return Err(invalid("an incident is not merged into itself"));
    }
    restriction::same(incident, target)?;
    for one in [incident, target] {
        if !one.is_open() {
            return Err(conflict(format!("{} is {}; reopen it to merge it, or relate them", one.id, one.status)));
        }
    }
    let topic = Topic::Incident(target.id);
    let mut facts = vec![
        case.fact(Topic::Incident(incident.id), Fact::MergedInto(Merge { into })),
        case.fact(topic, Fact::TookIn(Box::new(taken(incident, target)))),
    ];
    for firing in incident.firings.iter().filter(|firing| !target.firings.contains(firing)) {
        let Some(known) = case.world.firings.get(firing) else { continue };
        let joined = Fact::FiringJoined { firing: *firing, agent: known.key.agent.clone() };
        facts.push(case.fact(topic, joined));
        facts.push(case.fact(Topic::Tripwires, Fact::FiringLinked { firing: *firing, incident: into }));
    }
    for switch in incident.switches.iter().filter(|switch| !target.switches.contains(switch)) {
        facts.push(case.fact(topic, Fact::SwitchJoined { switch: *switch }));
        let moved = Fact::SwitchAnnotated { switch: *switch, why: None, harm_at: None, incident: Some(into) };
        facts.push(case.fact(Topic::Switches, moved));
    }
    Ok(facts)
}

fn taken(incident: &Incident, target: &Incident) -> TookIn {
    let mut checklist = target.checklists.last().map_or(ChecklistId(1), |last| last.id.next());
    let checklists = incident.checklists.iter().cloned().map(|mut list| {
        (list.id, checklist) = (checklist, checklist.next());
        list
    });
    let mut draft = target.drafts.last().map_or(DraftId(1), |last| last.id.next());
    let drafts = incident.drafts.iter().cloned().map(|mut one| {
        // A message on its way is this incident's to the end: its copy must not be sent a second time.
        let elsewhere = format!("{} {}", incident.id, one.id);
        for sent in &mut one.sent {
            let at = sent.at;
            sent.delivery.iter_mut().for_each(|delivery| delivery.left_to(&elsewhere, at));
        }
        (one.id, draft) = (draft, draft.next());
        one
    });
    let mut task = team::next_id(&target.tasks);
    let tasks = incident.tasks.iter().cloned().map(|one| {
        let numbered = Task { id: task, ..one };
        task = task.next();
        numbered
    });
    TookIn {
        from: incident.id,
        declared_at: incident.declared_at,
        harm_at: incident.harm_at,
        action: incident.mttd.action.map(|at| (at, incident.mttd.signal)),
        agents: incident.agents.clone(),
        checklists: checklists.collect(),
        drafts: drafts.collect(),
        tasks: tasks.collect(),
        uncontained: incident.contained_at.is_none() || incident.containment_broken,
    }
}

/// Firings, agents and switches of `incident` become an incident of their own.
pub(super) fn split(case: &Case<'_>, incident: &Incident, ask: &Split) -> Decided {
    case.person("split an incident")?;
    if !incident.is_open() {
        return Err(conflict(format!("{} is {}; reopen it to split it", incident.id, incident.status)));
    }
    let title = checks::title(&ask.title)?;
    if ask.firings.is_empty() && ask.agents.is_empty() && ask.switches.is_empty() {
        return Err(invalid("say what goes along: firings, agents or switches"));
    }
    let foreign = |what: String| unknown(format!("{what} does not belong to {}", incident.id));
    if let Some(firing) = ask.firings.iter().find(|firing| !incident.firings.contains(firing)) {
        return Err(foreign(firing.to_string()));
    }
    if let Some(agent) = ask.agents.iter().find(|agent| !incident.agents.contains(agent)) {
        return Err(foreign(agent.to_string()));
    }
    if let Some(switch) = ask.switches.iter().find(|switch| !incident.switches.contains(switch)) {
        return Err(foreign(switch.to_string()));
    }
    let id = declare::next_id(case);
    let declared = Fact::IncidentDeclared {
        title,
        scheme: incident.scheme.clone(),
        severity: incident.severity.clone(),
        workflow: incident.workflow.clone(),
        agents: ask.agents.clone(),
        firing: None,
        confirmed: true,
        clocks: incident.clock_plan.clone(),
        runbook: incident.runbook.clone(),
        evidence: case.runbook.evidence.planned(),
        source: incident.team.source,
        surfaced_at: incident.team.surfaced_at,
    };
    // Clocks keep the earliest zero: what is split off was declared when the whole was.
    let mut facts = vec![case.fact_at(Topic::Incident(id), declared, incident.declared_at)];
    if let Some(only) = &incident.restricted {
        let people = only.people.iter().cloned().collect();
        let fact = Fact::Restricted(Restricted { people, why: only.why.clone(), entered: false });
        facts.push(case.fact(Topic::Incident(id), fact));
    }
    facts.extend(incident.harm_at.map(|at| case.fact(Topic::Incident(id), Fact::HarmConfirmed { at })));
    for firing in &ask.firings {
        let Some(known) = case.world.firings.get(firing) else { continue };
        let joined = Fact::FiringJoined { firing: *firing, agent: known.key.agent.clone() };
        facts.push(case.fact(Topic::Incident(id), joined));
        facts.push(case.fact(Topic::Tripwires, Fact::FiringLinked { firing: *firing, incident: id }));
    }
    for switch in &ask.switches {
        facts.push(case.fact(Topic::Incident(id), Fact::SwitchJoined { switch: *switch }));
        let moved = Fact::SwitchAnnotated { switch: *switch, why: None, harm_at: None, incident: Some(id) };
        facts.push(case.fact(Topic::Switches, moved));
    }
    let from = Relate { to: incident.id, how: Kinship::SplitFrom };
    facts.push(case.fact(Topic::Incident(id), Fact::RelatedTo(from)));
    let off =
        SplitOff { into: id, firings: ask.firings.clone(), switches: ask.switches.clone(), agents: ask.agents.clone() };
    facts.push(case.fact(Topic::Incident(incident.id), Fact::SplitOff(off)));
    Ok(facts)
}
