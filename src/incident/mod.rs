//! What an incident is: facts, the fold of them, and the rules that decide which facts a command makes.
//!
//! Pure. `World::apply` folds one event; `decide` turns a command into facts or a refusal. The same fold runs in
//! backend and cockpit (law 1). Nothing here reads a clock, a file or a runtime.

mod agent;
pub mod chain;
mod clocks;
mod command;
pub mod communication;
pub mod containment;
mod decide;
pub mod decision;
pub mod drilled;
mod event;
pub mod evidence;
mod fact;
pub mod first_minutes;
mod fold;
pub mod investigation;
mod mttd;
pub mod pages;
pub mod postmortem;
pub mod restart;
pub mod restriction;
pub mod rollback;
pub mod session;
mod state;
pub mod team;
pub mod upkeep;
mod world;

pub use agent::{Agent, AgentDeclaration, Blast, InventoryItem, OnBlind, Reach};
pub use clocks::clocks;
pub(crate) use clocks::{detected, halted_at};
pub use command::{
    Command, Declare, Engage, FireActuator, Fired, IncidentCommand, OpenHold, Refusal, RefusalCode, SetAuto,
};
pub use communication::{Draft, Fields, Sent};
pub use decide::{Context, decide};
pub use drilled::Drill;
pub use event::{Event, NewEvent, Stream, StreamError, Topic};
pub use fact::Fact;
pub use state::{
    Checklist, Clock, ClockPlan, ClockState, Entry, Incident, Mttd, PlannedStep, SeverityChange, Status, Step,
    StepState, Verified,
};
pub use world::{Right, Role, Token, World, Worlds};
