//! `/v1/drills`: recordings listed, played in a world of their own, ended (DRL.1).

use std::sync::Arc;

use axum::extract::{Request, State};
use uuid::Uuid;

use super::{
    extract::{Id, body, read},
    reply::{Reply, ask},
};
use crate::{
    api::{Accepted, Ask, DrillStarted, LONGEST_RECORDING, RecordingView, StartDrill},
    backend::{app::Backend, drill, identity::Identity, rights::Right},
    incident::{Command, Drill},
    terms::DrillId,
};

/// Every drill, oldest first.
pub async fn list(State(backend): State<Arc<Backend>>) -> axum::Json<Vec<Drill>> {
    axum::Json(backend.core.worlds().takes.values().cloned().collect())
}

/// Every recording that can be played.
pub async fn recordings() -> axum::Json<Vec<RecordingView>> {
    axum::Json(drill::recordings())
}

/// Plays one.
pub async fn start(State(backend): State<Arc<Backend>>, identity: Identity, request: Request) -> Reply<DrillStarted> {
    identity.demand(Right::Drill)?;
    // As JSON a text may take twice its bytes.
    let body = body(request, 2 * LONGEST_RECORDING).await?;
    let Ask { id, command } = read::<Ask<StartDrill>>(&body)?;
    drill::start(&backend, identity.author.clone(), id, command).await.map(axum::Json)
}

/// Ends one; its world stays to be read.
pub async fn end(State(backend): State<Arc<Backend>>, identity: Identity, Id(drill): Id<DrillId>) -> Reply<Accepted> {
    ask(&backend, &identity, None, Uuid::now_v7(), Command::EndDrill { drill }).await
}
