//! Firings that the interlock itself makes, on their way to the log: opened once, counted, closed after an hour.

use std::collections::BTreeMap;

use super::{
    Firing,
    firing::{FiringChange, FiringKey, FiringState},
};
use crate::terms::Time;

/// Firings followed at once; one more waits until there is room.
const FOLLOWED: usize = 4_096;
/// Between two counts told of one firing.
const COALESCE: i64 = Time::SECOND;

#[derive(Debug)]
struct Followed {
    opening: Option<FiringChange>,
    count: u64,
    told: u64,
    told_at: Time,
    last_at: Time,
}

/// Firings by key; what is to be recorded of them is told until the log took it.
#[derive(Debug, Default)]
pub(super) struct OwnFirings(BTreeMap<FiringKey, Followed>);

impl OwnFirings {
    /// The condition of `key` is met at `at`; `opening` is what opens it.
    pub fn meet(&mut self, key: FiringKey, at: Time, opening: impl FnOnce(FiringKey) -> FiringChange) {
        if let Some(followed) = self.0.get_mut(&key) {
            followed.count += 1;
            followed.last_at = followed.last_at.max(at);
        } else if self.0.len() < FOLLOWED {
            let opening = Some(opening(key.clone()));
            let followed = Followed { opening, count: 1, told: 0, told_at: Time::default(), last_at: at };
            self.0.insert(key, followed);
        }
    }

    /// What is to be recorded at `now`.
    pub fn changes(&self, now: Time) -> Vec<FiringChange> {
        let mut changes = Vec::new();
        for (key, followed) in &self.0 {
            let (count, last_at) = (followed.count, followed.last_at);
            changes.extend(followed.opening.clone());
            let over = last_at.plus(Time::HOUR) <= now;
            let opened = u64::from(followed.opening.is_some());
            if count > followed.told.max(opened) && (over || now.since(followed.told_at) >= COALESCE) {
                changes.push(FiringChange::Counted { key: key.clone(), count, peak: None, last_at });
            }
            if over {
                changes.push(FiringChange::Closed { key: key.clone(), at: last_at.plus(Time::HOUR) });
            }
        }
        changes
    }

    /// The log took these.
    pub fn told(&mut self, changes: &[FiringChange], now: Time) {
        for change in changes {
            match change {
                FiringChange::Opened { key, .. } => {
                    if let Some(followed) = self.0.get_mut(key) {
                        (followed.opening, followed.told, followed.told_at) = (None, 1, now);
                    }
                }
                FiringChange::Counted { key, count, .. } => {
                    if let Some(followed) = self.0.get_mut(key) {
                        (followed.told, followed.told_at) = (*count, now);
                    }
                }
                FiringChange::Closed { key, .. } => {
                    self.0.remove(key);
                }
            }
        }
    }

    /// Goes on with those of `firings` that are open and its own.
    pub fn reopen<'a>(&mut self, firings: impl IntoIterator<Item = &'a Firing>, own: impl Fn(&FiringKey) -> bool) {
        let open = firings.into_iter().filter(|firing| firing.state == FiringState::Open && own(&firing.key));
        for firing in open {
            let (count, last_at) = (firing.count, firing.at);
            let followed = Followed { opening: None, count, told: count, told_at: Time::default(), last_at };
            self.0.entry(firing.key.clone()).or_insert(followed);
        }
    }
}
