//! `/v1/login`: a challenge, its answer, and the end of a session (TEAM.6).

use std::sync::Arc;

use axum::extract::State;

use super::{extract::Json, reply::Reply};
use crate::{
    api::{Challenge, LoggedIn, Login},
    backend::{app::Backend, identity::Identity},
};

/// Something to sign, once, within a minute.
pub async fn challenge(State(backend): State<Arc<Backend>>) -> Reply<Challenge> {
    backend.logins.challenge(&backend.core, (backend.clock)()).await.map(axum::Json)
}

/// A session for whoever signed it.
pub async fn log_in(State(backend): State<Arc<Backend>>, Json(asked): Json<Login>) -> Reply<LoggedIn> {
    backend.logins.log_in(&backend.core, asked, (backend.clock)()).await.map(axum::Json)
}

/// Ends the session whose secret is shown.
pub async fn log_out(State(backend): State<Arc<Backend>>, identity: Identity) -> Reply<serde_json::Value> {
    backend.logins.log_out(&backend.core, &identity).await?;
    Ok(axum::Json(serde_json::json!({ "ended": true })))
}
