//! Figures over incidents: how long each step took, which budgets held, how much of the firing was noise; drills apart
//! (TEAM.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    incident::{
        ClockState, Incident, Status, World, Worlds, clocks,
        containment::{SwitchState, auto_name_of},
    },
    terms::Time,
};

/// One measure over some incidents.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Measure {
    /// Over how many incidents it is known.
    pub n: usize,
    /// Half of them took at most this many seconds.
    #[serde(default)]
    pub median_s: Option<f64>,
    /// Nine of ten took at most this.
    #[serde(default)]
    pub p90_s: Option<f64>,
    /// The longest.
    #[serde(default)]
    pub max_s: Option<f64>,
}

impl Measure {
    /// Of these durations; the median of an even count is the mean of the middle two, the percentile the nearest rank.
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let n = seconds.len();
        let at = |rank: usize| seconds.get(rank).copied();
        let median_s = match n {
            0 => None,
            n if n % 2 == 1 => at(n / 2),
            n => at(n / 2 - 1).zip(at(n / 2)).map(|(low, high)| (low + high) / 2.0),
        };
        let p90_s = n.checked_sub(1).and_then(|last| at((n * 9).div_ceil(10).saturating_sub(1).min(last)));
        Self { n, median_s, p90_s, max_s: seconds.last().copied() }
    }
}

/// Budgets of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// Kept.
    pub met: usize,
    /// Not kept.
    pub missed: usize,
}

/// How much of one tripwire's firing was noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Noise {
    /// Firings.
    pub firings: usize,
    /// Of these, acknowledged as expected, or of an incident that was dismissed.
    pub noise: usize,
}

/// Figures over one set of incidents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Incidents that were counted: neither dismissed, merged, nor waiting to be confirmed.
    pub incidents: usize,
    /// Of these, open still.
    pub open: usize,
    /// By severity.
    pub by_severity: BTreeMap<String, usize>,
    /// From the first harmful action to a person (MTTD).
    pub detect: Measure,
    /// From the firing to a person.
    pub acknowledge: Measure,
    /// From confirmed harm to a proved halt.
    pub halt: Measure,
    /// From its declaration to containment.
    pub contain: Measure,
    /// From its declaration to its end for those affected.
    pub resolve: Measure,
    /// From containment until the last switch was lifted.
    pub restart: Measure,
    /// Budgets by clock.
    pub budgets: BTreeMap<String, Budget>,
    /// Budgets of all clocks.
    pub kept: Budget,
    /// Noise by tripwire and rule.
    pub noise: BTreeMap<String, Noise>,
    /// Changes that post-mortems proposed and nobody merged or dropped yet (PM.8).
    pub open_changes: usize,
}

/// The real world's figures, and those of all drills.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Both {
    /// What was real.
    pub real: Figures,
    /// What was exercised.
    pub drills: Figures,
}

/// Figures over everything declared since `since`, as it stands at `now`.
pub fn figures(worlds: &Worlds, since: Option<Time>, now: Time) -> Both {
    Both { real: of([&worlds.real], since, now), drills: of(worlds.drills.values(), since, now) }
}

/// Figures over one world.
pub fn of_world(world: &World, since: Option<Time>, now: Time) -> Figures {
    of([world], since, now)
}

fn of<'a>(worlds: impl IntoIterator<Item = &'a World>, since: Option<Time>, now: Time) -> Figures {
    let mut all = Figures::default();
    let mut took: [Vec<f64>; 6] = Default::default();
    for world in worlds {
        let counted = world.incidents.values().filter(|incident| {
            let real = incident.confirmed && !matches!(incident.status, Status::Dismissed | Status::Merged);
            real && since.is_none_or(|since| incident.declared_at >= since)
        });
        for incident in counted {
            all.incidents += 1;
            all.open += usize::from(incident.is_open());
            *all.by_severity.entry(incident.severity.clone()).or_default() += 1;
            all.open_changes += incident.postmortem.open_deltas().count();
            for (measure, seconds) in took.iter_mut().zip(steps(incident, world)) {
                measure.extend(seconds);
            }
            budgets(&mut all, incident, world, now);
        }
        noise(&mut all.noise, world, since);
    }
    let [detect, acknowledge, halt, contain, resolve, restart] = took.map(Measure::of);
    Figures { detect, acknowledge, halt, contain, resolve, restart, ..all }
}

/// What each step of one incident took, in seconds, where it is known: detect, acknowledge, halt, contain, resolve, restart.
fn steps(incident: &Incident, world: &World) -> [Option<f64>; 6] {
    let from = |start: Option<Time>, end: Option<Time>| {
        start.zip(end).map(|(start, end)| end.since(start) as f64 / 1000.0).filter(|seconds| *seconds >= 0.0)
    };
    let declared = Some(incident.declared_at);
    let switches = || incident.switches.iter().filter_map(|id| world.switches.get(id));
    let halted = switches().filter_map(|switch| switch.halt.confirmed_in_s).reduce(f64::min);
    let lifted = switches().all(|switch| switch.state == SwitchState::Released);
    let restarted = switches().filter_map(|switch| Some(switch.release.as_ref()?.at)).max().filter(|_| lifted);
    let mttd = &incident.mttd;
    [
        mttd.mttd_s,
        from(mttd.trigger, mttd.acknowledgement),
        halted,
        from(declared, incident.contained_at),
        from(declared, incident.resolved_at),
        from(incident.contained_at, restarted),
    ]
}

fn budgets(all: &mut Figures, incident: &Incident, world: &World, now: Time) {
    for clock in clocks(incident, world, now) {
        // `rollback RB-1` and `rollback RB-2` are one kind.
        let kind = clock.name.split(' ').next().unwrap_or_default().to_owned();
        let (met, missed) = match clock.state {
            ClockState::Met => (1, 0),
            ClockState::Missed => (0, 1),
            ClockState::Waiting | ClockState::Running => continue,
        };
        let budget = all.budgets.entry(kind).or_default();
        budget.met += met;
        budget.missed += missed;
        all.kept.met += met;
        all.kept.missed += missed;
    }
}

fn noise(all: &mut BTreeMap<String, Noise>, world: &World, since: Option<Time>) {
    for firing in world.firings.values().filter(|firing| since.is_none_or(|since| firing.at >= since)) {
        let name = auto_name_of(&firing.key).unwrap_or(firing.key.tripwire.as_str());
        let dismissed = firing.incident.and_then(|id| world.incidents.get(&id));
        let dismissed = dismissed.is_some_and(|incident| incident.status == Status::Dismissed);
        let tally = all.entry(name.to_owned()).or_default();
        tally.firings += 1;
        tally.noise += usize::from(firing.expected || dismissed);
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
