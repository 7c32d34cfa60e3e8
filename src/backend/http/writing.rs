//! `POST /v1/writing`: a cockpit tells where its person writes, so that others see it (COM.5).

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{InWorld, Json},
    reply::Reply,
};
use crate::{
    api::{Problem, TellWriting},
    backend::{app::Backend, identity::Identity},
    incident::Fields,
};

/// Takes it; only of drafts that there are.
pub async fn tell(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(world): InWorld,
    Json(TellWriting { writing }): Json<TellWriting>,
) -> Reply<()> {
    if let Some(writing) = &writing {
        let worlds = backend.core.worlds();
        let incident = worlds.get(world).and_then(|world| world.incidents.get(&writing.incident).cloned());
        let known = incident.is_some_and(|incident| incident.drafts.iter().any(|draft| draft.id == writing.draft));
        if !known || !Fields::ALL.contains(&writing.field.as_str()) {
            return Err(Problem::unknown(format!(
                "{} has no field {:?} of {}",
                writing.incident, writing.field, writing.draft
            )));
        }
    }
    backend.presence.writes(&identity.author, world, writing, (backend.clock)());
    Ok(axum::Json(()))
}
