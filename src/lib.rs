//! Andon: the incident cockpit for AI agents.
//!
//! One package, one binary, one direction. What an incident *is* is pure code that both sides share; the backend decides
//! and remembers, the cockpit shows and asks.
//!
//! ```text
//! agents ──OTLP/JSON──▶ intake ──▶ tripwire ──firing──▶ core ──facts──▶ log ──SSE──▶ client ──▶ cockpit
//! agents ◀─allow/deny/hold─ interlock ◀──tables swapped── core ◀──────────commands──────────────┘
//! ```
//!
//! Four ways through the house, to begin reading:
//!
//! - **A halt**: `cockpit::update` → `client` → `backend::http::switches` → `backend::core` (decide, append, swap the
//!   interlock's table, answer) → `backend::interlock` (every subscriber hears, every check is refused).
//! - **An action**: `backend::intake` (decode, count once, judge) → `tripwire::Engine` → `backend::core` as a `Fire` command
//!   → `incident::decide::firings` (joins or opens an incident). Where several nodes share telemetry it goes to its judge by
//!   way of NATS: `backend::intake::broker`.
//! - **An agent's side**: `interlock` holds a lease beside a program or before its tools, over `client`, and stops it at a
//!   halt or when blind.
//! - **A screen**: events → `client` → `incident::World::apply`, the same fold as the backend's → `cockpit::panes`, pure.
//!
//! The words: an *agent* acts with *tools*; an *action* is one thing it did. A *tripwire* *fires* on actions. A *switch*
//! covers a *scope* in a *mode*; the *interlock* answers from the engaged ones; a *lease* proves that its holder obeys.
//! An *incident* is the fold of its facts; its *rollback checklists* are by *action class*; the *runbook* is the data
//! behind them. A *drill* replays a *recording* in a world of its own.

pub mod api;
pub mod backend;
pub mod cli;
pub mod client;
pub mod cockpit;
pub mod config;
pub mod drill;
pub mod incident;
pub mod interlock;
pub mod report;
pub mod runbook;
pub mod session;
pub mod sshsig;
pub mod telemetry;
pub mod terms;
pub mod tls;
pub mod tripwire;
