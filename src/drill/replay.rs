//! A recording laid over the present: what comes when, at a given speed.

use std::sync::Arc;

use super::{
    Harm,
    recording::{Item, Recording},
};
use crate::{incident::drilled::SPEEDS, telemetry::Action, terms::Time};

/// A speed nobody can follow.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a drill runs 0.1 to 1000 times as fast as it was recorded, not {0} times")]
pub struct SpeedError(pub f64);

/// One thing of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// Milliseconds from the replay's start.
    pub offset_ms: i64,
    /// Milliseconds of the recording after its zero.
    pub recorded_ms: i64,
    /// What; its times are those of the replay.
    pub item: Item,
    /// What it harms, if it is executed.
    pub harm: Harm,
}

/// A recording laid over the present; what happens is laid out as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    recording: Arc<Recording>,
    begins: Time,
    speed: f64,
    seed: u64,
}

impl Replay {
    /// Lays `recording` over `begins`. History keeps its pace, so that an hour of it is an hour of baseline; what
    /// follows is `speed` times as fast. The same seed gives the same ids.
    ///
    /// # Errors
    /// A speed nobody can follow.
    pub fn new(recording: Arc<Recording>, begins: Time, speed: f64, seed: u64) -> Result<Self, SpeedError> {
        if !SPEEDS.contains(&speed) {
            return Err(SpeedError(speed));
        }
        Ok(Self { recording, begins, speed, seed })
    }

    /// Fed first, at once: the quiet days before, at their own pace.
    pub fn history(&self) -> impl Iterator<Item = Action> {
        let (begins, starts) = (self.begins, self.recording.starts);
        let place = move |(number, action): (usize, &Action)| {
            self.place(action.clone(), number, begins.plus(action.at.since(starts)))
        };
        self.recording.history.iter().enumerate().map(place)
    }

    /// How many things happen after its zero.
    pub fn len(&self) -> usize {
        self.recording.len()
    }

    /// Whether nothing happens after its zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happens as the `number`th thing, from 0, in order of time.
    pub fn get(&self, number: usize) -> Option<Timed> {
        let moment = self.recording.moment(number)?;
        let recorded_ms = moment.at.since(self.recording.starts);
        let offset_ms = self.offset_ms(recorded_ms);
        let at = self.begins.plus(offset_ms);
        let item = match &moment.item {
            Item::Action(action) => {
                let number = self.recording.history.len() + number;
                Item::Action(Box::new(self.place((**action).clone(), number, at)))
            }
            Item::Mark(mark) => Item::Mark(super::Mark { at, ..mark.clone() }),
        };
        Some(Timed { offset_ms, recorded_ms, item, harm: moment.harm })
    }

    /// The number of the first thing that happens then or later, in milliseconds of the recording after its zero.
    pub fn first_from(&self, recorded_ms: i64) -> usize {
        self.recording.first_from(self.recording.starts.plus(recorded_ms))
    }

    /// Milliseconds from the first thing to the last.
    pub fn lasts_ms(&self) -> i64 {
        self.recording.ends().map_or(0, |last| self.offset_ms(last.since(self.recording.starts)))
    }

    fn offset_ms(&self, recorded_ms: i64) -> i64 {
        (recorded_ms as f64 / self.speed) as i64
    }

    fn place(&self, mut action: Action, number: usize, at: Time) -> Action {
        let took = action.started.map(|started| (action.at.since(started) as f64 / self.speed) as i64);
        action.id = Some(format!("{:x}-{}", self.seed, number + 1));
        action.started = took.map(|took| at.plus(-took.max(0)));
        (action.at, action.received_at) = (at, at);
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::shipped;

    const TEXT: &str = r#"{"andon_recording":1,"title":"T","starts":"2026-03-02T14:00:00Z"}
{"quiet":{"agent":"a","hours":2,"calls_per_hour":1,"tool":"x"}}
{"agent":"a","tool":"x","started":"2026-03-02T14:00:50Z","at":"2026-03-02T14:01:00Z"}
{"mark":"page","at":"2026-03-02T14:02:00Z","text":"paged"}"#;

    /// DRL.1: history keeps its pace, what follows is as fast as asked; the same seed gives the same take.
    #[test]
    fn a_replay_lies_over_the_present() {
        let recording = Arc::new(Recording::parse(TEXT).unwrap());
        let begins = Time::from_millis(1_800_000_000_000);
        let replay = Replay::new(recording.clone(), begins, 60.0, 255).unwrap();
        let back: Vec<i64> = replay.history().map(|action| action.at.since(begins)).collect();
        assert_eq!(back, [-2 * Time::HOUR, -Time::HOUR]);
        let timed: Vec<Timed> = (0..replay.len()).filter_map(|number| replay.get(number)).collect();
        let times: Vec<(i64, i64)> = timed.iter().map(|timed| (timed.offset_ms, timed.recorded_ms)).collect();
        assert_eq!(times, [(1_000, 60_000), (2_000, 120_000)]);
        assert_eq!([0, 60_000, 60_001, 120_001].map(|at| replay.first_from(at)), [0, 0, 1, 2]);
        let Item::Action(action) = &timed[0].item else { panic!("an action comes first") };
        assert_eq!(action.started.map(|started| action.at.since(started)), Some(166));
        assert_eq!(action.at, begins.plus(1_000));
        assert_eq!(action.id.as_deref(), Some("ff-3"));
        assert_eq!(replay.lasts_ms(), 2_000);
        assert_eq!(Replay::new(recording.clone(), begins, 60.0, 255), Ok(replay));
    }

    #[test]
    fn a_speed_nobody_can_follow_is_refused() {
        let recording = Arc::new(Recording::parse(TEXT).unwrap());
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY, 1_001.0] {
            assert!(Replay::new(recording.clone(), Time::default(), speed, 1).is_err(), "{speed}");
        }
    }

    /// DRL.1: what ships is interesting within a minute at the speed it states, sixty times its own where it states none.
    #[test]
    fn every_shipped_recording_plays_within_about_a_minute() {
        for (name, _) in crate::drill::SHIPPED {
            let recording = Arc::new(shipped(name).unwrap());
            let speed = recording.speed();
            let replay = Replay::new(recording.clone(), Time::from_millis(1_800_000_000_000), speed, 1).unwrap();
            assert!((30_000..=90_000).contains(&replay.lasts_ms()), "{name}: {}", replay.lasts_ms());
            let before = recording.history.first().map_or(0, |first| recording.starts.since(first.at));
            assert!(before > 25 * Time::HOUR, "{name}: its baselines need more than a day");
            assert!(recording.set.is_some() && recording.published.is_some(), "{name}: says what was set");
        }
    }
}
