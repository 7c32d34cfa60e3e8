//! The sections of a post-mortem: its summary, the five parts (PM.1), and the record behind them.

mod chain;
mod five;
mod record;
mod work;

pub(super) use five::{five, summary};
pub(super) use record::record;
