//! The log in one SQLite file: WAL, one fsync for each commit, one writing connection.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    Connection, QueryBuilder, Row as _, Sqlite, SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    query_builder::Separated,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    Append, Kept, Log, LogError, Remembered,
    rows::{CommandRow, EventRow, Rows},
};
use crate::{
    incident::{Event, Fact, Stream},
    terms::{Author, Time},
};

/// Every migration, oldest first; never edited once released.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "log", include_str!("../../../assets/migrations/sqlite/0001_log.sql")),
    (2, "aside", include_str!("../../../assets/migrations/sqlite/0002_aside.sql")),
    (3, "append", include_str!("../../../assets/migrations/sqlite/0003_append.sql")),
];

/// How many rows one statement takes: SQLite binds 32,766 values to one at most.
const ROWS: usize = 2_000;
/// Up to how many rows a statement is kept for the next batch of as many: longer ones are as many as there are lengths.
const KEPT: usize = 16;

/// The log in a SQLite file.
pub struct SqliteLog {
    path: std::path::PathBuf,
    writer: Mutex<SqliteConnection>,
    readers: SqlitePool,
    epoch: u32,
}

impl SqliteLog {
    /// Opens the log at `path`, making or migrating it.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or was written by a newer version (it is left untouched then).
    pub async fn open(path: &Path, now: Time) -> Result<Self, LogError> {
        let sort = |error| LogError::sort(path, error);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(false);
        let mut writer = SqliteConnection::connect_with(&options).await.map_err(sort)?;
        migrate(path, &mut writer).await?;
        let epoch = epoch(&mut writer, now).await.map_err(sort)?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await.map_err(sort)?;
        Ok(Self { path: path.into(), writer: Mutex::new(writer), readers, epoch })
    }

    /// Closes it, and folds its journal into the file.
    pub async fn close(self) {
        self.readers.close().await;
        if let Err(error) = self.writer.into_inner().close().await {
            tracing::warn!(%error, "the log was not closed cleanly; its journal holds the rest");
        }
    }

    fn sort(&self, error: sqlx::Error) -> LogError {
        LogError::sort(&self.path, error)
    }

    /// A whole batch in one transaction, and one round trip to the database's thread.
    async fn write(&self, rows: &Rows<'_>) -> Result<(), LogError> {
        let mut writer = self.writer.lock().await;
        let kept = rows.events.len() + rows.commands.len() <= KEPT;
        if let Err(error) = transaction(rows).build().persistent(kept).execute(&mut *writer).await {
            // A failed COMMIT may leave the transaction open; without one this is refused, which is as good.
            let _ = sqlx::query("ROLLBACK").execute(&mut *writer).await;
            return Err(self.sort(error));
        }
        Ok(())
    }
}

/// What appends them: one statement, which answers once; where one is too short for all, several between brackets.
fn transaction(rows: &Rows<'_>) -> QueryBuilder<Sqlite> {
    let events = rows.events.iter().map(Row::Event);
    let all: Vec<_> = events.chain(rows.commands.iter().map(Row::Command)).collect();
    let several = all.len() > ROWS;
    let mut sql = QueryBuilder::new(if several { "BEGIN IMMEDIATE; " } else { "" });
    for rows in all.chunks(ROWS) {
        sql.push("INSERT INTO appends ");
        sql.push_values(rows, |values, row| row.bind(values));
        sql.push("; ");
    }
    if several {
        sql.push("COMMIT");
    }
    sql
}

/// A row of `appends`.
enum Row<'a> {
    Event(&'a EventRow<'a>),
    Command(&'a CommandRow<'a>),
}

impl Row<'_> {
    fn bind(&self, mut values: Separated<'_, Sqlite, &'static str>) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::Event(EventRow { event, stream, author, kind, data }) => {
                values.push_bind(number(event.position)).push_bind(event.epoch).push_bind(stream.as_str());
                values.push_bind(number(event.seq)).push_bind(event.id.to_string()).push_bind(kind.as_str());
                values.push_bind(event.recorded_at.millis()).push_bind(event.occurred_at.millis());
                values.push_bind(author.as_str()).push_bind(event.drill).push_bind(data.as_str());
                values.push_bind(event.data_hash.as_str()).push_bind(event.prev.as_str());
                values.push_bind(event.hash.as_str()).push("NULL, NULL, NULL, NULL, NULL, NULL");
            }
            Self::Command(CommandRow { author, id, remembered }) => {
                values.push("NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL");
                values.push_bind(author.as_str()).push_bind(id.to_string()).push_bind(remembered.body_hash.as_str());
                values.push_bind(number(remembered.first_position)).push_bind(number(remembered.last_position));
                values.push_bind(number(remembered.state_version));
            }
        }
    }
}

async fn migrate(path: &Path, writer: &mut SqliteConnection) -> Result<(), LogError> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
        })
        .collect();
    match Migrator::with_migrations(migrations).run(writer).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) => Err(LogError::Newer { path: path.into(), version }),
        Err(MigrateError::Execute(error)) => Err(LogError::sort(path, error)),
        Err(other) => Err(LogError::Damaged { path: path.into(), why: other.to_string() }),
    }
}

async fn epoch(writer: &mut SqliteConnection, now: Time) -> Result<u32, sqlx::Error> {
    let newest: Option<u32> = sqlx::query_scalar("SELECT max(epoch) FROM epochs").fetch_one(&mut *writer).await?;
    if let Some(epoch) = newest {
        return Ok(epoch);
    }
    sqlx::query("INSERT INTO epochs (epoch, began_at) VALUES (1, ?)").bind(now.millis()).execute(writer).await?;
    Ok(1)
}

impl Log for SqliteLog {
    async fn append(&self, _: u64, batch: &[Append]) -> Result<(), LogError> {
        self.write(&Rows::of(batch)?).await
    }

    async fn take(&self, _: u64, events: &[Event], commands: &[Kept]) -> Result<(), LogError> {
        self.write(&Rows::taken(events, commands)?).await
    }

    async fn commands(&self, after: Option<&Kept>, limit: usize) -> Result<Vec<Kept>, LogError> {
        let rows = sqlx::query(
            "SELECT author, id, body_hash, first_position, last_position, state_version FROM commands
             WHERE (author, id) > (?, ?) ORDER BY author, id LIMIT ?",
        )
        .bind(after.map(|kept| kept.author.to_string()).unwrap_or_default())
        .bind(after.map(|kept| kept.id.to_string()).unwrap_or_default())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.sort(error))?;
        let kept = |row: &SqliteRow| -> Result<Kept, sqlx::Error> {
            let odd = |why: &dyn std::fmt::Display| sqlx::Error::Decode(why.to_string().into());
            let remembered = Remembered {
                body_hash: row.try_get(2)?,
                first_position: position(row, 3)?,
                last_position: position(row, 4)?,
                state_version: position(row, 5)?,
            };
            let author = row.try_get::<&str, _>(0)?.parse().map_err(|why| odd(&why))?;
            let id = Uuid::from_str(row.try_get(1)?).map_err(|why| odd(&why))?;
            Ok(Kept { author, id, remembered })
        };
        rows.iter().map(kept).collect::<Result<_, _>>().map_err(|error| self.sort(error))
    }

    async fn begin_epoch(&self, epoch: u32, now: Time) -> Result<(), LogError> {
        let mut writer = self.writer.lock().await;
        let asked = sqlx::query("INSERT OR IGNORE INTO epochs (epoch, began_at) VALUES (?, ?)");
        let done = asked.bind(epoch).bind(now.millis()).execute(&mut *writer).await;
        done.map(drop).map_err(|error| self.sort(error))
    }

    async fn probe(&self) -> Result<(), LogError> {
        // Writes its page although nothing differs.
        let mut writer = self.writer.lock().await;
        let done = sqlx::query("UPDATE epochs SET began_at = began_at").execute(&mut *writer).await;
        done.map(drop).map_err(|error| self.sort(error))
    }

    async fn remembered(&self, author: &Author, id: Uuid) -> Result<Option<Remembered>, LogError> {
        let row = sqlx::query(
            "SELECT body_hash, first_position, last_position, state_version FROM commands WHERE author = ? AND id = ?",
        )
        .bind(author.to_string())
        .bind(id.to_string())
        .fetch_optional(&self.readers)
        .await
        .map_err(|error| self.sort(error))?;
        row.map(|row| {
            Ok(Remembered {
                body_hash: row.try_get(0)?,
                first_position: position(&row, 1)?,
                last_position: position(&row, 2)?,
                state_version: position(&row, 3)?,
            })
        })
        .transpose()
        .map_err(|error: sqlx::Error| self.sort(error))
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, LogError> {
        let rows = sqlx::query(
            "SELECT position, epoch, stream, seq, id, type, recorded_at, occurred_at, author, drill, data, data_hash, prev, hash
             FROM events WHERE position > ? ORDER BY position LIMIT ?",
        )
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.sort(error))?;
        rows.iter().map(event_of).collect()
    }

    async fn asides(&self) -> Result<Vec<(String, String)>, LogError> {
        let asked = sqlx::query_as("SELECT name, value FROM aside ORDER BY name");
        asked.fetch_all(&self.readers).await.map_err(|error| self.sort(error))
    }

    async fn put_aside(&self, name: &str, value: &str, over: bool) -> Result<String, LogError> {
        let mut writer = self.writer.lock().await;
        let asked = sqlx::query_scalar(
            "INSERT INTO aside (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = CASE WHEN ?3 THEN ?2 ELSE aside.value END RETURNING value",
        );
        let kept = asked.bind(name).bind(value).bind(over).fetch_one(&mut *writer).await;
        kept.map_err(|error| self.sort(error))
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }
}

fn position(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column).map(|position| u64::try_from(position).unwrap_or(0))
}

fn event_of(row: &SqliteRow) -> Result<Event, LogError> {
    let at = position(row, 0).unwrap_or(0);
    let unreadable = |why: String| LogError::Unreadable { position: at, why };
    read_row(row, at).map_err(|error| unreadable(error.to_string()))
}

fn read_row(row: &SqliteRow, position_at: u64) -> Result<Event, Box<dyn std::error::Error>> {
    let kind: &str = row.try_get(5)?;
    let data: &str = row.try_get(10)?;
    Ok(Event {
        position: position_at,
        epoch: row.try_get(1)?,
        stream: Stream::from_str(row.try_get(2)?)?,
        seq: position(row, 3)?,
        id: Uuid::from_str(row.try_get(4)?)?,
        fact: Fact::from_parts(kind, serde_json::from_str(data)?)?,
        recorded_at: Time::from_millis(row.try_get(6)?),
        occurred_at: Time::from_millis(row.try_get(7)?),
        by: row.try_get::<&str, _>(8)?.parse()?,
        drill: row.try_get(9)?,
        data_hash: row.try_get(11)?,
        prev: row.try_get(12)?,
        hash: row.try_get(13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{NewEvent, Topic, chain},
        terms::IncidentId,
    };

    fn notes(first: u64, many: u64) -> Vec<Event> {
        let note = |seq: u64| {
            let new = NewEvent {
                stream: Stream::new(None, Topic::Incident(IncidentId(1))),
                occurred_at: Time::from_millis(1),
                by: Author::Person("dana".into()),
                fact: Fact::NoteAdded { text: format!("note {seq}") },
            };
            let recorded_at = Time::from_millis(1);
            let prev = chain::GENESIS.to_owned();
            chain::seal(new, chain::Place { position: seq, epoch: 1, seq, id: Uuid::now_v7(), recorded_at, prev })
        };
        (first..first + many).map(|seq| note(seq).unwrap()).collect()
    }

    fn asked(id: Uuid) -> Kept {
        let remembered = Remembered { body_hash: "x".into(), first_position: 1, last_position: 1, state_version: 1 };
        Kept { author: Author::Person("dana".into()), id, remembered }
    }

    /// Law 1: whatever its size, a batch is kept whole or not at all.
    #[tokio::test]
    async fn a_batch_of_any_size_is_one_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(&folder.path().join("log.db"), Time::from_millis(1)).await.unwrap();
        let first = Uuid::now_v7();
        let large = 2 * ROWS as u64 + 1;
        log.take(0, &notes(1, large), &[asked(first)]).await.unwrap();
        for many in [1, large] {
            let refused = log.take(large, &notes(large + 1, many), &[asked(Uuid::now_v7()), asked(first)]).await;
            assert!(matches!(refused, Err(LogError::Repeated)), "{refused:?}");
        }
        assert_eq!(log.read(0, usize::MAX).await.unwrap().len() as u64, large);
        assert_eq!(log.commands(None, 9).await.unwrap(), [asked(first)]);
        let next = notes(large + 1, 1);
        log.take(large, &next, &[]).await.unwrap();
        assert_eq!(log.read(large, 9).await.unwrap(), next);
    }
}
