//! `/v1/incidents`: declared, shown with their clocks, worked by commands.

use std::sync::Arc;

use axum::{extract::State, http::Uri};

use super::{
    extract::{Id, InWorld, Json, typed_parameter},
    postmortem::no_own_proof,
    reply::{Reply, ask, unknown, world, worlds},
};
use crate::{
    api::{Accepted, Ask, IncidentView, Problem},
    backend::{app::Backend, identity::Identity},
    incident::{
        Command, Declare, Event, Incident, IncidentCommand, Topic, World, clocks,
        first_minutes::{Advice, advise, missing_roles, phase},
        team::reminders,
    },
    runbook::Runbook,
    terms::{IncidentId, Time},
};

/// How many events are read from the log at once.
const PAGE: usize = 1_000;

fn view(incident: &Arc<Incident>, world: &World, runbook: &Runbook, now: Time) -> IncidentView {
    let clocks = clocks(incident, world, now);
    let reminders = reminders(incident, &clocks, now);
    let phase = Some(phase(incident, world, now));
    let missing_roles = missing_roles(incident, runbook);
    IncidentView { clocks, reminders, phase, missing_roles, incident: incident.clone() }
}

pub(super) fn find(world: &World, id: IncidentId) -> Result<&Arc<Incident>, Problem> {
    world.incidents.get(&id).ok_or_else(|| unknown(id, "andon incidents"))
}

/// Every incident of a world, oldest first; `?open=true` leaves out what is over.
pub async fn list(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    uri: Uri,
) -> Reply<Vec<IncidentView>> {
    let only_open = typed_parameter::<bool>(&uri, "open")?.unwrap_or(false);
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let now = (backend.clock)();
    let seen = world.incidents.values().filter(|incident| incident.is_seen_by(&identity.author));
    let shown = seen.filter(|incident| !only_open || incident.is_open());
    Ok(axum::Json(shown.map(|incident| view(incident, world, &backend.runbook_of(incident), now)).collect()))
}

/// One incident.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Reply<IncidentView> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    Ok(axum::Json(view(incident, world, &backend.runbook_of(incident), (backend.clock)())))
}

/// The severity that is advised for it, and why (SEV.5).
pub async fn advice(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Reply<Advice> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    Ok(axum::Json(advise(&backend.runbook_of(incident), incident, world, &backend.touched(drill, incident))))
}

/// Begins one.
pub async fn declare(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Json(Ask { id, command }): Json<Ask<Declare>>,
) -> Reply<Accepted> {
    ask(&backend, &identity, drill, id, Command::Declare(command)).await
}

/// Asks something of one.
pub async fn command(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(incident): Id<IncidentId>,
    Json(Ask { id, command }): Json<Ask<IncidentCommand>>,
) -> Reply<Accepted> {
    no_own_proof(&command)?;
    ask(&backend, &identity, drill, id, Command::OnIncident { incident, ask: command }).await
}

/// Its events after a position, oldest first.
pub async fn events(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    uri: Uri,
) -> Reply<Vec<Arc<Event>>> {
    find(world(&*worlds(&backend, drill)?, drill)?, id)?;
    let mut position = typed_parameter::<u64>(&uri, "after")?.unwrap_or(0);
    let mut found = Vec::new();
    loop {
        let page = backend.core.events_after(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        let whole = page.len() == PAGE;
        found.extend(
            page.into_iter().filter(|event| event.stream.drill == drill && event.stream.topic == Topic::Incident(id)),
        );
        if !whole {
            break;
        }
    }
    Ok(axum::Json(found))
}
