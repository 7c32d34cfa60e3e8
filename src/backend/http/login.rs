//! `/v1/login`: a challenge, its answer, and the end of a session (TEAM.6).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
};

use super::{extract::Json, reply::Reply};
use crate::{
    api::{Challenge, LoggedIn, Login, Problem},
    backend::app::Backend,
};

/// Something to sign, once, within a minute.
pub async fn challenge(State(backend): State<Arc<Backend>>) -> Reply<Challenge> {
    backend.logins.challenge((backend.clock)()).map(axum::Json)
}

/// A session for whoever signed it.
pub async fn log_in(State(backend): State<Arc<Backend>>, Json(asked): Json<Login>) -> Reply<LoggedIn> {
    let now = (backend.clock)();
    // Reading the file of signers and the arithmetic of keys may take a while.
    let done = tokio::task::spawn_blocking(move || backend.logins.log_in(&asked, now)).await;
    done.map_err(|why| Problem::unavailable(why.to_string()))?.map(axum::Json)
}

/// Ends the session whose secret is shown.
pub async fn log_out(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> axum::Json<serde_json::Value> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    if let Some((_, secret)) = bearer {
        backend.logins.log_out(secret.trim());
    }
    axum::Json(serde_json::json!({ "ended": true }))
}
