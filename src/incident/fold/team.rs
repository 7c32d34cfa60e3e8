//! Folds a team's work: tasks, links, hand-over, kin (TEAM.1, TEAM.2, TEAM.8, TEAM.10).

use super::incident::settle_status;
use crate::incident::{
    Event, Fact, Incident, Status,
    restriction::Restriction,
    team::{ChangeTask, HandOver, Kinship, Link, Related, Task, TaskEnd, TaskState, Team, TookIn},
};

/// What is known of it when an incident is declared.
pub(super) fn declared(event: &Event) -> Team {
    match &event.fact {
        Fact::IncidentDeclared { source, surfaced_at, .. } => {
            Team { source: *source, surfaced_at: *surfaced_at, ..Team::default() }
        }
        _ => Team::default(),
    }
}

pub(super) fn apply(incident: &mut Incident, event: &Event) {
    match &event.fact {
        Fact::RoleAssigned { role, who, note } => {
            let from = incident.roles.get(role).cloned();
            let (to, note, at) = (who.clone(), note.clone(), event.occurred_at);
            incident.team.handovers.push(HandOver { role: role.clone(), from, to, note, at });
        }
        Fact::TaskAdded(added) => incident.tasks.push(Task {
            id: added.task,
            text: added.plan.text.clone(),
            owner: added.plan.owner.clone(),
            due_at: added.plan.due_at,
            from: added.plan.from,
            blocks: added.plan.blocks,
            state: TaskState::Open,
            by: event.by.clone(),
            at: event.occurred_at,
            ended: None,
        }),
        Fact::TaskChanged(change) => changed(incident, change),
        Fact::TaskEnded(end) => {
            if let Some(task) = incident.tasks.iter_mut().find(|task| task.id == end.task) {
                task.state = end.how;
                task.ended = Some(TaskEnd { at: event.occurred_at, by: event.by.clone(), note: end.note.clone() });
            }
        }
        Fact::TaskReopened(again) => {
            if let Some(task) = incident.tasks.iter_mut().find(|task| task.id == again.task) {
                (task.state, task.ended) = (TaskState::Open, None);
            }
        }
        Fact::EventMarked(mark) => {
            if let Some(entry) = incident.timeline.iter_mut().find(|entry| entry.seq == mark.seq) {
                entry.key = mark.key;
            }
        }
        Fact::LinkAdded(link) => {
            let (url, title) = (link.url.clone(), link.title.clone());
            incident.team.links.retain(|known| known.url != url);
            incident.team.links.push(Link { kind: link.kind, url, title, by: event.by.clone() });
        }
        Fact::LinkRemoved(gone) => incident.team.links.retain(|link| link.url != gone.url),
        Fact::Snoozed(snooze) => {
            incident.team.snoozed.insert(snooze.reminder.clone(), snooze.until);
        }
        Fact::FieldSet(set) if set.value.is_empty() => {
            incident.team.fields.remove(&set.field);
        }
        Fact::FieldSet(set) => {
            incident.team.fields.insert(set.field.clone(), set.value.clone());
        }
        Fact::Restricted(only) => {
            incident.restricted = Some(Restriction {
                people: only.people.iter().cloned().collect(),
                why: only.why.clone(),
                by: event.by.clone(),
                at: event.occurred_at,
            });
        }
        Fact::RestrictionLifted(_) => incident.restricted = None,
        Fact::RelatedTo(relate) => related(incident, Related { to: relate.to, how: relate.how }),
        Fact::MergedInto(merge) => {
            incident.team.merged_into = Some(merge.into);
            incident.status = Status::Merged;
        }
        Fact::TookIn(took) => took_in(incident, took),
        Fact::SplitOff(off) => {
            incident.firings.retain(|firing| !off.firings.contains(firing));
            incident.switches.retain(|switch| !off.switches.contains(switch));
            incident.agents.retain(|agent| !off.agents.contains(agent));
            related(incident, Related { to: off.into, how: Kinship::SplitInto });
        }
        _ => {}
    }
}

fn changed(incident: &mut Incident, change: &ChangeTask) {
    let Some(task) = incident.tasks.iter_mut().find(|task| task.id == change.task) else { return };
    if let Some(text) = &change.text {
        task.text.clone_from(text);
    }
    if let Some(owner) = &change.owner {
        task.owner = Some(owner.clone()).filter(|owner| !owner.is_empty());
    }
    task.due_at = change.due_at.or(task.due_at);
}

fn related(incident: &mut Incident, kin: Related) {
    incident.team.related.retain(|known| known.to != kin.to);
    incident.team.related.push(kin);
}

/// Clocks keep the earliest zero; what was open there is open here.
fn took_in(incident: &mut Incident, took: &TookIn) {
    incident.declared_at = incident.declared_at.min(took.declared_at);
    incident.harm_at = match (incident.harm_at, took.harm_at) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    if let Some((at, received_at)) = took.action
        && incident.mttd.action.is_none_or(|known| at < known)
    {
        (incident.mttd.action, incident.mttd.signal) = (Some(at), received_at);
    }
    for agent in &took.agents {
        if !incident.agents.contains(agent) {
            incident.agents.push(agent.clone());
        }
    }
    incident.checklists.extend(took.checklists.iter().cloned());
    incident.drafts.extend(took.drafts.iter().cloned());
    incident.tasks.extend(took.tasks.iter().cloned());
    if took.uncontained && incident.contained_at.is_some() {
        // What came in still runs: the status reopens, no clock restarts.
        incident.containment_broken = true;
    }
    settle_status(incident);
    related(incident, Related { to: took.from, how: Kinship::Related });
}
