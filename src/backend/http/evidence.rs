//! `/v1/incidents/ID/…`: what is pinned, checked anew; the look back (EVI.5, EVI.7).

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{Id, InWorld, parameter, typed_parameter},
    incidents::find,
    reply::{Reply, world, worlds},
};
use crate::{
    api::{FreezeCheck, Problem},
    backend::{app::Backend, evidence, intake::Kept},
    incident::evidence::LookBack,
    terms::{FreezeId, IncidentId},
};

/// Actions of one answer at most.
const PAGE: usize = 1_000;

/// Whether what each freeze pinned is still whole.
pub async fn check(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Reply<Vec<FreezeCheck>> {
    let all = worlds(&backend, drill)?;
    let incident = find(world(&all, drill)?, id)?;
    evidence::check(&backend, drill, incident).await.map(axum::Json)
}

/// Everything that was touched from the first suspect action to containment.
pub async fn look_back(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Reply<LookBack> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    evidence::look_back(&backend, drill, incident, world, (backend.clock)()).await.map(axum::Json)
}

/// The pinned actions of one freeze after a number, oldest first: `?freeze=FRZ-1&after=N&limit=N`.
pub async fn pinned(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    uri: axum::http::Uri,
) -> Reply<Vec<Kept>> {
    let all = worlds(&backend, drill)?;
    let incident = find(world(&all, drill)?, id)?;
    let wanted = match parameter(&uri, "freeze") {
        None => incident.evidence.freezes.first(),
        Some(text) => text.parse::<FreezeId>().ok().and_then(|freeze| incident.evidence.freeze(freeze)),
    };
    let Some(freeze) = wanted else {
        return Err(Problem::unknown(format!("{id} has no such freeze; `andon evidence freeze {id}` makes one")));
    };
    let after = typed_parameter::<u64>(&uri, "after")?.unwrap_or(0);
    let limit = typed_parameter::<usize>(&uri, "limit")?.unwrap_or(PAGE).clamp(1, PAGE);
    evidence::pinned(&backend, drill, &freeze.until(incident.closed_at), after, limit).await.map(axum::Json)
}
