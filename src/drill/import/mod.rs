//! Recordings from what others wrote down: runs of benchmarks, audit logs, traces (DRL.2).

mod agentdojo;
mod cloudtrail;
mod foreign;
mod otlp;
mod sheet;
mod tau_bench;

pub use foreign::{Foreign, ImportError};
