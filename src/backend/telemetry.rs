//! How a backend's telemetry begins: with an engine of its own, or shared with the other nodes of its database.

use std::sync::Arc;

use arc_swap::ArcSwap;
use sqlx::postgres::PgPool;

use super::{
    clock::Clock,
    core::Core,
    intake::{Broker, BrokerError, HotStore, Intake, Intakes, Sharing, Start},
    rooms::Rooms,
    serve::ServeError,
};
use crate::{api::Problem, runbook::Runbook, tripwire::Engine};

/// What several nodes share telemetry by.
pub struct Shares {
    broker: Broker,
    pool: PgPool,
    steady: Clock,
}

impl Shares {
    /// Over the NATS servers that are named, if any are.
    ///
    /// # Errors
    /// An address that does not read, or a log that no other node shares.
    pub async fn over(
        servers: Option<String>,
        database: &Option<PgPool>,
        steady: &Clock,
    ) -> Result<Option<Self>, BrokerError> {
        let Some(servers) = servers else { return Ok(None) };
        let pool = database.clone().ok_or(BrokerError::NoDatabase)?;
        Ok(Some(Self { broker: Broker::connect(&servers).await?, pool, steady: steady.clone() }))
    }
}

/// Begins telemetry: the engine goes on from what the hot store holds, or from what the nodes of a broker left.
///
/// # Errors
/// A hot store that cannot be read, or a log that cannot be read.
pub async fn begin(
    store: HotStore,
    core: &Core,
    rooms: &Arc<Rooms>,
    (runbook, clock): (&Arc<ArcSwap<Runbook>>, &Clock),
    shares: Option<Shares>,
) -> Result<Intakes, ServeError> {
    let (writer, interlocks, runbook, clock) = (core.clone(), rooms.interlocks.clone(), runbook.clone(), clock.clone());
    let begin = move |drill, store| Start {
        drill,
        judge: Box::new(Engine::new(runbook.load().tripwires.clone())),
        breaches: interlocks.clone(),
        writer: writer.clone(),
        clock: clock.clone(),
        store,
        runbook: runbook.clone(),
    };
    let real = match shares {
        None => Intake::start(begin(None, store)).await?,
        Some(Shares { broker, pool, steady }) => {
            rooms.interlocks.sees_everything();
            Intake::share(begin(None, store), Sharing { broker, pool, steady, log: name_of(core).await? })
        }
    };
    Ok(Intakes::new(real).with_drills(core.clone(), move |drill| begin(Some(drill), HotStore::in_memory())))
}

/// A log's own name: the hash of its first event.
async fn name_of(core: &Core) -> Result<String, Problem> {
    let first = core.events_after(0, 1).await?.into_iter().next();
    Ok(first.map(|event| event.hash.clone()).unwrap_or_default())
}
