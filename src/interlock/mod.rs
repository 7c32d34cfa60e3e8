//! The agent's side of the interlock: what stands beside an agent and stops it (CON.7).
//!
//! `lease` holds a lease for it and knows when it is halted, and when it is blind; `run` puts a whole
//! program under one; `mcp` stands before an agent's tools.
//! Nothing here decides: the backend's table does, and who cannot ask it stops.

pub mod boot;
pub mod lease;
pub mod mcp;
pub mod run;
mod server;

pub use server::{Foreign, trusted};
