//! A freeze: pinned durably first, recorded then (EVI.1).

use uuid::Uuid;

use crate::{
    api::{Accepted, Problem},
    backend::{
        app::Backend,
        intake::{HotStore, Intake, Pin, StoreError},
    },
    incident::{
        Command, Fact, IncidentCommand,
        evidence::{Counting, Filling, FreezeEvidence, Manifest, Pinned, Predicate, wanted},
    },
    terms::{Author, DrillId, IncidentId},
};

/// Actions read at a time.
const PAGE: usize = 2_000;

/// A world's telemetry.
///
/// # Errors
/// A backend that is starting; a drill that runs no more.
pub(super) async fn intake(backend: &Backend, drill: Option<DrillId>) -> Result<Intake, Problem> {
    let intakes = backend.rooms.intakes.get();
    let intakes = intakes.ok_or_else(|| Problem::unavailable("the backend is starting; ask again in a second"))?;
    intakes.get(drill).await
}

/// Pins what is asked of `incident`, then records it. Until the pin is durable nothing is recorded; a pin that is not
/// recorded, because the backend was killed between, spares what it spared for a day and is asked for again.
///
/// # Errors
/// No such incident, a window that is none, a disk that is full, or what the rules say.
pub async fn freeze(
    backend: &Backend,
    drill: Option<DrillId>,
    id: Uuid,
    by: Author,
    incident: IncidentId,
    ask: FreezeEvidence,
) -> Result<Accepted, Problem> {
    let worlds = backend.core.worlds();
    let found = worlds.get(drill).and_then(|world| Some((world, world.incidents.get(&incident)?)));
    let Some((world, about)) = found else {
        return Err(Problem::unknown(format!(
            "there is no {incident} in this world; `andon incidents` shows what there is"
        )));
    };
    let predicate = wanted(about, world, &ask)?;
    let intake = intake(backend, drill).await?;
    let store = intake.store();
    let pin =
        Pin { id: Uuid::now_v7().to_string(), incident, predicate: predicate.clone(), made_at: (backend.clock)() };
    let name = pin.id.clone();
    let not_frozen = |error: StoreError| {
        Problem::unavailable(format!("nothing is frozen: {error}. Make room on the disk, or mend it, and freeze again"))
    };
    let read_to = store.pin(pin).await.map_err(not_frozen)?;
    let mut filling = Filling::default();
    let manifest =
        manifest(store, &predicate.until(about.closed_at), 0, read_to, |seq, action| filling.add(seq, action)).await;
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(error) => {
            forget(store, &name).await;
            return Err(not_frozen(error));
        }
    };
    let items = filling.items(about.evidence.items.iter().map(|item| &item.plan), about, world);
    let pinned = Some(Box::new(Pinned { pin: name.clone(), predicate, manifest, items }));
    let ask = IncidentCommand::FreezeEvidence(FreezeEvidence { pinned, ..ask });
    let answer = backend.core.submit(drill, id, by, Command::OnIncident { incident, ask }).await;
    let recorded = |accepted: &Accepted| {
        accepted.events.iter().any(|event| matches!(&event.fact, Fact::EvidenceFrozen(frozen) if frozen.pin == name))
    };
    match &answer {
        // Asked before: the first freeze has a pin of its own.
        Ok(accepted) if !recorded(accepted) => forget(store, &name).await,
        Err(problem) if problem.status < 500 => forget(store, &name).await,
        // Recorded; or it may have been, and the keeper will know.
        Ok(_) | Err(_) => {}
    }
    answer
}

async fn forget(store: &HotStore, pin: &str) {
    if let Err(error) = store.unpin(pin).await {
        tracing::warn!(%error, %pin, "a pin that no freeze names stays for a day");
    }
}

/// Counts and hashes the stored actions of `predicate` with numbers above `after` and up to `read_to`; `each` sees them.
///
/// # Errors
/// A store that cannot be read.
pub async fn manifest(
    store: &HotStore,
    predicate: &Predicate,
    after: u64,
    read_to: u64,
    mut each: impl FnMut(u64, &crate::telemetry::Action) + Send,
) -> Result<Manifest, StoreError> {
    let mut counting = Counting::default();
    let mut after = after;
    loop {
        let page = store.matching(predicate, after, PAGE).await?;
        let Some(last) = page.last().map(|kept| kept.seq) else { break };
        for kept in page.iter().filter(|kept| kept.seq <= read_to) {
            let unreadable = |why: serde_json::Error| StoreError::Unreadable { seq: kept.seq, why: why.to_string() };
            counting.add(kept.seq, &kept.action).map_err(unreadable)?;
            each(kept.seq, &kept.action);
        }
        if last >= read_to {
            break;
        }
        after = last;
        tokio::task::yield_now().await;
    }
    Ok(counting.finish(read_to))
}
