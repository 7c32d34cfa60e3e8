//! The hot store's file: opened, made, or set aside where it cannot be used.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::pins;
use crate::terms::Time;

/// What this version writes (`PRAGMA user_version`).
const VERSION: i64 = 2;
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS actions (seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, at INTEGER NOT NULL,
        agent TEXT NOT NULL, run TEXT, workflow TEXT, tool TEXT, json TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS actions_by_agent ON actions (agent, seq);
    CREATE INDEX IF NOT EXISTS actions_by_run ON actions (run, seq) WHERE run IS NOT NULL;
    CREATE TABLE IF NOT EXISTS snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, state BLOB NOT NULL);
";
/// A hot store that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made or opened.
    #[error(
        "cannot open the telemetry store {path}: {why}. Give andon a folder it may write with ANDON_HOME, or mend its permissions"
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// It cannot be read or written now.
    #[error("the telemetry store cannot be used now: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored action does not read as one.
    #[error("action {seq} of the telemetry store does not read: {why}")]
    Unreadable {
        /// Which.
        seq: u64,
        /// What is wrong.
        why: String,
    },
}

/// Copies the store at `from`, which may be written to meanwhile, into a new file.
///
/// # Errors
/// One that cannot be read, or a place that cannot be written.
pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned()).execute(&pool).await?;
    pool.close().await;
    Ok(())
}

pub(super) async fn connect(path: &Path) -> Result<SqlitePool, String> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5));
    let open = async {
        let pool = SqlitePoolOptions::new().max_connections(3).connect_with(options).await?;
        let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&pool).await?;
        if version <= VERSION {
            sqlx::raw_sql(SCHEMA).execute(&pool).await?;
            sqlx::raw_sql(pins::SCHEMA).execute(&pool).await?;
            sqlx::raw_sql("PRAGMA user_version = 2").execute(&pool).await?;
            sqlx::query("SELECT count(*) FROM (SELECT 1 FROM actions LIMIT 1)").fetch_one(&pool).await?;
        }
        Ok::<_, sqlx::Error>((pool, version))
    };
    match open.await {
        Ok((pool, version)) if version <= VERSION => Ok(pool),
        Ok((pool, version)) => {
            pool.close().await;
            Err(format!("it was written by a newer andon, version {version}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Renames a store with its companions; nothing is deleted.
pub(super) fn set_aside(path: &Path, now: Time) -> std::io::Result<PathBuf> {
    let stamp = now.to_string().replace([':', '.'], "-");
    let named = |path: &Path, tail: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(tail);
        PathBuf::from(name)
    };
    let aside = named(path, &format!(".{stamp}.aside"));
    std::fs::rename(path, &aside)?;
    for companion in ["-wal", "-shm"] {
        // A store that was closed well has none.
        let _ = std::fs::rename(named(path, companion), named(&aside, companion));
    }
    Ok(aside)
}
