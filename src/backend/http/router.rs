//! The one router, for every listener.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
};

use super::{
    ack, agents, alerts, blobs, bundle, commands, decision, door, drills, events, evidence, figures, firings, health,
    holds, hooks, incidents, login, metrics, openapi, postmortem, rollback, runbook, state, stop, switches, tokens,
    tripwires, writing,
};
use crate::{
    api::{Problem, path},
    backend::{
        app::Backend,
        intake::{self, Intakes},
        interlock,
    },
};

/// An answer of fewer bytes is not packed: it is one packet in any case.
const SMALL: u64 = 1024;

/// Every route, behind the door.
pub fn router(backend: Arc<Backend>, intakes: Intakes) -> Router {
    let under = |root: &str, rest: &str| format!("{root}/{rest}");
    Router::new()
        .route(path::HEALTH, get(health::alive))
        .route(path::READY, get(health::ready))
        .route(path::ACK, get(ack::show).post(ack::acknowledge))
        .route(path::METRICS, get(metrics::show))
        .route(path::OPENAPI, get(openapi::show))
        .route(path::STATE, get(state::show))
        .route(path::EVENTS, get(events::open))
        .route(path::COMMANDS, post(commands::post))
        .route(path::INCIDENTS, get(incidents::list).post(incidents::declare))
        .route(&under(path::INCIDENTS, "{id}"), get(incidents::show))
        .route(&under(path::INCIDENTS, "{id}/commands"), post(incidents::command))
        .route(&under(path::INCIDENTS, "{id}/events"), get(incidents::events))
        .route(&under(path::INCIDENTS, "{id}/severity"), get(incidents::advice))
        .route(&under(path::INCIDENTS, "{id}/postmortem"), get(postmortem::show))
        .route(&under(path::INCIDENTS, "{id}/postmortem/backtest"), post(postmortem::backtest))
        .route(&under(path::INCIDENTS, "{id}/postmortem/tripwires"), post(postmortem::propose))
        .route(&under(path::INCIDENTS, "{id}/evidence"), get(evidence::check))
        .route(&under(path::INCIDENTS, "{id}/evidence/actions"), get(evidence::pinned))
        .route(&under(path::INCIDENTS, "{id}/blobs/{digest}"), get(blobs::show))
        .route(&under(path::INCIDENTS, "{id}/bundle"), get(bundle::bundle))
        .route(&under(path::INCIDENTS, "{id}/trace"), get(bundle::trace))
        .route(path::BLOBS, post(blobs::put))
        .route(path::SECRETS, get(blobs::secrets))
        .route(&under(path::INCIDENTS, "{id}/decision"), get(decision::show))
        .route(&under(path::INCIDENTS, "{id}/lookback"), get(evidence::look_back))
        .route(&under(path::INCIDENTS, "{id}/recipients"), get(rollback::recipients))
        .route(&under(path::INCIDENTS, "{id}/readers"), get(rollback::readers))
        .route(path::SWITCHES, get(switches::list).post(switches::engage))
        .route(path::PREVIEW, post(switches::preview))
        .route(&under(path::SWITCHES, "{id}"), get(switches::show))
        .route(&under(path::SWITCHES, "{id}/release"), post(switches::release))
        .route(&under(path::SWITCHES, "{id}/annotate"), post(switches::annotate))
        .route(path::HOLDS, get(holds::list))
        .route(&under(path::HOLDS, "{id}"), get(holds::show).delete(holds::abandon))
        .route(&under(path::HOLDS, "{id}/decide"), post(holds::decide))
        .route(path::FIRINGS, get(firings::list))
        .route(&under(path::FIRINGS, "{id}"), get(firings::show))
        .route(&under(path::FIRINGS, "{id}/ack"), post(firings::acknowledge))
        .route(path::TRIPWIRES, get(tripwires::show))
        .route(path::COMPARE_TRIPWIRES, post(tripwires::compare))
        .route(path::AUTO, post(tripwires::set))
        .route(path::BACKTEST, post(tripwires::test))
        .route(path::AGENTS, get(agents::list).post(agents::declare).put(agents::declare))
        .route(&under(path::AGENTS, "{id}"), get(agents::show))
        .route(&under(path::AGENTS, "{id}/used"), get(agents::used))
        .route(path::CHALLENGE, post(login::challenge))
        .route(path::LOGIN, post(login::log_in).delete(login::log_out))
        .route(path::TOKENS, get(tokens::list).post(tokens::make))
        .route(&under(path::TOKENS, "{id}"), delete(tokens::revoke))
        .route(path::FIGURES, get(figures::show))
        .route(path::ALERTMANAGER, post(alerts::alertmanager))
        .route(&under(path::ALERTS, "{name}"), post(alerts::webhook))
        .route(path::HOOKS, get(hooks::list))
        .route(&under(path::HOOKS, "{name}/test"), post(hooks::test))
        .route(path::RUNBOOK, get(runbook::show).post(runbook::take))
        .route(path::UPKEEP, get(runbook::upkeep))
        .route(path::DRILLS, get(drills::list).post(drills::start))
        .route(&under(path::DRILLS, "recordings"), get(drills::recordings))
        .route(&under(path::DRILLS, "{id}"), delete(drills::end))
        .route(&under(path::DRILLS, "{id}/steer"), post(drills::steer))
        .route(&under(path::DRILLS, "{id}/outline"), get(drills::outline))
        .route(&under(path::DRILLS, "{id}/score"), get(drills::score))
        .route(path::WRITING, post(writing::tell))
        .route(path::STOP, post(stop::post))
        // Not those of agents: packing takes 240 KiB a stream, and there may be ten thousand of theirs.
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(SMALL).and(is_text)))
        .merge(interlock::router(backend.clone()))
        .merge(intake::router(intakes))
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(backend.clone(), door::door))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(backend)
}

/// Whether packing makes an answer smaller, where the reader takes gzip. The stream of events is flushed whenever it rests.
fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json") || kind.starts_with("text/"))
}

async fn nothing_here(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::unknown(format!("nothing is served at {path:?}; /v1/state shows what there is"))
}

async fn other_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(80).collect();
    Problem::new(405, "invalid", "Another method is meant", format!("{path:?} does not take {method}"))
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = words.unwrap_or("?"), "a request hit a bug");
    Problem::new(
        500,
        "bug",
        "This is a bug of andon",
        "the request hit a bug; nothing else was harmed, the log file has the details. Please report it",
    )
    .into_response()
}
