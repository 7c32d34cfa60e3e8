//! Telemetry in: bodies read, decoded, judged by the world's engine, kept in the hot store (DET.14, protocol 1, law 4).
//!
//! One task per world owns the engine; a bounded queue stands before it and answers 503 rather than grow. What the engine
//! sees becomes events through the one writer. Owns the hot store; decides nothing about incidents.

mod body;
mod broker;
mod engine;
mod firings;
mod http;
mod judging;
mod ledger;
mod pins;
mod profiles;
mod repeats;
mod seen;
mod start;
mod store;
mod store_file;
#[cfg(test)]
mod twins;
mod wiring;
mod worlds;

pub use broker::{Broker, BrokerError, BrokerStatus};
pub use http::router;
pub use judging::{Figures, Verdict};
pub use pins::Pin;
pub use profiles::Profiles;
pub use start::{Intake, Sharing, Source, Start};
pub use store::{HotStore, Kept, Limits};
pub use store_file::{StoreError, copy as copy_store};
pub use wiring::{Breaches, Judge, Writer};
pub use worlds::Intakes;
