//! Whom messages reached, and who read what was corrupted, read from stored telemetry (RBK.3, RBK.7).

use std::collections::BTreeSet;

use crate::{
    api::Problem,
    backend::app::Backend,
    incident::{
        Incident, World,
        evidence::{Predicate, first_suspect},
        rollback::{Reached, Reaching, Reader, Reading},
    },
    telemetry::Action,
    terms::{AgentId, DrillId, Time},
};

/// Actions read at a time.
const PAGE: usize = 2_000;
/// Records looked for at most.
const RECORDS: usize = 1_000;

async fn each(
    backend: &Backend,
    drill: Option<DrillId>,
    (agents, from, to): (Vec<AgentId>, Time, Option<Time>),
    mut take: impl FnMut(&Action),
) -> Result<(), Problem> {
    let predicate = Predicate { agents, runs: Vec::new(), from: Some(from), to: to.map(|to| to.max(from)) };
    let mut after = 0;
    loop {
        let page = super::pinned(backend, drill, &predicate, after, PAGE).await?;
        let Some(last) = page.last().map(|kept| kept.seq) else { return Ok(()) };
        page.iter().for_each(|kept| take(&kept.action));
        after = last;
        tokio::task::yield_now().await;
    }
}

/// Everybody whom the incident's agents reached from the first suspect action to containment.
///
/// # Errors
/// A store that cannot be read.
pub async fn recipients(
    backend: &Backend,
    drill: Option<DrillId>,
    incident: &Incident,
    world: &World,
) -> Result<Reached, Problem> {
    let mut reaching = Reaching::default();
    let window = (incident.agents.clone(), first_suspect(incident, world), incident.contained_at);
    each(backend, drill, window, |action| reaching.add(action)).await?;
    Ok(reaching.finish())
}

/// Every agent that retrieved one of `records` since the first suspect action; without any, what the incident's agents
/// changed.
///
/// # Errors
/// A store that cannot be read.
pub async fn readers(
    backend: &Backend,
    drill: Option<DrillId>,
    incident: &Incident,
    world: &World,
    records: Vec<String>,
) -> Result<Vec<Reader>, Problem> {
    let from = first_suspect(incident, world);
    let mut wanted: BTreeSet<String> = records.into_iter().filter(|record| !record.is_empty()).take(RECORDS).collect();
    if wanted.is_empty() {
        each(backend, drill, (incident.agents.clone(), from, incident.contained_at), |action| {
            let changes = action.detail.iter().flat_map(|detail| &detail.changes);
            for change in changes.filter(|change| !change.record.is_empty()) {
                if wanted.len() < RECORDS {
                    wanted.insert(change.record.clone());
                }
            }
        })
        .await?;
    }
    let mut reading = Reading::of(wanted.into_iter().collect());
    each(backend, drill, (Vec::new(), from, None), |action| reading.add(action)).await?;
    Ok(reading.finish())
}
