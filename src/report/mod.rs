//! What is written about an incident once it is over: the post-mortem (PM).
//!
//! Pure: stands on `incident` alone. Everything agents or people wrote passes through `Printable` and is escaped.

mod chain;
pub mod handover;
mod markdown;
pub mod postmortem;
mod work;
