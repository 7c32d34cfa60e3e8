//! Baselines: rolling medians over 168 clock hours, and how many hours stand behind them (DET.2, DET.3, DET.10).

use serde::{Deserialize, Serialize};

use super::ring::Ring;
use crate::runbook::BaselineHours;

/// Clock hours a baseline looks back.
pub(super) const HOURS_BACK: i64 = 168;
/// Hours held: an action on time may be an hour behind the newest, and the current hour is one more.
pub(super) const HOURS_HELD: usize = HOURS_BACK as usize + 2;

/// The middle two of each sorted list (the same one twice when odd): the median is their mean, kept exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Medians {
    cost: (i64, i64),
    calls: (u32, u32),
}

impl Medians {
    /// Twice the median spend, in nano-USD.
    pub fn cost_twice(&self) -> i128 {
        i128::from(self.cost.0) + i128::from(self.cost.1)
    }

    /// Twice the median calls.
    pub fn calls_twice(&self) -> i128 {
        i128::from(self.calls.0) + i128::from(self.calls.1)
    }
}

/// What the hours before one hour say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Computed {
    /// The hour they come before.
    pub hour: i64,
    /// Hours that count.
    pub counted: u32,
    /// Hours that would count had no firing excluded them.
    pub had: u32,
    /// The medians, where enough hours count.
    pub medians: Option<Medians>,
}

/// Which hours count.
pub(super) struct Counting<'a> {
    pub kind: BaselineHours,
    pub needed: u32,
    /// The hour the agent was first seen in.
    pub first: i64,
    /// Hour ranges, both ends included, that a firing took.
    pub excluded: &'a [(i64, i64)],
}

/// Computes the medians over the 168 hours before `hour`.
pub(super) fn compute(hours: &Ring<HOURS_HELD>, hour: i64, counting: &Counting<'_>) -> Computed {
    let (mut cost, mut calls) = ([0i64; HOURS_BACK as usize], [0u32; HOURS_BACK as usize]);
    let (mut counted, mut had) = (0usize, 0u32);
    for past in (hour - HOURS_BACK).max(counting.first)..hour {
        let (nanos, called) = hours.get(past);
        if called == 0 && counting.kind == BaselineHours::ActiveHours {
            continue;
        }
        had += 1;
        if counting.excluded.iter().all(|(from, to)| past < *from || past > *to) {
            (cost[counted], calls[counted]) = (nanos, called);
            counted += 1;
        }
    }
    let enough = counted > 0 && counted as u64 >= u64::from(counting.needed);
    let medians = enough.then(|| Medians { cost: middle(&mut cost[..counted]), calls: middle(&mut calls[..counted]) });
    Computed { hour, counted: counted as u32, had, medians }
}

/// The two values in the middle; the same one twice when their number is odd. `values` is not empty.
fn middle<T: Copy + Ord>(values: &mut [T]) -> (T, T) {
    let half = values.len() / 2;
    let odd = values.len() % 2 == 1;
    let (below, upper, _) = values.select_nth_unstable(half);
    let upper = *upper;
    let lower = if odd { upper } else { below.iter().copied().max().unwrap_or(upper) };
    (lower, upper)
}
