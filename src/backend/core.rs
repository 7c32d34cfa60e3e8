//! The one writer: commands in, facts appended, the fold published (laws 1–3, 5).

use std::sync::Arc;

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    api::{Accepted, Problem},
    backend::clock::Clock,
    incident::{
        Command, Event, Worlds,
        containment::{AgentProof, Scope},
    },
    runbook::Runbook,
    terms::{Author, DrillId, Time},
};

/// What the writer needs of the interlock: who is counted, and the swap of its tables before anybody is answered.
pub trait Interlocks: Send + Sync + 'static {
    /// Whom a switch over `scope` would count now (protocol 3).
    fn counted(&self, drill: Option<DrillId>, scope: &Scope, now: Time) -> Vec<AgentProof>;

    /// Swaps the tables of the worlds in `changed` (`None`: the real one). Must not block.
    fn publish(&self, worlds: &Worlds, changed: &[Option<DrillId>]);
}

/// What the writer works with: `Core::open(log, options).await`.
pub struct Options {
    /// Told of every change before anybody is answered.
    pub interlocks: Arc<dyn Interlocks>,
    /// The runbook in force for new incidents.
    pub runbook: Arc<arc_swap::ArcSwap<Runbook>>,
    /// The clock.
    pub clock: Clock,
}

/// A handle on the writer; cheap to clone.
#[derive(Clone)]
pub struct Core {
    worlds: Arc<arc_swap::ArcSwap<Worlds>>,
    published: broadcast::Sender<Arc<Event>>,
}

impl Core {
    /// Asks a command in the world of `drill` (`None`: the real one). The answer comes after the facts are on disk.
    ///
    /// # Errors
    /// A refusal by the rules, an id used with another body, or a log that cannot be written.
    pub async fn submit(
        &self,
        _drill: Option<DrillId>,
        _id: Uuid,
        _by: Author,
        _command: Command,
    ) -> Result<Accepted, Problem> {
        Err(Problem::unavailable("the log is not open"))
    }

    /// Everything the log says, folded, as of now. Never blocks.
    pub fn worlds(&self) -> Arc<Worlds> {
        self.worlds.load_full()
    }

    /// Every event from now on, in order of position. A receiver that lags re-reads from the log.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.published.subscribe()
    }

    /// Events after `position` (all streams), at most `limit`, in order.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub async fn events_after(&self, _position: u64, _limit: usize) -> Result<Vec<Arc<Event>>, Problem> {
        Ok(Vec::new())
    }
}
