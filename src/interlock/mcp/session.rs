//! One client and one server, and what passes between them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{
    call::{Call, Calls, Stage},
    gate::{Gate, Verdict},
    json::Json,
    lines::Outbox,
    message::{Id, Kind, Message},
    record::Recorder,
    reply,
};
use crate::{api::CheckAnswer, terms::Time};

/// Requests that do nothing to the world: a stopped agent may still begin, look around and leave.
const HARMLESS: [&str; 13] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "completion/complete",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "subscriptions/listen",
    "roots/list",
];

/// Whether a request does nothing to the world.
pub(super) fn is_harmless(method: &str) -> bool {
    HARMLESS.contains(&method)
}

/// Both sides of a proxy.
pub struct Session {
    gate: Gate,
    recorder: Recorder,
    calls: Mutex<Calls>,
    to_client: Outbox,
    to_server: Mutex<Option<Outbox>>,
    /// Cancelled when the client goes: what it waited for is dropped.
    gone: CancellationToken,
}

fn now() -> Time {
    chrono::Utc::now().into()
}

impl Session {
    /// With nothing open.
    pub fn new(gate: Gate, recorder: Recorder, to_client: Outbox, to_server: Outbox) -> Arc<Self> {
        let gone = CancellationToken::new();
        Arc::new(Self {
            gate,
            recorder,
            calls: Mutex::default(),
            to_client,
            to_server: Mutex::new(Some(to_server)),
            gone,
        })
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_server(&self, line: Vec<u8>) {
        if let Some(outbox) = self.to_server.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            outbox.send(line);
        }
    }

    /// The server hears nothing any more, and ends.
    pub fn close_server(&self) {
        self.to_server.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A line of the client's.
    pub fn from_client(self: &Arc<Self>, line: &[u8]) {
        let message = match Message::read(line) {
            Ok(message) => message,
            Err(broken) => return self.to_client.send(reply::broken(&broken)),
        };
        match &message.kind {
            Kind::Request { id, method } if method == "tools/call" => self.call(id, &message),
            Kind::Request { id, method } => match self.gate.may_not_begin().filter(|_| !is_harmless(method)) {
                Some(why) => {
                    self.to_client.send(reply::refused(id, reply::STOPPED, &format!("stopped by andon: {why}")))
                }
                None => self.tell_server(message.line()),
            },
            Kind::Notification { method } if method == "notifications/cancelled" => self.cancelled(&message),
            Kind::Notification { .. } | Kind::Response { .. } => self.tell_server(message.line()),
        }
    }

    fn call(self: &Arc<Self>, id: &Id, message: &Message) {
        let call = match Call::read(id, message, now()) {
            Ok(call) => call,
            Err(why) => return self.to_client.send(reply::refused(id, -32_602, &why)),
        };
        let Some(cancel) = self.calls().open(&call, &self.gone) else {
            let why = "this id is in use, or too many calls are open: nobody could tell whose answer comes";
            return self.to_client.send(reply::refused(id, -32_600, why));
        };
        let (session, message) = (self.clone(), message.line());
        tokio::spawn(async move { session.judge(call, message, cancel).await });
    }

    /// Judges a call until it is passed, stopped, or given up.
    async fn judge(self: &Arc<Self>, call: Call, message: Vec<u8>, cancel: CancellationToken) {
        let judged_at = self.gate.version();
        let mut verdict = self.gate.ask(&call, None).await;
        loop {
            match verdict {
                Verdict::Pass => {
                    self.pass(&call, message);
                    // A switch that came between the question and here was considered without this call.
                    if self.gate.version() != judged_at {
                        self.reconsider().await;
                    }
                    return;
                }
                Verdict::Stop(answer) => return self.stop(&call, &answer),
                Verdict::Wait(hold, _) => {
                    let heard = |step, text: String| {
                        if let Some(token) = &call.progress {
                            self.to_client.send(reply::progress(token, step, &text));
                        }
                    };
                    verdict = tokio::select! {
                        biased;
                        () = cancel.cancelled() => {
                            self.gate.give_up(hold).await;
                            self.recorder.call(&call, "denied", Some("given up by its client while it waited".into()));
                            return;
                        }
                        verdict = self.gate.wait(&call, hold, heard) => verdict,
                    };
                }
            }
        }
    }

    fn pass(&self, call: &Call, message: Vec<u8>) {
        let mut calls = self.calls();
        // Under one lock with the cancellation that may come: the server hears of the call first.
        if calls.pass(&call.id) {
            self.tell_server(message);
        } else {
            drop(calls);
            self.recorder.call(call, "denied", Some("given up by its client before it was judged".into()));
        }
    }

    fn stop(&self, call: &Call, answer: &CheckAnswer) {
        if self.calls().drop_judged(&call.id).is_some() {
            self.to_client.send(reply::stopped(&call.id, call.modern, answer));
        }
        self.recorder.call(call, "denied", answer.reason.clone().map(Into::into));
    }

    /// The client gave a call up. What the server has not got is dropped here, for good.
    fn cancelled(&self, message: &Message) {
        let id = message.param("requestId").and_then(Id::of);
        let mut calls = self.calls();
        let known = id.as_ref().is_some_and(|id| calls.cancel(id));
        if !known {
            self.tell_server(message.line());
        }
    }

    /// A line of the server's.
    pub fn from_server(self: &Arc<Self>, line: &[u8]) {
        let message = match Message::read(line) {
            Ok(message) => message,
            Err(broken) => {
                tracing::warn!(%broken, "a line of the server is not passed on");
                return;
            }
        };
        match &message.kind {
            Kind::Response { id } => {
                let answered = self.calls().answered(id);
                match answered {
                    Some((call, stage)) => self.answered(&call, stage, &message),
                    None => self.to_client.send(message.line()),
                }
            }
            // A stopped agent's model does not go on thinking at the server's wish.
            Kind::Request { id, method } => {
                match self.gate.may_not_begin().filter(|_| method != "ping" && method != "roots/list") {
                    Some(why) => {
                        self.tell_server(reply::refused(id, reply::STOPPED, &format!("stopped by andon: {why}")));
                    }
                    None => self.to_client.send(message.line()),
                }
            }
            Kind::Notification { .. } => self.to_client.send(message.line()),
        }
    }

    fn answered(&self, call: &Call, stage: Stage, message: &Message) {
        let failed = message.json.get("error").is_some()
            || message.json.get("result").and_then(|result| result.get("isError")) == Some(&Json::Bool(true));
        let output = message.json.get("result").or(message.json.get("error")).map(Json::to_value);
        self.recorder.call(call, if failed { "error" } else { "ok" }, output);
        match (stage, self.gate.stopped()) {
            (Stage::Withheld, _) => {}
            (_, Some(why)) => self.to_client.send(reply::stopped(&call.id, call.modern, &CheckAnswer::denied(why, 0))),
            (_, None) => self.to_client.send(message.line()),
        }
    }

    /// A switch changed: what the server is doing is cancelled where it may not go on, and its client answered (CON.15).
    pub async fn reconsider(self: &Arc<Self>) {
        if let Some(why) = self.gate.stopped() {
            let withheld = self.calls().withhold();
            return withheld.iter().for_each(|call| self.withhold(call, &CheckAnswer::denied(why.clone(), 0)));
        }
        let passed = self.calls().passed();
        for call in passed {
            if let Some(answer) = self.gate.denied(&call).await
                && self.calls().withhold_one(&call.id)
            {
                self.withhold(&call, &answer);
            }
        }
    }

    fn withhold(&self, call: &Call, answer: &CheckAnswer) {
        self.tell_server(reply::cancelled(&call.id, "stopped by andon"));
        self.to_client.send(reply::stopped(&call.id, call.modern, answer));
    }

    /// The client has gone: whatever waits for it is dropped.
    pub fn client_gone(&self) {
        self.gone.cancel();
    }

    /// The server has gone: nobody answers its calls any more.
    pub fn server_gone(&self) {
        for (call, stage) in self.calls().drain() {
            if stage != Stage::Withheld {
                self.to_client.send(reply::refused(&call.id, reply::NO_SERVER, "the server has ended"));
            }
            if stage != Stage::Judged {
                self.recorder.call(&call, "error", Some("the server ended before it answered".into()));
            }
        }
    }
}
