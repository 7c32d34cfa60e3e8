//! What a post-mortem takes from telemetry: what its agents spent and did, and what proposed tripwires would have done to
//! it (PM.3, DET.8).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{app::Backend, backtest};
use crate::{
    api::Problem,
    incident::{
        Incident, World,
        postmortem::{SetFigures, TripwireBacktest, span_of},
    },
    report::{Spend, window},
    terms::{AgentId, DrillId, Time},
    tripwire::Backtest,
};

/// Actions of one agent that are read at most, the newest.
const ACTIONS: usize = 200_000;
/// Actions read at a time.
const PAGE: usize = 5_000;

/// What the incident's agents spent and did in its window; nothing where telemetry cannot be read or there is none.
pub async fn spend(backend: &Backend, drill: Option<DrillId>, world: &World, incident: &Incident) -> Option<Spend> {
    let intake = backend.rooms.intakes.get()?.existing(drill)?;
    let store = intake.store();
    let now = (backend.clock)();
    let first = incident.firings.iter().filter_map(|id| world.firings.get(id)).map(|firing| firing.at).min();
    let (from, to) = window(incident, first, now);
    let mut spend = Spend::new(&incident.agents, from, to);
    if let Err(why) = store.flush().await {
        tracing::warn!(%why, "what waits for the disk is left out of a post-mortem");
    }
    let agents: Vec<Option<&AgentId>> = match incident.agents.as_slice() {
        [] => vec![None],
        agents => agents.iter().map(Some).collect(),
    };
    for agent in agents {
        let (mut before, mut read) = (None, 0);
        loop {
            let page = match store.before(before, agent, PAGE).await {
                Ok(page) => page,
                Err(why) => {
                    tracing::warn!(%why, "telemetry cannot be read for a post-mortem");
                    return None;
                }
            };
            let Some(oldest) = page.first() else { break };
            page.iter().for_each(|kept| spend.take(&kept.action));
            // Late ones come up to a week behind: by when they were received, nothing older can lie in the window.
            let past = page.iter().all(|kept| kept.action.received_at < from);
            (before, read) = (Some(oldest.seq), read + page.len());
            if past || page.len() < PAGE {
                break;
            }
            if read >= ACTIONS {
                spend.cut = true;
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    Some(spend.whole())
}

/// Judges the stored telemetry with the tripwires in force and with the proposed `texts`, by file name.
///
/// # Errors
/// 422 for texts that do not read or days nobody keeps; 503 where another backtest runs or the store cannot be read.
pub async fn compare(
    backend: &Backend,
    drill: Option<DrillId>,
    world: &World,
    incident: &Incident,
    texts: &BTreeMap<String, String>,
    asked: (Option<Time>, u32),
) -> Result<TripwireBacktest, Problem> {
    let (since, days) = asked;
    if !(1..=backtest::MOST_DAYS).contains(&days) {
        return Err(Problem::invalid(422, format!("`days` is 1 to {}", backtest::MOST_DAYS)));
    }
    let present = backend.runbook.load().tripwires.clone();
    let proposed = present.proposed(texts).map_err(|why| Problem::invalid(422, why.to_string()))?;
    let busy = || Problem::unavailable("another backtest is under way; ask again when it is done");
    let _one = backend.rooms.backtests.one_at_a_time.try_lock().map_err(|_| busy())?;
    let declared = || world.agents.values().map(|agent| &agent.declared);
    let mut tests = [Backtest::new(present, declared()), Backtest::new(proposed, declared())];
    let (actions, cut) = backtest::judge_stored(backend, drill, &mut tests).await?;
    let (from, to) = span_of(incident, world, (backend.clock)());
    let from = since.unwrap_or(from).min(to);
    let [present, proposed] = tests.map(|test| SetFigures::of(&test.lines(), incident, world, (from, to), days));
    let canonical = serde_json_canonicalizer::to_vec(texts).map_err(|why| Problem::unavailable(why.to_string()))?;
    let digest = hex::encode(Sha256::digest(canonical));
    Ok(TripwireBacktest { from, to, days, actions, cut, present, proposed, digest })
}
