//! The whole score of a drill.

use serde::{Deserialize, Serialize};

use super::{
    against::{Milestone, gained_min, milestones},
    incident::Scene,
    people::{PersonScore, RoleScore, people, roles},
    step::{Asked, ScoredStep, StepResult},
};
use crate::{
    incident::{
        ClockState, Drill, Incident, Status, World, clocks, detected,
        drilled::{ArmedProof, HarmCount, Target},
    },
    runbook::Runbook,
    terms::{Author, DrillId, IncidentId, Time},
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
    /// Once the recording was played to its end: of the historical course's harm, how much did not come about, in the figure that
    /// was spared least: 0 to 1; absent where the recording counts none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<f64>,
    /// Seconds from the first harm to the first switch; absent where nobody stopped anything, or nothing was harmed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_after_s: Option<f64>,
    /// Minutes of the recording by which harm ended earlier than it did when nobody stopped anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gained_min: Option<f64>,
    /// The drill beside the historical course.
    #[serde(default)]
    pub course: Vec<Milestone>,
    /// Each step against its target, in the order of the work.
    #[serde(default)]
    pub steps: Vec<ScoredStep>,
    /// Each role, and which of its steps was late.
    #[serde(default)]
    pub roles: Vec<RoleScore>,
    /// Each person, and what they did.
    #[serde(default)]
    pub people: Vec<PersonScore>,
    /// What was proved of the real switches when it began (CON.13): a drill's own switches prove nothing real.
    #[serde(default)]
    pub armed: ArmedProof,
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

impl Score {
    /// How many steps came to `result`.
    pub fn count(&self, result: StepResult) -> usize {
        self.steps.iter().filter(|step| step.result == result).count()
    }
}

/// A drill's score from its world; `counted` is what its player counted up to now.
pub fn score(take: &Drill, world: &World, runbook: &Runbook, counted: Option<HarmCount>, now: Time) -> Score {
    let harm = take.played.map(|played| played.harm).or(counted).unwrap_or_default();
    let began = world.switches.values().map(|switch| switch.engaged_at).min();
    let over = take.played.is_some() || take.ended_at.is_some();
    let whole = take.played.is_some_and(|played| played.whole);
    // What is over is not late any more by what comes after it.
    let now = take.ended_at.map_or(now, |ended| ended.min(now));
    let worked: Vec<&Incident> = worked(world).collect();
    let scene = Scene { world, runbook, course: &take.course, now, over };
    let known = knew(&worked, world);
    let mut steps = vec![detection(&scene, &worked, &harm, known.clone())];
    steps.extend(worked.iter().flat_map(|incident| scene.steps(incident)));
    let budgets = worked.iter().flat_map(|incident| {
        let counts = clocks(incident, world, now).into_iter().filter(|clock| clock.state != ClockState::Waiting);
        counts.map(|clock| Kept { incident: incident.id, name: clock.name, state: clock.state, left_s: clock.left_s })
    });
    let course = milestones(take, &harm, known.map(|(at, _)| at), whole);
    Score {
        drill: take.id,
        name: take.name.clone(),
        title: take.title.clone(),
        speed: take.speed,
        began_at: take.started_at,
        over,
        // What has not come yet is not spared.
        spared: spared(&harm).filter(|_| whole),
        stopped_after_s: harm.first_at.zip(began).map(|(harmed, began)| began.since(harmed) as f64 / 1_000.0),
        gained_min: gained_min(&course),
        course,
        roles: roles(&worked, &steps),
        people: people(&worked, &steps),
        armed: (*take.armed).clone(),
        budgets: budgets.collect(),
        // What is not done yet is not missed.
        missed: if over { missed(world, &steps) } else { Vec::new() },
        steps,
        harm,
    }
}

/// Incidents that people worked, or should have.
fn worked(world: &World) -> impl Iterator<Item = &Incident> {
    let gone = |incident: &&Incident| matches!(incident.status, Status::Merged | Status::Dismissed);
    world.incidents.values().map(AsRef::as_ref).filter(move |incident| !gone(incident))
}

/// Who knew first, and when: by an incident, by a page, by stopping something.
fn knew(worked: &[&Incident], world: &World) -> Option<(Time, Option<Author>)> {
    let by_incident = worked.iter().filter_map(|incident| {
        let at = detected(incident)?;
        let entry = incident.timeline.iter().find(|entry| entry.at == at && entry.by.is_person());
        Some((at, entry.map(|entry| entry.by.clone())))
    });
    let by_page = world.firings.values().flat_map(|firing| &firing.paged);
    let by_page = by_page.filter_map(|paged| Some((paged.acked_at?, paged.by.clone())));
    let stopped = world.switches.values().filter(|switch| switch.by.is_person());
    let stopped = stopped.map(|switch| (switch.engaged_at, Some(switch.by.clone())));
    by_incident.chain(by_page).chain(stopped).min_by_key(|(at, by)| (*at, by.is_none()))
}

/// DET.1: from the first harm to somebody who knows.
fn detection(
    scene: &Scene<'_>,
    worked: &[&Incident],
    harm: &HarmCount,
    known: Option<(Time, Option<Author>)>,
) -> ScoredStep {
    let surfaced = worked.iter().filter_map(|incident| incident.team.surfaced_at).min();
    let acted = worked.iter().filter_map(|incident| incident.mttd.action).min();
    let zero = surfaced.or(harm.first_at).or(acted);
    let budget_s = worked.first().map_or(scene.runbook.clocks.detection_s, |incident| incident.clock_plan.detection_s);
    let (at, by) = known.map_or((None, None), |(at, by)| (Some(at), by));
    // Who knew before anything was harmed took no time.
    let zero = zero.zip(at).map(|(zero, at)| zero.min(at)).or(zero);
    Asked::new("detection", "know of it", "on-call")
        .from(zero, Some(budget_s), Some(Target::Detection))
        .done(at, by)
        .held(None, scene.course, scene.now, scene.over)
}

/// What nobody did in a drill's world, by name.
fn missed(world: &World, steps: &[ScoredStep]) -> Vec<String> {
    let mut missed = Vec::new();
    if world.incidents.is_empty() {
        missed.push("nobody declared an incident".into());
    }
    if world.switches.is_empty() {
        missed.push("nobody stopped anything".into());
    }
    let undone = steps.iter().filter(|step| step.result == StepResult::Missed);
    missed.extend(undone.map(ScoredStep::words));
    missed
}

/// The share of the course that did not come about, in the figure that was spared least.
pub(super) fn spared(harm: &HarmCount) -> Option<f64> {
    let figures = [
        (harm.course.records as f64, harm.done.records as f64),
        (harm.course.money_usd.usd(), harm.done.money_usd.usd()),
        (harm.course.people as f64, harm.done.people as f64),
        (harm.course.messages as f64, harm.done.messages as f64),
    ];
    let shares = figures.into_iter().filter(|(course, _)| *course > 0.0);
    shares.map(|(course, done)| (1.0 - done / course).clamp(0.0, 1.0)).min_by(f64::total_cmp)
}
