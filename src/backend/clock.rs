//! The clocks at the edge (law 9): everything else is told the time.

use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};

use crate::terms::Time;

/// Tells the present moment. Tests and drills bring their own.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The machine's clock.
pub fn system() -> Clock {
    Arc::new(|| chrono::Utc::now().into())
}

/// Time since the machine started, suspend included. Nobody can set it: what must not run out early, or live on, is
/// measured by it. It is no time of day and is never shown.
pub fn steady() -> Clock {
    Arc::new(|| {
        let time = clock_gettime(ClockId::Boottime);
        Time::from_millis(time.tv_sec.saturating_mul(Time::SECOND).saturating_add(time.tv_nsec / 1_000_000))
    })
}

/// One moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// UTC: what is recorded and shown. Somebody may set it, or a time server.
    pub utc: Time,
    /// By [`steady`]: what leases are measured by.
    pub steady: Time,
}

impl Moment {
    /// In UTC, a moment that the steady clock told.
    pub fn utc_of(&self, steady: Time) -> Time {
        self.utc.plus(steady.since(self.steady))
    }

    /// By the steady clock, a moment that was; one that UTC puts after now is now.
    pub fn steady_of(&self, utc: Time) -> Time {
        self.steady.plus(-self.utc.since(utc).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_goes_on_and_translates() {
        let steady = steady();
        let (first, second) = (steady(), steady());
        assert!(first > Time::default() && second >= first);
        let now = Moment { utc: Time::from_millis(1_000_000), steady: Time::from_millis(50_000) };
        assert_eq!(now.utc_of(Time::from_millis(48_000)), Time::from_millis(998_000));
        assert_eq!(now.steady_of(Time::from_millis(998_000)), Time::from_millis(48_000));
        assert_eq!(now.steady_of(Time::from_millis(2_000_000)), now.steady);
    }
}
