//! How telemetry over the broker stands at this node, for `/readyz`, `/metrics` and `andon doctor`.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::api::BrokerInfo;

/// What is known now.
#[derive(Debug, Default)]
pub struct BrokerStatus {
    place: String,
    inner: Mutex<Inner>,
    behind: AtomicU64,
    last: AtomicU64,
    cuts: AtomicU64,
    missed: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    wrong: Option<String>,
    partitions: u32,
    /// Actions that wait, by partition that is judged here.
    judged: BTreeMap<u32, u64>,
    stream: (u64, i64),
}

impl BrokerStatus {
    /// Nothing is known yet of the broker at `place`.
    pub(super) fn of(place: String) -> Self {
        let wrong = Some(format!("NATS at {place} was not reached yet"));
        Self { place, inner: Mutex::new(Inner { wrong, ..Inner::default() }), ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_wrong(&self, why: Option<String>) {
        let mut inner = self.lock();
        match (&why, &inner.wrong) {
            (Some(why), None) => tracing::warn!(%why, "telemetry waits"),
            (None, Some(_)) => tracing::info!(place = %self.place, "telemetry goes over NATS"),
            _ => {}
        }
        inner.wrong = why;
    }

    pub(super) fn has_partitions(&self, partitions: u32) {
        self.lock().partitions = partitions;
    }

    pub(super) fn stream_holds(&self, bytes: u64, of: i64) {
        self.lock().stream = (bytes, of);
    }

    /// The stream ends here. Where it ended later before, a server lost the tail of it, and counts from there again.
    pub(super) fn stream_ends(&self, seq: u64) {
        if self.last.swap(seq, Ordering::AcqRel) > seq {
            tracing::error!("NATS lost the newest messages of its stream: what it had acknowledged of them is gone");
            self.cuts.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// How often the stream lost its tail.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Acquire)
    }

    /// Whether the stream is more than half full.
    pub(super) fn is_half_full(&self) -> bool {
        let (bytes, of) = self.lock().stream;
        of > 0 && bytes > of.cast_unsigned() / 2
    }

    /// So many actions of a partition wait to be judged here; `None`: it is not judged here.
    pub(super) fn judges(&self, partition: u32, waiting: Option<u64>) {
        match waiting {
            Some(waiting) => drop(self.lock().judged.insert(partition, waiting)),
            None => drop(self.lock().judged.remove(&partition)),
        }
    }

    /// So many actions wait to be kept here.
    pub(super) fn behind(&self, waiting: u64) {
        self.behind.store(waiting, Ordering::Relaxed);
    }

    /// So many actions were gone before this node kept them.
    pub(super) fn missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::Relaxed);
    }

    /// So many actions were not taken because the broker did not.
    pub(super) fn refused(&self, count: usize) {
        self.refused.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Why telemetry is not taken now.
    pub fn wrong(&self) -> Option<String> {
        self.lock().wrong.clone()
    }

    /// All of it.
    pub fn told(&self) -> BrokerInfo {
        let inner = self.lock();
        BrokerInfo {
            place: self.place.clone(),
            wrong: inner.wrong.clone(),
            partitions: inner.partitions,
            judged: inner.judged.keys().copied().collect(),
            lag: inner.judged.values().sum(),
            behind: self.behind.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            bytes: inner.stream.0,
            bytes_limit: u64::try_from(inner.stream.1).unwrap_or(0),
        }
    }
}
