//! `andon status`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::{
    incidents,
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::State,
    incident::{
        Incident, clocks,
        containment::SwitchState,
        first_minutes::{Phase, phase},
    },
    terms::IncidentId,
};

/// `andon status`.
#[derive(Debug, Args)]
pub struct Status {
    /// One line, for a status bar; never starts a backend.
    #[arg(long)]
    line: bool,
}

/// The state, and where each open incident stands (TEN.2).
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    state: State,
    phases: BTreeMap<IncidentId, Phase>,
}

pub async fn status(reach: &Reach, asked: &Status) -> Result<(), Failed> {
    if asked.line {
        return line(reach).await;
    }
    let state = reach.client().await?.state(reach.world).await?;
    let phases = open(&state).map(|incident| (incident.id, phase(incident, &state.world, state.live.now))).collect();
    reach.show(&Shown { state, phases }, |Shown { state, phases }| {
        let open: Vec<&Incident> = open(state).collect();
        if open.is_empty() {
            print::line("no open incident")?;
        }
        for incident in open {
            print::line(summary(state, incident))?;
            if let Some(phase) = phases.get(&incident.id) {
                incidents::next(phase)?;
            }
            for clock in clocks(incident, &state.world, state.live.now) {
                let left = clock.left_s.map(print::span).unwrap_or_default();
                print::line(format!("  {:<14} {} {left}", clock.name, clock.state))?;
            }
        }
        let engaged = state.world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
        for switch in engaged {
            let (scope, proof) = (print::clean(switch.scope.to_string()), &switch.halt);
            print::line(format!(
                "{} {} {scope}: {} of {} confirmed",
                switch.id, switch.mode, proof.confirmed, proof.counted
            ))?;
        }
        if let Some(at) = &state.backend.telemetry {
            print::line(format!("telemetry and interlock at {at}"))?;
        }
        Ok(())
    })
}

fn open(state: &State) -> impl Iterator<Item = &Incident> {
    state.world.incidents.values().map(AsRef::as_ref).filter(|incident| incident.is_open())
}

fn summary(state: &State, incident: &Incident) -> String {
    let commander =
        incident.roles.get("commander").map_or_else(|| "no commander".to_owned(), |who| format!("IC {who}"));
    let drill = if incident.drill { "DRILL " } else { "" };
    let halted = state
        .world
        .switches
        .values()
        .filter(|switch| switch.incident == Some(incident.id) && switch.state == SwitchState::Engaged)
        .map(|switch| format!("{} {}/{}", switch.mode, switch.halt.confirmed, switch.halt.counted))
        .collect::<Vec<_>>();
    let halted = if halted.is_empty() { "nothing stopped".to_owned() } else { halted.join(", ") };
    print::clean(format!(
        "{drill}{} {} {} · {} · {halted} · {commander}",
        incident.id, incident.severity, incident.status, incident.title
    ))
    .to_string()
}

async fn line(reach: &Reach) -> Result<(), Failed> {
    let Some(client) = reach.running().await? else { return print::line("andon: off") };
    match client.state(reach.world).await {
        Err(_) => print::line("andon: offline"),
        Ok(state) => {
            let worst = open(&state).last().map(|incident| summary(&state, incident));
            print::line(worst.unwrap_or_else(|| "andon: quiet".to_owned()))
        }
    }
}
