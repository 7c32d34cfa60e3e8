//! What a freeze pins when nobody says more (EVI.1, protocol 6).

use super::{FreezeEvidence, Predicate};
use crate::{
    incident::{Incident, Refusal, RefusalCode, World},
    terms::Time,
};

/// The longest run id, in bytes; longer ones never arrive.
const LONGEST_RUN: usize = 512;

/// Which actions a freeze of `incident` pins: what is asked, else the incident's agents from 24 h before harm — or from
/// the earliest action, where that is earlier — to its closing. An incident that names no agent pins everybody's.
///
/// # Errors
/// A window that ends before it begins; a run that cannot be one.
pub fn wanted(incident: &Incident, world: &World, ask: &FreezeEvidence) -> Result<Predicate, Refusal> {
    let invalid = |detail: &str| Refusal::new(RefusalCode::Invalid, detail);
    if let (Some(from), Some(to)) = (ask.from, ask.to)
        && from > to
    {
        return Err(invalid("the window ends before it begins: --from must not be after --to"));
    }
    if let Some(run) = &ask.run {
        if run.is_empty() || run.len() > LONGEST_RUN {
            return Err(invalid("a run is named by an id of 1 to 512 bytes"));
        }
        return Ok(Predicate { runs: vec![run.clone()], from: ask.from, to: ask.to, ..Predicate::default() });
    }
    let agents = ask.agent.clone().map_or_else(|| incident.agents.clone(), |agent| vec![agent]);
    let from = ask.from.unwrap_or_else(|| begins(incident, world));
    if ask.to.is_some_and(|to| to < from) {
        return Err(invalid("the window ends before it begins: say from when with --from"));
    }
    Ok(Predicate { agents, runs: Vec::new(), from: Some(from), to: ask.to })
}

/// The first action that is suspected: the earliest known harm, firing or word of it; else the declaration.
pub fn first_suspect(incident: &Incident, world: &World) -> Time {
    let fired = incident.firings.iter().filter_map(|id| world.firings.get(id)).map(|firing| firing.at);
    let known = [incident.mttd.action, incident.harm_at].into_iter().flatten();
    known.chain(fired).min().unwrap_or(incident.declared_at)
}

fn begins(incident: &Incident, world: &World) -> Time {
    let harm = incident.harm_at.unwrap_or(incident.declared_at).plus(-24 * Time::HOUR);
    harm.min(first_suspect(incident, world))
}
