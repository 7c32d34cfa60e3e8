//! The hot store: recent raw actions, and the engine's state with the last action it covers, so that baselines survive
//! a SIGKILL that loses at most a second (protocol 1, law 4). A drill's world keeps its actions in memory only.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use serde::Serialize;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqlitePool};

use super::{
    pins,
    store_file::{StoreError, connect, set_aside},
};
use crate::{
    telemetry::Action,
    terms::{AgentId, Time},
};

/// Rows of one INSERT; 8 values each stay well under SQLite's limit.
const ROWS: usize = 1000;
/// Actions that wait for the disk at most; what comes on top is shed, counted.
const BUFFERED: usize = 200_000;
/// And their bytes.
const BUFFERED_BYTES: usize = 256 << 20;
/// Room that only pinned actions may use besides, as a share: they are shed last (EVI.1).
const FOR_PINNED: usize = 4;
/// Actions a drill's world remembers.
const IN_MEMORY: usize = 10_000;
/// Rows deleted at a time.
const DELETED: i64 = 10_000;

/// How long and how much is kept; whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Days.
    pub days: i64,
    /// Bytes of the file in use.
    pub bytes: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { days: 30, bytes: 20 << 30 }
    }
}

/// An action with its number in the order of judging.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// Its number.
    pub seq: u64,
    /// The action.
    #[serde(flatten)]
    pub action: Action,
}

/// What waits for the disk.
#[derive(Default)]
struct Buffer {
    actions: VecDeque<(Arc<Kept>, usize)>,
    bytes: usize,
    snapshot: Option<(u64, Vec<u8>)>,
}

/// The hot store of one world.
pub struct HotStore {
    pub(super) pool: Option<SqlitePool>,
    limits: Limits,
    buffer: Mutex<Buffer>,
    /// One writes at a time: two would take the same actions, and forget as many again that neither wrote.
    flushing: tokio::sync::Mutex<()>,
    pub(super) pins: ArcSwap<Vec<Arc<pins::Live>>>,
}

impl HotStore {
    /// A store that forgets with the process.
    pub fn in_memory() -> Self {
        Self::of(None, Limits::default())
    }

    /// Opens the store at `path`. One that is damaged, or written by a newer version, is kept under another name and a
    /// new one begun; the second value then says so.
    ///
    /// # Errors
    /// When the file can be neither opened nor made.
    pub async fn open(path: &Path, limits: Limits, now: Time) -> Result<(Self, Option<String>), StoreError> {
        let (pool, note) = match connect(path).await {
            Ok(pool) => (pool, None),
            Err(why) => {
                let aside =
                    set_aside(path, now).map_err(|_| StoreError::Open { path: path.into(), why: why.clone() })?;
                let note = format!(
                    "the telemetry store {} could not be used ({why}); it is kept as {} and a new one is begun: baselines start over",
                    path.display(),
                    aside.display()
                );
                (connect(path).await.map_err(|why| StoreError::Open { path: path.into(), why })?, Some(note))
            }
        };
        let store = Self::of(Some(pool), limits);
        store.read_pins().await.map_err(|why| StoreError::Open { path: path.into(), why: why.to_string() })?;
        Ok((store, note))
    }

    fn of(pool: Option<SqlitePool>, limits: Limits) -> Self {
        Self {
            pool,
            limits,
            buffer: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            pins: ArcSwap::default(),
        }
    }

    /// The engine's state and the number of the last action it covers.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn snapshot(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let Some(pool) = &self.pool else { return Ok(None) };
        let row = sqlx::query("SELECT seq, state FROM snapshot").fetch_optional(pool).await?;
        Ok(row.map(|row| Ok::<_, sqlx::Error>((seq(&row)?, row.try_get(1)?))).transpose()?)
    }

    /// The number of the newest action stored; 0 when there is none.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn newest(&self) -> Result<u64, StoreError> {
        let Some(pool) = &self.pool else { return Ok(0) };
        let newest: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM actions").fetch_one(pool).await?;
        Ok(newest.cast_unsigned())
    }

    /// Actions after number `after`, oldest first, of one agent or of all.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn after(&self, after: u64, agent: Option<&AgentId>, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let Some(pool) = &self.pool else {
            let wanted = |kept: &Kept| kept.seq > after && agent.is_none_or(|agent| kept.action.agent == *agent);
            return Ok(self.buffered(wanted, limit));
        };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT seq, json FROM actions WHERE seq > ");
        query.push_bind(after.cast_signed());
        only(&mut query, agent);
        query.push(" ORDER BY seq LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        query.build().fetch_all(pool).await?.iter().map(kept).collect()
    }

    /// The newest actions, oldest first.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn last(&self, agent: Option<&AgentId>, limit: usize) -> Result<Vec<Kept>, StoreError> {
        self.before(None, agent, limit).await
    }

    /// The newest actions before a number, oldest first.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn before(
        &self,
        before: Option<u64>,
        agent: Option<&AgentId>,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let before = before.unwrap_or(i64::MAX.cast_unsigned());
        let mut last: Vec<Kept> = match &self.pool {
            None => {
                let buffer = self.lock();
                let newest = buffer.actions.iter().rev().map(|(kept, _)| kept);
                newest
                    .filter(|kept| kept.seq < before && agent.is_none_or(|agent| kept.action.agent == *agent))
                    .take(limit)
                    .map(|kept| Kept::clone(kept))
                    .collect()
            }
            Some(pool) => {
                let mut query = QueryBuilder::<Sqlite>::new("SELECT seq, json FROM actions WHERE seq < ");
                query.push_bind(before.cast_signed());
                only(&mut query, agent);
                query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
                query.build().fetch_all(pool).await?.iter().map(kept).collect::<Result<_, _>>()?
            }
        };
        last.reverse();
        Ok(last)
    }

    /// Takes a judged action of about `bytes`; false when it is shed because the disk does not keep up.
    pub fn push(&self, kept: Kept, bytes: usize) -> bool {
        let wanting = pins::wanting(&self.pins.load(), &kept.action);
        let mut buffer = self.lock();
        if self.pool.is_none() {
            self.make_room(&mut buffer);
        } else {
            let more = |limit: usize| if wanting.is_empty() { limit } else { limit + limit / FOR_PINNED };
            if buffer.actions.len() >= more(BUFFERED) || buffer.bytes + bytes > more(BUFFERED_BYTES) {
                pins::lose(&wanting);
                return false;
            }
        }
        buffer.bytes += bytes;
        buffer.actions.push_back((Arc::new(kept), bytes));
        true
    }

    /// In memory, the oldest action that nobody pinned goes; where all are pinned, the oldest, and that is a loss.
    fn make_room(&self, buffer: &mut Buffer) {
        if buffer.actions.len() < IN_MEMORY {
            return;
        }
        let pins = self.pins.load();
        let pinned = |kept: &Kept| pins.iter().any(|live| live.pin.predicate.matches(&kept.action));
        match buffer.actions.iter().position(|(kept, _)| !pinned(kept)) {
            Some(at) => drop(buffer.actions.remove(at)),
            None if buffer.actions.len() < IN_MEMORY * FOR_PINNED => {}
            None => {
                if let Some((kept, _)) = buffer.actions.pop_front() {
                    pins::lose(&pins::wanting(&pins, &kept.action));
                }
            }
        }
    }

    /// Actions in memory that are `wanted`, oldest first.
    pub(super) fn buffered(&self, wanted: impl Fn(&Kept) -> bool, limit: usize) -> Vec<Kept> {
        let buffer = self.lock();
        let kept = buffer.actions.iter().map(|(kept, _)| kept);
        kept.filter(|kept| wanted(kept)).take(limit).map(|kept| Kept::clone(kept)).collect()
    }

    /// The number of the newest action in memory.
    pub(super) fn newest_buffered(&self) -> u64 {
        self.lock().actions.back().map_or(0, |(kept, _)| kept.seq)
    }

    /// Takes the engine's state after action `seq`; it is written with the next flush.
    pub fn push_snapshot(&self, seq: u64, state: Vec<u8>) {
        if self.pool.is_some() {
            self.lock().snapshot = Some((seq, state));
        }
    }

    /// Writes what waits. What cannot be written stays.
    ///
    /// # Errors
    /// A disk that is full or gone.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let Some(pool) = &self.pool else { return Ok(()) };
        let _writing = self.flushing.lock().await;
        loop {
            let (rows, snapshot) = {
                let buffer = self.lock();
                let rows: Vec<Arc<Kept>> =
                    buffer.actions.iter().take(ROWS * 10).map(|(kept, _)| kept.clone()).collect();
                (rows, if buffer.actions.len() == rows_len(&buffer) { buffer.snapshot.clone() } else { None })
            };
            if rows.is_empty() && snapshot.is_none() {
                return Ok(());
            }
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            for chunk in rows.chunks(ROWS) {
                insert(chunk).build().execute(&mut *transaction).await?;
            }
            if let Some((seq, state)) = &snapshot {
                sqlx::query("INSERT OR REPLACE INTO snapshot (one, seq, state) VALUES (1, ?, ?)")
                    .bind(seq.cast_signed())
                    .bind(state)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            let mut buffer = self.lock();
            for _ in 0..rows.len() {
                let bytes = buffer.actions.pop_front().map_or(0, |(_, bytes)| bytes);
                buffer.bytes = buffer.bytes.saturating_sub(bytes);
            }
            if snapshot.is_some()
                && buffer.snapshot.as_ref().map(|(seq, _)| seq) == snapshot.as_ref().map(|(seq, _)| seq)
            {
                buffer.snapshot = None;
            }
        }
    }

    /// Deletes what is older or larger than the limits and no pin spares.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn retain(&self, now: Time) -> Result<u64, StoreError> {
        let Some(pool) = &self.pool else { return Ok(0) };
        let oldest = now.plus(-self.limits.days * Time::DAY).millis();
        let mut deleted = 0;
        loop {
            let used: i64 = sqlx::query_scalar(
                "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
            )
            .fetch_one(pool)
            .await?;
            let by_age = if used > self.limits.bytes { i64::MAX } else { oldest };
            let done = sqlx::query(sqlx::AssertSqlSafe(format!(
                "DELETE FROM actions WHERE seq IN (SELECT seq FROM actions WHERE {} ORDER BY seq LIMIT ?) AND received_at < ?",
                pins::UNPINNED
            )))
            .bind(DELETED)
            .bind(by_age)
            .execute(pool)
            .await?;
            deleted += done.rows_affected();
            if done.rows_affected() == 0 || (by_age == oldest && done.rows_affected() < DELETED.cast_unsigned()) {
                return Ok(deleted);
            }
            tokio::task::yield_now().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How many of the buffer's rows one transaction takes.
fn rows_len(buffer: &Buffer) -> usize {
    buffer.actions.len().min(ROWS * 10)
}

fn insert(rows: &[Arc<Kept>]) -> QueryBuilder<Sqlite> {
    let mut query =
        QueryBuilder::new("INSERT OR REPLACE INTO actions (seq, received_at, at, agent, run, workflow, tool, json) ");
    query.push_values(rows, |mut row, kept| {
        let action = &kept.action;
        row.push_bind(kept.seq.cast_signed())
            .push_bind(action.received_at.millis())
            .push_bind(action.at.millis())
            .push_bind(action.agent.to_string())
            .push_bind(action.run.clone())
            .push_bind(action.workflow.as_ref().map(ToString::to_string))
            .push_bind(action.tool.as_ref().map(ToString::to_string))
            .push_bind(serde_json::to_string(action).unwrap_or_default());
    });
    query
}

fn only(query: &mut QueryBuilder<Sqlite>, agent: Option<&AgentId>) {
    if let Some(agent) = agent {
        query.push(" AND agent = ").push_bind(agent.to_string());
    }
}

fn seq(row: &sqlx::sqlite::SqliteRow) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(0).map(i64::cast_unsigned)
}

pub(super) fn kept(row: &sqlx::sqlite::SqliteRow) -> Result<Kept, StoreError> {
    let seq = seq(row)?;
    let json: String = row.try_get(1)?;
    let action = serde_json::from_str(&json).map_err(|e| StoreError::Unreadable { seq, why: e.to_string() })?;
    Ok(Kept { seq, action })
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
