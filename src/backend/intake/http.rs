//! The routes: `POST /v1/actions`, `POST /v1/traces`, and `GET /v1/actions` for people.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};

use super::{
    Intake, Intakes, Source,
    body::{self, INLINE, Whole},
};
use crate::{
    api::{ActionsAnswer, Problem, RejectedItem, path},
    backend::{
        http::{
            answer_problem,
            extract::{InWorld, typed_parameter, world_of},
        },
        identity::Identity,
        rights::Right,
    },
    telemetry::{
        DecodeError, Decoded, Rejected, native,
        otlp::{self, Encoding, Spans},
    },
    terms::AgentId,
};

/// Telemetry's routes. The door has put the [`Identity`] into the request before.
pub fn router<S: Clone + Send + Sync + 'static>(intakes: Intakes) -> Router<S> {
    Router::new()
        .route(path::ACTIONS, post(take_actions).get(show_actions))
        .route(path::TRACES, post(take_traces))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(intakes)
}

/// What `/v1/actions` takes; a body without a type is JSON.
const NATIVE: [&str; 5] =
    ["application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

async fn take_actions(
    State(intakes): State<Intakes>,
    InWorld(world): InWorld,
    identity: Identity,
    request: Request,
) -> Result<axum::Json<ActionsAnswer>, Problem> {
    identity.demand(Right::Report)?;
    let intake = intakes.get(world).await?;
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or(NATIVE[0]);
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !NATIVE.contains(&essence.as_str()) {
        return Err(Problem::invalid(415, format!("actions are sent as {} or {}", NATIVE[0], NATIVE[1])));
    }
    let whole = body::read(&parts.headers, body).await?;
    let (now, size) = (intake.now(), whole.bytes.len());
    let decoded = off_thread(whole, move |bytes| native::decode(bytes, now)).await?;
    let mut decoded = decoded.map_err(|e| Problem::invalid(400, e.to_string()))?;
    let source = Source::from(&identity);
    only_for_itself(&mut decoded, &source);
    intake.reject(decoded.rejected.len());
    let (places, actions): (Vec<usize>, Vec<_>) = decoded.actions.into_iter().unzip();
    let verdict = intake.actions(actions, &source, size).await?;
    let place = |rejected: Rejected| Some(Rejected { index: *places.get(rejected.index)?, ..rejected });
    decoded.rejected.extend(verdict.rejected.into_iter().filter_map(place));
    decoded.rejected.sort_by_key(|rejected| rejected.index);
    let rejected =
        decoded.rejected.into_iter().map(|Rejected { index, reason }| RejectedItem { index, reason }).collect();
    Ok(axum::Json(ActionsAnswer { accepted: verdict.accepted, duplicate: verdict.duplicate, rejected }))
}

/// An agent's token reports for its agent and no other (law 11).
fn only_for_itself(decoded: &mut Decoded, source: &Source) {
    let Some(own) = &source.agent else { return };
    let (kept, others) = std::mem::take(&mut decoded.actions).into_iter().partition(|(_, action)| action.agent == *own);
    decoded.actions = kept;
    let refuse = |(index, action): (usize, crate::telemetry::Action)| {
        Rejected::new(index, format!("agent: this token reports for {own}, not for {}", action.agent))
    };
    let others: Vec<_> = others;
    decoded.rejected.extend(others.into_iter().map(refuse));
}

/// Decoding of large bodies does not hold up the runtime.
async fn off_thread<T: Send + 'static>(
    whole: Whole,
    decode: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Problem> {
    if whole.bytes.len() <= INLINE {
        return Ok(decode(&whole.bytes));
    }
    tokio::task::spawn_blocking(move || decode(&whole.bytes)).await.map_err(|_| {
        Problem::new(500, "invalid", "Decoding failed", "the body could not be decoded; send smaller batches")
    })
}

async fn take_traces(State(intakes): State<Intakes>, identity: Identity, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some(encoding) = Encoding::of(kind) else {
        return answer_problem(&Problem::invalid(415, "traces are sent as application/x-protobuf or application/json"));
    };
    let taken = async {
        identity.demand(Right::Report)?;
        let intake = intakes.get(world_of(&parts.uri)?).await?;
        let whole = body::read(&parts.headers, body).await?;
        traces(&intake, encoding, whole, &Source::from(&identity)).await
    };
    match taken.await {
        Ok((rejected, message)) => encoded(StatusCode::OK, encoding, otlp::success(encoding, rejected, &message)),
        Err(problem) => {
            // The headers a client needs to come back are the problem's; the body is what OTLP clients read.
            let mut response = answer_problem(&problem);
            let body = otlp::failure(encoding, problem.status, &problem.detail);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(encoding.content_type()));
            *response.body_mut() = Body::from(body);
            response
        }
    }
}

async fn traces(
    intake: &Intake,
    encoding: Encoding,
    whole: Whole,
    source: &Source,
) -> Result<(usize, String), Problem> {
    let (now, size, prices) = (intake.now(), whole.bytes.len(), intake.prices());
    let decode = move |bytes: &[u8]| -> Result<Spans, DecodeError> {
        Ok(otlp::spans(&otlp::read(bytes, encoding)?, &prices, now))
    };
    let spans = off_thread(whole, decode).await?.map_err(|e| Problem::invalid(400, e.to_string()))?;
    let verdict = intake.spans(spans, source, size).await?;
    let message = verdict.rejected.first().map(|first| format!("span {}: {}", first.index, first.reason));
    Ok((verdict.rejected.len(), message.unwrap_or_default()))
}

fn encoded(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}

/// Actions shown at most.
const MOST: usize = 1000;

/// The newest actions, or those after a number; oldest first.
async fn show_actions(
    State(intakes): State<Intakes>,
    InWorld(world): InWorld,
    identity: Identity,
    uri: axum::http::Uri,
) -> Result<Response, Problem> {
    identity.demand(Right::Watch)?;
    let intake = intakes.get(world).await?;
    let agent: Option<AgentId> = typed_parameter(&uri, "agent")?;
    let after: Option<u64> = typed_parameter(&uri, "after")?;
    let limit = typed_parameter::<usize>(&uri, "limit")?.unwrap_or(100).min(MOST);
    let found = match after {
        Some(after) => intake.store().after(after, agent.as_ref(), limit).await,
        None => intake.store().last(agent.as_ref(), limit).await,
    };
    let actions = found.map_err(|e| Problem::unavailable(e.to_string()))?;
    Ok(axum::Json(actions).into_response())
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
