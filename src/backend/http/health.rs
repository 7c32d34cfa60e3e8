//! `/healthz`, `/readyz`: whether it lives, and whether it can do its work.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::backend::app::Backend;

/// It lives.
pub async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// It can do its work, or why not (503).
pub async fn ready(State(backend): State<Arc<Backend>>) -> Response {
    let reasons = backend.why_not_ready();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}
