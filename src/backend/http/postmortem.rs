//! `/v1/incidents/ID/postmortem`: read in three formats; a change of tripwires proved by a backtest (PM.1, PM.3).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};

use super::{
    extract::{Id, InWorld, Json, parameter},
    incidents::find,
    reply::{Reply, ask, world, worlds},
};
use crate::{
    api::{Accepted, Ask, Problem, ProposeTripwires},
    backend::{app::Backend, identity::Identity, postmortem as telemetry, rights},
    incident::{
        Command, IncidentCommand,
        postmortem::{DeltaKind, ProposeDelta, SetPostmortem, TripwireBacktest},
    },
    report::postmortem::{self, Sources},
    terms::{IncidentId, Time},
};

/// What a post-mortem is asked for as.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Markdown,
    Html,
    Json,
}

fn format(uri: &Uri, headers: &HeaderMap) -> Result<Format, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    match parameter(uri, "format").as_deref() {
        None if accept.starts_with("application/json") => Ok(Format::Json),
        None if accept.starts_with("text/html") => Ok(Format::Html),
        None | Some("md" | "markdown") => Ok(Format::Markdown),
        Some("json") => Ok(Format::Json),
        Some("html") => Ok(Format::Html),
        Some(_) => Err(Problem::invalid(422, "`format`: md, html or json")),
    }
}

/// It, as Markdown, HTML or JSON, as `?format=` or `Accept` ask.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = format(&uri, &headers)?;
    let all = worlds(&backend, drill)?;
    let world = world(&all, drill)?;
    let incident = find(world, id)?;
    let spend = telemetry::spend(&backend, drill, world, incident).await;
    let runbook = backend.runbook_of(incident);
    let sources = Sources { incident, world, runbook: &runbook, spend: spend.as_ref(), now: (backend.clock)() };
    let typed = |kind: &'static str| [(header::CONTENT_TYPE, kind)];
    Ok(match format {
        Format::Json => axum::Json(postmortem::json(sources)).into_response(),
        Format::Markdown => (typed("text/markdown; charset=utf-8"), postmortem::markdown(sources)).into_response(),
        Format::Html => (typed("text/html; charset=utf-8"), postmortem::html(sources)).into_response(),
    })
}

/// What proposed tripwires would have done to this incident; nothing is recorded.
pub async fn backtest(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Id(id): Id<IncidentId>,
    Json(asked): Json<ProposeTripwires>,
) -> Reply<TripwireBacktest> {
    compare(&backend, drill, id, &asked).await.map(axum::Json)
}

/// Proposes them: the figures are kept with the change.
pub async fn propose(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(incident): Id<IncidentId>,
    Json(Ask { id, command: asked }): Json<Ask<ProposeTripwires>>,
) -> Reply<Accepted> {
    identity.demand(rights::Right::Work)?;
    let proof = compare(&backend, drill, incident, &asked).await?;
    let files: Vec<&str> = asked.texts.keys().map(String::as_str).collect();
    let ProposeTripwires { text, owner, due, .. } = &asked;
    let delta = ProposeDelta {
        kind: DeltaKind::Tripwire,
        text: text.clone().unwrap_or_else(|| format!("the tripwires as in {}", files.join(" and "))),
        owner: owner.clone().unwrap_or_default(),
        due: due.clone(),
        backtest: Some(proof),
    };
    let wanted = SetPostmortem { deltas: vec![delta], ..SetPostmortem::default() };
    let command = Command::OnIncident { incident, ask: IncidentCommand::SetPostmortem(wanted) };
    ask(&backend, &identity, drill, id, command).await
}

async fn compare(
    backend: &Backend,
    drill: Option<crate::terms::DrillId>,
    id: IncidentId,
    asked: &ProposeTripwires,
) -> Result<TripwireBacktest, Problem> {
    let all = worlds(backend, drill)?;
    let world = world(&all, drill)?;
    let window: (Option<Time>, u32) = (asked.since, asked.days);
    telemetry::compare(backend, drill, world, find(world, id)?, &asked.texts, window).await
}

/// Figures that nobody but the backend makes are not taken from outside.
///
/// # Errors
/// 422 for a proposed change that brings its own backtest.
pub fn no_own_proof(ask: &IncidentCommand) -> Result<(), Problem> {
    let IncidentCommand::SetPostmortem(wanted) = ask else { return Ok(()) };
    match wanted.deltas.iter().all(|delta| delta.backtest.is_none()) {
        true => Ok(()),
        false => Err(Problem::invalid(
            422,
            "a backtest is made by POST /v1/incidents/ID/postmortem/tripwires, which runs it; it is not sent",
        )),
    }
}
