//! What a drill came to, against the historical course and against each budget (DRL.3).

use serde::{Deserialize, Serialize};

use crate::{
    incident::{ClockState, Drill, World, clocks, drilled::HarmCount},
    terms::{DrillId, IncidentId, Time},
};

/// A drill's score; it is read from the log alone, whenever it is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Which.
    pub drill: DrillId,
    /// The recording's name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// How many times faster than recorded it was played.
    pub speed: f64,
    /// When it began.
    pub began_at: Time,
    /// The recording has come to its end; until then the rest is not known.
    pub over: bool,
    /// What was harmed and what was not.
    pub harm: HarmCount,
    /// Once it is over: of the historical course's harm, how much did not come about, in the figure that was spared least: 0 to 1; absent
    /// where the recording counts none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<f64>,
    /// Seconds from the first harm to the first switch; absent where nobody stopped anything, or nothing was harmed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_after_s: Option<f64>,
    /// Each budget of its incidents that began to count.
    pub budgets: Vec<Kept>,
    /// Once it is over: steps that nobody took, in words that say what to rehearse.
    pub missed: Vec<String>,
}

/// One budget of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Of which.
    pub incident: IncidentId,
    /// `halt`, `facts`, `evidence` ….
    pub name: String,
    /// Met, missed, or running still.
    pub state: ClockState,
    /// Seconds to spare, negative where it was overrun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_s: Option<f64>,
}

/// A drill's score from its world; `counted` is what its player counted up to now.
pub fn score(take: &Drill, world: &World, counted: Option<HarmCount>, now: Time) -> Score {
    let harm = take.played.map(|played| played.harm).or(counted).unwrap_or_default();
    let began = world.switches.values().map(|switch| switch.engaged_at).min();
    let over = take.played.is_some() || take.ended_at.is_some();
    let budgets = world.incidents.values().flat_map(|incident| {
        let counts = clocks(incident, world, now).into_iter().filter(|clock| clock.state != ClockState::Waiting);
        counts.map(|clock| Kept { incident: incident.id, name: clock.name, state: clock.state, left_s: clock.left_s })
    });
    Score {
        drill: take.id,
        name: take.name.clone(),
        title: take.title.clone(),
        speed: take.speed,
        began_at: take.started_at,
        over,
        // What has not come yet is not spared.
        spared: spared(&harm).filter(|_| over),
        stopped_after_s: harm.first_at.zip(began).map(|(harmed, began)| began.since(harmed) as f64 / 1_000.0),
        harm,
        budgets: budgets.collect(),
        // What is not done yet is not missed.
        missed: if over { missed(world) } else { Vec::new() },
    }
}

/// What nobody did in a drill's world.
fn missed(world: &World) -> Vec<String> {
    let mut missed = Vec::new();
    for incident in world.incidents.values() {
        let undone = [
            (incident.roles.is_empty(), "nobody took a role"),
            (incident.harm_at.is_none(), "nobody confirmed since when there was harm"),
            (incident.checklists.is_empty(), "no rollback was opened"),
            (incident.drafts.iter().all(|draft| draft.sent.is_empty()), "nobody was told"),
        ];
        let undone = undone.into_iter().filter(|(undone, _)| *undone);
        missed.extend(undone.map(|(_, what)| format!("{}: {what}", incident.id)));
    }
    if world.incidents.is_empty() {
        missed.push("nobody declared an incident".into());
    }
    if world.switches.is_empty() {
        missed.push("nobody stopped anything".into());
    }
    missed
}

/// The share of the course that did not come about, in the figure that was spared least.
fn spared(harm: &HarmCount) -> Option<f64> {
    let figures = [
        (harm.course.records as f64, harm.done.records as f64),
        (harm.course.money_usd.usd(), harm.done.money_usd.usd()),
        (harm.course.people as f64, harm.done.people as f64),
        (harm.course.messages as f64, harm.done.messages as f64),
    ];
    let shares = figures.into_iter().filter(|(course, _)| *course > 0.0);
    shares.map(|(course, done)| (1.0 - done / course).clamp(0.0, 1.0)).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::drilled::Harm;

    /// DRL.3: the figure that was spared least counts; a recording that counts no harm has no share.
    #[test]
    fn what_was_spared_is_the_least_of_all_figures() {
        let harm = |records, people| Harm { records, people, ..Harm::NONE };
        let of = |course, done| spared(&HarmCount { course, done, ..HarmCount::default() });
        assert_eq!(of(harm(100, 10), harm(50, 1)), Some(0.5));
        assert_eq!(of(harm(100, 10), harm(0, 10)), Some(0.0));
        assert_eq!(of(harm(0, 10), harm(0, 0)), Some(1.0));
        assert_eq!(of(Harm::NONE, Harm::NONE), None);
    }
}
