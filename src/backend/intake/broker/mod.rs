//! Telemetry of several machines, over NATS JetStream: whichever node takes an action publishes it to its agent's
//! partition, one node judges a partition at a time, and every node keeps what all of them took.
//!
//! A partition is a lease in the log's database; its engine is written there now and then, with the last action it covers.
//! A node that takes a partition over goes on from that, and judges what came since: what it sees again, the log knows.

mod bench;
mod checkpoints;
mod connection;
mod figures;
mod keep;
mod partition;
mod shares;
mod sight;
mod status;
mod taking;
mod unrecorded;
mod wire;

pub use connection::{Broker, BrokerError};
pub use status::BrokerStatus;

pub(super) use keep::{Over, begin};
pub(super) use taking::Taking;
