//! OFREP: the table as feature flags, for OpenFeature clients of any language. `andon.allowed` is true to go on, so that a
//! client whose code default is false stops when it hears nothing. Every error has its details; never 429.

mod flags;
mod routes;
mod stream;
mod tag;
mod ticket;

pub use routes::{all, one};
pub use stream::open;
pub use ticket::Tickets;
