//! An incident's trace, read from what is pinned, or from what a freeze would pin (EVI.6).

use std::collections::HashSet;

use crate::{
    api::Problem,
    backend::app::Backend,
    incident::{
        Incident, World,
        evidence::{FreezeEvidence, Predicate, wanted},
    },
    telemetry::trace::{Gathering, Trace},
    terms::DrillId,
};

/// Actions that one trace reads.
const MOST: usize = 100_000;
/// Rows that one trace has.
const ROWS: usize = 2_000;
/// Actions read at a time: each may be large.
const PAGE: usize = 200;

/// The path from input to consequence: of the whole incident, or of one run and what shares its traces. Secrets are
/// masked.
///
/// # Errors
/// A store that cannot be read.
pub async fn trace(
    backend: &Backend,
    drill: Option<DrillId>,
    incident: &Incident,
    world: &World,
    run: Option<&str>,
) -> Result<Trace, Problem> {
    let predicates: Vec<Predicate> = if incident.evidence.is_frozen() {
        incident.evidence.freezes.iter().map(|freeze| freeze.until(incident.closed_at)).collect()
    } else {
        vec![wanted(incident, world, &FreezeEvidence::default())?.until(incident.closed_at)]
    };
    let traces = match run {
        Some(run) => traces_of(backend, drill, run).await?,
        None => HashSet::new(),
    };
    let secrets = backend.runbook.load().secrets.clone();
    let mask = |text: &str| secrets.mask(text);
    let mut gathering = Gathering::default();
    let mut seen = HashSet::new();
    let mut cut = false;
    for predicate in &predicates {
        let mut after = 0;
        while !cut {
            let page = super::pinned(backend, drill, predicate, after, PAGE).await?;
            let Some(last) = page.last().map(|kept| kept.seq) else { break };
            for kept in page {
                let action = &kept.action;
                let asked = run.is_none_or(|run| {
                    action.run.as_deref() == Some(run) || action.trace_id.as_ref().is_some_and(|id| traces.contains(id))
                });
                if !asked || !seen.insert(kept.seq) {
                    continue;
                }
                if gathering.len() >= MOST {
                    cut = true;
                    break;
                }
                gathering.add(kept.seq, action, &mask);
            }
            after = last;
            tokio::task::yield_now().await;
        }
    }
    let trace = tokio::task::spawn_blocking(move || gathering.finish(ROWS));
    let trace = trace.await.map_err(|why| Problem::unavailable(format!("the trace was not made: {why}")))?;
    Ok(Trace { cut, ..trace })
}

/// The traces that a run took part in: what other agents did in them belongs to its path.
async fn traces_of(backend: &Backend, drill: Option<DrillId>, run: &str) -> Result<HashSet<String>, Problem> {
    let predicate = Predicate { runs: vec![run.to_owned()], ..Predicate::default() };
    let mut traces = HashSet::new();
    let (mut after, mut read) = (0, 0);
    loop {
        let page = super::pinned(backend, drill, &predicate, after, PAGE).await?;
        let Some(last) = page.last().map(|kept| kept.seq) else { return Ok(traces) };
        read += page.len();
        traces.extend(page.into_iter().filter_map(|kept| kept.action.trace_id));
        if read >= MOST {
            return Ok(traces);
        }
        after = last;
    }
}
