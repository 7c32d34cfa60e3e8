//! `/v1/incidents/ID/decision`: what the criteria point to now (DEC.1).

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{Id, InWorld},
    incidents::find,
    reply::{Reply, world, worlds},
};
use crate::{
    backend::app::Backend,
    incident::decision::{Advice, advise},
    terms::IncidentId,
};

/// The criteria with their answers, and what they speak for.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Reply<Advice> {
    let all = worlds(&backend, drill)?;
    let incident = find(world(&all, drill)?, id)?;
    Ok(axum::Json(advise(&backend.runbook_of(incident).decision, incident)))
}
