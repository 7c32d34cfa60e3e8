//! Folds the stream `switches`.

use std::sync::Arc;

use crate::incident::{
    Event, Fact, World,
    containment::{ActuatorRun, AgentProof, HaltProof, ProofState, Release, Switch, SwitchState},
};

pub(super) fn apply(world: &mut World, event: &Event) {
    match &event.fact {
        Fact::SwitchEngaged {
            switch,
            scope,
            mode,
            why,
            incident,
            harm_at,
            expires_at,
            agents,
            starts_at,
            lane,
            percent,
            stage,
            watch_until,
        } => {
            let engaged = Switch {
                id: *switch,
                scope: scope.clone(),
                except: Vec::new(),
                mode: *mode,
                state: if starts_at.is_some() { SwitchState::Planned } else { SwitchState::Engaged },
                engaged_at: starts_at.unwrap_or(event.occurred_at),
                lane: lane.clone(),
                percent: *percent,
                stage: *stage,
                watch_until: *watch_until,
                recorded: true,
                by: event.by.clone(),
                why: why.clone(),
                incident: *incident,
                harm_at: *harm_at,
                expires_at: *expires_at,
                release: None,
                actuators: Vec::new(),
                halt: counted(agents),
            };
            world.switches.insert(*switch, Arc::new(engaged));
        }
        Fact::SwitchBegun { switch, agents } => change(world, switch, |switch| {
            switch.state = SwitchState::Engaged;
            switch.engaged_at = event.occurred_at;
            switch.halt = counted(agents);
        }),
        Fact::SwitchProved { switch, halt } => change(world, switch, |switch| switch.halt = halt.clone()),
        Fact::SwitchAnnotated { switch, why, harm_at, incident } => change(world, switch, |switch| {
            switch.why = why.clone().or(switch.why.take());
            switch.harm_at = harm_at.or(switch.harm_at);
            switch.incident = incident.or(switch.incident);
        }),
        Fact::SwitchExcepted { switch, agent, .. } => change(world, switch, |switch| {
            if !switch.except.contains(agent) {
                switch.except.push(agent.clone());
            }
        }),
        Fact::ActuatorFired { switch, actuator, promised_s } => change(world, switch, |switch| {
            let before = switch.actuators.iter().position(|run| run.name == *actuator);
            let tries = before.map_or(0, |at| switch.actuators.remove(at).tries);
            switch.actuators.push(ActuatorRun {
                name: actuator.clone(),
                fired_at: event.occurred_at,
                tries,
                promised_s: *promised_s,
                outcome: None,
            });
        }),
        Fact::ActuatorAnswered { switch, actuator, outcome } => change(world, switch, |switch| {
            if let Some(run) = switch.actuators.iter_mut().find(|run| run.name == *actuator) {
                run.tries = run.tries.saturating_add(1);
                run.outcome = Some(outcome.clone());
            }
        }),
        Fact::SwitchReleased { switch, why, .. } => change(world, switch, |switch| {
            switch.state = SwitchState::Released;
            switch.release = Some(Release { at: event.occurred_at, by: event.by.clone(), why: why.clone() });
        }),
        _ => {}
    }
}

/// Whom the switch counts at first.
fn counted(agents: &[AgentProof]) -> HaltProof {
    let counted = agents.iter().filter(|agent| agent.state != ProofState::Idle).count();
    HaltProof { counted: u32::try_from(counted).unwrap_or(u32::MAX), agents: agents.to_vec(), ..HaltProof::default() }
}

fn change(world: &mut World, id: &crate::terms::SwitchId, with: impl FnOnce(&mut Switch)) {
    if let Some(switch) = world.switches.get_mut(id) {
        with(Arc::make_mut(switch));
    }
}
