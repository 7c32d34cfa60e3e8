//! HTTP: routes by resource, one file each, over the Unix socket and TCP. Says no in problem+json; decides nothing.

mod agents;
mod alerts;
mod blobs;
mod bundle;
mod commands;
mod decision;
mod door;
mod drills;
mod events;
mod evidence;
pub mod extract;
mod figures;
mod firings;
mod health;
mod holds;
mod incidents;
mod line;
mod login;
mod metrics;
mod peer;
mod postmortem;
mod problem;
mod reply;
mod rollback;
mod router;
mod runbook;
mod state;
mod stop;
mod switches;
mod tokens;
mod tripwires;
mod writing;

pub use line::{Doorway, Line, Link};
pub use peer::Peer;
pub use problem::answer_problem;
pub use router::router;
