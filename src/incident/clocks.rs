//! The clocks of an incident at a moment: which runs, which is met, which was missed (CON.1, EVI.1, COM.4, RBK).

use super::{
    Checklist, Clock, ClockState, Incident, Sent, StepState, World,
    communication::{Promise, RegulatoryZero, reported},
    containment::SwitchState,
    first_minutes::{FirstFact, Known},
    rollback::watch_until,
};
use crate::terms::Time;

fn ms(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}

/// A clock from `zero` over `budget_s`, reached at `met`.
fn clock(name: impl Into<String>, zero: Option<Time>, budget_s: u64, met: Option<Time>, now: Time) -> Clock {
    let name = name.into();
    let Some(due) = zero.map(|zero| zero.plus(ms(budget_s))) else {
        return Clock { name, due_at: None, state: ClockState::Waiting, left_s: None };
    };
    let (state, at) = match met {
        Some(met) if met <= due => (ClockState::Met, met),
        Some(met) => (ClockState::Missed, met),
        None if now > due => (ClockState::Missed, now),
        None => (ClockState::Running, now),
    };
    Clock { name, due_at: Some(due), state, left_s: Some(due.since(at) as f64 / 1000.0) }
}

impl Clock {
    /// A clock from `zero` over `budget_s`, reached at `met`.
    pub fn running_from(name: &str, zero: Time, budget_s: u64, met: Option<Time>, now: Time) -> Self {
        clock(name, Some(zero), budget_s, met, now)
    }
}

fn rollback(checklist: &Checklist, incident: &Incident, now: Time) -> Clock {
    let verified = checklist.verified.as_ref().map(|verified| verified.at);
    clock(format!("rollback {}", checklist.id), incident.contained_at, checklist.budget_s, verified, now)
}

/// Undo windows that close, met when nothing is left to change (RBK.8); and the watch after the read-back (RBK.7), which
/// ends by itself.
fn beside(checklist: &Checklist, now: Time) -> Vec<Clock> {
    let changes = checklist.steps.iter().filter(|step| step.plan.changes);
    let settled = changes.map(|step| (step.state != StepState::Open).then_some(step.at).flatten());
    let met = settled.collect::<Option<Vec<Time>>>().and_then(|all| all.into_iter().max());
    let met = met.or(checklist.verified.as_ref().map(|verified| verified.at));
    let windows = checklist.work.windows.iter();
    let mut clocks: Vec<Clock> = windows
        .map(|(what, window)| clock(format!("{} {what}", checklist.id), Some(window.closes_at), 0, met, now))
        .collect();
    if let (Some(until), Some(verified)) = (watch_until(checklist), &checklist.verified) {
        let watch_s = checklist.work.plan.watch_s.unwrap_or_default();
        let over = (now >= until).then_some(until);
        clocks.push(clock(format!("{} watch", checklist.id), Some(verified.at), watch_s, over, now));
    }
    clocks
}

/// When everything in scope was stopped: proved by the switches that contained it, else contained. What is engaged or
/// escapes after containment restarts no clock.
pub(crate) fn halted_at(incident: &Incident, world: &World) -> Option<Time> {
    let mut last = None;
    for id in &incident.switches {
        let Some(switch) = world.switches.get(id).filter(|switch| switch.state == SwitchState::Engaged) else {
            continue;
        };
        if switch.halt.counted == 0 || incident.contained_at.is_some_and(|at| switch.engaged_at > at) {
            // Nobody to prove it of, or too late to have contained anything: it neither meets the clock nor holds it up.
            continue;
        }
        let Some(seconds) = switch.halt.confirmed_in_s else { return incident.contained_at };
        let zero = switch.harm_at.unwrap_or(switch.engaged_at);
        last = last.max(Some(zero.plus((seconds * 1000.0).round() as i64)));
    }
    last.or(incident.contained_at)
}

/// When somebody first took command (SEV.6).
fn commanded(incident: &Incident) -> Option<Time> {
    let first = incident.team.handovers.iter().find(|change| change.role == "commander" && change.to.is_some());
    first.map(|change| change.at)
}

/// First time those of `audiences` were told.
fn first_sent(incident: &Incident, audiences: impl Fn(&str) -> bool) -> Option<Time> {
    incident
        .drafts
        .iter()
        .filter(|draft| audiences(&draft.audience))
        .flat_map(|draft| &draft.sent)
        .filter_map(Sent::told_at)
        .min()
}

/// The next update that was promised (COM.4): of each audience the newest promise counts, until the next message to them;
/// the earliest of those still open is shown. Once no promise is open, the last one that was kept.
fn promised(incident: &Incident, now: Time) -> Clock {
    let mut audiences: std::collections::BTreeMap<&str, Vec<(Time, Option<Promise>)>> = Default::default();
    for draft in &incident.drafts {
        let told = draft.sent.iter().filter_map(|sent| Some((sent.told_at()?, sent.promise)));
        audiences.entry(&draft.audience).or_default().extend(told);
    }
    let (mut open, mut kept): (Option<Time>, Option<(Time, Time)>) = (None, None);
    for told in audiences.values_mut() {
        told.sort_by_key(|(at, _)| *at);
        for (at, promise) in told.iter() {
            let Some(due) = promise.and_then(Promise::due) else { continue };
            match told.iter().map(|(next, _)| *next).find(|next| next > at) {
                Some(next) if kept.is_none_or(|(_, before)| next > before) => kept = Some((due, next)),
                Some(_) => {}
                None if open.is_none_or(|before| due < before) => open = Some(due),
                None => {}
            }
        }
    }
    let closed = incident.closed_at;
    match (open, kept) {
        (Some(due), _) => clock("update", Some(due), 0, closed, now),
        (None, Some((due, met))) => clock("update", Some(due), 0, Some(met), now),
        (None, None) => clock("update", None, 0, None, now),
    }
}

/// Every clock of `incident` at `now`, in the order a commander reads them.
pub fn clocks(incident: &Incident, world: &World, now: Time) -> Vec<Clock> {
    let plan = &incident.clock_plan;
    let declared = Some(incident.declared_at);
    let mut clocks = vec![
        clock("halt", incident.harm_at, plan.halt_s, halted_at(incident, world), now),
        clock("facts", declared, plan.facts_s, incident.facts.complete_at(), now),
        // From the earlier of declaration and containment; met when the pin is durable and no item is unknown (EVI.1).
        clock("evidence", earlier(declared, incident.contained_at), plan.evidence_s, incident.evidence.settled_at, now),
        clock("coordination", declared, plan.coordination_s, first_sent(incident, |one| one == "internal"), now),
        clock(
            "users",
            declared.filter(|_| may_have_harmed(incident)),
            plan.users_s,
            first_sent(incident, |one| one == "customer" || one == "status-page"),
            now,
        ),
        promised(incident, now),
        clock("detection", detection_zero(incident), plan.detection_s, detected(incident), now),
    ];
    if let Some(budget) = plan.command_s {
        clocks.insert(1, clock("command", declared, budget, commanded(incident), now));
    }
    for checklist in &incident.checklists {
        clocks.push(rollback(checklist, incident, now));
        clocks.extend(beside(checklist, now));
    }
    clocks.extend(regulatory(incident, now));
    if let Some(due) = plan.postmortem_s {
        // PM.7: met by its filing. Logs from before there was one know only the closing, unless that went over it.
        let filed = incident.postmortem.filed.as_ref().map(|filed| filed.at);
        let written = filed.or(incident.closed_at.filter(|_| !incident.postmortem.waived));
        clocks.push(clock("post-mortem", incident.resolved_at, due, written, now));
    }
    clocks
}

/// COM.6: those affected are owed word when harm happened or may have: always, until somebody found that nobody felt it.
fn may_have_harmed(incident: &Incident) -> bool {
    let impact = incident.facts.get(FirstFact::Impact).filter(|fact| fact.state == Known::Known);
    let none = impact.and_then(|fact| fact.answer.as_deref()).is_some_and(|answer| {
        answer.split(|c: char| !c.is_alphanumeric()).next().is_some_and(|word| word.eq_ignore_ascii_case("no"))
    });
    incident.harm_at.is_some() || !none
}

/// Each duty to report that was on when the incident began (COM.7).
fn regulatory(incident: &Incident, now: Time) -> Vec<Clock> {
    let plan = &incident.clock_plan.regulatory;
    let reports = incident.drafts.iter().filter(|draft| draft.audience == "regulator").flat_map(|draft| &draft.sent);
    let done = reported(plan, reports);
    let zero = |from| match from {
        RegulatoryZero::Awareness => detected(incident).or(Some(incident.declared_at)),
        RegulatoryZero::Declaration => Some(incident.declared_at),
        RegulatoryZero::Harm => incident.harm_at,
    };
    plan.iter().zip(done).map(|(one, done)| clock(one.name(), zero(one.from), one.within_s, done, now)).collect()
}

/// Detection counts from the action; where a consequence surfaced first, from then (DET.6).
fn detection_zero(incident: &Incident) -> Option<Time> {
    incident.team.surfaced_at.or(incident.mttd.action)
}

/// The earlier of two moments, as far as they are known.
fn earlier(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    one.into_iter().chain(other).min()
}

/// Operators were aware when a person acknowledged, declared, or did anything else with the incident (DET.1).
pub(crate) fn detected(incident: &Incident) -> Option<Time> {
    // A note may be back-dated: when it says something happened is not when somebody knew.
    let first = incident.timeline.iter().find(|entry| entry.by.is_person() && entry.kind != "note-added");
    match (incident.mttd.acknowledgement, first.map(|entry| entry.at)) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
#[path = "clocks_tests.rs"]
mod tests;
