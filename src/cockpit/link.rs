//! What the cockpit asks of a backend, and hears from it. The client implements it; tests play it.

use futures_util::{future::BoxFuture, stream::BoxStream};
use uuid::Uuid;

use crate::{
    api::{Accepted, Live, State},
    incident::{Command, Event},
    terms::{DrillId, Time},
};

/// Why the backend did not do what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// It answered no; the text says what to do.
    #[error("{0}")]
    Refused(String),
    /// It did not answer.
    #[error("{0}")]
    Unreachable(String),
}

/// One thing heard on the event stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The stream stands (again); what was missed follows.
    Connected,
    /// An event, in order of position.
    Event(Box<Event>),
    /// Figures that are not in the log.
    Live(Box<Live>),
    /// The stream broke; it is tried again. Why, in words.
    Lost(String),
    /// The place to resume from is gone: everything must be loaded anew.
    Resync,
}

/// A backend as the cockpit sees it. Every call may take long: only `effect` makes them.
pub trait Backend: Send + Sync + 'static {
    /// Everything to begin with, of one world.
    fn state(&self, world: Option<DrillId>) -> BoxFuture<'static, Result<State, LinkError>>;

    /// The log after a position, for ever: it reconnects by itself.
    fn events(&self, epoch: u32, after: u64, world: Option<DrillId>) -> BoxStream<'static, Heard>;

    /// Asks a command; the same id may be asked again.
    fn submit(
        &self,
        world: Option<DrillId>,
        id: Uuid,
        command: Command,
    ) -> BoxFuture<'static, Result<Accepted, LinkError>>;

    /// Plays a drill from its recording; answers its world.
    fn play(&self, name: String, speed: f64) -> BoxFuture<'static, Result<DrillId, LinkError>>;

    /// How people know it: `team@jump1` or `only you`. `None` while the state says.
    fn place(&self) -> Option<String> {
        None
    }
}

/// How the cockpit stands with its backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first answer has not come.
    Connecting,
    /// What is shown is what is.
    Live,
    /// The stream stands again, what was missed is being read.
    CatchingUp,
    /// No word since then.
    Offline {
        /// Since when.
        since: Time,
        /// Why, in words.
        why: String,
    },
}
