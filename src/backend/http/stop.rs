//! `POST /v1/stop`: the backend goes, unless somebody would go blind and nobody insists (protocol 5).

use std::sync::Arc;

use axum::extract::State;

use super::{extract::Json, reply::Reply};
use crate::{
    api::{Problem, Stop, Stopping},
    backend::app::Backend,
};

/// Stops, or names who goes blind.
pub async fn post(State(backend): State<Arc<Backend>>, Json(Stop { force }): Json<Stop>) -> Reply<Stopping> {
    let blind = backend.who_goes_blind();
    if !force && !blind.is_empty() {
        let names = blind.join(", ");
        let mut problem = Problem::new(
            409,
            "conflict",
            "Somebody would go blind",
            format!("without this backend these go blind: {names}. Release and end them first, or stop with --force"),
        );
        problem.state = Some(serde_json::json!(blind));
        return Err(problem);
    }
    tracing::info!(force, "asked to stop");
    backend.stop.cancel();
    Ok(axum::Json(Stopping { blind }))
}
