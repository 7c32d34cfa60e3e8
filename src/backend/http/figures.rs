//! `GET /v1/figures`: how long things took, over all incidents (TEAM.5).

use std::sync::Arc;

use axum::{extract::State, http::Uri};

use super::{extract::typed_parameter, reply::Reply};
use crate::{
    backend::{app::Backend, identity::Identity},
    report::figures::{self, Both},
    terms::Time,
};

/// Real ones and drills apart; `?since=` leaves out what was declared before.
pub async fn show(State(backend): State<Arc<Backend>>, identity: Identity, uri: Uri) -> Reply<Both> {
    let since = typed_parameter::<Time>(&uri, "since")?;
    Ok(axum::Json(figures::figures(&backend.core.worlds().seen_by(&identity.author), since, (backend.clock)())))
}
