//! The backend: owns state and I/O. One writer (`core`) decides and remembers; everything else asks it.

mod ancestry;
pub mod app;
pub mod backtest;
pub mod blobs;
pub mod clock;
pub mod core;
pub mod drill;
pub mod evidence;
pub mod home;
pub mod http;
pub mod identity;
pub mod intake;
pub mod interlock;
pub mod listen;
pub mod local;
pub mod lock;
pub mod log;
pub mod nodes;
pub mod outward;
mod owner;
mod postmortem;
pub mod presence;
pub mod rights;
pub mod rooms;
pub mod serve;
mod tasks;
mod upkeep;
