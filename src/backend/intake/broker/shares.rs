//! Which partitions this node judges: leases in the log's database, spread evenly over the nodes that live. Nothing of it is
//! consensus: a lease is five seconds by the database's clock, and its holder believes it over sooner.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, Ordering},
};

use sqlx::{
    Row,
    postgres::{PgPool, PgRow},
};
use uuid::Uuid;

use crate::{backend::clock::Clock, terms::Time};

/// How long a lease lasts without renewal, in seconds; and by how much sooner its holder believes it over.
const LEASE_S: i32 = 5;
const EARLY: i64 = 1_500;

/// This node's shares.
pub(super) struct Shares {
    pool: PgPool,
    me: Uuid,
    steady: Clock,
    until: AtomicI64,
}

/// What a round found: the epoch of each partition that is ours, and those beyond an even share.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    pub held: BTreeMap<u32, i64>,
    pub surplus: Vec<u32>,
}

impl Shares {
    pub fn new(pool: PgPool, steady: Clock) -> Self {
        Self { pool, me: Uuid::now_v7(), steady, until: AtomicI64::new(i64::MIN) }
    }

    pub fn me(&self) -> Uuid {
        self.me
    }

    /// Whether the leases of the last round hold, for all that this node knows.
    pub fn hold(&self) -> bool {
        (self.steady)().millis() < self.until.load(Ordering::Acquire)
    }

    /// Renews what is ours, and takes what is free up to an even share.
    ///
    /// # Errors
    /// A database that does not answer: the leases run out then.
    pub async fn round(&self, partitions: u32) -> Result<Round, sqlx::Error> {
        let asked = (self.steady)();
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        sqlx::query(
            "INSERT INTO judges (node, seen_at) VALUES ($1, now()) ON CONFLICT (node) DO UPDATE SET seen_at = now()",
        )
        .bind(self.me)
        .execute(&self.pool)
        .await?;
        let mut held: BTreeMap<u32, i64> = sqlx::query(
            "UPDATE partitions SET until = now() + make_interval(secs => $2)
             WHERE node = $1 AND until > now() AND partition < $3 RETURNING partition, epoch",
        )
        .bind(self.me)
        .bind(f64::from(LEASE_S))
        .bind(count)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(share)
        .collect::<Result<_, _>>()?;
        let living: i64 =
            sqlx::query_scalar("SELECT count(*) FROM judges WHERE seen_at > now() - make_interval(secs => $1)")
                .bind(f64::from(LEASE_S))
                .fetch_one(&self.pool)
                .await?;
        let even = partitions.div_ceil(u32::try_from(living).unwrap_or(1).max(1)) as usize;
        let surplus = held.keys().rev().take(held.len().saturating_sub(even)).copied().collect();
        let room = i64::try_from(even.saturating_sub(held.len())).unwrap_or(0);
        if room > 0 {
            held.extend(self.take(count, room).await?);
        }
        self.until.store(asked.plus(i64::from(LEASE_S) * Time::SECOND - EARLY).millis(), Ordering::Release);
        Ok(Round { held, surplus })
    }

    async fn take(&self, count: i32, room: i64) -> Result<Vec<(u32, i64)>, sqlx::Error> {
        let taken = sqlx::query(
            "INSERT INTO partitions AS mine (partition, node, epoch, until)
             SELECT free, $1, 1, now() + make_interval(secs => $2) FROM generate_series(0, $3 - 1) AS free
             WHERE NOT EXISTS (SELECT FROM partitions WHERE partition = free AND until >= now())
             ORDER BY random() LIMIT $4
             ON CONFLICT (partition) DO UPDATE SET node = $1, epoch = mine.epoch + 1, until = excluded.until
             WHERE mine.until < now() RETURNING partition, epoch",
        )
        .bind(self.me)
        .bind(f64::from(LEASE_S))
        .bind(count)
        .bind(room)
        .fetch_all(&self.pool)
        .await?;
        taken.iter().map(share).collect()
    }

    /// Gives one up at once: its engine is saved.
    ///
    /// # Errors
    /// A database that does not answer: the lease runs out by itself.
    pub async fn release(&self, partition: u32, epoch: i64) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE partitions SET until = now() WHERE partition = $1 AND node = $2 AND epoch = $3")
            .bind(i32::try_from(partition).unwrap_or(i32::MAX))
            .bind(self.me)
            .bind(epoch)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Says that this node judges no more.
    ///
    /// # Errors
    /// A database that does not answer: the others notice within seconds.
    pub async fn leave(&self) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM judges WHERE node = $1 OR seen_at < now() - interval '1 hour'")
            .bind(self.me)
            .execute(&self.pool)
            .await
            .map(drop)
    }
}

fn share(row: &PgRow) -> Result<(u32, i64), sqlx::Error> {
    let partition: i32 = row.try_get(0)?;
    Ok((u32::try_from(partition).unwrap_or(0), row.try_get(1)?))
}
