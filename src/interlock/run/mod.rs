//! `andon interlock run`: a lease around any program (CON.7, protocol 3).
//!
//! ```text
//! runner (holds the lease) ── guard (kills all below it when the runner dies) ── the program
//! ```
//!
//! Three processes of one binary: the guard is there for the moment at which the runner itself is killed.

mod guard;
mod runner;
pub mod tree;

pub use guard::{code, execute, guard};
pub use runner::{Asked, NotRun, run};
