//! A clock that counts suspend and follows no step of the wall clock: leases are measured by it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Self(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
    }

    /// This long after.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long from now until it; nothing where it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_sub(Self::now().0)
    }
}
