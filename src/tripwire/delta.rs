//! Two sets of tripwires over the same actions, side by side (DET.8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{backtest::FiringLine, firing::Tripwire};
use crate::terms::{AgentId, Time, words};

words! {
    /// What a firing is worth, by what came of it.
    Bearing, "a bearing" {
        /// Nothing came of what it saw.
        FalseAlarm = "false-alarm",
        /// Before anything was harmed.
        Early = "early",
        /// Once something was harmed.
        Due = "due",
    }
}

words! {
    /// What a proposed set does that the present one does not.
    Change, "a change" {
        /// Fires before it.
        Earlier = "earlier",
        /// Fires after it.
        Later = "later",
        /// Fires with it.
        Same = "same",
        /// Fires where the present one does not.
        New = "new",
        /// Does not fire where the present one does.
        Gone = "gone",
    }
}

/// One thing that either set fires on: its first firing by each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaRow {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Whose agent.
    pub agent: AgentId,
    /// What it was about; agent-written.
    pub detail: String,
    /// When the present set fires first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present_at: Option<Time>,
    /// When the proposed one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_at: Option<Time>,
    /// What changes; absent where nothing is proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// By how many seconds the proposed set is earlier; negative: later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_s: Option<f64>,
    /// What the first of both firings is worth.
    pub bearing: Bearing,
}

/// One set over all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetTally {
    /// Firings.
    pub firings: usize,
    /// Of which nothing came.
    pub false_alarms: usize,
    /// Before anything was harmed.
    pub early: usize,
    /// The first that is no false alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Time>,
}

impl SetTally {
    fn of(lines: &[FiringLine], bearing: &impl Fn(&FiringLine) -> Bearing) -> Self {
        let count = |one: Bearing| lines.iter().filter(|line| bearing(line) == one).count();
        let (false_alarms, early) = (count(Bearing::FalseAlarm), count(Bearing::Early));
        let real = lines.iter().filter(|line| bearing(line) != Bearing::FalseAlarm);
        Self { firings: lines.len(), false_alarms, early, first_at: real.map(|line| line.at).min() }
    }
}

/// The present set and a proposed one over the same actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TripwireDelta {
    /// Each thing that either fires on, in order of time.
    pub rows: Vec<DeltaRow>,
    /// The set in force.
    pub present: SetTally,
    /// The proposed one, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<SetTally>,
    /// By how many seconds the first firing that is no false alarm comes earlier; negative: later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_s: Option<f64>,
}

type Firsts = BTreeMap<(Tripwire, AgentId, String), FiringLine>;

fn firsts(lines: &[FiringLine]) -> Firsts {
    let mut firsts = Firsts::new();
    for line in lines {
        let first = firsts.entry((line.tripwire, line.agent.clone(), line.detail.clone()));
        let first = first.or_insert_with(|| line.clone());
        if line.at < first.at {
            *first = line.clone();
        }
    }
    firsts
}

fn seconds(from: Time, to: Time) -> f64 {
    to.since(from) as f64 / 1_000.0
}

impl TripwireDelta {
    /// Holds the firings of both sets beside each other; `bearing` says what one is worth.
    pub fn of(
        present: &[FiringLine],
        proposed: Option<&[FiringLine]>,
        bearing: impl Fn(&FiringLine) -> Bearing,
    ) -> Self {
        let (was, is) = (firsts(present), firsts(proposed.unwrap_or_default()));
        let keys: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
        let row = |key: &&(Tripwire, AgentId, String)| {
            let (was, is) = (was.get(*key), is.get(*key));
            let first = was.into_iter().chain(is).min_by_key(|line| line.at)?;
            let change = match (was, is) {
                (Some(was), Some(is)) if is.at < was.at => Change::Earlier,
                (Some(was), Some(is)) if is.at > was.at => Change::Later,
                (Some(_), Some(_)) => Change::Same,
                (None, _) => Change::New,
                (_, None) => Change::Gone,
            };
            let FiringLine { tripwire, agent, detail, .. } = first.clone();
            let (present_at, proposed_at) = (was.map(|line| line.at), is.map(|line| line.at));
            let earlier_s = proposed_at.zip(present_at).map(|(is, was)| seconds(is, was));
            let change = proposed.map(|_| change);
            Some(DeltaRow {
                tripwire,
                agent,
                detail,
                present_at,
                proposed_at,
                change,
                earlier_s,
                bearing: bearing(first),
            })
        };
        let mut rows: Vec<DeltaRow> = keys.iter().filter_map(row).collect();
        rows.sort_by_key(|row| row.present_at.into_iter().chain(row.proposed_at).min());
        let proposed = proposed.map(|lines| SetTally::of(lines, &bearing));
        let present = SetTally::of(present, &bearing);
        let earlier_s = proposed.and_then(|set| Some(seconds(set.first_at?, present.first_at?)));
        Self { rows, present, proposed, earlier_s }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(at: i64, tripwire: Tripwire, agent: &str) -> FiringLine {
        FiringLine { at: Time::from_millis(at * 1_000), agent: agent.parse().unwrap(), tripwire, detail: String::new() }
    }

    /// What fires before 10 is a false alarm, before 20 early.
    fn worth(line: &FiringLine) -> Bearing {
        match line.at.millis() / 1_000 {
            ..10 => Bearing::FalseAlarm,
            10..20 => Bearing::Early,
            _ => Bearing::Due,
        }
    }

    /// DET.8: earlier, later, the same, new, gone; false alarms of each set; the first that is none.
    #[test]
    fn two_sets_are_held_side_by_side() {
        use Tripwire::{ActionRate, Authorisation, CostRate, Outcome, Rule};
        let present =
            [line(5, CostRate, "a"), line(25, ActionRate, "a"), line(30, Outcome, "a"), line(40, Authorisation, "a")];
        let proposed =
            [line(12, ActionRate, "a"), line(31, Outcome, "a"), line(40, Authorisation, "a"), line(9, Rule, "b")];
        let delta = TripwireDelta::of(&present, Some(&proposed), worth);
        let rows: Vec<(Tripwire, Option<Change>, Option<f64>)> =
            delta.rows.iter().map(|row| (row.tripwire, row.change, row.earlier_s)).collect();
        assert_eq!(
            rows,
            [
                (CostRate, Some(Change::Gone), None),
                (Rule, Some(Change::New), None),
                (ActionRate, Some(Change::Earlier), Some(13.0)),
                (Outcome, Some(Change::Later), Some(-1.0)),
                (Authorisation, Some(Change::Same), Some(0.0)),
            ]
        );
        assert_eq!((delta.present.false_alarms, delta.proposed.unwrap().false_alarms), (1, 1));
        assert_eq!((delta.present.early, delta.proposed.unwrap().early), (0, 1));
        assert_eq!(delta.earlier_s, Some(13.0), "25 against 12");
        let alone = TripwireDelta::of(&present, None, worth);
        assert!(alone.proposed.is_none() && alone.rows.iter().all(|row| row.change.is_none()));
    }

    proptest! {
        /// DET.8: a set beside itself changes nothing; turned round, earlier is later and new is gone.
        #[test]
        fn a_comparison_turned_round_says_the_opposite(
            one in proptest::collection::vec((0i64..60, 0usize..3, 0usize..2), 0..20),
            other in proptest::collection::vec((0i64..60, 0usize..3, 0usize..2), 0..20),
        ) {
            let lines = |of: Vec<(i64, usize, usize)>| -> Vec<FiringLine> {
                of.into_iter().map(|(at, tripwire, agent)| line(at, Tripwire::ALL[tripwire], ["a", "b"][agent])).collect()
            };
            let (one, other) = (lines(one), lines(other));
            let same = TripwireDelta::of(&one, Some(&one), worth);
            prop_assert!(same.rows.iter().all(|row| row.change == Some(Change::Same)));
            let (to, back) = (TripwireDelta::of(&one, Some(&other), worth), TripwireDelta::of(&other, Some(&one), worth));
            prop_assert_eq!(to.rows.len(), back.rows.len());
            let count = |delta: &TripwireDelta, of: Change| delta.rows.iter().filter(|row| row.change == Some(of)).count();
            prop_assert_eq!(count(&to, Change::Earlier), count(&back, Change::Later));
            prop_assert_eq!(count(&to, Change::New), count(&back, Change::Gone));
            prop_assert_eq!(to.earlier_s.map(|s| -s), back.earlier_s);
        }
    }
}
