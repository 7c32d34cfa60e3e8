//! Andon: the incident cockpit for AI agents.

pub mod api;
pub mod backend;
pub mod cli;
pub mod client;
pub mod cockpit;
pub mod config;
pub mod drill;
pub mod incident;
pub mod report;
pub mod runbook;
pub mod telemetry;
pub mod terms;
pub mod tripwire;
