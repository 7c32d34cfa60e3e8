//! How far a replay has come while somebody pauses it, hastens it, skips.

use std::time::Duration;

use crate::incident::drilled::{SPEEDS, Steer};

/// A replay's own clock: milliseconds of the replay as it was laid out, against the time that passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// The speed that the replay was laid out for.
    laid_out: f64,
    speed: f64,
    paused: bool,
    /// Things that are played though it is paused.
    steps: u32,
    /// Where it was at the last change, and when that was.
    at_ms: f64,
    since: Duration,
    /// Where it began.
    began_ms: f64,
}

impl Pace {
    /// Of a replay that was laid out for `speed` and begins now.
    pub fn new(speed: f64) -> Self {
        Self::from(speed, 0.0, false)
    }

    /// Of one that begins at a second of the recording, held or not.
    pub fn from(speed: f64, at_s: f64, paused: bool) -> Self {
        let at_ms = at_s * 1_000.0 / speed;
        Self { laid_out: speed, speed, paused, steps: 0, at_ms, since: Duration::ZERO, began_ms: at_ms }
    }

    /// The second of the recording where it is once `passed` has passed since it began.
    pub fn position_s(&self, passed: Duration) -> f64 {
        self.position_ms(passed) * self.laid_out / 1_000.0
    }

    /// How many times as fast as recorded it goes; none at all while it is paused.
    pub fn goes(&self) -> f64 {
        if self.paused { 0.0 } else { self.speed }
    }

    /// Where it is once `passed` has passed since it began.
    pub fn position_ms(&self, passed: Duration) -> f64 {
        let went = passed.saturating_sub(self.since).as_secs_f64() * 1_000.0;
        if self.paused { self.at_ms } else { self.at_ms + went * self.speed / self.laid_out }
    }

    /// How long it is until `offset_ms`; none while it is paused.
    pub fn until(&self, offset_ms: i64, passed: Duration) -> Option<Duration> {
        let left = offset_ms as f64 - self.position_ms(passed);
        if left <= 0.0 || self.steps > 0 {
            return Some(Duration::ZERO);
        }
        let real = left / 1_000.0 * self.laid_out / self.speed;
        (!self.paused).then(|| Duration::try_from_secs_f64(real).unwrap_or(Duration::MAX))
    }

    /// Something is played: a step is taken, and what comes later counts from there.
    pub fn played(&mut self, offset_ms: i64, passed: Duration) {
        if self.steps > 0 {
            self.steps -= 1;
            (self.at_ms, self.since) = (self.position_ms(passed).max(offset_ms as f64), passed);
        }
    }

    /// By how much things happen later than they were laid out, in milliseconds; negative: sooner.
    pub fn drift_ms(&self, offset_ms: i64, passed: Duration) -> i64 {
        let steered = self.since > Duration::ZERO || self.paused;
        if steered { self.began_ms as i64 + passed.as_millis() as i64 - offset_ms } else { 0 }
    }

    /// A facilitator's hand on it.
    pub fn steer(&mut self, how: &Steer, passed: Duration) {
        let paces = matches!(
            how,
            Steer::Pause {} | Steer::Resume {} | Steer::Step {} | Steer::Speed { .. } | Steer::Skip { .. }
        );
        if !paces {
            return;
        }
        // Never quite zero: from the first change on, what is played happens when it is played.
        let passed = passed.max(Duration::from_nanos(1));
        (self.at_ms, self.since) = (self.position_ms(passed), passed);
        match how {
            Steer::Pause {} => (self.paused, self.steps) = (true, 0),
            Steer::Resume {} => (self.paused, self.steps) = (false, 0),
            Steer::Step {} => self.steps += u32::from(self.paused),
            Steer::Speed { speed } => self.speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end()),
            Steer::Skip { to_s } => self.at_ms = self.at_ms.max(to_s * 1_000.0 / self.laid_out),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DRL.1: untouched, a replay keeps to how it was laid out; paused, it stands; a step plays one thing; it goes on faster or
    /// slower from where it is; a skip plays what lies before it at once, and never goes back.
    #[test]
    fn a_replay_is_paused_stepped_hastened_and_skipped() {
        let s = Duration::from_secs;
        let mut pace = Pace::new(10.0);
        assert_eq!(pace.until(5_000, s(2)), Some(s(3)));
        assert_eq!((pace.until(1_000, s(2)), pace.drift_ms(1_000, s(2))), (Some(s(0)), 0));
        pace.steer(&Steer::Pause {}, s(2));
        assert_eq!((pace.until(5_000, s(9)), pace.position_ms(s(9))), (None, 2_000.0));
        pace.steer(&Steer::Step {}, s(9));
        assert_eq!(pace.until(5_000, s(9)), Some(s(0)));
        pace.played(5_000, s(9));
        assert_eq!((pace.until(6_000, s(9)), pace.position_ms(s(9))), (None, 5_000.0));
        pace.steer(&Steer::Speed { speed: 20.0 }, s(10));
        pace.steer(&Steer::Resume {}, s(10));
        assert_eq!(pace.until(9_000, s(10)), Some(s(2)), "twice as fast as laid out");
        assert_eq!(pace.drift_ms(9_000, s(12)), 3_000);
        pace.steer(&Steer::Skip { to_s: 300.0 }, s(12));
        assert_eq!((pace.until(30_000, s(12)), pace.until(32_000, s(12))), (Some(s(0)), Some(s(1))));
        pace.steer(&Steer::Skip { to_s: 1.0 }, s(12));
        assert_eq!(pace.position_ms(s(12)), 30_000.0);
    }

    /// DRL.1: what is taken back begins at its second, held where it was held; what comes then happens then.
    #[test]
    fn a_replay_begins_anywhere() {
        let s = Duration::from_secs;
        let pace = Pace::from(10.0, 50.0, false);
        assert_eq!((pace.position_s(s(0)), pace.position_s(s(2)), pace.goes()), (50.0, 70.0, 10.0));
        assert_eq!((pace.until(9_000, s(2)), pace.drift_ms(9_000, s(4))), (Some(s(2)), 0));
        let mut held = Pace::from(10.0, 50.0, true);
        assert_eq!((held.until(9_000, s(2)), held.position_s(s(9)), held.goes()), (None, 50.0, 0.0));
        held.steer(&Steer::Note { text: "x".into(), at_s: None }, s(9));
        held.steer(&Steer::Resume {}, s(10));
        assert_eq!((held.until(9_000, s(10)), held.drift_ms(9_000, s(14))), (Some(s(4)), 10_000));
    }
}
