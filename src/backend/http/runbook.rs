//! `/v1/runbook`: the runbook in force, its versions, and a new one (GOV.1, GOV.6).

use std::sync::Arc;

use axum::{extract::State, http::Uri};
use uuid::Uuid;

use super::{
    extract::{Json, typed_parameter},
    reply::{Reply, ask},
};
use crate::{
    api::{Accepted, Problem, RunbookView},
    backend::{app::Backend, identity::Identity},
    incident::{
        Command,
        upkeep::{TakeRunbook, Upkeep},
    },
};

/// The one in force; `?version=` another.
pub async fn show(State(backend): State<Arc<Backend>>, uri: Uri) -> Reply<RunbookView> {
    let worlds = backend.core.worlds();
    let upkeep = &worlds.upkeep;
    let asked = typed_parameter::<String>(&uri, "version")?;
    let unknown =
        || Problem::unknown("there is no such version of the runbook; /v1/runbook/upkeep lists those there are");
    let name = asked.as_ref().or(upkeep.in_force.as_ref()).ok_or_else(unknown)?;
    let version = upkeep.versions.get(name).ok_or_else(unknown)?;
    let book = version.book.as_ref().ok_or_else(|| {
        Problem::unavailable(format!("version {name} was written by another andon, and this one cannot read it"))
    })?;
    Ok(axum::Json(RunbookView {
        version: name.clone(),
        digest: version.digest.clone(),
        review_by: version.review_by.clone(),
        own: version.own.clone(),
        at: version.at,
        by: version.by.clone(),
        in_force: upkeep.in_force.as_ref() == Some(name),
        texts: book.texts.clone(),
    }))
}

/// Every version, and every report.
pub async fn upkeep(State(backend): State<Arc<Backend>>) -> axum::Json<Upkeep> {
    axum::Json(backend.core.worlds().upkeep.clone())
}

/// Brings a team's own texts into force, without a restart.
pub async fn take(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Json(texts): Json<TakeRunbook>,
) -> Reply<Accepted> {
    ask(&backend, &identity, None, Uuid::now_v7(), Command::TakeRunbook(Box::new(texts))).await
}
