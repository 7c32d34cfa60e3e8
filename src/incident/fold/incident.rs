//! Folds the streams `incident/INC-n`.

use std::sync::Arc;

use super::{cause, communication, decision, evidence, first_minutes, narrate, pages, postmortem, rollback, team};
use crate::{
    incident::{
        Checklist, Entry, Event, Fact, Incident, Mttd, SeverityChange, Status, Step, StepState, Verified, World,
        containment::Stage,
        decision::Decision,
        first_minutes::{Factors, FirstMinutes},
    },
    terms::{ChecklistId, FiringId, IncidentId, Time},
};

/// How long one sitting at a draft is at most.
const SITTING: i64 = 10 * Time::MINUTE;

pub(super) fn apply(world: &mut World, id: IncidentId, event: &Event) {
    if let Fact::IncidentDeclared { .. } = &event.fact {
        if let Some(incident) = declared(id, event) {
            world.incidents.insert(id, Arc::new(incident));
            first_minutes::read(world, id, event);
        }
        return;
    }
    let firing = match &event.fact {
        Fact::FiringJoined { firing, .. } => world.firings.get(firing).cloned(),
        _ => None,
    };
    // Whom a switch of it names is involved.
    let named = match &event.fact {
        Fact::SwitchJoined { switch } => world.switches.get(switch).and_then(|switch| switch.scope.agent.clone()),
        _ => None,
    };
    let Some(incident) = world.incidents.get_mut(&id) else { return };
    let incident = Arc::make_mut(incident);
    if let Some(agent) = named.filter(|agent| !incident.agents.contains(agent)) {
        incident.agents.push(agent);
    }
    incident.version = event.seq;
    team::apply(incident, event);
    life(incident, event);
    work(incident, event);
    evidence::apply(incident, event);
    decision::fold(incident, event);
    postmortem::apply(&mut incident.postmortem, event);
    first_minutes::fold(incident, event);
    communication::apply(incident, event);
    cause::apply(incident, event);
    pages::apply(incident, event);
    if let Some(firing) = firing {
        joined(&mut incident.mttd, firing.at, firing.received_at, firing.recorded_at);
        if let Some(acked) = firing.paged.iter().filter_map(|paged| paged.acked_at).min() {
            let earliest = incident.mttd.acknowledgement.map_or(acked, |known| known.min(acked));
            incident.mttd.acknowledgement = Some(earliest);
        }
    }
    incident.mttd.settle();
    if !goes_on(incident, event) {
        incident.timeline.push_back(entry(event));
    }
    if let Fact::Contained { .. } | Fact::ContainmentBroken { .. } | Fact::SwitchJoined { .. } = &event.fact {
        first_minutes::read(world, id, event);
    }
}

/// One sitting at a draft is one line of the timeline, however often it was saved (COM.5).
fn goes_on(incident: &Incident, event: &Event) -> bool {
    let Fact::DraftWritten(written) = &event.fact else { return false };
    let last = incident.timeline.last();
    last.is_some_and(|last| {
        last.kind == event.fact.kind()
            && last.by == event.by
            && last.text == narrate::line(&Fact::DraftWritten(written.clone()), &event.by)
            && event.occurred_at.since(last.at) < SITTING
    })
}

fn entry(event: &Event) -> Entry {
    Entry {
        seq: event.seq,
        at: event.occurred_at,
        recorded_at: event.recorded_at,
        by: event.by.clone(),
        kind: event.fact.kind(),
        text: narrate::line(&event.fact, &event.by),
        retracted: false,
        key: false,
    }
}

fn declared(id: IncidentId, event: &Event) -> Option<Incident> {
    let Fact::IncidentDeclared {
        title,
        scheme,
        severity,
        workflow,
        agents,
        firing,
        confirmed,
        clocks,
        runbook,
        evidence: kept,
        ..
    } = &event.fact
    else {
        return None;
    };
    let first = SeverityChange {
        at: event.occurred_at,
        severity: severity.clone(),
        by: event.by.clone(),
        why: "declared".into(),
    };
    let mut incident = Incident {
        restricted: None,
        id,
        version: event.seq,
        drill: event.drill,
        title: title.clone(),
        status: Status::Declared,
        confirmed: *confirmed,
        runbook: runbook.clone(),
        scheme: scheme.clone(),
        severity: severity.clone(),
        severities: vec![first],
        declared_at: event.occurred_at,
        declared_by: event.by.clone(),
        harm_at: None,
        blast: None,
        contained_at: None,
        containment_broken: false,
        resolved_at: None,
        closed_at: None,
        workflow: workflow.clone(),
        agents: agents.clone(),
        roles: std::collections::BTreeMap::new(),
        clock_plan: clocks.clone(),
        switches: Vec::new(),
        firings: firing.iter().copied().collect::<Vec<FiringId>>(),
        timeline: imbl::Vector::unit(entry(event)),
        checklists: Vec::new(),
        drafts: Vec::new(),
        communication: Default::default(),
        // Who declares is aware of it: that is the acknowledgement where no tripwire was there to be acknowledged.
        mttd: Mttd {
            acknowledgement: (event.by.is_person() && firing.is_none()).then_some(event.occurred_at),
            ..Mttd::default()
        },
        evidence: Default::default(),
        register: Default::default(),
        investigation: Default::default(),
        gate: Default::default(),
        tasks: Vec::new(),
        team: team::declared(event),
        postmortem: Default::default(),
        facts: FirstMinutes::default(),
        factors: Factors::default(),
        decision: Decision::default(),
        paging: Default::default(),
    };
    evidence::planned(&mut incident, kept);
    first_minutes::fold(&mut incident, event);
    Some(incident)
}

/// A firing brought its action, signal and trigger; the earliest of each counts.
fn joined(mttd: &mut Mttd, at: Time, received_at: Time, recorded_at: Time) {
    let earliest = |old: Option<Time>, new: Time| Some(old.map_or(new, |old| old.min(new)));
    if mttd.action.is_none_or(|action| at < action) {
        mttd.action = Some(at);
        mttd.signal = Some(received_at);
    }
    mttd.trigger = earliest(mttd.trigger, recorded_at);
}

/// Facts about the incident as a whole.
fn life(incident: &mut Incident, event: &Event) {
    let at = event.occurred_at;
    match &event.fact {
        Fact::IncidentConfirmed {} => incident.confirmed = true,
        Fact::IncidentDismissed { .. } => incident.status = Status::Dismissed,
        Fact::SeveritySet { severity, why, clocks } => {
            if let Some(clocks) = clocks {
                incident.clock_plan = clocks.clone();
            }
            incident.severity.clone_from(severity);
            let change = SeverityChange { at, severity: severity.clone(), by: event.by.clone(), why: why.clone() };
            incident.severities.push(change);
        }
        Fact::RoleAssigned { role, who, .. } => {
            match who {
                Some(who) => incident.roles.insert(role.clone(), who.clone()),
                None => incident.roles.remove(role),
            };
        }
        Fact::NoteRetracted { seq } => {
            if let Some(entry) = incident.timeline.iter_mut().find(|entry| entry.seq == *seq) {
                entry.retracted = true;
            }
        }
        Fact::HarmConfirmed { at } => incident.harm_at = Some(*at),
        Fact::BlastEstimated { blast, .. } => incident.blast = Some(*blast),
        Fact::EarliestActionSet { at, received_at } => {
            incident.mttd.action = Some(*at);
            // The signal is that action's own: another action's would make up a gap.
            incident.mttd.signal = *received_at;
        }
        Fact::Contained { .. } => contained(incident, at),
        Fact::ContainmentBroken { .. } => {
            incident.containment_broken = true;
            if incident.is_open() {
                incident.status = Status::Declared;
            }
        }
        Fact::FiringJoined { firing, agent } => {
            if !incident.firings.contains(firing) {
                incident.firings.push(*firing);
            }
            if !incident.agents.contains(agent) {
                incident.agents.push(agent.clone());
            }
        }
        Fact::SwitchJoined { switch } if !incident.switches.contains(switch) => incident.switches.push(*switch),
        Fact::Resolved { .. } => {
            incident.status = Status::Resolved;
            incident.resolved_at = Some(at);
        }
        Fact::Reopened { .. } => {
            incident.resolved_at = None;
            incident.closed_at = None;
            incident.status = Status::Declared;
            settle_status(incident);
        }
        Fact::Closed { .. } => {
            incident.status = Status::Closed;
            incident.closed_at = Some(at);
        }
        _ => {}
    }
}

fn contained(incident: &mut Incident, at: Time) {
    incident.containment_broken = false;
    if incident.contained_at.is_none() {
        incident.contained_at = Some(at);
        for checklist in &mut incident.checklists {
            checklist.due_at = Some(due(at, checklist.budget_s));
        }
    }
    settle_status(incident);
}

fn due(contained_at: Time, budget_s: u64) -> Time {
    contained_at.plus(i64::try_from(budget_s).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
}

/// Where an open incident stands, from what is contained and rolled back.
pub(super) fn settle_status(incident: &mut Incident) {
    if !incident.is_open() {
        return;
    }
    let contained = incident.contained_at.is_some() && !incident.containment_broken;
    let goes_on = incident.gate.stages.values().any(|stage| *stage != Stage::Halted);
    incident.status = match (contained, incident.checklists.is_empty()) {
        (false, _) => Status::Declared,
        (true, _) if goes_on => Status::Restarting,
        (true, true) => Status::Contained,
        (true, false) if incident.checklists.iter().all(|checklist| checklist.verified.is_some()) => Status::Monitoring,
        (true, false) => Status::RollingBack,
    };
}

/// Facts about rollback.
fn work(incident: &mut Incident, event: &Event) {
    let at = event.occurred_at;
    match &event.fact {
        Fact::RollbackOpened { checklist, class, title, target, authorised, budget_s, steps, substitute, plan } => {
            let opened = Checklist {
                id: *checklist,
                class: class.clone(),
                title: title.clone(),
                target: target.clone(),
                authorised: authorised.clone(),
                budget_s: *budget_s,
                due_at: incident.contained_at.map(|contained| due(contained, *budget_s)),
                substitute: substitute.clone(),
                steps: steps
                    .iter()
                    .map(|plan| Step {
                        plan: plan.clone(),
                        state: StepState::Open,
                        by: None,
                        at: None,
                        substitute: None,
                        kind: None,
                    })
                    .collect(),
                verified: None,
                work: rollback::begun(incident, plan),
            };
            incident.checklists.push(opened);
            settle_status(incident);
        }
        Fact::StepTicked { checklist, step } => set(incident, *checklist, step, event, StepState::Done),
        Fact::StepUnticked { checklist, step } => set(incident, *checklist, step, event, StepState::Open),
        Fact::StepImpossible { checklist, step, substitute, kind } => {
            set(incident, *checklist, step, event, StepState::Impossible);
            let list = incident.checklists.iter_mut().find(|one| one.id == *checklist);
            if let Some(step) = list.and_then(|list| list.steps.iter_mut().find(|one| one.plan.id == *step)) {
                (step.substitute, step.kind) = (Some(substitute.clone()), *kind);
            }
        }
        Fact::RollbackWorked(said) => rollback::fold(incident, said, event),
        Fact::RollbackVerified { checklist, evidence } => {
            if let Some(checklist) = incident.checklists.iter_mut().find(|one| one.id == *checklist) {
                checklist.verified = Some(Verified { at, by: event.by.clone(), evidence: evidence.clone() });
                for step in checklist.steps.iter_mut().filter(|step| step.plan.verifies) {
                    (step.state, step.by, step.at) = (StepState::Done, Some(event.by.clone()), Some(at));
                }
            }
            settle_status(incident);
        }
        _ => {}
    }
}

fn set(incident: &mut Incident, checklist: ChecklistId, step: &str, event: &Event, state: StepState) {
    let Some(checklist) = incident.checklists.iter_mut().find(|one| one.id == checklist) else { return };
    if state == StepState::Open {
        // A step taken back reopens what its read-back had closed.
        checklist.verified = None;
        for read_back in checklist.steps.iter_mut().filter(|step| step.plan.verifies) {
            (read_back.state, read_back.by, read_back.at) = (StepState::Open, None, None);
        }
    }
    if let Some(step) = checklist.steps.iter_mut().find(|one| one.plan.id == step) {
        step.state = state;
        step.by = Some(event.by.clone());
        step.at = Some(event.occurred_at);
        (step.substitute, step.kind) = (None, None);
    }
    settle_status(incident);
}
