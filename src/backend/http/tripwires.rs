//! `/v1/tripwires`: what rules would stop, or stopped, before it ran.

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::InWorld,
    reply::{Reply, worlds},
};
use crate::{api::TripwiresView, backend::app::Backend};

/// How often each rule objected.
pub async fn show(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld) -> Reply<TripwiresView> {
    worlds(&backend, drill)?;
    let interlock = backend.rooms.interlocks.get(drill);
    Ok(axum::Json(TripwiresView { before: interlock.map(|interlock| interlock.tallies()).unwrap_or_default() }))
}
