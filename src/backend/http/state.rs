//! `GET /v1/state`: everything a cockpit needs to begin, and the place to resume the events from.

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::InWorld,
    reply::{Reply, recorded},
};
use crate::{
    api::{self, You},
    backend::{app::Backend, identity::Identity, rights::Right},
    terms::Author,
};

/// One world, whole.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
) -> Reply<api::State> {
    // What is in force and not recorded stands in the figures: folded in, a reader would have it twice, or for ever.
    let all = recorded(&backend, drill)?;
    let hidden = all.get(drill).map(|world| world.hidden_from(&identity.author)).unwrap_or_default();
    let signs = match &identity.author {
        // Signers that do not read are said where something is to be signed.
        Author::Person(name) => backend.logins.has_key(name, (backend.clock)()).await.unwrap_or(true),
        _ => false,
    };
    Ok(axum::Json(api::State {
        epoch: all.epoch,
        position: all.position,
        world: all.get(drill).map(|world| world.seen_by(&identity.author).into_owned()).unwrap_or_default(),
        drills: all.takes.values().map(|take| take.seen_by(&identity.author).into_owned()).collect(),
        upkeep: all.upkeep.clone(),
        you: You {
            may_act: identity.may(Right::Work),
            may: Right::ALL.iter().copied().filter(|right| identity.may(*right)).collect(),
            name: identity.author,
            signs,
        },
        backend: backend.about(),
        live: backend.live(drill).without(&hidden),
    }))
}
