//! Taking telemetry at any node: each action goes to its agent's partition, and the sender is answered once the broker
//! keeps it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::jetstream::{
    context::{PublishAckFuture, PublishErrorKind},
    message::PublishMessage,
};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        judging::Verdict,
        seen::Way,
        start::{Counts, Source},
    },
    connection::{Broker, PATIENCE, Ready},
    wire::{Sent, partition_of, subject},
};
use crate::{
    api::Problem,
    backend::clock::Clock,
    telemetry::{
        Action, Rejected,
        otlp::{Joined, Origin, SpanJoiner, Spans},
    },
    terms::Time,
};

/// Messages of one request on their way at a time.
const WINDOW: usize = 256;
/// Actions of joined spans that wait for the broker at most; what comes on top is shed, counted.
const WAITING: usize = 1 << 16;
/// Between two looks at spans that wait for an ancestor.
const LOOK: Duration = Duration::from_secs(1);

/// What a node does with telemetry that it is sent.
pub struct Taking {
    broker: Broker,
    counts: Arc<Counts>,
    clock: Clock,
    joiner: Mutex<SpanJoiner>,
    waiting: Mutex<VecDeque<Sent>>,
}

/// How a message fared.
enum Fared {
    Taken,
    Known,
    TooLarge(String),
    Refused(String),
}

impl Taking {
    pub fn new(broker: Broker, counts: Arc<Counts>, clock: Clock) -> Self {
        Self { broker, counts, clock, joiner: Mutex::default(), waiting: Mutex::default() }
    }

    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Publishes actions.
    ///
    /// # Errors
    /// 503 where the broker does not take all of them: those with an id are counted once when they are sent again.
    pub async fn actions(&self, actions: Vec<Action>, source: &Source) -> Result<Verdict, Problem> {
        let ready = self.ready(actions.len())?;
        let sent = |action| Sent { source: source.name.to_string(), way: Way::Native, action };
        self.publish(&ready, actions.into_iter().map(sent).collect()).await
    }

    /// Joins spans, and publishes the actions that are complete. One that waits for its ancestor waits here.
    ///
    /// # Errors
    /// 503 where the broker is away: nothing was taken; or where it takes not all of them: the rest is kept and tried again.
    pub async fn spans(&self, spans: Spans, source: &Source) -> Result<Verdict, Problem> {
        let ready = self.ready(spans.spans.len())?;
        let origin = Origin { source: source.name.clone(), bound: source.agent.clone() };
        let pushed = lock(&self.joiner).push(spans, &origin, (self.clock)());
        let complete: Vec<Sent> = pushed.actions.into_iter().map(otlp).collect();
        let published = self.publish(&ready, complete.clone()).await;
        let verdict = published.inspect_err(|_| self.keep(complete))?;
        let mut rejected = pushed.rejected;
        self.counts.reject(rejected.len());
        rejected.extend(verdict.rejected);
        let duplicate = verdict.duplicate + pushed.repeated;
        Ok(Verdict { accepted: verdict.accepted, duplicate, rejected, waiting: pushed.waiting, recorded: None })
    }

    fn ready(&self, items: usize) -> Result<Ready, Problem> {
        self.broker.ready().ok_or_else(|| {
            let why = self.broker.status().wrong().unwrap_or_else(|| "no telemetry is taken: NATS is away".to_owned());
            self.refused(items);
            Problem::unavailable(format!("{why}; nothing of this request was taken, send it again"))
        })
    }

    fn refused(&self, items: usize) {
        self.counts.busy(items);
        self.broker.status().refused(items);
    }

    async fn publish(&self, ready: &Ready, all: Vec<Sent>) -> Result<Verdict, Problem> {
        let mut verdict = Verdict::default();
        let mut refused = None;
        let mut not_taken = 0;
        for (window, chunk) in all.chunks(WINDOW).enumerate() {
            if refused.is_some() {
                not_taken += chunk.len();
                continue;
            }
            for (at, fared) in fares(ready, chunk).await.into_iter().enumerate() {
                match fared {
                    Fared::Taken => verdict.accepted += 1,
                    Fared::Known => verdict.duplicate += 1,
                    Fared::TooLarge(why) => verdict.rejected.push(Rejected::new(window * WINDOW + at, why)),
                    Fared::Refused(why) => {
                        not_taken += 1;
                        refused = Some(why);
                    }
                }
            }
        }
        self.counts.add(&verdict);
        let Some(why) = refused else { return Ok(verdict) };
        self.refused(not_taken);
        Err(Problem::unavailable(format!(
            "NATS did not take {not_taken} of {} actions ({why}); send the request again: those with an id that were taken count once",
            all.len()
        )))
    }

    /// Keeps what the broker did not take now.
    fn keep(&self, sent: Vec<Sent>) {
        let mut waiting = lock(&self.waiting);
        for sent in sent {
            if waiting.len() < WAITING {
                waiting.push_back(sent);
            } else {
                self.counts.shed();
            }
        }
    }

    /// Publishes what waited for an ancestor, or for the broker, until it is stopped; then once more.
    pub async fn settle(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.settle_until((self.clock)()).await;
        }
        // Nobody joins them later: what still waits goes as it is.
        self.settle_until((self.clock)().plus(Time::MINUTE)).await;
    }

    async fn settle_until(&self, until: Time) {
        let Some(ready) = self.broker.ready() else { return };
        let drained = lock(&self.joiner).drain(until);
        self.counts.reject(drained.rejected.len());
        let mut complete: Vec<Sent> = lock(&self.waiting).drain(..).collect();
        complete.extend(drained.actions.into_iter().map(otlp));
        if complete.is_empty() {
            return;
        }
        if let Err(problem) = self.publish(&ready, complete.clone()).await {
            tracing::warn!(%problem, "spans that were joined wait for NATS");
            self.keep(complete);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn otlp(joined: Joined) -> Sent {
    Sent { source: joined.origin.source.to_string(), way: Way::Otlp, action: joined.action }
}

/// Sends a window of messages, in their order, then hears what became of each; all of it within the broker's patience.
async fn fares(ready: &Ready, window: &[Sent]) -> Vec<Fared> {
    let deadline = Instant::now() + PATIENCE;
    let silent = |_| Fared::Refused("it does not answer".to_owned());
    let mut acks = Vec::with_capacity(window.len());
    for sent in window {
        acks.push(timeout_at(deadline, send(ready, sent)).await.map_err(silent).flatten());
    }
    let mut fared = Vec::with_capacity(acks.len());
    for ack in acks {
        let ack = match ack {
            Ok(ack) => timeout_at(deadline, ack.into_future()).await.map_err(silent),
            Err(fared) => Err(fared),
        };
        fared.push(match ack {
            Ok(Ok(ack)) if ack.duplicate => Fared::Known,
            Ok(Ok(_)) => Fared::Taken,
            Ok(Err(why)) => Fared::Refused(source_of(&why)),
            Err(fared) => fared,
        });
    }
    fared
}

async fn send(ready: &Ready, sent: &Sent) -> Result<PublishAckFuture, Fared> {
    let body = serde_json::to_vec(sent).map_err(|why| Fared::TooLarge(why.to_string()))?;
    let mut message = PublishMessage::build().payload(body.into());
    if let Some(id) = sent.dedup_id() {
        message = message.message_id(id);
    }
    let to = subject(partition_of(&sent.action.agent, ready.partitions));
    ready.context.send_publish(to, message).await.map_err(|why| match why.kind() {
        PublishErrorKind::MaxPayloadExceeded => Fared::TooLarge(format!(
            "it is larger than NATS takes ({}): send less of its input and output",
            source_of(&why)
        )),
        _ => Fared::Refused(source_of(&why)),
    })
}

/// What the broker itself said, where it said something.
fn source_of(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
