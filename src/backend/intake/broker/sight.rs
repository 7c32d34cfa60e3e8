//! Every node's sight of all telemetry: it keeps what any node took in its own hot store, and shows it to its interlock.
//! Any node can so be asked for actions and evidence, and knows what rules look at before a call. Engines are not here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use async_nats::jetstream::{Message, consumer::DeliverPolicy};
use futures_util::StreamExt;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        firings::ToRecord,
        judging::Figures,
        ledger::Ledger,
        seen::Seen,
        wiring::{Breaches, Writer},
    },
    connection::{Broker, BrokerError, Ready, nats},
    figures::Heard,
    wire::Sent,
};
use crate::{
    backend::clock::Clock,
    incident::{Event, Fact},
};

/// Messages taken at a time.
const TOGETHER: usize = 512;
/// Numbers of one stream: beyond any that a stream will reach.
const PER_STREAM: u32 = 40;
/// Newest actions that profiles are begun from after a restart.
const PROFILED: usize = 20_000;
/// Approved actions remembered at most: people approve few.
const APPROVED: usize = 4_096;
/// Before it goes on after the broker failed.
const AGAIN: Duration = Duration::from_secs(1);

/// The number of a message in every node's hot store.
pub(super) fn number(ordinal: i32, seq: u64) -> u64 {
    (u64::from(ordinal.unsigned_abs()) << PER_STREAM) + seq
}

/// How far this node's sight got, and the rules that people let actions by: each approval is for one action, so that only
/// one place may ask the interlock for it.
#[derive(Debug, Clone)]
pub(super) struct Seeing {
    place: watch::Sender<u64>,
    approved: Arc<Mutex<BTreeMap<u64, Vec<String>>>>,
}

impl Default for Seeing {
    fn default() -> Self {
        Self { place: watch::Sender::new(0), approved: Arc::default() }
    }
}

impl Seeing {
    /// Comes when everything up to message `seq` was seen.
    pub async fn reaches(&self, seq: u64) {
        let mut place = self.place.subscribe();
        // The sight ends with the node.
        let _ = place.wait_for(|place| *place >= seq).await;
    }

    /// The rules that a person let this message's action by.
    pub fn approved(&self, seq: u64) -> Vec<String> {
        self.approved.lock().unwrap_or_else(PoisonError::into_inner).get(&seq).cloned().unwrap_or_default()
    }

    fn note(&self, seq: u64, rules: Vec<String>) {
        if rules.is_empty() {
            return;
        }
        let mut approved = self.approved.lock().unwrap_or_else(PoisonError::into_inner);
        approved.insert(seq, rules);
        if approved.len() > APPROVED {
            approved.pop_first();
        }
    }
}

/// The one task that sees everything.
pub(super) struct Sight<W> {
    pub broker: Broker,
    pub ledger: Ledger,
    pub breaches: Arc<dyn Breaches>,
    pub writer: W,
    pub clock: Clock,
    pub told: Arc<ArcSwap<Figures>>,
    pub recording: mpsc::Sender<ToRecord>,
    pub seen: Seen,
    pub seeing: Seeing,
    pub heard: Heard,
}

impl<W: Writer> Sight<W> {
    /// Sees until it is stopped; goes on by itself when the broker was away.
    pub async fn run(mut self, mut events: broadcast::Receiver<Arc<Event>>, stop: CancellationToken) {
        self.declare_all();
        for kept in self.ledger.store.last(None, PROFILED).await.unwrap_or_default() {
            self.ledger.profile(&kept.action);
        }
        let Some(Some(ready)) = stop.run_until_cancelled(self.broker.wait_ready()).await else { return };
        loop {
            match self.see(&ready, &mut events, &stop).await {
                Ok(()) => return,
                Err(why) => tracing::warn!(%why, "telemetry of all nodes is not seen; trying again"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
                return;
            }
        }
    }

    async fn see(
        &mut self,
        ready: &Ready,
        events: &mut broadcast::Receiver<Arc<Event>>,
        stop: &CancellationToken,
    ) -> Result<(), BrokerError> {
        let base = number(ready.ordinal, 0);
        let newest = self.ledger.store.newest().await.map_err(nats)?.max(self.ledger.store.newest_buffered());
        let begun = (self.broker.status().cuts(), self.broker.connects());
        let mut place = newest.saturating_sub(base).min(ready.last().await?);
        let start = DeliverPolicy::ByStartSequence { start_sequence: place + 1 };
        let (messages, pending) = ready.read(None, start).await?;
        let mut messages = messages.ready_chunks(TOGETHER);
        self.broker.status().behind(pending);
        self.seeing.place.send_replace(place);
        let mut every = tokio::time::interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                event = events.recv() => match event {
                    Ok(event) => self.hear(&event),
                    Err(broadcast::error::RecvError::Lagged(_)) => self.declare_all(),
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                _ = every.tick() => {
                    self.tick();
                    if (self.broker.status().cuts(), self.broker.connects()) != begun {
                        return Err(nats("the connection was lost"));
                    }
                }
                some = messages.next() => {
                    let Some(some) = some else { return Err(nats("the stream ended")) };
                    for message in some {
                        self.take(&message.map_err(nats)?, ready, &mut place).await?;
                    }
                    self.seeing.place.send_replace(place);
                }
            }
        }
    }

    async fn take(&mut self, message: &Message, ready: &Ready, place: &mut u64) -> Result<(), BrokerError> {
        let info = message.info().map_err(nats)?;
        let (seq, pending) = (info.stream_sequence, info.pending);
        self.broker.status().behind(pending);
        if seq <= *place {
            return Ok(());
        }
        // A stream's numbers have no gaps but what it was made to forget.
        let gone = seq - *place - 1;
        if *place > 0 && gone > 0 {
            tracing::warn!(%gone, "actions were gone from the stream before this node kept them");
            self.broker.status().missed(gone);
        }
        *place = seq;
        let sent: Sent = match serde_json::from_slice(&message.payload) {
            Ok(sent) => sent,
            Err(why) => {
                tracing::error!(%seq, %why, "a message of the stream does not read");
                self.ledger.counts.reject(1);
                return Ok(());
            }
        };
        let Sent { source, way, mut action } = sent;
        self.ledger.name(&mut action);
        if self.seen.again(&source, way, &action, action.received_at) {
            return Ok(());
        }
        if action.run.is_none() {
            self.ledger.counts.without_run();
        }
        let now = (self.clock)();
        self.seeing.note(seq, self.breaches.approved(None, &action));
        // Every node sees a breach, and tells it: the log takes it once, and no node need live for it.
        let changes = self.breaches.observe(None, &action, &source, now);
        let breached = !changes.is_empty();
        let fired = ToRecord::Fired { changes, recorded: None };
        if breached && self.recording.send(fired).await.is_err() {
            tracing::error!("breaches were not recorded: their writer has stopped");
        }
        self.ledger.note(&action, now);
        self.ledger.profile(&action);
        self.ledger.keep(number(ready.ordinal, seq), action, message.payload.len());
        Ok(())
    }

    fn tick(&mut self) {
        let now = (self.clock)();
        self.ledger.forget(now);
        self.told.store(Arc::new(self.ledger.figures(self.heard.all(), now)));
    }

    fn hear(&mut self, event: &Event) {
        if let (None, Fact::AgentDeclared(agent)) = (event.stream.drill, &event.fact) {
            self.ledger.declare(agent);
        }
    }

    fn declare_all(&mut self) {
        for agent in self.writer.worlds().real.agents.values() {
            self.ledger.declare(&agent.declared);
        }
    }
}
