//! `POST /v1/commands`: any command a person or script may ask, by name.

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{InWorld, Json},
    postmortem::no_own_proof,
    reply::{Reply, ask},
};
use crate::{
    api::{Accepted, Ask, Problem},
    backend::{app::Backend, identity::Identity},
    incident::Command,
};

/// Takes a command. Secrets of tokens are made here, never sent here.
pub async fn post(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(world): InWorld,
    Json(Ask { id, command }): Json<Ask>,
) -> Reply<Accepted> {
    match command {
        Command::MakeToken { .. } => Err(Problem::invalid(
            422,
            "tokens are made by POST /v1/tokens {name, role, agent?}, which makes the secret",
        )),
        Command::SetAuto(_) => Err(Problem::invalid(
            422,
            "a switch is approved by POST /v1/tripwires/auto, with the digest of the backtest that was shown",
        )),
        Command::StartDrill { .. } => {
            Err(Problem::invalid(422, "drills are started by POST /v1/drills, which also plays the recording"))
        }
        Command::OnIncident { incident, ask: asked } => {
            no_own_proof(&asked)?;
            ask(&backend, &identity, world, id, Command::OnIncident { incident, ask: asked }).await
        }
        command => ask(&backend, &identity, world, id, command).await,
    }
}
