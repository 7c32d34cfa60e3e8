//! Whether the log can be written: everybody who answers an agent may ask, and waits for nothing (protocol 3).
//!
//! One SQLite node knows it by its writer alone: a write that fails or hangs begins the time, a write that succeeds ends it.
//! While writes fail the writer tries by itself; a disk that nobody writes to is taken to be well.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::backend::log::LogError;

/// How long the log may refuse before agents are refused: half a lease's time to live.
pub const PATIENCE: Duration = Duration::from_millis(2_500);
/// How often listeners are told.
const LOOK: Duration = Duration::from_millis(100);

/// The log's pulse.
#[derive(Debug)]
pub struct Pulse {
    began: Instant,
    /// Milliseconds from `began`, plus one, to the oldest write that has not succeeded; 0 while all is well.
    since: AtomicU64,
    /// Why the newest write did not succeed, where it did not.
    why: Mutex<Option<String>>,
    sick: watch::Sender<bool>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { began: Instant::now(), since: AtomicU64::new(0), why: Mutex::default(), sick: watch::Sender::new(false) }
    }
}

impl Pulse {
    /// A write begins.
    pub(super) fn begin(&self) {
        self.begin_at(Instant::now());
    }

    fn begin_at(&self, now: Instant) {
        let now = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX - 1) + 1;
        // An older one goes on waiting.
        let _ = self.since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write succeeded.
    pub(super) fn beat(&self) {
        self.since.store(0, Ordering::Relaxed);
        *self.last() = None;
    }

    /// A write failed.
    pub(super) fn miss(&self, why: &LogError) {
        *self.last() = Some(why.to_string());
    }

    /// Why the newest write failed; nothing where it did not.
    pub fn why(&self) -> Option<String> {
        self.last().clone()
    }

    /// Whether the newest write did not succeed.
    pub(super) fn is_failing(&self) -> bool {
        self.since.load(Ordering::Relaxed) != 0
    }

    /// Whether the log could not be written for longer than agents may rely on.
    pub fn is_sick(&self) -> bool {
        // Most often there is nothing to compare with, and no clock to read.
        self.is_failing() && self.is_sick_at(Instant::now())
    }

    fn is_sick_at(&self, now: Instant) -> bool {
        match self.since.load(Ordering::Relaxed) {
            0 => false,
            since => now.duration_since(self.began) > Duration::from_millis(since - 1) + PATIENCE,
        }
    }

    /// Hears it fall sick and get well.
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.sick.subscribe()
    }

    /// Tells listeners, as long as it is polled.
    pub async fn watch(&self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let sick = self.is_sick();
            let changed = self.sick.send_if_modified(|told| std::mem::replace(told, sick) != sick);
            if changed && sick {
                tracing::error!("the log cannot be written: leases end and checks are denied until it can");
            } else if changed {
                tracing::info!("the log can be written again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_half_a_lease() {
        assert_eq!(PATIENCE * 2, Duration::from_secs(crate::backend::interlock::TTL_S));
    }

    #[test]
    fn the_oldest_write_that_did_not_succeed_counts() {
        let pulse = Pulse::default();
        let after = |millis| pulse.began + Duration::from_millis(millis);
        pulse.begin_at(after(1_000));
        pulse.begin_at(after(3_000));
        assert!(pulse.is_failing() && !pulse.is_sick_at(after(3_500)) && pulse.is_sick_at(after(3_501)));
        pulse.beat();
        assert!(!pulse.is_failing() && !pulse.is_sick_at(after(60_000)), "nobody wrote, and nobody was refused");
        pulse.begin_at(after(60_000));
        assert!(!pulse.is_sick_at(after(62_500)) && pulse.is_sick_at(after(62_501)));
    }
}
