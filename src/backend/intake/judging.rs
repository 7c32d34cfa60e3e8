//! The one task that owns a world's engine: what arrives is counted once, judged in order, kept, and its firings told.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tokio::sync::{
    broadcast, mpsc,
    oneshot::{self, error::TryRecvError},
};
use tokio_util::sync::CancellationToken;

use super::{
    firings::ToRecord,
    ledger::Ledger,
    seen::{Seen, Way},
    start::Source,
    wiring::{Breaches, Judge, Writer},
};
use crate::{
    api::AgentLive,
    backend::clock::Clock,
    incident::{AgentDeclaration, Event, Fact, World},
    telemetry::{
        Action, Rejected,
        otlp::{Origin, Pushed, SpanJoiner, Spans},
    },
    terms::{DrillId, Time},
    tripwire::{FiringChange, FiringKey, FiringState},
};

/// What waits in the queue.
pub(super) struct Work {
    pub what: Arrived,
    pub source: Source,
    /// Bytes of the request, for the store's bound.
    pub bytes: usize,
    pub reply: oneshot::Sender<Verdict>,
}

/// What arrived.
pub(super) enum Arrived {
    Actions(Vec<Action>),
    Spans(Spans),
}

/// What became of a request.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Judged and in memory.
    pub accepted: u64,
    /// Counted once already.
    pub duplicate: u64,
    /// Refused spans.
    pub rejected: Vec<Rejected>,
    /// Spans that wait for an ancestor.
    pub waiting: usize,
    /// Comes when the firings of this request are in the log.
    pub(super) recorded: Option<oneshot::Receiver<()>>,
}

/// Figures that are not facts, for `event: live`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// Per agent.
    pub agents: BTreeMap<String, AgentLive>,
    /// Spend per minute over the last hour, all agents, USD; oldest first.
    pub spend_per_minute: Vec<f64>,
}

/// Between two snapshots of the engine.
const SNAPSHOT: i64 = 30 * Time::SECOND;
/// Newest actions that profiles are begun from after a restart.
const PROFILED: usize = 20_000;
/// Actions replayed at a time after a restart.
const REPLAY: usize = 5_000;

/// A world's engine and what stands around it.
pub(super) struct Desk<W> {
    pub judge: Box<dyn Judge>,
    pub breaches: Arc<dyn Breaches>,
    pub writer: W,
    pub drill: Option<DrillId>,
    pub clock: Clock,
    pub ledger: Ledger,
    pub told: Arc<ArcSwap<Figures>>,
    pub recording: mpsc::Sender<ToRecord>,
    pub seen: Seen,
    pub joiner: SpanJoiner,
    pub seq: u64,
    pub saved: (u64, Time),
    /// Comes when the state that was saved last is in the store.
    pub keeping: Option<oneshot::Receiver<()>>,
}

/// What reaches the task besides the queue.
pub(super) struct Ears {
    pub work: mpsc::Receiver<Work>,
    pub events: broadcast::Receiver<Arc<Event>>,
    pub stop: CancellationToken,
}

impl<W: Writer> Desk<W> {
    /// Works until it is stopped; then settles what is queued and saves the engine.
    pub async fn run(mut self, mut ears: Ears) {
        let mut every = tokio::time::interval(std::time::Duration::from_secs(1));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = ears.stop.cancelled() => break,
                event = ears.events.recv() => match event {
                    Ok(event) => self.hear(&event).await,
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.declare_all();
                        self.retune();
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                _ = every.tick() => self.tick().await,
                work = ears.work.recv() => match work {
                    Some(work) => self.take(work).await,
                    None => break,
                },
            }
        }
        ears.work.close();
        while let Ok(work) = ears.work.try_recv() {
            self.take(work).await;
        }
        self.save((self.clock)()).await;
    }

    async fn take(&mut self, work: Work) {
        let now = (self.clock)();
        let mut verdict = Verdict::default();
        let mut changes = Vec::new();
        match work.what {
            Arrived::Actions(actions) => {
                self.ledger.counts.leave_queue(actions.len(), work.bytes);
                let bytes = work.bytes / actions.len().max(1);
                for action in actions {
                    self.judge(&work.source.name, Way::Native, action, bytes, now, &mut verdict, &mut changes);
                }
            }
            Arrived::Spans(spans) => {
                let count = spans.spans.len();
                self.ledger.counts.leave_queue(count, work.bytes);
                let origin = Origin { source: work.source.name.clone(), bound: work.source.agent.clone() };
                let pushed = self.joiner.push(spans, &origin, now);
                self.joined(pushed, work.bytes / count.max(1), now, &mut verdict, &mut changes);
            }
        }
        self.ledger.counts.add(&verdict);
        verdict.recorded = self.tell(changes, true).await;
        let _ = work.reply.send(verdict);
    }

    fn joined(&mut self, pushed: Pushed, bytes: usize, now: Time, out: &mut Verdict, changes: &mut Vec<FiringChange>) {
        out.rejected.extend(pushed.rejected);
        out.duplicate += pushed.repeated;
        out.waiting += pushed.waiting;
        for joined in pushed.actions {
            self.judge(&joined.origin.source, Way::Otlp, joined.action, bytes, now, out, changes);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the one place where an action meets everything")]
    fn judge(
        &mut self,
        source: &str,
        way: Way,
        mut action: Action,
        bytes: usize,
        now: Time,
        out: &mut Verdict,
        changes: &mut Vec<FiringChange>,
    ) {
        self.ledger.name(&mut action);
        if self.seen.again(source, way, &action, now) {
            out.duplicate += 1;
            return;
        }
        out.accepted += 1;
        if action.run.is_none() {
            self.ledger.counts.without_run();
        }
        let approved = self.breaches.approved(self.drill, &action);
        changes.extend(self.judge.judge(&action, &approved));
        changes.extend(self.breaches.observe(self.drill, &action, source, now));
        self.ledger.note(&action, now);
        self.ledger.profile(&action);
        self.seq += 1;
        self.ledger.keep(self.seq, action, bytes);
    }

    async fn tick(&mut self) {
        let now = (self.clock)();
        self.ledger.forget(now);
        let mut verdict = Verdict::default();
        let mut changes = Vec::new();
        let drained = self.joiner.drain(now);
        self.joined(drained, 512, now, &mut verdict, &mut changes);
        self.ledger.counts.add(&verdict);
        changes.extend(self.judge.tick(now));
        self.tell(changes, false).await;
        self.told.store(Arc::new(self.ledger.figures(self.judge.figures(now), now)));
        // While the log is away, states would only pile up before it.
        let waits = self.keeping.as_mut().is_some_and(|kept| matches!(kept.try_recv(), Err(TryRecvError::Empty)));
        if self.seq > self.saved.0 && now.since(self.saved.1) >= SNAPSHOT && !waits {
            self.save(now).await;
        }
    }

    async fn save(&mut self, now: Time) {
        if let Some(state) = self.judge.snapshot() {
            let (kept, keeping) = oneshot::channel();
            self.keeping = Some(keeping);
            let _ = self.recording.send(ToRecord::Saved { seq: self.seq, state, kept }).await;
        }
        self.saved = (self.seq, now);
    }

    /// Hands changes to the log's writer; the answer comes when they are recorded.
    async fn tell(&mut self, changes: Vec<FiringChange>, wait: bool) -> Option<oneshot::Receiver<()>> {
        if changes.is_empty() {
            return None;
        }
        let wait = wait && changes.iter().any(|change| !matches!(change, FiringChange::Counted { .. }));
        let (recorded, receiver) = if wait { oneshot::channel() } else { return self.send(changes, None).await };
        self.send(changes, Some(recorded)).await;
        Some(receiver)
    }

    async fn send(
        &mut self,
        changes: Vec<FiringChange>,
        recorded: Option<oneshot::Sender<()>>,
    ) -> Option<oneshot::Receiver<()>> {
        if self.recording.send(ToRecord::Fired { changes, recorded }).await.is_err() {
            tracing::error!("firings were not recorded: their writer has stopped");
        }
        None
    }

    /// The runbook in force judges from now on.
    fn retune(&mut self) {
        if let Some(book) = self.writer.worlds().upkeep.now() {
            self.judge.retune(&book.runbook.tripwires);
        }
    }

    async fn hear(&mut self, event: &Event) {
        if matches!(event.fact, Fact::RunbookTaken(_)) {
            return self.retune();
        }
        if event.stream.drill != self.drill {
            return;
        }
        match &event.fact {
            Fact::AgentDeclared(agent) => self.declare(agent),
            Fact::FiringAcknowledged { firing, expected } => {
                let worlds = self.writer.worlds();
                let Some(firing) = worlds.get(self.drill).and_then(|world| world.firings.get(firing)) else { return };
                let changes = self.judge.acknowledge(&firing.key, *expected, (self.clock)());
                self.tell(changes, false).await;
            }
            _ => {}
        }
    }

    fn declare(&mut self, agent: &AgentDeclaration) {
        self.judge.declare(agent);
        self.ledger.declare(agent);
    }

    fn declare_all(&mut self) {
        let worlds = self.writer.worlds();
        for agent in worlds.get(self.drill).into_iter().flat_map(|world| world.agents.values()) {
            self.declare(&agent.declared);
        }
    }

    /// After a restart: the saved engine, then every action it does not cover. Firings that the log missed are told.
    pub async fn recover(&mut self) -> Result<(), super::StoreError> {
        self.declare_all();
        let mut covered = 0;
        if let Some((seq, state)) = self.ledger.store.snapshot().await? {
            if self.judge.restore(&state) {
                covered = seq;
            } else {
                tracing::warn!("the saved engine does not read; every stored action is judged again");
            }
        }
        let mut changes = Vec::new();
        loop {
            let page = self.ledger.store.after(covered, None, REPLAY).await?;
            let Some(last) = page.last() else { break };
            covered = last.seq;
            for kept in page {
                let at = kept.action.received_at;
                self.seen.again("", Way::Native, &kept.action, at);
                let approved = self.breaches.approved(self.drill, &kept.action);
                changes.extend(self.judge.judge(&kept.action, &approved));
                self.ledger.note(&kept.action, (self.clock)().max(at));
            }
            tokio::task::yield_now().await;
        }
        self.seq = covered.max(self.ledger.store.newest().await?);
        for kept in self.ledger.store.last(None, PROFILED).await? {
            self.ledger.profile(&kept.action);
        }
        self.saved = (self.seq, (self.clock)());
        let worlds = self.writer.worlds();
        let Some(world) = worlds.get(self.drill) else { return Ok(()) };
        let missed = unrecorded(world, changes);
        for key in expected(world) {
            self.judge.acknowledge(key, true, (self.clock)());
        }
        self.tell(missed, false).await;
        self.breaches.recalled(self.drill, self.judge.recall());
        Ok(())
    }
}

/// Firings whose newest opening a person called expected: the replay knows nothing of that word.
pub(super) fn expected(world: &World) -> Vec<&FiringKey> {
    let newest: HashMap<&FiringKey, bool> = world
        .firings
        .values()
        .map(|firing| (&firing.key, firing.expected && firing.state == FiringState::Closed))
        .collect();
    newest.into_iter().filter(|(_, expected)| *expected).map(|(key, _)| key).collect()
}

/// Changes of a replay that the log does not have.
fn unrecorded(world: &World, changes: Vec<FiringChange>) -> Vec<FiringChange> {
    let mut open: Vec<_> =
        world.firings.values().filter(|f| f.state == FiringState::Open).map(|f| f.key.clone()).collect();
    let mut missed = Vec::new();
    for change in changes {
        let keep = match &change {
            FiringChange::Opened { key, at, .. } => {
                let known = world.firings.values().any(|firing| firing.key == *key && firing.at == *at);
                if !known {
                    open.push(key.clone());
                }
                !known
            }
            FiringChange::Counted { key, .. } => open.contains(key),
            FiringChange::Closed { key, .. } => {
                let known = open.iter().position(|other| other == key);
                known.map(|at| open.swap_remove(at)).is_some()
            }
        };
        if keep {
            missed.push(change);
        }
    }
    missed
}
