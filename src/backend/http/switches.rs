//! `/v1/switches`: engaged, given their reason, lifted.

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{Id, InWorld, Json},
    reply::{Reply, ask, unknown, world, worlds},
};
use crate::{
    api::{Accepted, AnnotateSwitch, Ask, AskPreview, PreviewAnswer, ReleaseSwitch},
    backend::{app::Backend, identity::Identity},
    incident::{Command, Engage, containment::Switch},
    terms::SwitchId,
};

/// Every switch ever engaged, oldest first.
pub async fn list(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld) -> Reply<Vec<Arc<Switch>>> {
    let all = worlds(&backend, drill)?;
    Ok(axum::Json(world(&all, drill)?.switches.values().cloned().collect()))
}

/// One switch with its proof.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<SwitchId>,
) -> Reply<Arc<Switch>> {
    let all = worlds(&backend, drill)?;
    let switch = world(&all, drill)?.switches.get(&id).ok_or_else(|| unknown(id, "andon switches"))?;
    Ok(axum::Json(switch.clone()))
}

/// What one would stop, before it is engaged; and the scope that is recommended (CON.4, CON.6, CON.11).
pub async fn preview(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Json(AskPreview { scope, mode }): Json<AskPreview>,
) -> Reply<PreviewAnswer> {
    let all = worlds(&backend, drill)?;
    let (world, live) = (world(&all, drill)?, backend.live(drill));
    Ok(axum::Json(PreviewAnswer::of(world, &live, &scope, mode)))
}

/// Engages one.
pub async fn engage(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Json(Ask { id, command }): Json<Ask<Engage>>,
) -> Reply<Accepted> {
    ask(&backend, &identity, drill, id, Command::Engage(command)).await
}

/// Lifts one, or restores one agent from it.
pub async fn release(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(switch): Id<SwitchId>,
    Json(Ask { id, command: ReleaseSwitch { why, agent, to, over } }): Json<Ask<ReleaseSwitch>>,
) -> Reply<Accepted> {
    ask(&backend, &identity, drill, id, Command::Release { switch, why, agent, to, over }).await
}

/// Gives one its reason, harm time or incident after firing.
pub async fn annotate(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(switch): Id<SwitchId>,
    Json(Ask { id, command }): Json<Ask<AnnotateSwitch>>,
) -> Reply<Accepted> {
    let AnnotateSwitch { why, harm_at, incident } = command;
    ask(&backend, &identity, drill, id, Command::Annotate { switch, why, harm_at, incident }).await
}
