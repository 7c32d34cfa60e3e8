//! How a recording goes when nobody stops anything, and what a drill of it is scored against (DRL.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Steer;
use crate::terms::{Time, words};

words! {
    /// What a drill is scored against, in seconds of the drill's own clocks.
    Target, "a target" {
        /// From the first harmful action to somebody knowing of it (DET.1).
        Detection = "detection_s",
        /// From the page to a person's acknowledgement.
        Acknowledge = "acknowledge_s",
        /// From declaring to the seven facts answered (TEN.1).
        Facts = "facts_s",
        /// From confirmed harm to everything in scope halted (CON.1).
        Halt = "halt_s",
        /// From declaring or containment to the evidence frozen (EVI.1).
        Evidence = "evidence_s",
        /// From declaring to the first update sent.
        Update = "update_s",
        /// From containment to the last checklist verified.
        Rollback = "rollback_s",
    }
}

/// What a score asks of a recording once it is gone: kept with the drill's beginning. Moments are milliseconds of the recording
/// after its zero.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Course {
    /// What it is scored against, where that differs from the runbook.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<Target, u32>,
    /// When somebody knew: the first report, or the first page that reached anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_ms: Option<i64>,
    /// When something was harmed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harm_from_ms: Option<i64>,
    /// When something was harmed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harm_to_ms: Option<i64>,
    /// When the recording is over.
    pub ends_ms: i64,
}

/// From one moment of a drill on: where in the recording it was, and how fast it went on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Leg {
    at: Time,
    place_ms: i64,
    speed: f64,
}

/// Where in its recording a drill was at each of its moments, from what was done with it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Playhead(Vec<Leg>);

impl Playhead {
    /// Of a drill that begins at `at`, so many times as fast as recorded.
    pub fn new(at: Time, speed: f64) -> Self {
        Self::from(at, 0, speed)
    }

    /// Of one that begins somewhere in the recording; held, where `speed` is 0.
    pub fn from(at: Time, place_ms: i64, speed: f64) -> Self {
        Self(vec![Leg { at, place_ms, speed }])
    }

    /// A facilitator's hand on it, at `at`. `speed` is the drill's, which it takes up again after a pause.
    pub fn steered(&mut self, how: &Steer, at: Time, speed: f64) {
        let (Some(place_ms), Some(leg)) = (self.place_ms(at), self.0.last().copied()) else { return };
        let (place_ms, speed) = match how {
            Steer::Pause {} => (place_ms, 0.0),
            Steer::Resume {} => (place_ms, speed),
            Steer::Speed { speed } => (place_ms, if leg.speed > 0.0 { *speed } else { 0.0 }),
            Steer::Skip { to_s } => (place_ms.max((to_s * 1_000.0) as i64), leg.speed),
            _ => return,
        };
        self.0.push(Leg { at, place_ms, speed });
    }

    /// Where it was; none where nothing is known of it.
    pub fn place_ms(&self, at: Time) -> Option<i64> {
        let leg = self.0.iter().rev().find(|leg| leg.at <= at).or(self.0.first())?;
        Some(leg.place_ms + (at.since(leg.at).max(0) as f64 * leg.speed) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DRL.1, DRL.3: a moment of a drill is one of its recording, however it was paused, hastened and skipped.
    #[test]
    fn a_moment_of_a_drill_is_one_of_its_recording() {
        let at = |s: i64| Time::from_millis(1_800_000_000_000 + s * 1_000);
        let mut head = Playhead::new(at(0), 60.0);
        assert_eq!(head.place_ms(at(2)), Some(120_000));
        head.steered(&Steer::Pause {}, at(2), 60.0);
        head.steered(&Steer::Speed { speed: 10.0 }, at(4), 60.0);
        assert_eq!(head.place_ms(at(9)), Some(120_000), "it is held");
        head.steered(&Steer::Resume {}, at(10), 10.0);
        assert_eq!(head.place_ms(at(12)), Some(140_000));
        head.steered(&Steer::Skip { to_s: 600.0 }, at(12), 10.0);
        assert_eq!((head.place_ms(at(13)), head.place_ms(at(1))), (Some(610_000), Some(60_000)));
        assert_eq!(Playhead::default().place_ms(at(1)), None, "a drill of before this was kept");
    }
}
