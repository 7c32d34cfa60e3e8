//! The backends of one database: who else lives, what each heard of agents, and which one does what only one may do.
//!
//! A backend alone on its log leads always. Several tell each other through tables of the database: nothing of it is
//! consensus, a lead is a lease of five seconds by the database's clock, and what the leader does is idempotent by the log.

mod shared;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;

use super::clock::Clock;
use crate::{
    api::Writer,
    terms::{DrillId, Time},
};

pub use shared::keep;

/// How often it is looked whether it leads still.
const LOOK: Duration = Duration::from_millis(200);

/// Another backend of the same database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its host.
    pub name: String,
    /// Who works with a cockpit at it.
    pub present: Vec<String>,
    /// Who writes in which draft there.
    pub writing: Vec<Writer>,
    /// Who follows which drill there.
    pub in_drills: Vec<(DrillId, String)>,
}

/// What this backend knows of the others.
pub struct Nodes {
    steady: Clock,
    /// Until when it leads, by the steady clock; for ever where it is alone.
    leads_until: AtomicI64,
    others: ArcSwap<Vec<Node>>,
}

impl Nodes {
    /// A backend alone on its log.
    pub fn alone(steady: Clock) -> Self {
        Self { steady, leads_until: AtomicI64::new(i64::MAX), others: ArcSwap::default() }
    }

    /// One among several, that leads nothing yet.
    pub fn among(steady: Clock) -> Self {
        Self { leads_until: AtomicI64::new(i64::MIN), ..Self::alone(steady) }
    }

    /// Whether it does what only one may do.
    pub fn leads(&self) -> bool {
        (self.steady)().millis() < self.leads_until.load(Ordering::Acquire)
    }

    /// Whether other backends may share its database.
    pub fn is_alone(&self) -> bool {
        self.leads_until.load(Ordering::Acquire) == i64::MAX
    }

    /// The others that live.
    pub fn others(&self) -> Arc<Vec<Node>> {
        self.others.load_full()
    }

    /// Does `work` while it leads, from its beginning each time.
    pub async fn while_leading<W: Future<Output = ()>>(&self, work: impl Fn() -> W) {
        loop {
            self.turns(true).await;
            tokio::select! {
                () = work() => return,
                () = self.turns(false) => {}
            }
        }
    }

    /// Comes when it leads, or leads no more.
    async fn turns(&self, leads: bool) {
        while self.leads() != leads {
            if self.is_alone() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn lead_until(&self, until: Option<Time>) {
        self.leads_until.store(until.map_or(i64::MIN, Time::millis), Ordering::Release);
    }

    fn meet(&self, others: Vec<Node>) {
        self.others.store(Arc::new(others));
    }
}
