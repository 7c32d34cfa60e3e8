//! A world's intake: started once, then a handle that is cheap to clone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use sqlx::postgres::PgPool;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    body::busy,
    broker::{self, Broker, BrokerStatus, Over, Taking},
    firings,
    judging::{Arrived, Desk, Ears, Figures, Verdict, Work},
    ledger::Ledger,
    profiles::Profiles,
    seen::Seen,
    store::HotStore,
    wiring::{Breaches, Judge, Writer},
};
use crate::{
    api::{Problem, TelemetryCounts},
    backend::{clock::Clock, identity::Identity},
    runbook::Runbook,
    telemetry::{
        Action, Prices,
        otlp::{SpanJoiner, Spans},
    },
    terms::{AgentId, DrillId, Time},
};

/// Items that wait for the engine at most, over all requests.
const QUEUED: usize = 1 << 18;
/// Bytes of the requests that these came in, at most.
const QUEUED_BYTES: usize = 256 << 20;
/// Requests that wait at most.
const REQUESTS: usize = 1024;
/// How long a 200 waits for its firings to be in the log; they are kept and retried in any case.
const RECORDED: Duration = Duration::from_secs(2);
/// Between two flushes of the hot store.
const FLUSH: Duration = Duration::from_millis(500);
/// Flushes between two looks at retention.
const RETAIN: u32 = 1200;

/// Who reports, as it was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A name that stays the same between requests.
    pub name: Arc<str>,
    /// The one agent it may report for; `None` may report for any.
    pub agent: Option<AgentId>,
}

impl From<&Identity> for Source {
    fn from(identity: &Identity) -> Self {
        Self { name: identity.source().into(), agent: identity.agent.clone() }
    }
}

/// What an intake is started with.
pub struct Start<W> {
    /// The world: a drill's, or the real one.
    pub drill: Option<DrillId>,
    /// Its engine, fresh.
    pub judge: Box<dyn Judge>,
    /// Its interlock.
    pub breaches: Arc<dyn Breaches>,
    /// The log's writer.
    pub writer: W,
    /// Its clock.
    pub clock: Clock,
    /// Where actions are kept.
    pub store: HotStore,
    /// What model calls cost where nobody says.
    pub runbook: Arc<ArcSwap<Runbook>>,
}

/// What several nodes share telemetry by.
pub struct Sharing {
    /// The broker.
    pub broker: Broker,
    /// Their database.
    pub pool: PgPool,
    /// What leases are measured by.
    pub steady: Clock,
    /// Names the log, so that no two teams share a stream.
    pub log: String,
}

/// Counters since the backend began; and what waits now.
#[derive(Debug, Default)]
pub(super) struct Counts {
    accepted: AtomicU64,
    rejected: AtomicU64,
    duplicate: AtomicU64,
    busy: AtomicU64,
    shed: AtomicU64,
    without_run: AtomicU64,
    queued: AtomicUsize,
    queued_bytes: AtomicUsize,
}

impl Counts {
    pub fn add(&self, verdict: &Verdict) {
        self.accepted.fetch_add(verdict.accepted, Ordering::Relaxed);
        self.duplicate.fetch_add(verdict.duplicate, Ordering::Relaxed);
        self.reject(verdict.rejected.len());
    }

    pub fn reject(&self, items: usize) {
        self.rejected.fetch_add(items as u64, Ordering::Relaxed);
    }

    pub fn without_run(&self) {
        self.without_run.fetch_add(1, Ordering::Relaxed);
    }

    pub fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts items that were not taken for want of room elsewhere.
    pub fn busy(&self, items: usize) {
        self.busy.fetch_add(items as u64, Ordering::Relaxed);
    }

    pub fn leave_queue(&self, items: usize, bytes: usize) {
        self.queued.fetch_sub(items, Ordering::Relaxed);
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes room for `items` of `bytes`; a single request larger than the whole queue is let in when nothing waits.
    fn enter_queue(&self, items: usize, bytes: usize) -> bool {
        let before = self.queued.fetch_add(items, Ordering::Relaxed);
        let held = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before == 0 || (before + items <= QUEUED && held + bytes <= QUEUED_BYTES);
        if !fits {
            self.leave_queue(items, bytes);
            self.busy.fetch_add(items as u64, Ordering::Relaxed);
        }
        fits
    }

    fn told(&self) -> TelemetryCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TelemetryCounts {
            accepted: of(&self.accepted),
            rejected: of(&self.rejected),
            duplicate: of(&self.duplicate),
            busy: of(&self.busy),
            shed: of(&self.shed),
            without_run: of(&self.without_run),
        }
    }
}

/// A handle on one world's intake.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

/// Where what arrives goes.
enum Door {
    /// To the engine of this process.
    Engine(mpsc::Sender<Work>),
    /// To the broker that several nodes share.
    Broker(Arc<Taking>),
}

struct Inner {
    door: Door,
    told: Arc<ArcSwap<Figures>>,
    store: Arc<HotStore>,
    counts: Arc<Counts>,
    clock: Clock,
    runbook: Arc<ArcSwap<Runbook>>,
    stop: CancellationToken,
    profiles: Profiles,
    tasks: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Intake {
    /// Restores the engine from the hot store, judges what it does not cover, and begins.
    ///
    /// # Errors
    /// A hot store that cannot be read.
    pub async fn start<W: Writer>(start: Start<W>) -> Result<Self, super::StoreError> {
        let (work, work_ear) = mpsc::channel(REQUESTS);
        let told = Arc::new(ArcSwap::<Figures>::default());
        let (recording, to_record) = mpsc::channel(REQUESTS);
        let (store, counts) = (Arc::new(start.store), Arc::new(Counts::default()));
        let stop = CancellationToken::new();
        // Subscribed before the world is read: nothing declared in between is missed.
        let events = start.writer.subscribe();
        let recorder = tokio::spawn(firings::record(start.writer.clone(), start.drill, store.clone(), to_record));
        let profiles = Profiles::default();
        let mut desk = Desk {
            judge: start.judge,
            breaches: start.breaches,
            writer: start.writer,
            drill: start.drill,
            clock: start.clock.clone(),
            ledger: Ledger::new(store.clone(), counts.clone(), profiles.clone()),
            told: told.clone(),
            recording,
            seen: Seen::default(),
            joiner: SpanJoiner::default(),
            seq: 0,
            saved: (0, Time::default()),
            keeping: None,
        };
        desk.recover().await?;
        let ears = Ears { work: work_ear, events, stop: stop.clone() };
        let judging = tokio::spawn(desk.run(ears));
        let keeping = tokio::spawn(keep(store.clone(), start.clock.clone(), stop.clone()));
        let tasks = std::sync::Mutex::new(vec![judging, recorder, keeping]);
        Ok(Self(Arc::new(Inner {
            door: Door::Engine(work),
            told,
            store,
            counts,
            clock: start.clock,
            runbook: start.runbook,
            stop,
            tasks,
            profiles,
        })))
    }

    /// Begins to share telemetry with other nodes over a broker. No engine is here until a partition is.
    pub fn share<W: Writer>(start: Start<W>, sharing: Sharing) -> Self {
        let Start { judge, breaches, writer, clock, store, runbook, .. } = start;
        let told = Arc::new(ArcSwap::<Figures>::default());
        let (store, counts, profiles) = (Arc::new(store), Arc::new(Counts::default()), Profiles::default());
        let stop = CancellationToken::new();
        let Sharing { broker, pool, steady, log } = sharing;
        let over = Over { broker, pool, log, engine: judge, breaches, writer, clock: clock.clone(), steady };
        let ledger = Ledger::new(store.clone(), counts.clone(), profiles.clone());
        let (taking, mut tasks) = broker::begin(over, ledger, told.clone(), &stop);
        tasks.push(tokio::spawn(keep(store.clone(), clock.clone(), stop.clone())));
        let tasks = std::sync::Mutex::new(tasks);
        Self(Arc::new(Inner { door: Door::Broker(taking), told, store, counts, clock, runbook, stop, tasks, profiles }))
    }

    /// How the broker stands, where telemetry goes over one.
    pub fn broker(&self) -> Option<&Arc<BrokerStatus>> {
        match &self.0.door {
            Door::Engine(_) => None,
            Door::Broker(taking) => Some(taking.broker().status()),
        }
    }

    /// Judges actions: the answer comes when they are judged, in memory, and their firings in the log.
    ///
    /// # Errors
    /// 503 when the queue is full or the intake has stopped: nothing was taken.
    pub async fn actions(&self, actions: Vec<Action>, source: &Source, bytes: usize) -> Result<Verdict, Problem> {
        let items = actions.len();
        match &self.0.door {
            Door::Engine(work) => self.submit(work, Arrived::Actions(actions), items, source, bytes).await,
            Door::Broker(taking) => {
                let (taking, source) = (taking.clone(), source.clone());
                self.publish((items, bytes), async move { taking.actions(actions, &source).await }).await
            }
        }
    }

    /// Judges spans, once their agents are known.
    ///
    /// # Errors
    /// 503 when the queue is full or the intake has stopped: nothing was taken.
    pub async fn spans(&self, spans: Spans, source: &Source, bytes: usize) -> Result<Verdict, Problem> {
        let items = spans.spans.len();
        match &self.0.door {
            Door::Engine(work) => self.submit(work, Arrived::Spans(spans), items, source, bytes).await,
            Door::Broker(taking) => {
                let (taking, source) = (taking.clone(), source.clone());
                self.publish((items, bytes), async move { taking.spans(spans, &source).await }).await
            }
        }
    }

    /// Has the broker take `items`, where not too many wait for it already; to the end, whether or not the sender waits.
    async fn publish(
        &self,
        (items, bytes): (usize, usize),
        publishing: impl Future<Output = Result<Verdict, Problem>> + Send + 'static,
    ) -> Result<Verdict, Problem> {
        if !self.0.counts.enter_queue(items, bytes) {
            return Err(busy());
        }
        let counts = self.0.counts.clone();
        let published = tokio::spawn(async move {
            let verdict = publishing.await;
            counts.leave_queue(items, bytes);
            verdict
        });
        published.await.unwrap_or_else(|_| Err(Problem::unavailable("the backend is stopping; send it again")))
    }

    async fn submit(
        &self,
        queue: &mpsc::Sender<Work>,
        what: Arrived,
        items: usize,
        source: &Source,
        bytes: usize,
    ) -> Result<Verdict, Problem> {
        if !self.0.counts.enter_queue(items, bytes) {
            return Err(busy());
        }
        let (reply, verdict) = oneshot::channel();
        let work = Work { what, source: source.clone(), bytes, reply };
        if queue.try_send(work).is_err() {
            self.0.counts.leave_queue(items, bytes);
            self.0.counts.busy(items);
            return Err(busy());
        }
        let mut verdict = verdict.await.map_err(|_| Problem::unavailable("the backend is stopping; send it again"))?;
        if let Some(recorded) = verdict.recorded.take() {
            let _ = tokio::time::timeout(RECORDED, recorded).await;
        }
        Ok(verdict)
    }

    /// Figures for `event: live`, at most a second old.
    pub fn live(&self) -> Arc<Figures> {
        self.0.told.load_full()
    }

    /// What each agent did lately.
    pub fn profiles(&self) -> &Profiles {
        &self.0.profiles
    }

    /// What intake did since it began.
    pub fn counts(&self) -> TelemetryCounts {
        self.0.counts.told()
    }

    /// Counts items that were refused before they reached the engine.
    pub(super) fn reject(&self, items: usize) {
        self.0.counts.reject(items);
    }

    /// The hot store, for reading.
    pub fn store(&self) -> &HotStore {
        &self.0.store
    }

    /// The world's clock.
    pub(super) fn now(&self) -> Time {
        (self.0.clock)()
    }

    pub(super) fn prices(&self) -> Prices {
        Prices::new(&self.0.runbook.load().prices)
    }

    /// Judges what is queued, saves the engine, writes what waits.
    pub async fn close(&self) {
        self.0.stop.cancel();
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for task in tasks {
            let _ = task.await;
        }
        if let Err(error) = self.0.store.flush().await {
            tracing::warn!(%error, "the last second of raw telemetry was not written");
        }
    }
}

/// Writes what waits twice a second, and looks at retention now and then.
async fn keep(store: Arc<HotStore>, clock: Clock, stop: CancellationToken) {
    let mut every = tokio::time::interval(FLUSH);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut rounds, mut failing) = (0u32, false);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        match store.flush().await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "raw telemetry waits for the disk; once its room is used up, it is shed and counted");
            }
            Err(_) => {}
        }
        if rounds % RETAIN == 0
            && let Err(error) = store.retain(clock()).await
        {
            tracing::warn!(%error, "old telemetry was not deleted");
        }
        rounds = rounds.wrapping_add(1);
    }
}
