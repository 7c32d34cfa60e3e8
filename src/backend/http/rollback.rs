//! `/v1/incidents/ID/recipients` and `readers`: whom messages reached, who read a corrupted record (RBK.3, RBK.7).

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{Id, InWorld, parameters},
    incidents::find,
    reply::{Reply, world, worlds},
};
use crate::{
    backend::{app::Backend, evidence},
    incident::rollback::{Reached, Reader},
    terms::IncidentId,
};

/// Whom the incident's agents reached from the first suspect action to containment.
pub async fn recipients(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Reply<Reached> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    evidence::recipients(&backend, drill, incident, world).await.map(axum::Json)
}

/// Which agents retrieved what the incident's agents wrote, or the records that are named: `?record=R&record=R`.
pub async fn readers(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    uri: axum::http::Uri,
) -> Reply<Vec<Reader>> {
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    evidence::readers(&backend, drill, incident, world, parameters(&uri, "record")).await.map(axum::Json)
}
