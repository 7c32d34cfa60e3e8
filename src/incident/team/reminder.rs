//! What somebody should look at now: a role that nobody took, a task overdue, a clock that runs out, a page that nobody
//! acknowledged (TEAM.4, TEAM.12).

use serde::{Deserialize, Serialize};

use crate::{
    incident::{Clock, ClockState, Incident},
    terms::Time,
};

/// How long a role may stand empty before somebody is reminded.
const UNCLAIMED: i64 = 10 * Time::MINUTE;
/// How long a page may wait before somebody who is there is reminded.
const UNANSWERED: i64 = 5 * Time::MINUTE;
/// How long before it is due an update is called for.
const SOON: f64 = 5.0 * 60.0;

/// One reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// `role commander`, `task TASK-2`, `clock users`, `page 1`: what it is put off by.
    pub id: String,
    /// In words; may hold person-written text.
    pub what: String,
    /// Since when it stands, or when it is due.
    pub at: Time,
    /// Until when it was put off, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Time>,
}

impl Reminder {
    /// Whether it calls for somebody at `now`.
    pub fn calls(&self, now: Time) -> bool {
        self.snoozed_until.is_none_or(|until| until <= now)
    }
}

/// The role that somebody must hold on every incident.
const WANTED: [&str; 1] = ["commander"];

/// Every reminder of an open incident at `now`, the longest standing first. `clocks` are its clocks at `now`.
pub fn reminders(incident: &Incident, clocks: &[Clock], now: Time) -> Vec<Reminder> {
    if !incident.is_open() {
        return Vec::new();
    }
    let mut all: Vec<(String, String, Time)> = Vec::new();
    let empty_since = |role: &str| {
        let freed = incident.team.handovers.iter().rev().find(|change| change.role == role);
        freed.map_or(incident.declared_at, |change| change.at).plus(UNCLAIMED)
    };
    for role in WANTED.iter().filter(|role| !incident.roles.contains_key(**role)) {
        let at = empty_since(role);
        if at <= now {
            all.push((format!("role {role}"), format!("nobody is {role}"), at));
        }
    }
    for task in incident.tasks.iter().filter(|task| task.is_overdue(now)) {
        let owner = task.owner.as_deref().unwrap_or("nobody");
        all.extend(
            task.due_at.map(|due| {
                (format!("task {}", task.id), format!("{} is overdue ({owner}): {}", task.id, task.text), due)
            }),
        );
    }
    let paging = &incident.paging;
    for round in paging.unanswered().filter(|round| !paging.is_superseded(round)) {
        let at = round.at.plus(UNANSWERED);
        if at <= now {
            let what = format!("nobody acknowledged the page to {}", round.begun.queue);
            all.push((format!("page {}", round.begun.round), what, at));
        }
    }
    all.extend(clocks.iter().filter_map(|clock| called_for(clock, now)));
    all.sort_by_key(|(_, _, at)| *at);
    let snoozed = |id: &str| incident.team.snoozed.get(id).copied();
    all.into_iter().map(|(id, what, at)| Reminder { snoozed_until: snoozed(&id), id, what, at }).collect()
}

/// A clock that ran out and still waits, or the next update's that soon will.
fn called_for(clock: &Clock, now: Time) -> Option<(String, String, Time)> {
    let due = clock.due_at?;
    let left = due.since(now) as f64 / 1000.0;
    // A clock that was met late keeps the seconds it was late by; one that waits goes on counting.
    let waits = clock.left_s.is_some_and(|said| (said - left).abs() < 0.001);
    let id = format!("clock {}", clock.name);
    match clock.state {
        ClockState::Missed if waits => Some((id, format!("{} is overdue", clock.name), due)),
        ClockState::Running if clock.name == "update" && left <= SOON => {
            Some((id, "the next update is due".to_owned(), due))
        }
        _ => None,
    }
}
