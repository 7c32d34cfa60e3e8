//! Turns a command into facts, or refuses it with words that say what to do. Changes nothing itself.

mod access;
mod actuators;
mod agents;
mod auto;
mod checks;
mod communication;
mod containment;
mod decision;
mod declare;
mod dispatch;
mod drills;
mod evidence;
mod firings;
mod first_minutes;
mod holds;
mod investigation;
mod kin;
mod lifecycle;
mod pages;
mod postmortem;
mod restart;
mod restriction;
mod rollback;
mod stages;
mod team;
mod upkeep;
mod working;

#[cfg(test)]
mod tests;

pub use dispatch::{Context, decide};
