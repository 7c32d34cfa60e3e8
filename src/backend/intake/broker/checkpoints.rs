//! How far a partition's engine got: its state, and the last action it covers.

use std::collections::VecDeque;

use sqlx::{
    Row,
    postgres::{PgPool, PgRow},
};
use uuid::Uuid;

use crate::terms::Time;

/// The largest state that is read, unpacked.
const LARGEST: usize = 1 << 30;
/// How hard it is packed: a snapshot is mostly digits.
const LEVEL: i32 = 3;

/// An engine at a point of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// Which of the streams that were ever read.
    pub stream: i32,
    /// The last message it covers.
    pub seq: u64,
    /// When the broker took that one.
    pub published_at: Time,
    /// The engine's snapshot.
    pub state: Vec<u8>,
}

/// How long the broker keeps what is judged and covered, for nodes that were away; and where it is half full.
const KEPT: i64 = Time::DAY;
const KEPT_HALF_FULL: i64 = Time::MINUTE;

/// Since when the messages up to a number are covered, oldest first.
#[derive(Debug, Default)]
pub(super) struct Covered(VecDeque<(Time, u64)>);

impl Covered {
    /// A checkpoint covers everything up to `seq`.
    pub fn add(&mut self, now: Time, seq: u64) {
        self.0.push_back((now, seq));
    }

    /// Before which message the broker may forget; once.
    pub fn due(&mut self, now: Time, half_full: bool) -> Option<u64> {
        let kept = if half_full { KEPT_HALF_FULL } else { KEPT };
        let mut due = None;
        while let Some((_, seq)) = self.0.front().copied().filter(|(at, _)| now.since(*at) >= kept) {
            due = Some(seq);
            self.0.pop_front();
        }
        due
    }
}

/// A checkpoint was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSaved {
    /// Another node judges the partition.
    #[error("another node has taken the partition over")]
    Lost,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the engine's state cannot be packed: {0}")]
    Packing(#[from] std::io::Error),
}

/// Writes one, where `node` owns the partition in this epoch.
pub(super) async fn save(
    pool: &PgPool,
    (partition, epoch, node): (u32, i64, Uuid),
    checkpoint: &Checkpoint,
) -> Result<(), NotSaved> {
    let packed = zstd::encode_all(checkpoint.state.as_slice(), LEVEL)?;
    let done = sqlx::query(
        "INSERT INTO checkpoints (partition, epoch, stream, seq, published_at, state)
         SELECT partition, epoch, $4, $5, $6, $7 FROM partitions WHERE partition = $1 AND epoch = $2 AND node = $3
         ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, stream = excluded.stream, seq = excluded.seq,
             published_at = excluded.published_at, state = excluded.state
         WHERE checkpoints.epoch <= excluded.epoch",
    )
    .bind(i32::try_from(partition).unwrap_or(i32::MAX))
    .bind(epoch)
    .bind(node)
    .bind(checkpoint.stream)
    .bind(checkpoint.seq.cast_signed())
    .bind(checkpoint.published_at.millis())
    .bind(packed)
    .execute(pool)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(NotSaved::Lost) }
}

/// Begins with what one node had learned by itself, where no node shared anything yet; says whether that was so.
pub(super) async fn bring_in(pool: &PgPool, all: Vec<Checkpoint>) -> Result<bool, NotSaved> {
    let mut transaction = pool.begin().await?;
    sqlx::query("LOCK TABLE checkpoints IN EXCLUSIVE MODE").execute(&mut *transaction).await?;
    if sqlx::query("SELECT FROM checkpoints LIMIT 1").fetch_optional(&mut *transaction).await?.is_some() {
        return Ok(false);
    }
    for (partition, checkpoint) in (0_i32..).zip(all) {
        sqlx::query("INSERT INTO checkpoints (partition, epoch, stream, seq, published_at, state) VALUES ($1, 0, $2, $3, $4, $5)")
            .bind(partition)
            .bind(checkpoint.stream)
            .bind(checkpoint.seq.cast_signed())
            .bind(checkpoint.published_at.millis())
            .bind(zstd::encode_all(checkpoint.state.as_slice(), LEVEL)?)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// The newest one of a partition.
pub(super) async fn load(pool: &PgPool, partition: u32) -> Result<Option<Checkpoint>, sqlx::Error> {
    let row = sqlx::query("SELECT stream, seq, published_at, state FROM checkpoints WHERE partition = $1")
        .bind(i32::try_from(partition).unwrap_or(i32::MAX))
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &PgRow) -> Result<Checkpoint, sqlx::Error> {
    use std::io::Read;
    let mut state = Vec::new();
    let unpack = zstd::Decoder::new(row.try_get::<&[u8], _>(3)?)
        .and_then(|packed| packed.take(LARGEST as u64).read_to_end(&mut state));
    unpack.map_err(|why| sqlx::Error::Decode(why.into()))?;
    Ok(Checkpoint {
        stream: row.try_get(0)?,
        seq: row.try_get::<i64, _>(1)?.cast_unsigned(),
        published_at: Time::from_millis(row.try_get(2)?),
        state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_is_forgotten_after_a_day_and_sooner_where_room_is_scarce() {
        let at = |minutes: i64| Time::from_millis(minutes * Time::MINUTE);
        let mut covered = Covered::default();
        for minutes in 0..4 {
            covered.add(at(minutes), 10 * minutes.unsigned_abs());
        }
        assert_eq!(covered.due(at(3), false), None);
        assert_eq!(covered.due(at(3), true), Some(20), "the newest minute stays for the other nodes");
        assert_eq!(covered.due(at(3), true), None, "once");
        assert_eq!(covered.due(at(3 + 24 * 60), false), Some(30));
    }
}
