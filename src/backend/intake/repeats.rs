//! How a firing goes on, on its way to the log: told ever more seldom as it grows, so that one that repeats for days does not
//! fill the log with its count, and never later than the engine's state that holds it is saved.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::tripwire::{FiringChange, FiringKey, Tripwire};

/// A count waits until it has grown by this part of what the log has,
const PART: u64 = 8;
/// and no longer than this.
const LATEST: Duration = Duration::from_secs(10);

/// The open firings, and what of them is not told yet.
#[derive(Debug, Default)]
pub(super) struct Repeats(BTreeMap<FiringKey, Repeat>);

#[derive(Debug)]
struct Repeat {
    told: u64,
    told_at: Instant,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    count: u64,
    change: FiringChange,
}

impl Repeats {
    /// Puts a change with what is recorded now; a repeat waits until it is due, or its firing closes.
    pub fn sort_in(&mut self, change: FiringChange, now: Instant, changes: &mut Vec<FiringChange>) {
        match &change {
            FiringChange::Opened { key, .. } => {
                self.0.insert(key.clone(), Repeat { told: 1, told_at: now, waiting: None });
                changes.push(change);
            }
            FiringChange::Counted { key, count, .. } => {
                // Nothing is known of one that was open before this process began.
                let fresh = || Repeat { told: 0, told_at: now, waiting: None };
                let repeat = self.0.entry(key.clone()).or_insert_with(fresh);
                repeat.waiting = Some(Waiting { count: *count, change });
            }
            FiringChange::Closed { key, .. } => {
                changes.extend(self.0.remove(key).and_then(|repeat| repeat.waiting).map(|waiting| waiting.change));
                changes.push(change);
            }
        }
    }

    /// What is to be recorded now, looked for once a second.
    pub fn due(&mut self, now: Instant) -> Vec<FiringChange> {
        self.0.iter_mut().filter_map(|(key, repeat)| repeat.take(now, repeat.is_due(key, now))).collect()
    }

    /// Everything, before the engine's state is saved: what it holds is not judged again.
    pub fn all(&mut self, now: Instant) -> Vec<FiringChange> {
        self.0.values_mut().filter_map(|repeat| repeat.take(now, true)).collect()
    }
}

impl Repeat {
    fn is_due(&self, key: &FiringKey, now: Instant) -> bool {
        let grown = self.waiting.as_ref().is_some_and(|waiting| waiting.count >= self.told + self.told / PART);
        // The interlock's own count is saved nowhere but in the log.
        grown || key.tripwire == Tripwire::Breach || now.duration_since(self.told_at) >= LATEST
    }

    fn take(&mut self, now: Instant, wanted: bool) -> Option<FiringChange> {
        let waiting = self.waiting.take_if(|_| wanted)?;
        (self.told, self.told_at) = (waiting.count, now);
        Some(waiting.change)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::terms::{AgentId, Time};

    fn key(tripwire: Tripwire) -> FiringKey {
        FiringKey { tripwire, agent: AgentId::new("a").unwrap(), detail: String::new() }
    }

    fn counted(tripwire: Tripwire, count: u64) -> FiringChange {
        FiringChange::Counted { key: key(tripwire), count, peak: None, last_at: Time::default() }
    }

    fn closed() -> FiringChange {
        FiringChange::Closed { key: key(Tripwire::CostRate), at: Time::default() }
    }

    /// What the log hears of a firing that is met `each_second` times a second, for so many seconds.
    fn heard(tripwire: Tripwire, each_second: u64, seconds: u64) -> Vec<u64> {
        let (mut repeats, begin, mut heard) = (Repeats::default(), Instant::now(), Vec::new());
        for second in 1..=seconds {
            let now = begin + Duration::from_secs(second);
            let mut at_once = Vec::new();
            repeats.sort_in(counted(tripwire, 1 + each_second * second), now, &mut at_once);
            assert_eq!(at_once, []);
            heard.extend(repeats.due(now).iter().map(count));
        }
        heard
    }

    fn count(change: &FiringChange) -> u64 {
        match change {
            FiringChange::Counted { count, .. } => *count,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_young_firing_is_told_each_second_and_an_old_one_six_times_a_minute() {
        assert_eq!(heard(Tripwire::CostRate, 1, 8), [2, 3, 4, 5, 6, 7, 8, 9]);
        let hour = heard(Tripwire::CostRate, 3, 3600);
        assert!(hour.len() < 400, "{} times", hour.len());
        let near = |told: &[u64]| told[1] - told[0] <= 30.max(told[0] / PART + 3);
        assert!(hour.windows(2).all(near), "what the log has is near what is so: {hour:?}");
        assert_eq!(heard(Tripwire::Breach, 3, 600).len(), 600, "a switch that is not obeyed is counted to the second");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lone_repeat_of_an_old_firing_waits_no_longer_than_ten_seconds() {
        let mut repeats = Repeats::default();
        repeats.sort_in(counted(Tripwire::CostRate, 1000), Instant::now(), &mut Vec::new());
        assert_eq!(repeats.due(Instant::now()).len(), 1, "the log may have an older count");
        repeats.sort_in(counted(Tripwire::CostRate, 1001), Instant::now(), &mut Vec::new());
        tokio::time::advance(LATEST - Duration::from_millis(1)).await;
        assert_eq!(repeats.due(Instant::now()), []);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(repeats.due(Instant::now()).iter().map(count).collect::<Vec<_>>(), [1001]);
        assert_eq!(repeats.due(Instant::now() + LATEST), [], "once");
    }

    proptest! {
        /// However often it is looked for what is due: before a save and at the end the log has the newest count, and no count
        /// twice or backwards.
        #[test]
        fn no_count_is_lost(steps in prop::collection::vec((0_u64..40, 0_u64..4_000, any::<bool>()), 1..60)) {
            let (mut repeats, mut now, mut so_far) = (Repeats::default(), Instant::now(), 1);
            let mut told = Vec::new();
            for (more, millis, save) in steps {
                now += Duration::from_millis(millis);
                if more > 0 {
                    so_far += more;
                    repeats.sort_in(counted(Tripwire::CostRate, so_far), now, &mut told);
                }
                told.extend(repeats.due(now));
                if save {
                    told.extend(repeats.all(now));
                    prop_assert_eq!(told.last().map_or(1, count), so_far);
                }
            }
            repeats.sort_in(closed(), now, &mut told);
            prop_assert_eq!(told.pop(), Some(closed()));
            prop_assert_eq!(told.last().map_or(1, count), so_far);
            prop_assert!(told.windows(2).all(|two| count(&two[0]) < count(&two[1])));
            prop_assert!(repeats.0.is_empty());
        }
    }
}
