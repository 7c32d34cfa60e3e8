//! The handle on the writer.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, mpsc, oneshot};
use uuid::Uuid;

use super::{
    Pulse,
    writer::{self, Request},
};
use crate::{
    api::{Accepted, Problem},
    backend::{
        clock::Clock,
        log::{Log, LogError},
    },
    incident::{
        Command, Event, Worlds,
        containment::{AgentProof, Scope},
    },
    runbook::Runbook,
    terms::{AgentId, Author, DrillId, Time},
};

/// How many commands wait for the writer before it answers “busy”.
const WAITING: usize = 1024;
/// How many halts wait; they have a room of their own and are taken first (law 5).
const HALTS_WAITING: usize = 256;
/// How many events a slow reader may lag before it re-reads from the log.
const LAG: usize = 4096;

/// What the writer needs of the interlock: who is counted, and the swap of its tables before anybody is answered.
pub trait Interlocks: Send + Sync + 'static {
    /// Whom a switch over `scope` would count now (protocol 3).
    fn counted(&self, drill: Option<DrillId>, scope: &Scope, now: Time) -> Vec<AgentProof>;

    /// Runs of `agent` seen since the stage that holds it began, where that is known (RST.3).
    fn runs(&self, _drill: Option<DrillId>, _agent: &AgentId) -> Option<u32> {
        None
    }

    /// Swaps the tables of the worlds in `changed` (`None`: the real one). Must not block.
    fn publish(&self, worlds: &Worlds, changed: &[Option<DrillId>]);
}

/// What the writer works with.
pub struct Options {
    /// Told of every change before anybody is answered.
    pub interlocks: Arc<dyn Interlocks>,
    /// The runbook in force for new incidents.
    pub runbook: Arc<ArcSwap<Runbook>>,
    /// The clock.
    pub clock: Clock,
    /// Beats while the log can be written.
    pub pulse: Arc<Pulse>,
}

impl Options {
    /// Puts the runbook into force that the log holds, if it holds one that reads.
    pub(super) fn follow(&self, worlds: &Worlds) {
        if let Some(book) = worlds.upkeep.now()
            && !Arc::ptr_eq(&self.runbook.load(), &book.runbook)
        {
            self.runbook.store(book.runbook.clone());
        }
    }
}

pub(super) struct Shared {
    pub worlds: ArcSwap<Worlds>,
    pub recorded: ArcSwap<Worlds>,
    pub published: broadcast::Sender<Arc<Event>>,
}

/// A handle on the writer; cheap to clone. When the last one is dropped the writer finishes and ends.
#[derive(Clone)]
pub struct Core {
    halts: mpsc::Sender<Request>,
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    log: Arc<dyn ReadLog>,
    epoch: u32,
}

type Soon<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, LogError>> + Send + 'a>>;

/// Reading the log, and what is kept beside it, whatever its store.
trait ReadLog: Send + Sync {
    fn read(&self, position: u64, limit: usize) -> Soon<'_, Vec<Event>>;
    fn asides(&self) -> Soon<'_, Vec<(String, String)>>;
    fn put_aside<'a>(&'a self, name: &'a str, value: &'a str, over: bool) -> Soon<'a, String>;
}

impl<L: Log> ReadLog for L {
    fn read(&self, position: u64, limit: usize) -> Soon<'_, Vec<Event>> {
        Box::pin(Log::read(self, position, limit))
    }

    fn asides(&self) -> Soon<'_, Vec<(String, String)>> {
        Box::pin(Log::asides(self))
    }

    fn put_aside<'a>(&'a self, name: &'a str, value: &'a str, over: bool) -> Soon<'a, String> {
        Box::pin(Log::put_aside(self, name, value, over))
    }
}

impl Core {
    /// Folds the whole of `log`, swaps the interlock's tables, and starts the writer.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub async fn open<L: Log>(log: L, options: Options) -> Result<Self, LogError> {
        let log = Arc::new(log);
        let state = writer::fold(&*log).await?;
        options.follow(&state.worlds);
        let epoch = log.epoch();
        let everywhere: Vec<_> = std::iter::once(None).chain(state.worlds.drills.keys().copied().map(Some)).collect();
        options.interlocks.publish(&state.worlds, &everywhere);
        let shared = Arc::new(Shared {
            worlds: ArcSwap::from_pointee(state.worlds.clone()),
            recorded: ArcSwap::from_pointee(state.worlds.clone()),
            published: broadcast::Sender::new(LAG),
        });
        let (halts, halts_in) = mpsc::channel(HALTS_WAITING);
        let (requests, requests_in) = mpsc::channel(WAITING);
        let writer = writer::Writer::new(log.clone(), state, shared.clone(), options);
        tokio::spawn(writer.run(halts_in, requests_in));
        Ok(Self { halts, requests, shared, log, epoch })
    }

    /// Asks a command in the world of `drill` (`None`: the real one). The answer comes after the facts are on disk;
    /// only a halt is answered `recorded: false` when the disk refuses it, in force all the same (law 5).
    ///
    /// # Errors
    /// A refusal by the rules, an id used with another body, too many waiting, or a log that cannot be written.
    pub async fn submit(
        &self,
        drill: Option<DrillId>,
        id: Uuid,
        by: Author,
        command: Command,
    ) -> Result<Accepted, Problem> {
        let (answer, answered) = oneshot::channel();
        let queue = if matches!(command, Command::Engage(_)) { &self.halts } else { &self.requests };
        queue.try_send(Request { drill, id, by, command, at: None, answer: Some(answer) }).map_err(
            |error| match error {
                mpsc::error::TrySendError::Full(_) => Problem::new(
                    503,
                    "busy",
                    "The backend is busy",
                    "too many commands wait; ask again with the same id in a second",
                ),
                mpsc::error::TrySendError::Closed(_) => stopped(),
            },
        )?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Everything the log says, folded, and nothing else: what a reader of the events begins with (law 3). Never blocks.
    pub fn recorded(&self) -> Arc<Worlds> {
        self.shared.recorded.load_full()
    }

    /// Everything the log says, folded, as of now, with the switches that are in force and not recorded (law 5). Never blocks.
    pub fn worlds(&self) -> Arc<Worlds> {
        self.shared.worlds.load_full()
    }

    /// Every event from now on, in order of position. A receiver that lags re-reads with [`Core::events_after`].
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.published.subscribe()
    }

    /// At most `limit` events after `position` (all streams), in order.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub async fn events_after(&self, position: u64, limit: usize) -> Result<Vec<Arc<Event>>, Problem> {
        let events = self.log.read(position, limit).await.map_err(|error| Problem::unavailable(error.to_string()))?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// What is kept beside the log, by name.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub async fn asides(&self) -> Result<Vec<(String, String)>, Problem> {
        self.log.asides().await.map_err(|error| Problem::unavailable(error.to_string()))
    }

    /// Keeps `value` beside the log, `over` what has its name or only where nothing has; answers what is kept then.
    ///
    /// # Errors
    /// A log that cannot be written.
    pub async fn put_aside(&self, name: &str, value: &str, over: bool) -> Result<String, Problem> {
        let kept = self.log.put_aside(name, value, over).await;
        kept.map_err(|error| Problem::unavailable(error.to_string()))
    }

    /// Which life of the log this is.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Resolves when the writer has ended: a backend without one must stop.
    pub async fn ended(&self) {
        self.requests.closed().await;
    }
}

fn stopped() -> Problem {
    Problem::unavailable("the backend is stopping; start it again with `andon`, then ask again with the same id")
}
