//! `/v1/firings`: what the tripwires saw, acknowledged by people.

use std::sync::Arc;

use axum::{extract::State, http::Uri};

use super::{
    extract::{Id, InWorld, Json, typed_parameter},
    reply::{Reply, ask, unknown, world, worlds},
};
use crate::{
    api::{Accepted, AckFiring, Ask},
    backend::{app::Backend, identity::Identity},
    incident::Command,
    terms::FiringId,
    tripwire::{Firing, FiringState},
};

/// Every firing, oldest first; `?open=true` leaves out the closed ones.
pub async fn list(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld, uri: Uri) -> Reply<Vec<Arc<Firing>>> {
    let only_open = typed_parameter::<bool>(&uri, "open")?.unwrap_or(false);
    let all = worlds(&backend, drill)?;
    let firings = world(&all, drill)?.firings.values();
    let shown = firings.filter(|firing| !only_open || firing.state == FiringState::Open);
    Ok(axum::Json(shown.cloned().collect()))
}

/// One firing.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<FiringId>,
) -> Reply<Arc<Firing>> {
    let all = worlds(&backend, drill)?;
    let firing = world(&all, drill)?.firings.get(&id).ok_or_else(|| unknown(id, "andon firings"))?;
    Ok(axum::Json(firing.clone()))
}

/// Acknowledges one.
pub async fn acknowledge(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(firing): Id<FiringId>,
    Json(Ask { id, command: AckFiring { expected } }): Json<Ask<AckFiring>>,
) -> Reply<Accepted> {
    ask(&backend, &identity, drill, id, Command::AckFiring { firing, expected }).await
}
