//! `GET /ofrep/v1/stream`: tells an OpenFeature client that its flags changed, so that it asks again; never what they are.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, Uri, header},
    response::Response,
};
use futures_util::stream;
use serde_json::json;
use tokio::sync::watch;

use super::{Tickets, flags, tag, ticket::Ticket};
use crate::{
    api::Problem,
    backend::{
        app::Backend,
        http::extract::{parameter, typed_parameter},
        interlock::{Interlock, Table, http::Ways},
        rights::Right,
    },
    terms::AgentId,
};

/// How often a silent stream says that it lives, and looks whether its token still does.
const HEARTBEAT: Duration = Duration::from_secs(10);

struct Reader {
    backend: Arc<Backend>,
    interlock: Arc<Interlock>,
    tables: watch::Receiver<Arc<Table>>,
    sick: watch::Receiver<bool>,
    tickets: Arc<Tickets>,
    ticket: Ticket,
    greeted: bool,
}

/// Opens the stream that a ticket admits to.
///
/// # Errors
/// 410 for a ticket that was used, ran out, or is nobody's: the client asks for its flags again and gets a fresh one.
pub async fn open(State(ways): State<Ways>, uri: Uri) -> Result<Response, Problem> {
    let gone = || {
        let detail = "this ticket was used, ran out after 60 s, or is for another agent: fetch the flags again \
                      (POST /ofrep/v1/evaluate/flags), the answer has a fresh one";
        Problem::new(410, "ticket-gone", "The ticket is gone", detail)
    };
    let agent = typed_parameter::<AgentId>(&uri, "agent")?.ok_or_else(gone)?;
    let secret = parameter(&uri, "ticket").ok_or_else(gone)?;
    let tickets = ways.interlocks.tickets().clone();
    let ticket = tickets.take(&secret, &agent, (ways.backend.clock)()).ok_or_else(gone)?;
    let interlock = ways.interlock(ticket.drill)?;
    let reader = Reader {
        tables: interlock.subscribe(),
        sick: interlock.pulse().subscribe(),
        backend: ways.backend.clone(),
        interlock,
        tickets,
        ticket,
        greeted: false,
    };
    if !reader.is_welcome() {
        return Err(gone());
    }
    let frames = stream::unfold(reader, |mut reader| async move {
        let frame = reader.next().await?;
        Some((Ok::<_, Infallible>(frame), reader))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.greeted, true) {
            // Whoever buffers sends the head on with it. Coming back by this ticket is in vain: sooner is better.
            return Some(Bytes::from_static(b"retry: 1000\n\n"));
        }
        loop {
            if let Some(frame) = self.changed() {
                return Some(frame);
            }
            tokio::select! {
                () = self.backend.stop.cancelled() => return None,
                changed = self.tables.changed() => changed.ok()?,
                // While the log is sick nobody may go on: that is another answer too.
                changed = self.sick.changed() => changed.ok()?,
                () = tokio::time::sleep(HEARTBEAT) => {
                    // What rules know changes too, and tells nobody.
                    let frame = self.changed().unwrap_or_else(|| Bytes::from_static(b":\n\n"));
                    return self.is_welcome().then_some(frame);
                }
            }
        }
    }

    /// A frame, where the flags are no longer as they were told last.
    fn changed(&mut self) -> Option<Bytes> {
        let (table, now) = (self.tables.borrow_and_update().clone(), (self.backend.clock)());
        let flags = flags::all(&table, &self.ticket.asked, |asked| self.interlock.look(asked, now));
        let tag = tag::tag(&self.tickets.process, &flags);
        if tag == self.ticket.tag {
            return None;
        }
        let data = json!({"type": "refetchEvaluation", "etag": tag});
        self.ticket.tag = tag;
        let id = format!("{}:{}", self.backend.core.epoch(), table.version);
        Some(Bytes::from(format!("id: {id}\nevent: message\ndata: {data}\n\n")))
    }

    /// Whether who asked for the ticket may still ask.
    fn is_welcome(&self) -> bool {
        let identity = &self.ticket.identity;
        let worlds = self.backend.core.worlds();
        let lives = |token| worlds.tokens.get(token).is_some_and(|token| token.revoked_at.is_none());
        identity.may(Right::Check) && identity.token.as_ref().is_none_or(lives)
    }
}

impl Drop for Reader {
    /// Its client comes back for its flags; the ticket it has is used.
    fn drop(&mut self) {
        self.tickets.owe(&self.ticket.asked.agent);
    }
}
