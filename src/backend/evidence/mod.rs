//! Evidence from telemetry: pins before freezes, addenda after them, losses told, and the look back (EVI.1, EVI.5, EVI.7).
//!
//! Owns no state: pins are the hot store's, freezes the log's. What the log says and what the store spares is brought
//! together at start and once a second.

mod bundle;
mod freeze;
mod keeper;
mod look;
mod reach;
mod trace;

pub use bundle::{Asked, bundle};
pub use freeze::{freeze, manifest};
pub use keeper::{Keeper, keep};
pub use look::{check, look_back, pinned};
pub use reach::{readers, recipients};
pub use trace::trace;
