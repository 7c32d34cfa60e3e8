//! The six fields, filled from what the incident knows: known, not known, being done (COM.1, COM.2).

use crate::{
    incident::{
        Fields, Incident, World,
        containment::{Switch, SwitchState},
    },
    terms::Time,
};

/// How long until the next update is promised, unless the writer says otherwise.
const NEXT_UPDATE: i64 = 30 * Time::MINUTE;

/// Fills the fields of a new draft. What is not known is left for the writer, or said to be unknown.
pub fn fill(incident: &Incident, world: &World, audience: &str, now: Time) -> Fields {
    let workflow = incident.workflow.clone().unwrap_or_else(|| match incident.agents.as_slice() {
        [] => String::new(),
        agents => agents.iter().map(|agent| format!("what {agent} does")).collect::<Vec<_>>().join(", "),
    });
    let owner = incident.roles.get("commander").cloned().unwrap_or_else(|| match incident.declared_by.is_person() {
        true => incident.declared_by.name().to_owned(),
        false => String::new(),
    });
    Fields {
        workflow,
        impact: impact(incident),
        contained: contained(incident, world),
        investigating: "what caused it, and whom else it reached".into(),
        owner,
        next_update: now.plus(NEXT_UPDATE).to_chrono().format("%H:%M UTC").to_string(),
        body: body(incident, audience),
    }
}

fn impact(incident: &Incident) -> String {
    match incident.harm_at {
        Some(at) => {
            format!("harm confirmed since {}; how far it goes is being counted", at.to_chrono().format("%H:%M UTC"))
        }
        None => String::new(),
    }
}

fn contained(incident: &Incident, world: &World) -> String {
    let engaged: Vec<&Switch> = incident
        .switches
        .iter()
        .filter_map(|id| world.switches.get(id))
        .map(AsRef::as_ref)
        .filter(|switch| switch.state == SwitchState::Engaged)
        .collect();
    if engaged.is_empty() {
        return "nothing is stopped yet".into();
    }
    let parts: Vec<String> = engaged
        .iter()
        .map(|switch| {
            let proof = &switch.halt;
            format!(
                "{} on {} since {} ({} of {} confirmed)",
                switch.mode,
                switch.scope,
                switch.engaged_at.to_chrono().format("%H:%M UTC"),
                proof.confirmed,
                proof.counted
            )
        })
        .collect();
    parts.join("; ")
}

/// Internal readers are told what the agent did; others get the writer's own words (COM.2).
fn body(incident: &Incident, audience: &str) -> String {
    match audience {
        "internal" | "executive" => incident.title.clone(),
        _ => String::new(),
    }
}
