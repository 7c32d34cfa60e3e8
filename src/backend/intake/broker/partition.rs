//! One partition's engine, on the one node that judges it now: goes on from the last checkpoint, judges what came since in
//! order, has the log take what it sees, and only then moves its checkpoint on.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use async_nats::jetstream::{Message, consumer::DeliverPolicy};
use futures_util::StreamExt;
use tokio::{
    sync::broadcast,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    super::{
        judging::expected,
        repeats::Repeats,
        seen::Seen,
        wiring::{Judge, Writer},
    },
    bench::{Bench, Ending, Stopped},
    checkpoints::{self, Checkpoint, Covered, NotSaved},
    connection::nats,
    figures,
    unrecorded::unrecorded,
    wire::{Sent, digest, partition_of},
};
use crate::{
    api::AgentLive,
    incident::{AgentDeclaration, Event, Fact},
    terms::Time,
    tripwire::FiringChange,
};

/// Messages judged at a time.
const TOGETHER: usize = 256;
/// Before a checkpoint's last message, the records that may be halves of pairs (protocol 1).
const APART: i64 = 2 * Time::MINUTE;
/// Between two checkpoints.
const CHECKPOINT: i64 = 15 * Time::SECOND;
/// Between two times that every agent's figures are told.
const TELL_ALL: i64 = 20 * Time::SECOND;
/// Between two attempts to record.
const RETRY: Duration = Duration::from_millis(500);
/// How long a judge waits for this node's own sight, which may be busy with what it missed.
const SIGHT: Duration = Duration::from_secs(5);

/// Judges a partition until it is handed over, or lost.
pub(super) async fn judge<W: Writer>(bench: Arc<Bench<W>>, partition: u32, epoch: i64, ending: Ending) {
    let work = async {
        loop {
            match Partition::begin(bench.clone(), partition, epoch).await {
                Ok((judge, messages, events)) => match judge.run(messages, events, &ending.hand_over).await {
                    Ok(()) | Err(Stopped::Lost) => return,
                    Err(why) => tracing::warn!(%partition, %why, "a partition's judge begins again"),
                },
                Err(Stopped::Lost) => return,
                Err(why) => tracing::warn!(%partition, %why, "a partition's judge does not begin"),
            }
            if ending.hand_over.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
                return;
            }
        }
    };
    ending.lost.run_until_cancelled(work).await;
    bench.broker.status().judges(partition, None);
}

/// A partition's engine at work.
struct Partition<W> {
    bench: Arc<Bench<W>>,
    partition: u32,
    epoch: i64,
    judge: Box<dyn Judge>,
    agents: HashMap<crate::terms::AgentId, AgentDeclaration>,
    seen: Seen,
    /// The last message judged, and when the broker took it.
    place: (u64, Time),
    /// What the last checkpoint covers, and when it was written.
    saved: (u64, Time),
    /// Checkpoints whose messages the broker keeps still.
    covered: Covered,
    repeats: Repeats,
    told: BTreeMap<String, AgentLive>,
    told_all: Time,
    cuts: u64,
    connects: u64,
    waiting: u64,
    caught_up: bool,
}

type Messages = futures_util::stream::ReadyChunks<async_nats::jetstream::consumer::pull::Ordered>;

impl<W: Writer> Partition<W> {
    async fn begin(
        bench: Arc<Bench<W>>,
        partition: u32,
        epoch: i64,
    ) -> Result<(Self, Messages, broadcast::Receiver<Arc<Event>>), Stopped> {
        // Heard before the world is read: nothing declared in between is missed.
        let events = bench.writer.subscribe();
        let now = (bench.clock)();
        let mut this = Self {
            judge: (bench.engines)(),
            partition,
            epoch,
            agents: HashMap::new(),
            seen: Seen::default(),
            place: (0, Time::default()),
            saved: (0, now),
            covered: Covered::default(),
            repeats: Repeats::default(),
            told: BTreeMap::new(),
            told_all: now,
            cuts: bench.broker.status().cuts(),
            connects: bench.broker.connects(),
            waiting: 0,
            caught_up: false,
            bench,
        };
        this.retune();
        this.declare_all();
        let mut from = DeliverPolicy::All;
        if let Some(checkpoint) = checkpoints::load(&this.bench.pool, partition).await? {
            if !this.judge.restore(&checkpoint.state) {
                tracing::warn!(%partition, "the saved engine does not read; baselines start over");
            } else if checkpoint.stream == this.bench.ready.ordinal && checkpoint.seq > 0 {
                this.place = (checkpoint.seq, checkpoint.published_at);
                this.saved.0 = checkpoint.seq;
                this.covered.add(now, checkpoint.seq);
                let start_time = checkpoint.published_at.plus(-APART).to_chrono();
                from = DeliverPolicy::ByStartTime { start_time };
            }
        }
        let (messages, pending) = this.bench.ready.read(Some(partition), from).await?;
        this.waits(pending).await?;
        Ok((this, messages.ready_chunks(TOGETHER), events))
    }

    async fn run(
        mut self,
        mut messages: Messages,
        mut events: broadcast::Receiver<Arc<Event>>,
        hand_over: &CancellationToken,
    ) -> Result<(), Stopped> {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = hand_over.cancelled() => break,
                event = events.recv() => match event {
                    Ok(event) => self.hear(&event).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.declare_all();
                        self.retune();
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                _ = every.tick() => {
                    self.tick().await?;
                    if self.bench.broker.connects() != self.connects {
                        messages = self.read_on().await?;
                    }
                }
                some = messages.next() => {
                    let some = some.ok_or_else(|| nats("the stream ended"))?;
                    let some: Vec<Message> = some.into_iter().collect::<Result<_, _>>().map_err(nats)?;
                    self.take(&some).await?;
                }
            }
        }
        self.save().await
    }

    /// After the connection was lost: the broker may have forgotten that it was read.
    async fn read_on(&mut self) -> Result<Messages, Stopped> {
        self.connects = self.bench.broker.connects();
        let from = DeliverPolicy::ByStartSequence { start_sequence: self.place.0 + 1 };
        let (messages, pending) = self.bench.ready.read(Some(self.partition), from).await?;
        self.waits(pending).await?;
        Ok(messages.ready_chunks(TOGETHER))
    }

    async fn take(&mut self, messages: &[Message]) -> Result<(), Stopped> {
        let mut changes = Vec::new();
        let (mut waiting, mut patience) = (self.waiting, SIGHT);
        for message in messages {
            let info = message.info().map_err(nats)?;
            let (seq, published_at) = (info.stream_sequence, Time::from(info.published));
            waiting = info.pending;
            let sent: Sent = match serde_json::from_slice(&message.payload) {
                Ok(sent) => sent,
                Err(why) => {
                    tracing::error!(%seq, %why, "a message of the stream does not read");
                    continue;
                }
            };
            let Sent { source, way, mut action } = sent;
            if let Some(tool) = &action.tool
                && let Some(item) = self.agents.get(&action.agent).and_then(|agent| agent.item(tool))
                && item.tool() != tool
            {
                action.tool = Some(item.tool().clone());
            }
            let again = self.seen.again(&source, way, &action, action.received_at);
            // Covered by the checkpoint, it is here for what may be half of a pair. A server that lost its tail gives its
            // numbers out again, later.
            if seq <= self.place.0 && published_at <= self.place.1 {
                continue;
            }
            self.place = (seq, published_at);
            if again {
                continue;
            }
            // What a person approved is asked for once, by the node's sight.
            let approved = match timeout(patience, self.bench.seeing.reaches(seq)).await {
                Ok(()) => self.bench.seeing.approved(seq),
                Err(_) => {
                    patience = Duration::ZERO;
                    self.bench.breaches.approved(None, &action)
                }
            };
            changes.extend(self.judge.judge(&action, &approved));
        }
        self.tell(changes, true).await?;
        self.waits(waiting).await
    }

    /// So many messages wait; the engine has caught up when none do.
    async fn waits(&mut self, waiting: u64) -> Result<(), Stopped> {
        self.waiting = waiting;
        self.bench.broker.status().judges(self.partition, Some(waiting));
        if waiting > 0 || std::mem::replace(&mut self.caught_up, true) {
            return Ok(());
        }
        let worlds = self.bench.writer.worlds();
        let now = (self.bench.clock)();
        for key in expected(&worlds.real) {
            self.judge.acknowledge(key, true, now);
        }
        self.bench.breaches.recalled(None, self.judge.recall());
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Stopped> {
        let now = (self.bench.clock)();
        // What waits may meet a firing again that the clock alone would close.
        if self.caught_up && self.waiting == 0 {
            let changes = self.judge.tick(now);
            self.tell(changes, true).await?;
        }
        let repeats = self.repeats.due(Instant::now());
        self.record(repeats, true).await?;
        if self.bench.broker.status().cuts() != self.cuts {
            return Err(nats("the stream lost its tail").into());
        }
        if now.since(self.told_all) >= TELL_ALL {
            // A node that joined meanwhile heard nothing of what did not change.
            self.told.clear();
            self.told_all = now;
        }
        let figures = self.judge.figures(now);
        self.bench.heard.take(figures.clone());
        figures::tell(self.bench.broker.client(), self.partition, &mut self.told, figures).await;
        if now.since(self.saved.1) >= CHECKPOINT {
            if self.place.0 != self.saved.0 {
                self.save().await?;
            }
            self.saved.1 = now;
            self.forget(now).await;
        }
        Ok(())
    }

    /// Has the log take changes: openings and ends now, repeats when they are due.
    async fn tell(&mut self, changes: Vec<FiringChange>, again: bool) -> Result<(), Stopped> {
        let mut due = Vec::new();
        for change in changes {
            self.repeats.sort_in(change, Instant::now(), &mut due);
        }
        self.record(due, again).await
    }

    /// Asks until it is recorded. The id is made of what is said, so that a node which says it again says nothing new; a node
    /// that has lost its lease says nothing any more.
    async fn record(&self, changes: Vec<FiringChange>, again: bool) -> Result<(), Stopped> {
        let mut told = false;
        loop {
            if changes.is_empty() {
                return Ok(());
            }
            if !self.bench.shares.hold() {
                tokio::time::sleep(RETRY).await;
                continue;
            }
            let worlds = self.bench.writer.worlds();
            let changes = if again { unrecorded(&worlds.real, changes.clone()) } else { changes.clone() };
            if changes.is_empty() {
                return Ok(());
            }
            let Err(problem) = self.bench.writer.fire(None, id_of(&changes), changes).await else { return Ok(()) };
            if problem.status < 500 {
                tracing::error!(%problem, "the rules refused what the tripwires saw");
                return Ok(());
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(%problem, partition = self.partition, "firings wait for the log");
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Once everything up to here is in the log: a node that takes over begins after it.
    async fn save(&mut self) -> Result<(), Stopped> {
        let repeats = self.repeats.all(Instant::now());
        self.record(repeats, true).await?;
        let Some(state) = self.judge.snapshot() else { return Ok(()) };
        let (seq, published_at) = self.place;
        if seq == 0 {
            return Ok(());
        }
        let checkpoint = Checkpoint { stream: self.bench.ready.ordinal, seq, published_at, state };
        let mine = (self.partition, self.epoch, self.bench.shares.me());
        let now = (self.bench.clock)();
        match checkpoints::save(&self.bench.pool, mine, &checkpoint).await {
            Ok(()) => {
                self.saved = (seq, now);
                self.covered.add(now, seq);
                Ok(())
            }
            Err(NotSaved::Lost) => Err(Stopped::Lost),
            Err(why) => {
                tracing::warn!(partition = self.partition, %why, "a checkpoint was not written; what it would cover is judged again after a crash");
                Ok(())
            }
        }
    }

    /// Has the broker forget what was covered for long enough.
    async fn forget(&mut self, now: Time) {
        let due = self.covered.due(now, self.bench.broker.status().is_half_full());
        if let Some(seq) = due
            && let Err(why) = self.bench.ready.forget(self.partition, seq).await
        {
            tracing::warn!(partition = self.partition, %why, "the stream keeps what is judged");
        }
    }

    fn retune(&mut self) {
        if let Some(book) = self.bench.writer.worlds().upkeep.now() {
            self.judge.retune(&book.runbook.tripwires);
        }
    }

    fn declare(&mut self, agent: &AgentDeclaration) {
        if partition_of(&agent.id, self.bench.ready.partitions) == self.partition {
            self.judge.declare(agent);
            self.agents.insert(agent.id.clone(), agent.clone());
        }
    }

    fn declare_all(&mut self) {
        for agent in self.bench.writer.worlds().real.agents.values() {
            self.declare(&agent.declared);
        }
    }

    async fn hear(&mut self, event: &Event) -> Result<(), Stopped> {
        if matches!(event.fact, Fact::RunbookTaken(_)) {
            self.retune();
            return Ok(());
        }
        if event.stream.drill.is_some() {
            return Ok(());
        }
        match &event.fact {
            Fact::AgentDeclared(agent) => self.declare(agent),
            Fact::FiringAcknowledged { firing, expected } => {
                let worlds = self.bench.writer.worlds();
                let Some(firing) = worlds.real.firings.get(firing) else { return Ok(()) };
                let changes = self.judge.acknowledge(&firing.key, *expected, (self.bench.clock)());
                // A person closes it now, whenever it was met.
                self.tell(changes, false).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// A command's id, made of what it says.
fn id_of(changes: &[FiringChange]) -> Uuid {
    let body = serde_json::to_vec(changes).unwrap_or_default();
    let digest = digest(&[b"andon firings", &body]);
    uuid::Builder::from_custom_bytes(digest[..16].try_into().unwrap_or_default()).into_uuid()
}
