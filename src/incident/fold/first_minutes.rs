//! Folds what is known of the first ten minutes, and reads from other facts what they already state (TEN.1, SEV.5).

use std::sync::Arc;

use crate::{
    incident::{
        Event, Fact, Incident, World,
        containment::{Mode, SwitchState},
        first_minutes::{FactorAnswer, FirstFact, Known, effects},
    },
    terms::{Author, IncidentId, SwitchId},
};

/// Facts of the incident's own stream.
pub(super) fn fold(incident: &mut Incident, event: &Event) {
    let (by, at) = (&event.by, event.occurred_at);
    match &event.fact {
        Fact::IncidentDeclared { severity, workflow, confirmed, .. } => {
            if let Some(workflow) = workflow {
                incident.facts.state(FirstFact::Workflow, workflow, by, at);
            }
            if *confirmed {
                incident.facts.state(FirstFact::Severity, severity, by, at);
            }
        }
        Fact::SeveritySet { severity, .. } => incident.facts.state(FirstFact::Severity, severity, by, at),
        Fact::FactAnswered(told) => {
            incident.facts.say(told, by, at);
            let workflow = incident.facts.get(FirstFact::Workflow).filter(|fact| fact.state == Known::Known);
            if let (FirstFact::Workflow, Some(fact)) = (told.fact, workflow) {
                incident.workflow.clone_from(&fact.answer);
            }
        }
        Fact::FactorWeighed(weighed) => {
            let answer = weighed.answer.clone().map(|answer| FactorAnswer { answer, by: by.clone(), at });
            incident.factors.set(&weighed.factor, answer);
        }
        _ => {}
    }
}

/// Whose incident an event of a switch may have changed.
fn touched(world: &World, event: &Event) -> Option<IncidentId> {
    let of = |id: &SwitchId| world.switches.get(id).and_then(|switch| switch.incident);
    match &event.fact {
        Fact::SwitchBegun { switch, .. }
        | Fact::SwitchProved { switch, .. }
        | Fact::SwitchExcepted { switch, .. }
        | Fact::SwitchReleased { switch, .. } => of(switch),
        _ => None,
    }
}

/// After a switch changed: what it makes of “can its tools still act”.
pub(super) fn after_switch(world: &mut World, event: &Event) {
    if let Some(incident) = touched(world, event) {
        read(world, incident, event);
    }
}

/// Reads the facts that the state of things gives.
pub(super) fn read(world: &mut World, id: IncidentId, event: &Event) {
    let Some(incident) = world.incidents.get(&id) else { return };
    let answer = effects(incident, world);
    let lane = incident.switches.iter().filter_map(|id| world.switches.get(id)).find_map(|switch| {
        let named = switch.mode == Mode::Fallback && switch.state == SwitchState::Engaged;
        named.then(|| switch.lane.as_ref().map(|lane| format!("yes: {lane} ({})", switch.id)))?
    });
    let (by, at) = (Author::Andon("interlock".into()), event.occurred_at);
    let Some(incident) = world.incidents.get_mut(&id) else { return };
    let incident = Arc::make_mut(incident);
    incident.facts.read(FirstFact::SideEffects, &answer, &by, at);
    if let Some(lane) = lane {
        incident.facts.read(FirstFact::FallbackLane, &lane, &by, at);
    }
}
