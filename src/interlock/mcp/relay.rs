//! One message on its way over HTTP: judged, passed on, its answer streamed back, and cut short by a halt (CON.15).

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use reqwest::Url;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    call::Call,
    frames::{Waiting, data_of, frame, is_answer},
    gate::{Gate, Verdict},
    http::refused,
    json::Json,
    message::{Id, Kind, LONGEST, Message},
    record::Recorder,
    reply,
};
use crate::{
    api::CheckAnswer,
    terms::{HoldId, Time},
};

/// Headers of one connection, and what is worked out anew.
const OWN: [&str; 11] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    // Answers are read on their way.
    "accept-encoding",
];
/// Frames that wait for a slow client; beyond it the server waits.
const FRAMES: usize = 64;

/// What every message over HTTP works with.
pub struct Relay {
    pub(super) gate: Gate,
    recorder: Recorder,
    upstream: Url,
    http: reqwest::Client,
    in_flight: watch::Sender<usize>,
    /// Held calls by session and id: a client of the session era cancels by a message, not by closing.
    held: Mutex<HashMap<(String, Id), CancellationToken>>,
}

/// Counts a call as in flight as long as it lives.
struct InFlight(Arc<Relay>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|calls| *calls = calls.saturating_sub(1));
    }
}

/// The answer of a call to its client: frames as they come.
type Frames = mpsc::Sender<Result<Bytes, Infallible>>;

impl Relay {
    /// To `upstream`.
    ///
    /// # Errors
    /// A system without TLS roots or the like.
    pub fn new(gate: Gate, recorder: Recorder, upstream: Url) -> std::io::Result<Arc<Self>> {
        crate::tls::ready();
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = builder.no_proxy().gzip(false).build().map_err(std::io::Error::other)?;
        Ok(Arc::new(Self { gate, recorder, upstream, http, in_flight: watch::Sender::new(0), held: Mutex::default() }))
    }

    /// Waits until no call is in flight, where the agent is stopped.
    pub async fn settled(&self) {
        if self.gate.stopped().is_some() {
            let _ = self.in_flight.subscribe().wait_for(|calls| *calls == 0).await;
        }
    }

    /// Sends a message on, with the client's own headers.
    pub async fn forward(
        &self,
        method: Method,
        headers: &HeaderMap,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, String> {
        let kept = headers.iter().filter(|(name, _)| !is_own(name));
        let headers: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        let request = self.http.request(method, self.upstream.clone()).headers(headers).body(body);
        request.send().await.map_err(|why| format!("the MCP server does not answer: {why}"))
    }

    /// Passes on what is no call.
    pub async fn pass(&self, message: &Message, headers: &HeaderMap) -> Response {
        match self.forward(Method::POST, headers, message.json.to_string().into_bytes()).await {
            Ok(response) => passed(response),
            Err(why) => match &message.kind {
                Kind::Request { id, .. } => {
                    refused(StatusCode::BAD_GATEWAY, reply::refused(id, reply::NO_SERVER, &why))
                }
                _ => (StatusCode::BAD_GATEWAY, why).into_response(),
            },
        }
    }

    /// Judges a call, and passes it on.
    pub async fn call(self: &Arc<Self>, id: &Id, message: &Message, headers: &HeaderMap) -> Response {
        let call = match Call::read(id, message, Time::from(chrono::Utc::now())) {
            Ok(call) => call,
            Err(why) => return refused(StatusCode::OK, reply::refused(id, -32_602, &why)),
        };
        match self.gate.ask(&call, None).await {
            Verdict::Stop(answer) => {
                self.recorder.call(&call, "denied", answer.reason.clone().map(Into::into));
                refused(StatusCode::OK, reply::stopped(&call.id, call.modern, &answer))
            }
            Verdict::Pass => self.passed_call(call, message, headers).await,
            Verdict::Wait(hold, _) => self.held(call, hold, message.clone(), headers.clone()),
        }
    }

    /// A call that may go: its answer whole, or frame by frame, as the server gives it.
    async fn passed_call(self: &Arc<Self>, call: Call, message: &Message, headers: &HeaderMap) -> Response {
        let flight = self.take_off();
        let sent = tokio::select! {
            sent = self.forward(Method::POST, headers, message.json.to_string().into_bytes()) => sent,
            answer = self.halted(&call) => return self.cut(&call, &answer),
        };
        let response = match sent {
            Ok(response) => response,
            Err(why) => {
                self.recorder.call(&call, "error", Some(why.clone().into()));
                return refused(StatusCode::BAD_GATEWAY, reply::refused(&call.id, reply::NO_SERVER, &why));
            }
        };
        if is_stream(&response) {
            let (status, headers) = (response.status(), answered_headers(&response));
            let (frames, body) = mpsc::channel(FRAMES);
            let relay = self.clone();
            tokio::spawn(async move {
                let _flight = flight;
                relay.stream(&call, response, &frames).await;
            });
            return (status, headers, streamed(body)).into_response();
        }
        let (status, headers) = (response.status(), answered_headers(&response));
        tokio::select! {
            body = whole(response) => match body {
                Ok(body) => {
                    let body = self.answered(&call, &body).map_or(body, Bytes::from);
                    (status, headers, body).into_response()
                }
                Err(why) => {
                    self.recorder.call(&call, "error", Some(why.clone().into()));
                    refused(StatusCode::BAD_GATEWAY, reply::refused(&call.id, reply::NO_SERVER, &why))
                }
            },
            answer = self.halted(&call) => self.cut(&call, &answer),
        }
    }

    /// A call that waits: its client hears of progress, and is given up with its connection.
    fn held(self: &Arc<Self>, call: Call, hold: HoldId, message: Message, headers: HeaderMap) -> Response {
        let (frames, body) = mpsc::channel(FRAMES);
        let (relay, cancel) = (self.clone(), CancellationToken::new());
        let place = session_of(&headers).map(|session| (session, call.id.clone()));
        if let Some(place) = &place {
            self.waiting().insert(place.clone(), cancel.clone());
        }
        tokio::spawn(async move {
            relay.wait(call, hold, (&message, &headers), &frames, &cancel).await;
            if let Some(place) = place {
                relay.waiting().remove(&place);
            }
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-cache, no-transform"),
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, streamed(body)).into_response()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<(String, Id), CancellationToken>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client gave a call up by a message. True when the server needs not hear of it: it never got the call.
    pub fn cancelled(&self, message: &Message, headers: &HeaderMap) -> bool {
        let id = message.param("requestId").and_then(Id::of);
        let place = session_of(headers).zip(id);
        let held = place.and_then(|place| self.waiting().remove(&place));
        held.inspect(CancellationToken::cancel).is_some()
    }

    async fn wait(
        self: &Arc<Self>,
        call: Call,
        mut hold: HoldId,
        (message, headers): (&Message, &HeaderMap),
        frames: &Frames,
        cancel: &CancellationToken,
    ) {
        loop {
            let heard = |step, text: String| {
                let line = call.progress.as_ref().map(|token| reply::progress(token, step, &text));
                // Without a token a comment keeps the connection alive; a full channel has been heard enough.
                let _ = frames.try_send(Ok(line.map_or_else(|| Bytes::from_static(b":\n\n"), |line| frame(&line))));
            };
            let verdict = tokio::select! {
                biased;
                () = async { tokio::select! { () = frames.closed() => {}, () = cancel.cancelled() => {} } } => {
                                self.gate.give_up(hold).await;
                    return self.recorder.call(&call, "denied", Some("given up by its client while it waited".into()));
                }
                verdict = self.gate.wait(&call, hold, heard) => verdict,
            };
            match verdict {
                Verdict::Wait(next, _) => hold = next,
                Verdict::Stop(answer) => {
                    self.recorder.call(&call, "denied", answer.reason.clone().map(Into::into));
                    let _ = frames.send(Ok(frame(&reply::stopped(&call.id, call.modern, &answer)))).await;
                    return;
                }
                Verdict::Pass => return self.released(&call, (message, headers), frames, cancel).await,
            }
        }
    }

    /// A held call that was approved: its answer follows in the stream that its client waits on.
    async fn released(
        self: &Arc<Self>,
        call: &Call,
        (message, headers): (&Message, &HeaderMap),
        frames: &Frames,
        cancel: &CancellationToken,
    ) {
        let _flight = self.take_off();
        if frames.is_closed() || cancel.is_cancelled() {
            return self.recorder.call(call, "denied", Some("given up by its client before it was passed on".into()));
        }
        match self.forward(Method::POST, headers, message.json.to_string().into_bytes()).await {
            Ok(response) if is_stream(&response) => self.stream(call, response, frames).await,
            Ok(response) => {
                let line = match whole(response).await {
                    Ok(body) => self.answered(call, &body).unwrap_or_else(|| body.to_vec()),
                    Err(why) => reply::refused(&call.id, reply::NO_SERVER, &why),
                };
                let _ = frames.send(Ok(frame(&line))).await;
            }
            Err(why) => {
                self.recorder.call(call, "error", Some(why.clone().into()));
                let _ = frames.send(Ok(frame(&reply::refused(&call.id, reply::NO_SERVER, &why)))).await;
            }
        }
    }

    /// Passes a server's frames on until the answer, the client, or a halt ends them. Dropping the response cancels the call.
    async fn stream(&self, call: &Call, response: reqwest::Response, frames: &Frames) {
        let mut bytes = response.bytes_stream();
        let (mut waiting, mut done) = (Waiting::default(), false);
        loop {
            let chunk = tokio::select! {
                () = frames.closed() => break,
                answer = self.halted(call), if !done => {
                    let _ = frames.send(Ok(frame(&reply::stopped(&call.id, call.modern, &answer)))).await;
                    return self.recorder.call(call, "error", answer.reason.map(Into::into));
                }
                chunk = bytes.next() => chunk,
            };
            let Some(Ok(chunk)) = chunk else { break };
            if !waiting.takes(&chunk, LONGEST) {
                break;
            }
            while let Some(raw) = waiting.pop() {
                let data = data_of(&raw);
                let answer = data.as_deref().filter(|data| is_answer(data, &call.id));
                let sent = match answer.and_then(|data| self.answered(call, data)) {
                    Some(instead) => frame(&instead),
                    None => Bytes::from(raw),
                };
                done |= answer.is_some();
                if frames.send(Ok(sent)).await.is_err() {
                    break;
                }
            }
        }
        if !done {
            self.recorder.call(call, "error", Some("the stream ended before the answer".into()));
        }
    }

    /// Records an answer; what stands in its place where the agent was stopped meanwhile.
    fn answered(&self, call: &Call, body: &[u8]) -> Option<Vec<u8>> {
        let json = std::str::from_utf8(body).ok().and_then(|text| Json::read(text).ok());
        let result = json.as_ref().and_then(|json| json.get("result"));
        let failed = result.is_none_or(|result| result.get("isError") == Some(&Json::Bool(true)));
        let output = result.or_else(|| json.as_ref()?.get("error")).map(Json::to_value);
        self.recorder.call(call, if failed { "error" } else { "ok" }, output);
        let why = self.gate.stopped()?;
        Some(reply::stopped(&call.id, call.modern, &CheckAnswer::denied(why, 0)))
    }

    /// Resolves when a call at the server may not go on.
    async fn halted(&self, call: &Call) -> CheckAnswer {
        let Some(mut standing) = self.gate.standing.clone() else { return std::future::pending().await };
        loop {
            if let Some(why) = self.gate.stopped() {
                return CheckAnswer::denied(why, 0);
            }
            if standing.changed().await.is_err() {
                return std::future::pending().await;
            }
            standing.borrow_and_update();
            if let Some(answer) = self.gate.denied(call).await {
                return answer;
            }
        }
    }

    fn cut(&self, call: &Call, answer: &CheckAnswer) -> Response {
        let why = answer.reason.clone().unwrap_or_default();
        self.recorder.call(call, "error", Some(format!("cut short: {why}").into()));
        refused(StatusCode::OK, reply::stopped(&call.id, call.modern, answer))
    }

    fn take_off(self: &Arc<Self>) -> InFlight {
        self.in_flight.send_modify(|calls| *calls += 1);
        InFlight(self.clone())
    }
}

fn session_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("mcp-session-id")?.to_str().ok()?.to_owned())
}

fn is_own(name: &HeaderName) -> bool {
    OWN.contains(&name.as_str())
}

fn answered_headers(response: &reqwest::Response) -> HeaderMap {
    let kept = response.headers().iter().filter(|(name, _)| !is_own(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// An answer as it comes.
pub fn passed(response: reqwest::Response) -> Response {
    let (status, headers) = (response.status(), answered_headers(&response));
    (status, headers, Body::from_stream(response.bytes_stream())).into_response()
}

fn is_stream(response: &reqwest::Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

async fn whole(mut response: reqwest::Response) -> Result<Bytes, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| format!("the answer broke off: {why}"))? {
        if body.len() + chunk.len() > LONGEST {
            return Err(format!("the answer is longer than {LONGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn streamed(frames: mpsc::Receiver<Result<Bytes, Infallible>>) -> Body {
    Body::from_stream(futures_util::stream::unfold(frames, |mut frames| async move {
        frames.recv().await.map(|frame| (frame, frames))
    }))
}
