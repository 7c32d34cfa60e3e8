//! `GET /v1/interlock/stream`: the state, then each change, as SSE. HTTP lets a subscriber in and writes the head of its
//! answer; the room goes on from there.

use std::{convert::Infallible, task::Poll};

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{Uri, Version, header},
    response::Response,
};
use futures_util::stream;

use super::{
    NoLease,
    http::{Ways, for_itself},
    room::{Newcomer, View},
};
use crate::{
    api::Problem,
    backend::{
        http::{
            Peer,
            extract::{InWorld, typed_parameter},
        },
        identity::Identity,
        rights::Standing,
    },
    terms::AgentId,
};

/// Opens a stream for one agent, or of the whole table.
///
/// # Errors
/// An agent's token asking for another agent, or for the whole.
pub async fn open(
    State(ways): State<Ways>,
    identity: Identity,
    ConnectInfo(peer): ConnectInfo<Peer>,
    InWorld(drill): InWorld,
    uri: Uri,
    version: Version,
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
    if *interlock.pulse().subscribe().borrow() {
        return Err(Problem::unavailable(NoLease::Blind.to_string()));
    }
    let room = ways.interlocks.room();
    let door = room.open().map_err(|why| Problem::unavailable(format!("the stream has no room: {why}; ask again")))?;
    let chunked = version == Version::HTTP_11;
    let mut newcomer = Some(Newcomer { interlock, view: View { agent, chunked }, epoch: ways.backend.core.epoch() });
    // Asked for its first piece, the body's head is on its way: from then on the room writes.
    let body = stream::poll_fn(move |_| {
        if let Some(newcomer) = newcomer.take() {
            let door = door.clone();
            peer.line.hand_over(move |link| door.enter(link, newcomer));
        }
        Poll::<Option<Result<Bytes, Infallible>>>::Pending
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}
