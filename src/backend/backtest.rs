//! What a pre-approved switch would have done to the stored telemetry, and whose eyes saw it (CON.14, DET.8).

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::app::Backend;
use crate::{
    api::{AutoPlan, BacktestView, CompareTripwires, ComparedTripwires, Engagement, Problem},
    incident::{
        Status, World,
        containment::{BacktestSeen, auto_name, auto_name_of},
        postmortem::span_of,
    },
    runbook::TripwirePlan,
    terms::{Author, DrillId, Time},
    tripwire::{Backtest, Bearing, FiringKey, FiringLine, Tripwire, TripwireDelta},
};

/// The longest look back, days: what the hot store keeps.
pub const MOST_DAYS: u32 = 30;
/// Actions judged at most, the newest.
const ACTIONS: u64 = 1_000_000;
/// Actions read at a time.
const PAGE: usize = 5_000;
/// Engagements that are shown.
const SHOWN: usize = 50;
/// Backtests remembered, and for how long one may be confirmed.
const REMEMBERED: usize = 32;
const FRESH: i64 = 30 * Time::MINUTE;
/// The shortest beginning of a digest that names it.
const SHORTEST: usize = 8;

/// Backtests that were shown.
#[derive(Debug, Default)]
pub struct Shown {
    seen: Mutex<VecDeque<(Option<DrillId>, Time, BacktestView)>>,
    pub(super) one_at_a_time: tokio::sync::Mutex<()>,
}

impl Shown {
    fn remember(&self, drill: Option<DrillId>, now: Time, view: BacktestView) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_back((drill, now, view));
        while seen.len() > REMEMBERED {
            seen.pop_front();
        }
    }

    /// The backtest that `confirm` names, if it was shown of this plan not long ago; the days are its own.
    ///
    /// # Errors
    /// 409: it was not.
    pub fn confirmed(
        &self,
        drill: Option<DrillId>,
        now: Time,
        plan: &AutoPlan,
        confirm: &str,
    ) -> Result<BacktestSeen, Problem> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(of, at, view): &&(Option<DrillId>, Time, BacktestView)| {
            let same = AutoPlan { days: plan.days, ..view.plan.clone() } == *plan;
            *of == drill && now.since(*at) < FRESH && same && view.digest.starts_with(confirm)
        };
        let found = (confirm.len() >= SHORTEST).then(|| seen.iter().rev().find(is_it)).flatten();
        let (_, _, view) = found.ok_or_else(|| {
            Problem::new(409, "conflict", "No such backtest was shown", "no backtest of this plan with that digest was shown in the last half hour: look at it again, and confirm what it says")
        })?;
        Ok(BacktestSeen {
            digest: view.digest.clone(),
            days: view.plan.days,
            actions: view.actions,
            engagements: view.engagements,
        })
    }
}

/// Judges the stored telemetry of a world as if `plan` had been approved, and remembers that it was shown.
///
/// # Errors
/// 503 where another backtest runs, or the store cannot be read; 422 for days nobody keeps.
pub async fn run(backend: &Backend, drill: Option<DrillId>, plan: AutoPlan) -> Result<BacktestView, Problem> {
    if !(1..=MOST_DAYS).contains(&plan.days) {
        return Err(Problem::invalid(422, format!("`days` is 1 to {MOST_DAYS}")));
    }
    let shown = &backend.rooms.backtests;
    let busy = || Problem::unavailable("another backtest is under way; ask again when it is done");
    let _one = shown.one_at_a_time.try_lock().map_err(|_| busy())?;
    let to = (backend.clock)();
    let from = to.plus(-i64::from(plan.days) * Time::DAY);
    let (worlds, runbook) = (backend.core.worlds(), backend.runbook.load_full());
    let world = worlds.get(drill).ok_or_else(|| Problem::unknown("there is no such drill"))?;
    let (lines, actions, cut) = if plan.tripwire == Tripwire::Breach {
        // What went past a switch is told by the log; no engine can judge it again.
        (recorded(world), 0, false)
    } else {
        replay(backend, drill, world).await?
    };
    let name = auto_name(plan.tripwire, plan.rule.as_deref());
    let engagements: Vec<Engagement> = lines
        .into_iter()
        .filter(|line| line.at >= from && line.at <= to)
        .filter_map(|line| engagement(&runbook.tripwires, &plan, name, line))
        .collect();
    let count = u32::try_from(engagements.len()).unwrap_or(u32::MAX);
    let newest = engagements.into_iter().rev().take(SHOWN).collect();
    let mut view = BacktestView { plan, from, to, actions, cut, engagements: count, newest, digest: String::new() };
    let canonical = serde_json_canonicalizer::to_vec(&view).map_err(|why| Problem::unavailable(why.to_string()))?;
    view.digest = hex::encode(Sha256::digest(canonical));
    shown.remember(drill, to, view.clone());
    Ok(view)
}

/// Judges the stored telemetry of a world with the tripwires in force and with the proposed texts (DET.8). A firing within no
/// incident that somebody confirmed is a false alarm; one within an incident is early until harm was confirmed.
///
/// # Errors
/// 422 for texts that do not read or days nobody keeps; 503 where another backtest runs, or the store cannot be read.
pub async fn compare(
    backend: &Backend,
    drill: Option<DrillId>,
    by: &Author,
    asked: CompareTripwires,
) -> Result<ComparedTripwires, Problem> {
    let CompareTripwires { texts, days } = asked;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::invalid(422, format!("`days` is 1 to {MOST_DAYS}")));
    }
    let present = backend.runbook.load().tripwires.clone();
    let proposed = (!texts.is_empty()).then(|| present.proposed(&texts)).transpose();
    let proposed = proposed.map_err(|why| Problem::invalid(422, why.to_string()))?;
    let busy = || Problem::unavailable("another backtest is under way; ask again when it is done");
    let _one = backend.rooms.backtests.one_at_a_time.try_lock().map_err(|_| busy())?;
    let to = (backend.clock)();
    let from = to.plus(-i64::from(days) * Time::DAY);
    let worlds = backend.core.worlds();
    let world = worlds.get(drill).ok_or_else(|| Problem::unknown("there is no such drill"))?;
    let declared = || world.agents.values().map(|agent| &agent.declared);
    let mut tests = vec![Backtest::new(present, declared())];
    tests.extend(proposed.map(|plan| Backtest::new(plan, declared())));
    let (actions, cut) = judge_stored(backend, drill, &mut tests).await?;
    let within = |line: &FiringLine| line.at >= from && line.at <= to;
    let mut lines = tests.into_iter().map(|test| test.lines().into_iter().filter(within).collect::<Vec<_>>());
    let (present, proposed) = (lines.next().unwrap_or_default(), lines.next());
    // What a line is worth tells of incidents: only of those that who asks may see (TEAM.9).
    let seen = world.seen_by(by);
    let delta = TripwireDelta::of(&present, proposed.as_deref(), |line| bearing(&seen, line, to));
    Ok(ComparedTripwires { from, to, actions, cut, delta })
}

fn bearing(world: &World, line: &FiringLine, now: Time) -> Bearing {
    let real = world.incidents.values().filter(|one| one.confirmed && one.status != Status::Dismissed);
    let mut around = real.filter(|one| {
        let (from, to) = span_of(one, world, now);
        (one.agents.is_empty() || one.agents.contains(&line.agent)) && line.at >= from && line.at <= to
    });
    match around.next() {
        None => Bearing::FalseAlarm,
        Some(incident) if incident.harm_at.is_some_and(|harm| line.at >= harm) => Bearing::Due,
        Some(_) => Bearing::Early,
    }
}

fn engagement(tripwires: &TripwirePlan, plan: &AutoPlan, name: &str, line: FiringLine) -> Option<Engagement> {
    let key = FiringKey { tripwire: line.tripwire, agent: line.agent, detail: line.detail };
    (auto_name_of(&key) == Some(name)).then(|| {
        let tool = key.tool(&tripwires.rules);
        let scope = plan.scope.of(&key.agent, tool.as_ref());
        Engagement { at: line.at, agent: key.agent, detail: key.detail, scope }
    })
}

fn recorded(world: &World) -> Vec<FiringLine> {
    let line = |firing: &std::sync::Arc<crate::tripwire::Firing>| FiringLine {
        at: firing.at,
        agent: firing.key.agent.clone(),
        tripwire: firing.key.tripwire,
        detail: firing.key.detail.clone(),
    };
    world.firings.values().map(line).collect()
}

async fn replay(
    backend: &Backend,
    drill: Option<DrillId>,
    world: &World,
) -> Result<(Vec<FiringLine>, u64, bool), Problem> {
    let mut test =
        Backtest::new(backend.runbook.load().tripwires.clone(), world.agents.values().map(|agent| &agent.declared));
    let (actions, cut) = judge_stored(backend, drill, std::slice::from_mut(&mut test)).await?;
    Ok((test.lines(), actions, cut))
}

/// Hands the newest stored actions of a world to each test, in the order of judging: how many, and whether older ones were
/// left out.
///
/// # Errors
/// 503 where the store cannot be read.
pub(super) async fn judge_stored(
    backend: &Backend,
    drill: Option<DrillId>,
    tests: &mut [Backtest],
) -> Result<(u64, bool), Problem> {
    let Some(intake) = backend.rooms.intakes.get().and_then(|intakes| intakes.existing(drill)) else {
        return Ok((0, false));
    };
    let unread = |why: super::intake::StoreError| Problem::unavailable(why.to_string());
    let store = intake.store();
    store.flush().await.map_err(unread)?;
    let newest = store.newest().await.map_err(unread)?;
    let first = newest.saturating_sub(ACTIONS);
    let (mut after, mut actions) = (first, 0u64);
    loop {
        let page = store.after(after, None, PAGE).await.map_err(unread)?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        actions += page.len() as u64;
        for test in tests.iter_mut() {
            page.iter().for_each(|kept| test.judge(&kept.action));
        }
        tokio::task::yield_now().await;
    }
    Ok((actions, first > 0))
}
