//! Follows the log: sends what a person asked to be sent, tries again, and has the log take each step (COM.5).
//!
//! Each try is in the log before it begins. After a restart a message that nobody tried, or that waits to be tried again,
//! goes on; one whose try has no end goes on only where the other side knows it by its id, and else waits for a person.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::{
    Key, Letter, command, mail,
    occasion::RealEvent,
    task::{again_after, jittered},
    webhook,
};
use crate::{
    backend::app::Backend,
    incident::{
        Command, Fact, IncidentCommand, Sent, Topic,
        communication::{DeliveryState, DeliveryStep},
    },
    runbook::{Channel, ChannelKind, Runbook},
    terms::Author,
};

/// The exit code by which a command asks to be tried again (EX_TEMPFAIL).
const TRY_AGAIN: &str = "exit status: 75";

/// What came of one try.
pub struct Tried {
    pub(super) state: DeliveryState,
    pub(super) status: String,
    /// Not before so long, where the other side says so.
    pub(super) after: Option<Duration>,
}

impl Tried {
    /// The other side took it.
    pub fn accepted(status: String) -> Self {
        Self { state: DeliveryState::Accepted, status, after: None }
    }

    /// Trying again may help.
    pub fn not_yet(status: String, after: Option<Duration>) -> Self {
        Self { state: DeliveryState::Retrying, status, after }
    }

    /// Nothing helps but a person.
    pub fn never(status: String) -> Self {
        Self { state: DeliveryState::Failed, status, after: None }
    }

    /// It may have gone out.
    pub fn unsure(status: String) -> Self {
        Self { state: DeliveryState::Unknown, status, after: None }
    }
}

/// A draft as a chat's incoming webhook has it: plain text, in which nothing is a mention or a link.
fn slack(subject: &str, text: &str) -> String {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // A block holds 3,000 characters, a message 50 blocks.
    let letters: Vec<char> = text.chars().collect();
    let block = |part: &[char]| {
        let text: String = part.iter().collect();
        serde_json::json!({ "type": "section", "text": { "type": "plain_text", "text": text } })
    };
    let blocks: Vec<_> = letters.chunks(2_900).take(50).map(block).collect();
    serde_json::json!({ "text": plain(subject), "blocks": blocks }).to_string()
}

/// Follows the log as long as it is polled.
pub async fn deliver(backend: Arc<Backend>, runbook: Arc<ArcSwap<Runbook>>) {
    let post = Arc::new(Post { backend, runbook, going: Mutex::default() });
    let mut events = post.backend.core.subscribe();
    post.take_up(true).await;
    loop {
        match events.recv().await {
            Ok(event) => {
                let Some(real) = RealEvent::of(&event) else { continue };
                let event = real.event();
                if let (Fact::DraftSending(sending), Topic::Incident(incident)) = (&event.fact, event.stream.topic) {
                    post.begin(Key { incident, draft: sending.draft, number: sending.number });
                }
            }
            Err(RecvError::Lagged(_)) => post.take_up(false).await,
            Err(RecvError::Closed) => return,
        }
    }
}

struct Post {
    backend: Arc<Backend>,
    runbook: Arc<ArcSwap<Runbook>>,
    /// Messages that a task works on: none is worked on twice.
    going: Mutex<BTreeSet<Key>>,
}

impl Post {
    /// Everything open in the log that nobody works on; `fresh` after a start of the backend.
    async fn take_up(self: &Arc<Self>, fresh: bool) {
        let worlds = self.backend.core.worlds();
        for incident in worlds.real.incidents.values() {
            for draft in &incident.drafts {
                for sent in &draft.sent {
                    let key = Key { incident: incident.id, draft: draft.id, number: sent.number };
                    self.take_up_one(key, sent, fresh).await;
                }
            }
        }
    }

    async fn take_up_one(self: &Arc<Self>, key: Key, sent: &Sent, fresh: bool) {
        let Some(delivery) = sent.delivery.as_ref().filter(|delivery| delivery.state.is_open()) else { return };
        // A receiver of webhooks knows a message by its id; a mail or a program's work would be there twice.
        if fresh && delivery.state == DeliveryState::Sending && delivery.kind != ChannelKind::Webhook {
            let status = "the backend ended while it was sent: look whether it arrived, and send it again if not";
            self.record(key, DeliveryState::Unknown, status.to_owned()).await;
        } else {
            self.begin(key);
        }
    }

    fn begin(self: &Arc<Self>, key: Key) {
        if !self.going.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
            return;
        }
        let post = self.clone();
        tokio::spawn(async move {
            post.send(key).await;
            post.going.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        });
    }

    /// Sends one message to its end.
    async fn send(&self, key: Key) {
        let Some(letter) = Letter::real(&self.backend.core.worlds(), key) else { return };
        let mut tries = letter.tries;
        loop {
            let Some(channel) = self.runbook.load().channel(&letter.channel).cloned() else {
                let status = "this backend knows no channel of that name any more; see channels.toml".to_owned();
                self.record(key, DeliveryState::Failed, status).await;
                return;
            };
            if !self.record(key, DeliveryState::Sending, format!("try {}", tries + 1)).await {
                // Nothing leaves that the log could not say of.
                return;
            }
            let tried = self.once(&channel, &letter).await;
            tries += 1;
            let pause = again_after(tries).filter(|_| tried.state == DeliveryState::Retrying);
            let (state, status) = match (tried.state, pause) {
                (DeliveryState::Retrying, None) => {
                    (DeliveryState::Failed, format!("{}; given up after {tries} tries", tried.status))
                }
                (state, _) => (state, tried.status),
            };
            self.record(key, state, status).await;
            let Some(pause) = pause else { return };
            tokio::time::sleep(jittered(pause.max(tried.after.unwrap_or_default()))).await;
            let open = Letter::real(&self.backend.core.worlds(), key).is_some();
            if !open {
                return;
            }
        }
    }

    async fn once(&self, channel: &Channel, letter: &Letter) -> Tried {
        let (timeout, now) = (Duration::from_secs(channel.timeout_s), (self.backend.clock)());
        match channel.kind {
            ChannelKind::Copy => Tried::never("this channel is worked by hand now; see channels.toml".into()),
            ChannelKind::Smtp => {
                let (to, subject, text) = (letter.to.as_str(), letter.subject.as_str(), letter.text.as_str());
                mail::send(channel, &mail::Mail { id: letter.id(), to, subject, text }).await
            }
            ChannelKind::Pagerduty => Tried::never("this channel carries pages, and no drafts".into()),
            ChannelKind::Slack => {
                let url = match webhook::key(channel.key_file.as_deref().unwrap_or_default()) {
                    Ok(url) => url,
                    Err(why) => return Tried::not_yet(why, None),
                };
                let body = slack(&letter.subject, &letter.text);
                webhook::post(&url, &[], body, timeout, channel.allow_link_local).await.tried()
            }
            ChannelKind::Command => {
                let input = Some(letter.text.clone().into_bytes());
                let ran = command::run_with(&channel.command, letter.environment(), input, timeout).await;
                let said = ran.output.lines().next().unwrap_or_default();
                let status = if said.is_empty() { ran.status.clone() } else { format!("{}: {said}", ran.status) };
                match ran.ok {
                    true => Tried::accepted(status),
                    false if ran.status == TRY_AGAIN => Tried::not_yet(status, None),
                    false => Tried::never(status),
                }
            }
            ChannelKind::Webhook => {
                let secret = match webhook::secret(channel.secret_file.as_deref().unwrap_or_default()) {
                    Ok(secret) => secret,
                    Err(why) => return Tried::not_yet(why, None),
                };
                let (url, body) = (channel.webhook.as_deref().unwrap_or_default(), letter.body(now).to_string());
                let link_local = channel.allow_link_local;
                webhook::call(url, &secret, (&letter.id(), now), &body, timeout, link_local).await.tried()
            }
        }
    }

    /// Has the log take a step; whether it did.
    async fn record(&self, key: Key, state: DeliveryState, status: String) -> bool {
        let ask = IncidentCommand::RecordDelivery(DeliveryStep { draft: key.draft, number: key.number, state, status });
        let command = Command::OnIncident { incident: key.incident, ask };
        let by = Author::Andon("outward".to_owned());
        let taken = self.backend.core.submit(None, Uuid::now_v7(), by, command).await;
        if let Err(problem) = &taken {
            tracing::warn!(%problem, incident = %key.incident, draft = %key.draft, "a step of a message is not recorded");
        }
        taken.is_ok()
    }
}
