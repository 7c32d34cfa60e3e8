//! `GET /v1/interlock/stream`: the state, then each change, as SSE. One serialised buffer serves everybody with one view.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{Uri, header},
    response::Response,
};
use futures_util::stream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    NoLease, Table,
    http::{Ways, for_itself},
};
use crate::{
    api::Problem,
    backend::{
        http::extract::{InWorld, typed_parameter},
        identity::Identity,
        rights::Standing,
    },
    terms::AgentId,
};

/// How often a silent stream says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

struct Reader {
    tables: watch::Receiver<Arc<Table>>,
    agent: Option<AgentId>,
    epoch: u32,
    greeted: bool,
    sick: watch::Receiver<bool>,
    stop: CancellationToken,
}

/// Opens a stream for one agent, or of the whole table.
///
/// # Errors
/// An agent's token asking for another agent, or for the whole.
pub async fn open(
    State(ways): State<Ways>,
    identity: Identity,
    InWorld(drill): InWorld,
    uri: Uri,
) -> Result<Response, Problem> {
    let agent = typed_parameter::<AgentId>(&uri, "agent")?;
    match &agent {
        Some(agent) => for_itself(&identity, agent)?,
        None if identity.standing == Standing::Agent => {
            return Err(Problem::forbidden("an agent hears its own state; add `?agent=` with its id"));
        }
        None => {}
    }
    let interlock = ways.interlock(drill)?;
    let sick = interlock.pulse().subscribe();
    if *sick.borrow() {
        return Err(Problem::unavailable(NoLease::Blind.to_string()));
    }
    let reader = Reader {
        tables: interlock.subscribe(),
        sick,
        agent,
        epoch: ways.backend.core.epoch(),
        greeted: false,
        stop: ways.backend.stop.clone(),
    };
    let frames = stream::unfold(reader, |mut reader| async move {
        let frame = reader.next().await?;
        Some((Ok::<_, Infallible>(frame), reader))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::replace(&mut self.greeted, true) {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                // Who listens must not take silence for leave to go on.
                _ = self.sick.wait_for(|sick| *sick) => return None,
                changed = self.tables.changed() => changed.ok()?,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
        let table = self.tables.borrow_and_update().clone();
        Some(table.frame(self.agent.as_ref(), self.epoch))
    }
}
