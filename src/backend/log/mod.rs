//! The log: append-only, hash-chained streams and the commands that made them, durable before anybody is answered
//! (laws 1–3), in a SQLite file or a Postgres database. Knows nothing of what the facts mean.

mod checkpoint;
mod copy;
mod error;
mod postgres;
mod rows;
mod sqlite;
mod store;

pub use checkpoint::{Checkpoint, Roots};
pub use copy::{Moved, NotMoved, copy, export, import};
pub use error::LogError;
pub use postgres::PostgresLog;
pub use sqlite::SqliteLog;
pub use store::{Database, NoDatabase, Store};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    incident::Event,
    terms::{Author, Time},
};

/// A command as the log remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// SHA-256 (hex) of the canonical command: the same id with another body is a mistake.
    pub body_hash: String,
    /// Position of its first event; 0 when it made none.
    pub first_position: u64,
    /// Position of its last event; 0 when it made none.
    pub last_position: u64,
    /// `seq` of the newest event of the stream it was about.
    pub state_version: u64,
}

/// A command's memory, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Who asked.
    pub author: Author,
    /// The command's id.
    pub id: Uuid,
    /// How it is remembered.
    #[serde(flatten)]
    pub remembered: Remembered,
}

/// One command and the sealed events it made: appended whole or not at all.
#[derive(Debug, Clone)]
pub struct Append {
    /// Who asked.
    pub author: Author,
    /// The command's id.
    pub id: Uuid,
    /// How it is remembered.
    pub remembered: Remembered,
    /// Its events, sealed.
    pub events: Vec<std::sync::Arc<Event>>,
}

/// What a store of the log can do; the same story runs on each.
pub trait Log: Send + Sync + 'static {
    /// Appends all of `batch`, which was decided when the log ended at `expected`, in one durable transaction.
    ///
    /// # Errors
    /// Nothing of the batch is kept then; [`LogError::Repeated`] when one of its commands was recorded before,
    /// [`LogError::Behind`] when another node appended meanwhile.
    fn append(&self, expected: u64, batch: &[Append]) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Takes events and commands as they are, where the log ends at `expected`: what a copy is made of.
    ///
    /// # Errors
    /// Nothing of them is kept then.
    fn take(
        &self,
        expected: u64,
        events: &[Event],
        commands: &[Kept],
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// At most `limit` commands that follow `after`, in an order of the store's own.
    ///
    /// # Errors
    /// A log that cannot be read.
    fn commands(&self, after: Option<&Kept>, limit: usize) -> impl Future<Output = Result<Vec<Kept>, LogError>> + Send;

    /// Begins another life of the log: readers come anew. Whoever opens it next is in it.
    ///
    /// # Errors
    /// A log that cannot be written.
    fn begin_epoch(&self, epoch: u32, now: Time) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Writes as an append does, and changes nothing.
    ///
    /// # Errors
    /// What an append would say now.
    fn probe(&self) -> impl Future<Output = Result<(), LogError>> + Send;

    /// What the log remembers of a command.
    ///
    /// # Errors
    /// A log that cannot be read.
    fn remembered(
        &self,
        author: &Author,
        id: Uuid,
    ) -> impl Future<Output = Result<Option<Remembered>, LogError>> + Send;

    /// At most `limit` events after `position`, in order.
    ///
    /// # Errors
    /// A log that cannot be read.
    fn read(&self, position: u64, limit: usize) -> impl Future<Output = Result<Vec<Event>, LogError>> + Send;

    /// What is kept beside the log and is no fact, by name: how far a hook is, the key of links.
    ///
    /// # Errors
    /// A log that cannot be read.
    fn asides(&self) -> impl Future<Output = Result<Vec<(String, String)>, LogError>> + Send;

    /// Keeps `value` beside the log, `over` what has its name or only where nothing has; answers what is kept then.
    ///
    /// # Errors
    /// A log that cannot be written.
    fn put_aside(&self, name: &str, value: &str, over: bool) -> impl Future<Output = Result<String, LogError>> + Send;

    /// Which life of the log this is.
    fn epoch(&self) -> u32;

    /// Comes when another node may have appended; never where there is no other. May be dropped and asked again.
    fn changed(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Whether other nodes append too: then a node that does not reach it knows nothing of what they stopped.
    fn is_shared(&self) -> bool {
        false
    }
}
