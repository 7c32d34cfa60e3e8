//! The log in a Postgres database, shared by several nodes: one lock orders appends, a notice tells the others.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Connection, PgConnection, Row,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions, PgRow},
};
use tokio::{
    sync::{Mutex, Notify},
    time::timeout,
};
use uuid::Uuid;

use super::{Append, Kept, Log, LogError, Remembered, rows::Rows};
use crate::{
    incident::{Event, Fact, Stream},
    terms::{Author, Time},
};

/// Every migration, oldest first; never edited once released.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "log", include_str!("../../../assets/migrations/postgres/0001_log.sql")),
    (2, "telemetry", include_str!("../../../assets/migrations/postgres/0002_telemetry.sql")),
    (3, "aside", include_str!("../../../assets/migrations/postgres/0003_aside.sql")),
    (4, "append", include_str!("../../../assets/migrations/postgres/0004_append.sql")),
];
/// How long a database may take before a request says that it cannot be used.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// How often the log is looked at where no notice came: a notice is a courtesy, not a promise.
const LOOK: Duration = Duration::from_secs(1);

const APPEND: &str = "SELECT append_rows($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

/// The log in a Postgres database.
pub struct PostgresLog {
    pool: PgPool,
    /// Appends have a connection of their own: none while there is no good one.
    writer: Mutex<Option<PgConnection>>,
    /// The server's process behind it, whose notices tell nothing new.
    own: Arc<AtomicU32>,
    epoch: u32,
    changed: Arc<Notify>,
    listening: tokio::task::JoinHandle<()>,
}

impl PostgresLog {
    /// Opens the log at `url`, making or migrating it.
    ///
    /// # Errors
    /// A database that is not reached, or written by a newer version (it is left untouched then).
    pub async fn open(url: &str, now: Time) -> Result<Self, LogError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|why| {
                LogError::Database(format!("the database URL does not read: {}", without_secret(&why.to_string())))
            })?
            .application_name("andon")
            // A server that vanished is noticed within seconds, on both sides.
            .options([
                ("tcp_keepalives_idle", "2"),
                ("tcp_keepalives_interval", "1"),
                ("tcp_keepalives_count", "3"),
                ("statement_timeout", "5s"),
                ("idle_in_transaction_session_timeout", "5s"),
            ]);
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(PATIENCE).connect_with(options);
        let pool = timeout(2 * PATIENCE, pool).await.map_err(|_| slow())?.map_err(sort)?;
        migrate(&pool).await?;
        let epoch = epoch(&pool, now).await.map_err(sort)?;
        let changed = Arc::new(Notify::new());
        let own = Arc::<AtomicU32>::default();
        let listening = tokio::spawn(listen(pool.clone(), changed.clone(), own.clone()));
        Ok(Self { pool, writer: Mutex::default(), own, epoch, changed, listening })
    }

    /// A whole batch in one transaction, where the log ends at `expected`.
    async fn write(&self, expected: u64, rows: &Rows<'_>) -> Result<(), LogError> {
        let mut writer = self.writer.lock().await;
        let used = writer.is_some();
        let mut appended = self.append_over(&mut writer, expected, rows).await?;
        // The server was restarted since: whether it took this batch is seen by where the log ends.
        if used && appended.as_ref().is_err_and(is_over) {
            appended = self.append_over(&mut writer, expected, rows).await?;
        }
        match u64::try_from(appended.map_err(sort)?).unwrap_or(0) {
            newest if newest == expected => Ok(()),
            newest if newest > expected => Err(LogError::Behind),
            _ => Err(LogError::Shorter),
        }
    }

    /// Over the connection there is, else over a new one, which stays unless it is over; where the log ended before.
    async fn append_over(
        &self,
        writer: &mut Option<PgConnection>,
        expected: u64,
        rows: &Rows<'_>,
    ) -> Result<Result<i64, sqlx::Error>, LogError> {
        let appending = async {
            let mut connection = match writer.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let appended = append(&mut connection, expected, rows).await;
            if !appended.as_ref().is_err_and(is_over) {
                *writer = Some(connection);
            }
            appended
        };
        timeout(PATIENCE, appending).await.map_err(|_| slow())
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
        self.own.store(u32::try_from(own).unwrap_or(0), Ordering::Relaxed);
        Ok(connection)
    }

    /// Closes it, as the server likes it.
    pub async fn close(self) {
        if let Some(writer) = self.writer.lock().await.take() {
            let _ = writer.close().await;
        }
        self.pool.close().await;
    }

    /// Its connections, for what several nodes share besides the log.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl Drop for PostgresLog {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn append(connection: &mut PgConnection, expected: u64, rows: &Rows<'_>) -> Result<i64, sqlx::Error> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let epoch = |epoch: u32| i32::try_from(epoch).unwrap_or(i32::MAX);
    let Rows { events, commands } = rows;
    sqlx::query_scalar(APPEND)
        .bind(number(expected))
        .bind(column(events, |row| number(row.event.position)))
        .bind(column(events, |row| epoch(row.event.epoch)))
        .bind(column(events, |row| row.stream.as_str()))
        .bind(column(events, |row| number(row.event.seq)))
        .bind(column(events, |row| row.event.id))
        .bind(column(events, |row| row.kind.as_str()))
        .bind(column(events, |row| row.event.recorded_at.millis()))
        .bind(column(events, |row| row.event.occurred_at.millis()))
        .bind(column(events, |row| row.author.as_str()))
        .bind(column(events, |row| row.event.drill))
        .bind(column(events, |row| row.data.as_str()))
        .bind(column(events, |row| row.event.data_hash.as_str()))
        .bind(column(events, |row| row.event.prev.as_str()))
        .bind(column(events, |row| row.event.hash.as_str()))
        .bind(column(commands, |row| row.author.as_str()))
        .bind(column(commands, |row| row.id))
        .bind(column(commands, |row| row.remembered.body_hash.as_str()))
        .bind(column(commands, |row| number(row.remembered.first_position)))
        .bind(column(commands, |row| number(row.remembered.last_position)))
        .bind(column(commands, |row| number(row.remembered.state_version)))
        .fetch_one(connection)
        .await
}

fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Whether an error ends its connection: nothing but a word of the server leaves one good, and none of class 57P, by which
/// it ends them itself.
fn is_over(error: &sqlx::Error) -> bool {
    error.as_database_error().is_none_or(|why| why.code().is_some_and(|code| code.starts_with("57P")))
}

/// Hears of appends by other nodes, for ever.
async fn listen(pool: PgPool, changed: Arc<Notify>, own: Arc<AtomicU32>) {
    loop {
        if let Err(error) = hear(&pool, &changed, &own).await {
            tracing::warn!(%error, "the log's notices are not heard; it is looked at every second");
        }
        tokio::time::sleep(LOOK).await;
        changed.notify_one();
    }
}

async fn hear(pool: &PgPool, changed: &Notify, own: &AtomicU32) -> Result<(), sqlx::Error> {
    let schema: String = sqlx::query_scalar("SELECT current_schema()::text").fetch_one(pool).await?;
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(&format!("andon_log_{schema}")).await?;
    // What was appended before it listened.
    changed.notify_one();
    loop {
        match timeout(LOOK, listener.try_recv()).await {
            Ok(Ok(Some(notice))) if notice.process_id() == own.load(Ordering::Relaxed) => {}
            Ok(Ok(Some(_))) | Err(_) => changed.notify_one(),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
        }
    }
}

async fn migrate(pool: &PgPool) -> Result<(), LogError> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
        })
        .collect();
    match Migrator::with_migrations(migrations).run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) => Err(LogError::Newer { path: "of this database".into(), version }),
        Err(MigrateError::Execute(error)) => Err(sort(error)),
        Err(other) => Err(LogError::Damaged { path: "of this database".into(), why: other.to_string() }),
    }
}

/// Several nodes may begin at once: the first one's word holds.
async fn epoch(pool: &PgPool, now: Time) -> Result<u32, sqlx::Error> {
    sqlx::query("INSERT INTO epochs (epoch, began_at) SELECT 1, $1 WHERE NOT EXISTS (SELECT FROM epochs) ON CONFLICT DO NOTHING")
        .bind(now.millis())
        .execute(pool)
        .await?;
    let newest: i32 = sqlx::query_scalar("SELECT max(epoch) FROM epochs").fetch_one(pool).await?;
    Ok(u32::try_from(newest).unwrap_or(1))
}

/// Sorts a database error.
fn sort(error: sqlx::Error) -> LogError {
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    let constraint = error.as_database_error().and_then(|error| error.constraint().map(str::to_owned));
    match (code.as_deref(), constraint.as_deref()) {
        (Some("23505"), Some("commands_pkey")) => LogError::Repeated,
        (Some("53100"), _) => LogError::Full,
        _ => LogError::Database(without_secret(&error.to_string())),
    }
}

fn slow() -> LogError {
    LogError::Database("the database does not answer".to_owned())
}

/// A URL may stand in an error's words, and a password in the URL.
fn without_secret(words: &str) -> String {
    let Some((before, rest)) = words.split_once("://") else { return words.to_owned() };
    match rest.split_once('@') {
        Some((_, after)) => format!("{before}://…@{after}"),
        None => words.to_owned(),
    }
}

impl Log for PostgresLog {
    async fn append(&self, expected: u64, batch: &[Append]) -> Result<(), LogError> {
        self.write(expected, &Rows::of(batch)?).await
    }

    async fn take(&self, expected: u64, events: &[Event], commands: &[Kept]) -> Result<(), LogError> {
        self.write(expected, &Rows::taken(events, commands)?).await
    }

    async fn commands(&self, after: Option<&Kept>, limit: usize) -> Result<Vec<Kept>, LogError> {
        let asked = sqlx::query(
            "SELECT author, id, body_hash, first_position, last_position, state_version FROM commands
             WHERE (author COLLATE \"C\", id) > ($1, $2) ORDER BY author COLLATE \"C\", id LIMIT $3",
        )
        .bind(after.map(|kept| kept.author.to_string()).unwrap_or_default())
        .bind(after.map_or(Uuid::nil(), |kept| kept.id))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool);
        let rows = timeout(PATIENCE, asked).await.map_err(|_| slow())?.map_err(sort)?;
        let kept = |row: &PgRow| -> Result<Kept, sqlx::Error> {
            let remembered = Remembered {
                body_hash: row.try_get(2)?,
                first_position: number(row, 3)?,
                last_position: number(row, 4)?,
                state_version: number(row, 5)?,
            };
            let author = row.try_get::<&str, _>(0)?.parse();
            let author = author.map_err(|why: std::convert::Infallible| sqlx::Error::Decode(why.to_string().into()))?;
            Ok(Kept { author, id: row.try_get(1)?, remembered })
        };
        rows.iter().map(kept).collect::<Result<_, _>>().map_err(sort)
    }

    async fn begin_epoch(&self, epoch: u32, now: Time) -> Result<(), LogError> {
        let asked = sqlx::query("INSERT INTO epochs (epoch, began_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(i32::try_from(epoch).unwrap_or(i32::MAX))
            .bind(now.millis())
            .execute(&self.pool);
        timeout(PATIENCE, asked).await.map_err(|_| slow())?.map(drop).map_err(sort)
    }

    async fn probe(&self) -> Result<(), LogError> {
        // A standby answers too, and takes nothing.
        let asked = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&self.pool);
        let standby: bool = timeout(PATIENCE, asked).await.map_err(|_| slow())?.map_err(sort)?;
        if standby {
            Err(LogError::Database("the database is a standby and takes no writes".to_owned()))
        } else {
            Ok(())
        }
    }

    async fn remembered(&self, author: &Author, id: Uuid) -> Result<Option<Remembered>, LogError> {
        let asked = sqlx::query(
            "SELECT body_hash, first_position, last_position, state_version FROM commands WHERE author = $1 AND id = $2",
        )
        .bind(author.to_string())
        .bind(id)
        .fetch_optional(&self.pool);
        let row = timeout(PATIENCE, asked).await.map_err(|_| slow())?.map_err(sort)?;
        row.map(|row| {
            Ok(Remembered {
                body_hash: row.try_get(0)?,
                first_position: number(&row, 1)?,
                last_position: number(&row, 2)?,
                state_version: number(&row, 3)?,
            })
        })
        .transpose()
        .map_err(sort)
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Event>, LogError> {
        let asked = sqlx::query(
            "SELECT position, epoch, stream, seq, id, type, recorded_at, occurred_at, author, drill, data, data_hash, prev, hash
             FROM events WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool);
        let rows = timeout(PATIENCE, asked).await.map_err(|_| slow())?.map_err(sort)?;
        rows.iter().map(event_of).collect()
    }

    async fn asides(&self) -> Result<Vec<(String, String)>, LogError> {
        let asked = sqlx::query_as("SELECT name, value FROM aside ORDER BY name COLLATE \"C\"").fetch_all(&self.pool);
        timeout(PATIENCE, asked).await.map_err(|_| slow())?.map_err(sort)
    }

    async fn put_aside(&self, name: &str, value: &str, over: bool) -> Result<String, LogError> {
        let asked = sqlx::query_scalar(
            "INSERT INTO aside (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = CASE WHEN $3 THEN $2 ELSE aside.value END RETURNING value",
        );
        let asked = asked.bind(name).bind(value).bind(over).fetch_one(&self.pool);
        timeout(PATIENCE, asked).await.map_err(|_| slow())?.map_err(sort)
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }

    fn is_shared(&self) -> bool {
        true
    }
}

fn number(row: &PgRow, column: usize) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn event_of(row: &PgRow) -> Result<Event, LogError> {
    let position = number(row, 0).unwrap_or(0);
    read_row(row, position).map_err(|error| LogError::Unreadable { position, why: error.to_string() })
}

fn read_row(row: &PgRow, position: u64) -> Result<Event, Box<dyn std::error::Error>> {
    Ok(Event {
        position,
        epoch: u32::try_from(row.try_get::<i32, _>(1)?)?,
        stream: Stream::from_str(row.try_get(2)?)?,
        seq: number(row, 3)?,
        id: row.try_get(4)?,
        fact: Fact::from_parts(row.try_get(5)?, serde_json::from_str(row.try_get(10)?)?)?,
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

    #[test]
    fn a_password_is_never_told() {
        for words in ["cannot reach postgres://andon:hunter2@db/andon", "bad URL: postgres://andon:hunter2@db"] {
            assert!(!without_secret(words).contains("hunter2"), "{}", without_secret(words));
        }
        assert_eq!(without_secret("role does not exist"), "role does not exist");
    }
}
