//! What is written about incidents: the post-mortem as Markdown, as one HTML page and as JSON, regression cases for
//! evaluation tools, figures over all of them, the hand-over sheet, and a drill's score (PM, TEAM.1, TEAM.5, DRL.3).
//!
//! Pure: stands on `incident`, `runbook`, `telemetry` and `drill`. One document is built, each format renders it. Everything agents
//! or people wrote passes through `Printable` and is escaped by the format.

pub mod answer;
pub mod bundle;
mod document;
mod evals;
pub mod figures;
pub mod handover;
mod html;
mod markdown;
pub mod ocsf;
mod parts;
pub mod postmortem;
pub mod quarterly;
pub mod readiness;
pub mod score;
mod spend;
mod svg;
pub mod unit;

pub use document::{Block, Chart, Document, Headline, Mark, Section};
pub use evals::{EvalFormat, samples};
pub use postmortem::{Sources, document};
pub use spend::{Spend, SpendPoint, ToolTally, window};
