//! Where a log is kept, and the one store of it there.

use std::path::PathBuf;

use uuid::Uuid;

use super::{Append, Kept, Log, LogError, PostgresLog, Remembered, SqliteLog};
use crate::{
    incident::Event,
    terms::{Author, Time},
};

/// Where a log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In a file.
    Sqlite(PathBuf),
    /// In a Postgres database, which several backends may share.
    Postgres(String),
}

/// A place that names none; told without what may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no log this version can keep; give a path, sqlite:PATH, or postgres://HOST/NAME")]
pub struct NoDatabase(String);

impl std::str::FromStr for Database {
    type Err = NoDatabase;

    fn from_str(named: &str) -> Result<Self, NoDatabase> {
        match named.split_once(':') {
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Postgres(named.to_owned())),
            Some(("sqlite", path)) if !path.is_empty() => {
                Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into()))
            }
            None if !named.is_empty() => Ok(Self::Sqlite(named.into())),
            // What is behind the colon may hold a password.
            _ => Err(NoDatabase(named.split(':').next().unwrap_or_default().chars().take(40).collect())),
        }
    }
}

/// A log, wherever it is kept.
pub enum Store {
    /// In a file.
    Sqlite(SqliteLog),
    /// In a Postgres database.
    Postgres(PostgresLog),
}

impl Store {
    /// Opens it, making or migrating it.
    ///
    /// # Errors
    /// What keeps it from being opened; one of a newer version is left untouched.
    pub async fn open(database: &Database, now: Time) -> Result<Self, LogError> {
        Ok(match database {
            Database::Sqlite(path) => Self::Sqlite(SqliteLog::open(path, now).await?),
            Database::Postgres(url) => Self::Postgres(PostgresLog::open(url, now).await?),
        })
    }
}

impl Store {
    /// Closes it: whatever was written is in its one file then.
    pub async fn close(self) {
        match self {
            Self::Sqlite(log) => log.close().await,
            Self::Postgres(log) => log.close().await,
        }
    }
}

/// Asks whichever it is.
macro_rules! either {
    ($store:expr, $log:ident => $asked:expr) => {
        match $store {
            Store::Sqlite($log) => $asked,
            Store::Postgres($log) => $asked,
        }
    };
}

impl Log for Store {
    async fn append(&self, expected: u64, batch: &[Append]) -> Result<(), LogError> {
        either!(self, log => log.append(expected, batch).await)
    }

    async fn take(&self, expected: u64, events: &[Event], commands: &[Kept]) -> Result<(), LogError> {
        either!(self, log => log.take(expected, events, commands).await)
    }

    async fn commands(&self, after: Option<&Kept>, limit: usize) -> Result<Vec<Kept>, LogError> {
        either!(self, log => log.commands(after, limit).await)
    }

    async fn begin_epoch(&self, epoch: u32, now: Time) -> Result<(), LogError> {
        either!(self, log => log.begin_epoch(epoch, now).await)
    }

    async fn probe(&self) -> Result<(), LogError> {
        either!(self, log => log.probe().await)
    }

    async fn remembered(&self, author: &Author, id: Uuid) -> Result<Option<Remembered>, LogError> {
        either!(self, log => log.remembered(author, id).await)
    }

    async fn read(&self, position: u64, limit: usize) -> Result<Vec<Event>, LogError> {
        either!(self, log => log.read(position, limit).await)
    }

    async fn asides(&self) -> Result<Vec<(String, String)>, LogError> {
        either!(self, log => log.asides().await)
    }

    async fn put_aside(&self, name: &str, value: &str, over: bool) -> Result<String, LogError> {
        either!(self, log => log.put_aside(name, value, over).await)
    }

    fn epoch(&self) -> u32 {
        either!(self, log => log.epoch())
    }

    async fn changed(&self) {
        either!(self, log => log.changed().await);
    }

    fn is_shared(&self) -> bool {
        either!(self, log => log.is_shared())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_path_or_a_server() {
        let of = |text: &str| text.parse::<Database>().ok();
        let file = |path: &str| Some(Database::Sqlite(path.into()));
        assert_eq!(
            (of("x/y.db"), of("sqlite:x.db"), of("sqlite:///x.db")),
            (file("x/y.db"), file("x.db"), file("/x.db"))
        );
        let url = "postgres://andon@db/andon";
        assert_eq!(of(url), Some(Database::Postgres(url.into())));
        for wrong in ["", "sqlite:", "postgres:db", "mysql://andon:secret@db/andon"] {
            let why = wrong.parse::<Database>().unwrap_err().to_string();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
