//! `GET /v1/events`: the log, live, as SSE. A reader that resumes after a position sees every later event exactly once
//! (law 3): it subscribes first, reads the log up to what it heard, and reads again whenever it lags.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Frame, KeepAlive, Sse},
    },
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use super::{
    extract::{InWorld, typed_parameter},
    reply::worlds,
};
use crate::{
    api::{HEARTBEAT_HEADER, Live, Problem, Resync},
    backend::{app::Backend, identity::Identity, presence::Present, rights::Right},
    incident::{Event, Fact, Topic, session::SessionBegun},
    terms::{Author, DrillId, IncidentId, TokenId},
};

/// How often a silent stream says that it lives, in milliseconds: a cockpit whose line is dead says so within a few of them.
const HEARTBEAT_MS: u16 = 2_000;
/// How many events are read from the log at once.
const PAGE: usize = 500;

/// Opens a stream. `Last-Event-ID: epoch:position` or `?after=position` resumes; neither starts now.
///
/// # Errors
/// A place that does not read, or a drill nobody started.
pub async fn open(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Subscribed before anything is read: what happens in between is heard twice, and sent once.
    let heard = backend.core.subscribe();
    if cut_off(&backend) {
        return Err(Problem::unavailable("this backend does not reach its database: ask another one of it"));
    }
    let all = worlds(&backend, drill)?;
    let (epoch, after) = place(&headers, &uri)?.unwrap_or((None, all.position));
    let present = backend.presence.enter(&identity.author, drill);
    let lost = epoch.is_some_and(|epoch| epoch != all.epoch) || after > all.position;
    let feed = Feed {
        heard,
        live: backend.listen(drill),
        sick: backend.rooms.interlocks.pulse().subscribe(),
        drill,
        sees_tokens: identity.may(Right::Tokens),
        author: identity.author,
        token: identity.token,
        session: identity.session,
        epoch: all.epoch,
        position: if lost { all.position } else { after },
        resync: lost,
        behind: true,
        greeted: false,
        over: false,
        ready: VecDeque::new(),
        _present: present,
        backend,
    };
    let frames = stream::unfold(feed, |mut feed| async move {
        let frame = feed.next().await?;
        Some((Ok::<_, Infallible>(frame), feed))
    });
    // Packing asks once more after the end.
    let mut response = Sse::new(frames.fuse())
        .keep_alive(KeepAlive::new().interval(Duration::from_millis(HEARTBEAT_MS.into())))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    headers.insert(HeaderName::from_static(HEARTBEAT_HEADER), HEARTBEAT_MS.into());
    Ok(response)
}

/// Whether others may know what this backend does not.
fn cut_off(backend: &Backend) -> bool {
    !backend.nodes.is_alone() && backend.rooms.interlocks.pulse().is_sick()
}

/// Where the reader stands: the header counts before the query, as a browser's reconnect has it.
fn place(headers: &HeaderMap, uri: &Uri) -> Result<Option<(Option<u32>, u64)>, Problem> {
    if let Some(id) = headers.get("last-event-id") {
        let read = |text: &str| {
            let (epoch, position) = text.split_once(':')?;
            Some((Some(epoch.parse().ok()?), position.parse().ok()?))
        };
        return id.to_str().ok().and_then(read).map(Some).ok_or_else(|| {
            Problem::invalid(422, "Last-Event-ID is no `epoch:position` of this stream; leave it out to start now")
        });
    }
    Ok(typed_parameter::<u64>(uri, "after")?.map(|after| (None, after)))
}

/// One reader.
struct Feed {
    backend: Arc<Backend>,
    heard: broadcast::Receiver<Arc<Event>>,
    live: watch::Receiver<Arc<Live>>,
    /// Whether the log answers.
    sick: watch::Receiver<bool>,
    drill: Option<DrillId>,
    sees_tokens: bool,
    author: Author,
    /// The token that opened the stream: revoked, it ends.
    token: Option<TokenId>,
    /// The session that opened it, likewise; also when its time is up.
    session: Option<Arc<SessionBegun>>,
    epoch: u32,
    /// The newest position sent or left out.
    position: u64,
    /// The reader's place is of another life of the log.
    resync: bool,
    /// The log may hold events after `position` that `heard` will not bring.
    behind: bool,
    /// The figures as they stood at the beginning were sent.
    greeted: bool,
    /// The next thing is the end.
    over: bool,
    ready: VecDeque<Arc<Event>>,
    _present: Present,
}

impl Feed {
    async fn next(&mut self) -> Option<Frame> {
        if std::mem::take(&mut self.resync) {
            return self.anew();
        }
        loop {
            let now = (self.backend.clock)();
            if self.over || self.session.as_ref().is_some_and(|session| session.until <= now) {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                if let Some(frame) = self.take(&event) {
                    return Some(frame);
                }
                if std::mem::take(&mut self.resync) {
                    return self.anew();
                }
                continue;
            }
            if self.behind {
                self.read_on().await?;
                continue;
            }
            if !self.greeted {
                self.greeted = true;
                return frame(Some("live"), None, &self.backend.live(self.drill).without(&self.hidden()));
            }
            tokio::select! {
                () = self.backend.stop.cancelled() => return None,
                // Others go on without it: whoever reads here goes to them.
                Ok(()) = self.sick.changed() => if cut_off(&self.backend) { return None },
                heard = self.heard.recv() => match heard {
                    Ok(event) if event.position <= self.position + 1 => self.ready.push_back(event),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                changed = self.live.changed() => {
                    changed.ok()?;
                    let live = self.live.borrow_and_update().clone();
                    let hidden = self.hidden();
                    if hidden.is_empty() {
                        return frame(Some("live"), None, &*live);
                    }
                    return frame(Some("live"), None, &Live::clone(&live).without(&hidden));
                }
            }
        }
    }

    /// The reader is to read the state anew.
    fn anew(&self) -> Option<Frame> {
        let place = (self.epoch, self.position);
        frame(Some("resync"), Some(place), &Resync { epoch: place.0, position: place.1 })
    }

    /// Incidents that only others see (TEAM.9).
    fn hidden(&self) -> BTreeSet<IncidentId> {
        let worlds = self.backend.core.worlds();
        worlds.get(self.drill).map(|world| world.hidden_from(&self.author)).unwrap_or_default()
    }

    /// Reads a page of what the log has; `None` ends the stream, the reader comes back and resumes.
    async fn read_on(&mut self) -> Option<()> {
        match self.backend.core.events_after(self.position, PAGE).await {
            Ok(page) => {
                self.behind = page.len() == PAGE;
                self.ready.extend(page);
                Some(())
            }
            Err(why) => {
                tracing::warn!(%why, "a reader of the events was sent away");
                None
            }
        }
    }

    /// Moves past `event`; a frame when the reader may and wants to see it.
    fn take(&mut self, event: &Event) -> Option<Frame> {
        if event.position <= self.position {
            return None;
        }
        self.position = event.position;
        self.over |= match &event.fact {
            Fact::TokenRevoked { token } => Some(*token) == self.token,
            Fact::SessionEnded(ended) => self.session.as_ref().is_some_and(|session| session.hash == ended.hash),
            _ => false,
        };
        // A cut client hears nothing more, not even why (DRL.1).
        if matches!(&event.fact, Fact::DrillSteered(steered) if Some(steered.drill) == self.drill)
            && self.drill.is_some_and(|drill| self.backend.is_cut(drill, &self.author))
        {
            self.over = true;
            return None;
        }
        // Who sees an incident from now on has not its beginning, and who does not any more has too much: both read anew.
        if matches!(event.fact, Fact::Restricted(_) | Fact::RestrictionLifted(_)) && event.stream.drill == self.drill {
            self.resync = true;
            return None;
        }
        let wanted = self.backend.core.worlds().shows(event, &self.author)
            && match event.stream.topic {
                Topic::Drills | Topic::Runbook => true,
                Topic::Access => self.drill.is_none() && self.sees_tokens,
                _ => event.stream.drill == self.drill,
            };
        if wanted { frame(None, Some((event.epoch, event.position)), event) } else { None }
    }
}

fn frame(name: Option<&str>, id: Option<(u32, u64)>, data: &impl Serialize) -> Option<Frame> {
    let frame = Frame::default().data(serde_json::to_string(data).ok()?);
    let frame = name.map_or(frame.clone(), |name| frame.event(name));
    Some(match id {
        Some((epoch, position)) => frame.id(format!("{epoch}:{position}")),
        None => frame,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readers_place_is_read_strictly() {
        let at = |header: Option<&str>, uri: &str| {
            let headers =
                header.map(|id| (HeaderName::from_static("last-event-id"), HeaderValue::from_str(id).unwrap()));
            place(&headers.into_iter().collect(), &uri.parse().unwrap())
        };
        assert_eq!(at(None, "/v1/events").unwrap(), None);
        assert_eq!(at(None, "/v1/events?after=7").unwrap(), Some((None, 7)));
        assert_eq!(at(Some("2:9"), "/v1/events?after=7").unwrap(), Some((Some(2), 9)));
        for bad in ["", "9", "2:", ":9", "2:-9", "two:nine", "2:9:1"] {
            assert_eq!(at(Some(bad), "/v1/events").unwrap_err().status, 422, "{bad:?}");
        }
        assert_eq!(at(None, "/v1/events?after=-1").unwrap_err().status, 422);
    }
}
