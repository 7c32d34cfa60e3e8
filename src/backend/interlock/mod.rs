//! Switches out: one decision table per world behind every way in — check, lease, stream, authz, OFREP (protocol 3).
//!
//! Answers from memory; waits for no disk and no slow reader. Decides nothing about incidents: it proves what it sees, and
//! the writer remembers.

mod approvals;
mod before;
mod breach;
mod gate;
mod heard;
pub mod holds;
mod http;
mod mcp;
mod memory;
mod ofrep;
mod passing;
mod proof;
mod room;
mod seat;
mod sighting;
mod stream;
mod table;
mod watched;
mod world;
mod worlds;

pub use heard::{TTL_S, Way};
pub use http::{Ways, router};
pub use memory::{Memory, remember};
pub use proof::SLIPPED;
pub use sighting::Sighting;
pub use table::Table;
pub use world::{Interlock, NoLease};
pub use worlds::InterlockWorlds;
