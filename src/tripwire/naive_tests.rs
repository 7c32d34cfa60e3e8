//! The engine against a naive twin that keeps every action and computes from scratch (DET.2, DET.3, DET.10).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    engine_tests::{act, engine, plan},
    *,
};
use crate::{
    runbook::{BaselineHours, TripwirePlan},
    telemetry::Action,
    terms::{AgentId, Time},
};

const H: i64 = Time::HOUR;
const M: i64 = Time::MINUTE;

struct Seen {
    at: i64,
    nanos: i64,
    on_time: bool,
}

struct Open {
    since: i64,
    last: i64,
    freezes: Option<i64>,
}

type Doubled = (i128, i128);

/// One agent, remembered whole.
#[derive(Default)]
struct Naive {
    seen: Vec<Seen>,
    open: BTreeMap<bool, Open>,
    taken: Vec<(i64, i64)>,
    last: Option<Doubled>,
    frozen: Option<Doubled>,
}

fn doubled(mut values: Vec<i64>) -> i128 {
    values.sort_unstable();
    let n = values.len();
    i128::from(values[(n - 1) / 2]) + i128::from(values[n / 2])
}

impl Naive {
    fn medians(&self, plan: &TripwirePlan, t: i64) -> Option<Doubled> {
        let this = t / H;
        let first = self.seen.iter().map(|seen| seen.at / H).min()?;
        let (mut costs, mut calls, mut had) = (vec![], vec![], 0);
        for hour in (this - 168)..this {
            let within: Vec<_> = self.seen.iter().filter(|seen| seen.at / H == hour).collect();
            let counts = match plan.baseline {
                BaselineHours::ActiveHours => !within.is_empty(),
                BaselineHours::AllHours => hour >= first,
            };
            if !counts {
                continue;
            }
            had += 1;
            if self.taken.iter().any(|(from, to)| *from < (hour + 1) * H && *to > hour * H) {
                continue;
            }
            costs.push(within.iter().map(|seen| seen.nanos).sum());
            calls.push(within.len() as i64);
        }
        let fresh = (costs.len() >= 24).then(|| (doubled(costs), doubled(calls)));
        self.frozen.or(fresh).or(if had >= 24 { self.last } else { None })
    }

    fn thaw(&mut self) {
        if self.open.values().all(|open| open.freezes.is_none()) {
            self.frozen = None;
        }
    }

    /// Openings and closings as (opened, is cost, time).
    fn judge(&mut self, plan: &TripwirePlan, action: &Action) -> Vec<(bool, bool, i64)> {
        let t = action.at.millis();
        let newest = self.seen.iter().filter(|seen| seen.on_time).map(|seen| seen.at).max().unwrap_or(t);
        if newest - t > 7 * 24 * H {
            return vec![];
        }
        let on_time = newest - t <= H;
        let mut told = vec![];
        if on_time {
            for cost in [true, false] {
                let over = self.open.get(&cost).is_some_and(|open| newest.max(t) >= open.last + H);
                if over && let Some(open) = self.open.remove(&cost) {
                    told.push((false, cost, open.last + H));
                    self.taken.extend(open.freezes.map(|from| (from, open.last + H)));
                }
            }
            self.thaw();
        }
        self.seen.push(Seen { at: t, nanos: action.cost.unwrap_or_default().0, on_time });
        if !on_time {
            return told;
        }
        let medians = self.medians(plan, t);
        self.last = medians.or(self.last);
        let within = |seen: &&Seen| seen.on_time && seen.at / M <= t / M && seen.at / M >= t / M - 60;
        let spend: i128 = self.seen.iter().filter(within).map(|seen| i128::from(seen.nanos)).sum();
        let calls = self.seen.iter().filter(within).count() as i128;
        let (over_cost, over_calls) = match medians {
            Some((cost, called)) => (
                spend >= i128::from(plan.cost_floor_usd.0) && spend > cost,
                calls >= i128::from(plan.call_floor) && 2 * calls > 3 * called,
            ),
            None => (spend > 10_000_000_000, calls > i128::from(plan.cold_calls.unwrap())),
        };
        for (cost, met) in [(true, over_cost), (false, over_calls)] {
            if !met {
                continue;
            }
            let freezes = medians.map(|_| t);
            if let Some(open) = self.open.get_mut(&cost) {
                open.last = open.last.max(t);
                open.freezes = open.freezes.or(freezes);
            } else {
                self.open.insert(cost, Open { since: t, last: t, freezes });
                told.push((true, cost, t));
            }
            self.frozen = self.frozen.or(medians);
        }
        told
    }

    fn expect(&mut self, cost: bool) -> bool {
        let known = self.open.remove(&cost).is_some_and(|open| open.since <= open.last);
        self.thaw();
        known
    }
}

fn told(changes: &[FiringChange]) -> Vec<(bool, bool, i64)> {
    let mut told = Vec::new();
    for change in changes {
        let (opened, key, at) = match change {
            FiringChange::Opened { key, at, .. } => (true, key, at),
            FiringChange::Closed { key, at } => (false, key, at),
            FiringChange::Counted { .. } => continue,
        };
        if matches!(key.tripwire, Tripwire::CostRate | Tripwire::ActionRate) {
            told.push((opened, key.tripwire == Tripwire::CostRate, at.millis()));
        }
    }
    told
}

#[derive(Debug, Clone)]
enum Step {
    /// Minutes forward (or back), how many calls, cents each.
    Act(usize, i64, u32, u32),
    Late(usize, i64, u32),
    Expect(usize, bool),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let cents = prop_oneof![4 => 0u32..60, 1 => 60u32..900];
    prop_oneof![
        12 => (0..2usize, 20..90i64, 1..3u32, cents.clone()).prop_map(|(a, m, n, c)| Step::Act(a, m, n, c)),
        3 => (0..2usize, 0..10i64, 1..12u32, cents.clone()).prop_map(|(a, m, n, c)| Step::Act(a, m, n, c)),
        2 => (0..2usize, -59..0i64, 1..3u32, cents.clone()).prop_map(|(a, m, n, c)| Step::Act(a, m, n, c)),
        1 => (0..2usize, 90..3000i64, 1..2u32, cents.clone()).prop_map(|(a, m, n, c)| Step::Act(a, m, n, c)),
        2 => (0..2usize, 1..12_000i64, cents).prop_map(|(a, m, c)| Step::Late(a, m, c)),
        1 => (0..2usize, any::<bool>()).prop_map(|(a, cost)| Step::Expect(a, cost)),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_and_its_naive_twin_say_the_same(
        steps in prop::collection::vec(step(), 40..220),
        all_hours in any::<bool>(),
    ) {
        let baseline = if all_hours { BaselineHours::AllHours } else { BaselineHours::ActiveHours };
        let plan = TripwirePlan { baseline, call_floor: 6, cold_calls: Some(12), ..plan() };
        let (mut real, mut twins) = (engine(plan.clone()), [Naive::default(), Naive::default()]);
        let (names, mut clock) = (["bot", "other"], [20_000i64; 2]);
        for (number, step) in steps.iter().enumerate() {
            let (who, minutes, calls, cents) = match step {
                Step::Act(who, forward, calls, cents) => {
                    let at = clock[*who] + forward;
                    clock[*who] = clock[*who].max(at);
                    (*who, at, *calls, *cents)
                }
                Step::Late(who, behind, cents) => (*who, clock[*who] - behind, 1, *cents),
                Step::Expect(who, cost) => {
                    let (tripwire, detail) =
                        if *cost { (Tripwire::CostRate, "") } else { (Tripwire::ActionRate, "rate") };
                    let agent = AgentId::new(names[*who]).unwrap();
                    let key = FiringKey { tripwire, agent, detail: detail.into() };
                    let closed = !real.acknowledge(&key, true, Time::from_millis(0)).is_empty();
                    prop_assert_eq!(closed, twins[*who].expect(*cost));
                    continue;
                }
                Step::Restart => {
                    let kept = real.snapshot().unwrap();
                    real = engine(plan.clone());
                    real.restore(&kept).unwrap();
                    continue;
                }
            };
            for _ in 0..calls {
                let action = act(names[who], minutes, f64::from(cents) / 100.0);
                let mut changes = Vec::new();
                real.judge(&action, &mut changes);
                let mut said = told(&changes);
                let mut naive = twins[who].judge(&plan, &action);
                said.sort_unstable();
                naive.sort_unstable();
                prop_assert_eq!(said, naive, "step {}: {:?}", number, step);
            }
        }
    }
}
