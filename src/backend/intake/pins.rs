//! Pins: which stored actions outlive retention, and are shed last (EVI.1, EVI.5).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{QueryBuilder, Row, Sqlite};

use super::{
    store::{HotStore, Kept, kept},
    store_file::StoreError,
};
use crate::{
    incident::evidence::Predicate,
    telemetry::Action,
    terms::{IncidentId, Time},
};

/// Names that a query takes; with more of them every action is looked at.
const NAMES: usize = 400;

/// The tables of pins. A pin's names stand apart, so that deleting old actions asks for them by index.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS pins (id TEXT PRIMARY KEY, incident TEXT NOT NULL, made_at INTEGER NOT NULL,
        from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, everybody INTEGER NOT NULL, predicate TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS pin_names (pin TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (pin, kind, name)) WITHOUT ROWID;";

/// What no pin spares, as a condition on `actions`.
pub(super) const UNPINNED: &str = "NOT EXISTS (SELECT 1 FROM pins p WHERE actions.at BETWEEN p.from_at AND p.to_at
    AND (p.everybody OR EXISTS (SELECT 1 FROM pin_names n WHERE n.pin = p.id
        AND ((n.kind = 'agent' AND n.name = actions.agent) OR (n.kind = 'run' AND n.name = actions.run)))))";

/// One pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its name; an incident's freeze names it too.
    pub id: String,
    /// For which incident.
    pub incident: IncidentId,
    /// Which actions.
    pub predicate: Predicate,
    /// Since when.
    pub made_at: Time,
}

/// A pin in force, and what it saw pass.
pub(super) struct Live {
    pub pin: Pin,
    /// Actions that matched since the backend began.
    matched: AtomicU64,
    /// Those of them that were shed and not told yet.
    lost: AtomicU64,
}

impl Live {
    fn of(pin: Pin) -> Self {
        Self { pin, matched: AtomicU64::new(0), lost: AtomicU64::new(0) }
    }

    fn again(&self, pin: Pin) -> Self {
        let of = |count: &AtomicU64| AtomicU64::new(count.load(Ordering::Relaxed));
        Self { pin, matched: of(&self.matched), lost: of(&self.lost) }
    }
}

/// Those in force that want an action; counted as seen.
pub(super) fn wanting(pins: &[Arc<Live>], action: &Action) -> Vec<Arc<Live>> {
    let wanting: Vec<Arc<Live>> = pins.iter().filter(|live| live.pin.predicate.matches(action)).cloned().collect();
    for live in &wanting {
        live.matched.fetch_add(1, Ordering::Relaxed);
    }
    wanting
}

/// An action that they wanted is shed.
pub(super) fn lose(wanting: &[Arc<Live>]) {
    for live in wanting {
        live.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl HotStore {
    /// Puts a pin in force, durably: what matches and is stored already, or waits for the disk, is spared when this
    /// answers. The same id again replaces it. The answer is the number of the newest action that is spared so.
    ///
    /// # Errors
    /// A disk that is full or gone; nothing is pinned then.
    pub async fn pin(&self, pin: Pin) -> Result<u64, StoreError> {
        let before = self.pins.load_full();
        self.change_pins(|pins| {
            let old = pins.iter().position(|live| live.pin.id == pin.id).map(|at| pins.swap_remove(at));
            let live = old.map_or_else(|| Live::of(pin.clone()), |old| old.again(pin.clone()));
            pins.push(Arc::new(live));
        });
        let written = self.write_pin(&pin).await;
        if written.is_err() {
            // As it was before: an older pin of this id stays in force.
            let old = before.iter().find(|live| live.pin.id == pin.id).cloned();
            self.change_pins(|pins| {
                pins.retain(|live| live.pin.id != pin.id);
                pins.extend(old.clone());
            });
        }
        written
    }

    async fn write_pin(&self, pin: &Pin) -> Result<u64, StoreError> {
        let Some(pool) = &self.pool else { return Ok(self.newest_buffered()) };
        self.flush().await?;
        let mut connection = pool.acquire().await?;
        // Everything before it in the write-ahead log is durable with this commit; raw actions alone are not worth that.
        sqlx::query("PRAGMA synchronous = FULL").execute(&mut *connection).await?;
        let written = write(&mut connection, pin).await;
        sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut *connection).await?;
        Ok(written?)
    }

    /// Takes a pin off: retention may have what it spared.
    ///
    /// # Errors
    /// A store that cannot be written; the pin stays then.
    pub async fn unpin(&self, id: &str) -> Result<(), StoreError> {
        if let Some(pool) = &self.pool {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            for table in ["DELETE FROM pin_names WHERE pin = ?", "DELETE FROM pins WHERE id = ?"] {
                sqlx::query(table).bind(id).execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        self.change_pins(|pins| pins.retain(|live| live.pin.id != id));
        Ok(())
    }

    /// The number of the newest action that is kept.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn newest_kept(&self) -> Result<u64, StoreError> {
        if self.pool.is_none() { Ok(self.newest_buffered()) } else { self.newest().await }
    }

    /// Every pin in force.
    pub fn pins(&self) -> Vec<Pin> {
        self.pins.load().iter().map(|live| live.pin.clone()).collect()
    }

    /// How many actions a pin saw pass since the backend began.
    pub fn matched(&self, id: &str) -> u64 {
        let pins = self.pins.load();
        pins.iter().find(|live| live.pin.id == id).map_or(0, |live| live.matched.load(Ordering::Relaxed))
    }

    /// How many actions of a pin were shed and are not told yet.
    pub fn lost(&self, id: &str) -> u64 {
        let pins = self.pins.load();
        pins.iter().find(|live| live.pin.id == id).map_or(0, |live| live.lost.load(Ordering::Relaxed))
    }

    /// So many of them are told now.
    pub fn told_lost(&self, id: &str, count: u64) {
        if let Some(live) = self.pins.load().iter().find(|live| live.pin.id == id) {
            live.lost.fetch_sub(count.min(live.lost.load(Ordering::Relaxed)), Ordering::Relaxed);
        }
    }

    /// Stored actions after number `after` that match, oldest first.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn matching(&self, predicate: &Predicate, after: u64, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let Some(pool) = &self.pool else {
            let wanted = |kept: &Kept| kept.seq > after && predicate.matches(&kept.action);
            return Ok(self.buffered(wanted, limit));
        };
        let many = predicate.agents.len() + predicate.runs.len();
        let mut after = after;
        loop {
            // One name has its index; of several, going through in order is what an answer in order costs.
            let table = if many == 1 { "actions" } else { "actions NOT INDEXED" };
            let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT seq, json FROM {table} WHERE seq > "));
            query.push_bind(after.cast_signed());
            narrow(&mut query, predicate);
            query.push(" ORDER BY seq LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
            let rows = query.build().fetch_all(pool).await?;
            let page: Vec<Kept> = rows.iter().map(kept).collect::<Result<_, _>>()?;
            let Some(last) = page.last().map(|kept| kept.seq) else { return Ok(page) };
            let whole = page.len() >= limit;
            let found: Vec<Kept> = page.into_iter().filter(|kept| predicate.matches(&kept.action)).collect();
            if !found.is_empty() || !whole {
                return Ok(found);
            }
            after = last;
        }
    }

    fn change_pins(&self, change: impl Fn(&mut Vec<Arc<Live>>)) {
        self.pins.rcu(|pins| {
            let mut pins = (**pins).clone();
            change(&mut pins);
            pins
        });
    }

    /// Reads the pins of an earlier life.
    pub(super) async fn read_pins(&self) -> Result<(), StoreError> {
        let Some(pool) = &self.pool else { return Ok(()) };
        let rows = sqlx::query("SELECT id, incident, made_at, predicate FROM pins ORDER BY made_at, id");
        let mut pins = Vec::new();
        for row in rows.fetch_all(pool).await? {
            let (id, incident): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let (made_at, predicate): (i64, String) = (row.try_get(2)?, row.try_get(3)?);
            match (incident.parse(), serde_json::from_str(&predicate)) {
                (Ok(incident), Ok(predicate)) => {
                    let made_at = Time::from_millis(made_at);
                    pins.push(Arc::new(Live::of(Pin { id, incident, predicate, made_at })));
                }
                // It still spares what it spared: the incident's freeze writes it anew.
                _ => tracing::warn!(%id, "a pin of the telemetry store does not read"),
            }
        }
        self.pins.store(Arc::new(pins));
        Ok(())
    }
}

/// Adds what of a predicate the columns tell.
fn narrow(query: &mut QueryBuilder<Sqlite>, predicate: &Predicate) {
    if let Some(from) = predicate.from {
        query.push(" AND at >= ").push_bind(from.millis());
    }
    if let Some(to) = predicate.to {
        query.push(" AND at <= ").push_bind(to.millis());
    }
    let (agents, runs) = (&predicate.agents, &predicate.runs);
    if agents.is_empty() && runs.is_empty() || agents.len() + runs.len() > NAMES {
        return;
    }
    query.push(" AND (");
    if !agents.is_empty() {
        query.push("agent IN (");
        let mut list = query.separated(", ");
        for agent in agents {
            list.push_bind(agent.to_string());
        }
        query.push(")");
    }
    if !runs.is_empty() {
        query.push(if agents.is_empty() { "run IN (" } else { " OR run IN (" });
        let mut list = query.separated(", ");
        for run in runs {
            list.push_bind(run.clone());
        }
        query.push(")");
    }
    query.push(")");
}

async fn write(connection: &mut sqlx::SqliteConnection, pin: &Pin) -> Result<u64, sqlx::Error> {
    use sqlx::Connection as _;
    let predicate = &pin.predicate;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM pin_names WHERE pin = ?").bind(&pin.id).execute(&mut *transaction).await?;
    sqlx::query("INSERT OR REPLACE INTO pins (id, incident, made_at, from_at, to_at, everybody, predicate) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(&pin.id)
        .bind(pin.incident.to_string())
        .bind(pin.made_at.millis())
        .bind(predicate.from.map_or(i64::MIN, Time::millis))
        .bind(predicate.to.map_or(i64::MAX, Time::millis))
        .bind(predicate.agents.is_empty() && predicate.runs.is_empty())
        .bind(serde_json::to_string(predicate).unwrap_or_default())
        .execute(&mut *transaction)
        .await?;
    let agents = predicate.agents.iter().map(|agent| ("agent", agent.to_string()));
    let runs = predicate.runs.iter().map(|run| ("run", run.clone()));
    for (kind, name) in agents.chain(runs) {
        sqlx::query("INSERT OR IGNORE INTO pin_names (pin, kind, name) VALUES (?, ?, ?)")
            .bind(&pin.id)
            .bind(kind)
            .bind(name)
            .execute(&mut *transaction)
            .await?;
    }
    let newest: i64 =
        sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM actions").fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(newest.cast_unsigned())
}

#[cfg(test)]
#[path = "pins_tests.rs"]
mod tests;
