//! What every route shares: an accepted command, the world it is about.

use std::sync::Arc;

use axum::Json;
use uuid::Uuid;

use crate::{
    api::{Accepted, Problem},
    backend::{app::Backend, blobs::Digest, evidence, identity::Identity, rights},
    drill,
    incident::{
        Command, IncidentCommand, World, Worlds,
        drilled::{Steer, Steered},
        evidence::{Blob, Source},
        rollback::Said,
    },
    terms::{DrillId, IncidentId},
};

/// What a route answers.
pub type Reply<T> = Result<Json<T>, Problem>;

/// Asks a command for `identity`, when the table lets them.
///
/// # Errors
/// The table's refusal, the rules', or the log's.
pub async fn ask(
    backend: &Backend,
    identity: &Identity,
    world: Option<DrillId>,
    id: Uuid,
    command: Command,
) -> Reply<Accepted> {
    identity.demand(rights::needed(&command))?;
    if let Command::Engage(engage) = &command {
        identity.demand_switch(&engage.scope, engage.mode)?;
    }
    if let Command::OnIncident { incident, ask } = &command
        && !matches!(ask, IncidentCommand::EnterRestricted(_))
    {
        sees(backend, identity, world, *incident)?;
    }
    let now = (backend.clock)();
    backend.logins.demand_fresh(&backend.core, identity, (world, id), &command, now).await?;
    if let Command::SteerDrill(Steered { how: Steer::Inject { line }, .. }) = &command {
        drill::injected(line, (backend.clock)()).map_err(|why| Problem::invalid(422, why.to_string()))?;
    }
    let command = match command {
        // What is frozen is pinned before it is recorded.
        Command::OnIncident { incident, ask: IncidentCommand::FreezeEvidence(ask) } => {
            return evidence::freeze(backend, world, id, identity.author.clone(), incident, ask).await.map(Json);
        }
        // What shows an item is kept before it is named.
        Command::OnIncident { ask: IncidentCommand::SetEvidence(ref set), .. } => {
            if let Some(Source::Blob(blob)) = &set.source {
                kept(backend, blob)?;
            }
            command
        }
        Command::OnIncident { ask: IncidentCommand::WorkRollback(ref worked), .. } => {
            if let Said::Ran { output, .. } = &worked.said {
                kept(backend, output)?;
            }
            command
        }
        command => command,
    };
    let mut accepted = backend.core.submit(world, id, identity.author.clone(), command).await?;
    // What it led to in an incident that only others see is not told.
    let worlds = backend.core.worlds();
    accepted.events.retain(|event| worlds.shows(event, &identity.author));
    Ok(Json(accepted))
}

/// Refuses an incident that only others see, as if it were not there (TEAM.9).
///
/// # Errors
/// 404.
pub fn sees(backend: &Backend, identity: &Identity, world: Option<DrillId>, id: IncidentId) -> Result<(), Problem> {
    let worlds = backend.core.worlds();
    let known = worlds.get(world).and_then(|world| world.incidents.get(&id));
    match known.is_none_or(|incident| incident.is_seen_by(&identity.author)) {
        true => Ok(()),
        false => {
            tracing::info!(who = %identity.author, %id, "asked for an incident that is restricted to others");
            Err(unknown(id, "andon incidents"))
        }
    }
}

/// The whole fold, and proof that the world asked about is in it.
///
/// # Errors
/// 404 for a drill nobody started.
pub fn worlds(backend: &Backend, world: Option<DrillId>) -> Result<Arc<Worlds>, Problem> {
    let worlds = backend.core.worlds();
    match worlds.get(world) {
        Some(_) => Ok(worlds),
        None => Err(no_world(world)),
    }
}

/// What the log says, folded, and proof that the world asked about is in it.
///
/// # Errors
/// 404 for a drill nobody started.
pub fn recorded(backend: &Backend, world: Option<DrillId>) -> Result<Arc<Worlds>, Problem> {
    let recorded = backend.core.recorded();
    match recorded.get(world) {
        Some(_) => Ok(recorded),
        None => Err(no_world(world)),
    }
}

/// One world of the fold.
///
/// # Errors
/// 404 for a drill nobody started.
pub fn world(worlds: &Worlds, world: Option<DrillId>) -> Result<&World, Problem> {
    worlds.get(world).ok_or_else(|| no_world(world))
}

fn no_world(world: Option<DrillId>) -> Problem {
    let name = world.map_or_else(|| "the real world".to_owned(), |drill| drill.to_string());
    Problem::unknown(format!(
        "there is no {name}; `andon drill list` shows the drills, without `world` it is the real one"
    ))
}

/// Nothing goes by this id.
pub fn unknown(id: impl std::fmt::Display, list: &str) -> Problem {
    Problem::unknown(format!("there is no {id} in this world; `{list}` shows what there is"))
}

/// That a blob is there, and as long as it is said to be.
fn kept(backend: &Backend, blob: &Blob) -> Result<(), Problem> {
    let digest: Digest = blob.digest.parse().map_err(|why: String| Problem::invalid(422, why))?;
    let bytes = backend.blobs.open(&digest)?.bytes;
    match bytes == blob.bytes {
        true => Ok(()),
        false => Err(Problem::invalid(422, format!("`bytes`: {digest} has {bytes} bytes"))),
    }
}
