//! `/v1/incidents/ID/bundle` and `…/trace`: what leaves with the evidence, and the path as a tree (EVI.4, EVI.6).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{Uri, header},
    response::{IntoResponse, Response},
};

use super::{
    extract::{Id, InWorld, parameter},
    incidents::find,
    reply::{Reply, world, worlds},
};
use crate::{
    api::Problem,
    backend::{app::Backend, evidence, identity::Identity, postmortem as telemetry, rights::Right},
    report::postmortem::{self, Sources},
    telemetry::trace::Trace,
    terms::IncidentId,
};

/// The bundle, sent while it is written. It holds secrets as they are: only those who may work the incident get it.
pub async fn bundle(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
) -> Result<Response, Problem> {
    identity.demand(Right::Work)?;
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?.clone();
    let spend = telemetry::spend(&backend, drill, world, &incident).await;
    let runbook = backend.runbook_of(&incident);
    let now = (backend.clock)();
    let postmortem =
        postmortem::markdown(Sources { incident: &incident, world, runbook: &runbook, spend: spend.as_ref(), now });
    let asked = evidence::Asked { drill, incident, as_of: all.position, by: identity.author.to_string(), postmortem };
    let typed = [(header::CONTENT_TYPE, "application/zstd")];
    Ok((typed, Body::from_stream(evidence::bundle(backend, asked))).into_response())
}

/// The path from input to consequence; `?run=R` is one run and what shares its traces.
pub async fn trace(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    uri: Uri,
) -> Reply<Trace> {
    let run = parameter(&uri, "run").filter(|run| !run.is_empty());
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    evidence::trace(&backend, drill, incident, world, run.as_deref()).await.map(axum::Json)
}
