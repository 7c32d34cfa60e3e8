//! The clocks as the header and the foot show them.

use super::{model::Model, text, theme::Role};
use crate::{
    incident::{Clock, ClockState, clocks},
    terms::Time,
};

/// A clock in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `evidence 9:12 left`.
    pub text: String,
    /// How it is drawn.
    pub role: Role,
}

/// Clocks under this many seconds are warned of.
const SOON_S: f64 = 300.0;

fn words(name: &str) -> &str {
    match name {
        "coordination" => "internal update",
        "users" => "users told",
        "post-mortem" => "post-mortem",
        other => other,
    }
}

/// Clocks that still run or were missed, the next one first; `halt` has its own place in the header.
pub fn next(model: &Model) -> Vec<Shown> {
    let (Some(incident), Some(world)) = (model.incident(), model.world()) else { return Vec::new() };
    let mut open: Vec<Clock> = clocks(incident, world, model.now)
        .into_iter()
        .filter(|clock| clock.name != "halt" && clock.name != "detection" && is_open(clock, model.now))
        .collect();
    open.sort_by_key(|clock| clock.due_at);
    let held = format!(" {}/{} ·", incident.evidence.held, incident.evidence.total);
    let with = |clock: &Clock| if clock.name == "evidence" { held.as_str() } else { "" };
    open.iter().map(|clock| show(clock, with(clock))).collect()
}

/// What is left of the evidence clock while it runs or was missed.
pub fn evidence_left(model: &Model) -> Option<Shown> {
    let (incident, world) = (model.incident()?, model.world()?);
    let clock = clocks(incident, world, model.now).into_iter().find(|clock| clock.name == "evidence")?;
    let left = text::span((clock.left_s? * 1000.0) as i64);
    is_open(&clock, model.now).then(|| match clock.state {
        ClockState::Missed => Shown { text: format!("⚠ overdue {left}"), role: Role::Bad },
        _ => Shown { text: format!("{left} left"), role: Role::Strong },
    })
}

/// Running, or missed and not reached since.
fn is_open(clock: &Clock, now: Time) -> bool {
    match clock.state {
        ClockState::Running => true,
        // Reached late keeps its own figure; still open grows with the time.
        ClockState::Missed => clock
            .due_at
            .zip(clock.left_s)
            .is_some_and(|(due, left)| (due.since(now) as f64 / 1000.0 - left).abs() < 0.001),
        ClockState::Waiting | ClockState::Met => false,
    }
}

/// A clock in words, with what it counts: `evidence 12/21 · 9:12 left`.
fn show(clock: &Clock, counts: &str) -> Shown {
    let left = clock.left_s.unwrap_or_default();
    let length = text::span((left * 1000.0) as i64);
    let name = words(&clock.name);
    match clock.state {
        ClockState::Missed => Shown { text: format!("⚠ {name}{counts} overdue {length}"), role: Role::Bad },
        _ if left < SOON_S => Shown { text: format!("⚠ {name}{counts} {length} left"), role: Role::Warn },
        _ => Shown { text: format!("{name}{counts} {length} left"), role: Role::Strong },
    }
}
