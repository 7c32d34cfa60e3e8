//! Looking: whether what was frozen is whole, and back to the first suspect action (EVI.5, EVI.7).

use crate::{
    api::{FreezeCheck, Problem},
    backend::{
        app::Backend,
        intake::{Kept, StoreError},
    },
    incident::{
        Incident, World,
        evidence::{LookBack, LookingBack, Predicate, first_suspect},
    },
    terms::{DrillId, Time},
};

/// Actions read at a time.
const PAGE: usize = 2_000;

/// Counts and hashes anew what each freeze pinned.
///
/// # Errors
/// A store that cannot be read.
pub async fn check(
    backend: &Backend,
    drill: Option<DrillId>,
    incident: &Incident,
) -> Result<Vec<FreezeCheck>, Problem> {
    let intake = super::freeze::intake(backend, drill).await?;
    let mut checked = Vec::new();
    for freeze in &incident.evidence.freezes {
        let predicate = freeze.until(incident.closed_at);
        let mut after = 0;
        let mut whole = true;
        let mut found = 0;
        let parts = std::iter::once(&freeze.manifest).chain(freeze.addenda.iter().map(|addendum| &addendum.manifest));
        for part in parts {
            let now = super::manifest(intake.store(), &predicate, after, part.read_to, |_, _| {}).await;
            let now = now.map_err(|error| Problem::unavailable(error.to_string()))?;
            whole &= now.count == part.count && now.digest == part.digest;
            found += now.count;
            after = part.read_to;
        }
        let lost = freeze.losses.iter().map(|loss| loss.count).sum();
        checked.push(FreezeCheck { freeze: freeze.id, recorded: freeze.count(), found, whole, lost });
    }
    Ok(checked)
}

/// Everything the incident's agents did from the first suspect action to containment.
///
/// # Errors
/// A store that cannot be read.
pub async fn look_back(
    backend: &Backend,
    drill: Option<DrillId>,
    incident: &Incident,
    world: &World,
    now: Time,
) -> Result<LookBack, Problem> {
    let intake = super::freeze::intake(backend, drill).await?;
    let store = intake.store();
    let unreadable = |error: StoreError| Problem::unavailable(error.to_string());
    store.flush().await.map_err(unreadable)?;
    let from = first_suspect(incident, world);
    let to = incident.contained_at.unwrap_or(now);
    let predicate =
        Predicate { agents: incident.agents.clone(), runs: Vec::new(), from: Some(from), to: Some(to.max(from)) };
    let mut looking = LookingBack::over(from, to);
    let mut after = 0;
    loop {
        let page = store.matching(&predicate, after, PAGE).await.map_err(unreadable)?;
        let Some(last) = page.last().map(|kept| kept.seq) else { break };
        page.iter().for_each(|kept| looking.add(&kept.action));
        after = last;
        tokio::task::yield_now().await;
    }
    let lost = incident.evidence.freezes.iter().flat_map(|freeze| &freeze.losses).map(|loss| loss.count).sum();
    Ok(looking.finish(incident.contained_at.is_some(), intake.counts().shed, lost))
}

/// The stored actions of a freeze after a number, oldest first.
///
/// # Errors
/// A store that cannot be read.
pub async fn pinned(
    backend: &Backend,
    drill: Option<DrillId>,
    predicate: &Predicate,
    after: u64,
    limit: usize,
) -> Result<Vec<Kept>, Problem> {
    let intake = super::freeze::intake(backend, drill).await?;
    let store = intake.store();
    let unreadable = |error: StoreError| Problem::unavailable(error.to_string());
    store.flush().await.map_err(unreadable)?;
    store.matching(predicate, after, limit).await.map_err(unreadable)
}
