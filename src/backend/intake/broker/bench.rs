//! What all judges of a node work with, and how they are told to end.

use std::sync::Arc;

use sqlx::postgres::PgPool;
use tokio_util::sync::CancellationToken;

use super::{
    super::wiring::{Breaches, Judge},
    connection::{Broker, BrokerError, Ready},
    figures::Heard,
    shares::Shares,
    sight::Seeing,
};
use crate::backend::clock::Clock;

/// Makes a world's engine, fresh.
pub(super) type Engines = Arc<dyn Fn() -> Box<dyn Judge> + Send + Sync>;

/// What all judges of a node share.
pub(super) struct Bench<W> {
    pub broker: Broker,
    pub ready: Ready,
    pub pool: PgPool,
    pub shares: Arc<Shares>,
    pub engines: Engines,
    pub breaches: Arc<dyn Breaches>,
    pub writer: W,
    pub clock: Clock,
    pub seeing: Seeing,
    pub heard: Heard,
}

/// Why a judge ends, or begins again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("another node has taken the partition over")]
    Lost,
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// How a judge is told to end.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending {
    /// Ends, saving where it is.
    pub hand_over: CancellationToken,
    /// Ends at once: it is somebody else's.
    pub lost: CancellationToken,
}
