//! `/v1/drills`: recordings listed, played in a world of their own, ended (DRL.1).

use std::sync::Arc;

use axum::extract::{Request, State};
use uuid::Uuid;

use super::{
    extract::{Id, Json, body, read},
    reply::{Reply, ask, unknown},
};
use crate::{
    api::{Accepted, Ask, DrillStarted, LONGEST_RECORDING, Problem, RecordingView, StartDrill},
    backend::{app::Backend, drill as play, identity::Identity, rights::Right},
    drill::{self, Outline, Score},
    incident::{
        Command, Drill,
        drilled::{Steer, Steered},
    },
    terms::DrillId,
};

/// Every drill, oldest first.
pub async fn list(State(backend): State<Arc<Backend>>, identity: Identity) -> axum::Json<Vec<Drill>> {
    let worlds = backend.core.worlds();
    axum::Json(worlds.takes.values().map(|take| take.seen_by(&identity.author).into_owned()).collect())
}

/// Every recording that can be played.
pub async fn recordings() -> axum::Json<Vec<RecordingView>> {
    axum::Json(play::recordings())
}

/// Plays one.
pub async fn start(State(backend): State<Arc<Backend>>, identity: Identity, request: Request) -> Reply<DrillStarted> {
    identity.demand(Right::Drill)?;
    // As JSON a text may take twice its bytes.
    let body = body(request, 2 * LONGEST_RECORDING).await?;
    let Ask { id, command } = read::<Ask<StartDrill>>(&body)?;
    play::start(&backend, identity.author.clone(), id, command).await.map(axum::Json)
}

/// A facilitator's hand on one (DRL.1).
pub async fn steer(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Id(drill): Id<DrillId>,
    Json(Ask { id, command: how }): Json<Ask<Steer>>,
) -> Reply<Accepted> {
    ask(&backend, &identity, None, id, Command::SteerDrill(Steered { drill, how })).await
}

/// The recording's outline, for those who lead the drill: no participant sees it ahead of the playhead (DRL.1).
pub async fn outline(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Id(drill): Id<DrillId>,
) -> Reply<Outline> {
    identity.demand(Right::Drill)?;
    let worlds = backend.core.worlds();
    let take = worlds.takes.get(&drill).ok_or_else(|| unknown(drill, "andon drill list"))?;
    if !take.is_led_by(&identity.author) {
        return Err(Problem::forbidden(format!("{drill} is led by {}: what comes is theirs to see", take.started_by)));
    }
    let outline = play::outline(&backend, take).await;
    outline.map(axum::Json).ok_or_else(|| Problem::unknown(format!("{drill} is not played by this backend any more")))
}

/// What one came to, from the log and what is counted now (DRL.3).
pub async fn score(State(backend): State<Arc<Backend>>, identity: Identity, Id(drill): Id<DrillId>) -> Reply<Score> {
    let worlds = backend.core.worlds();
    let known = worlds.takes.get(&drill).zip(worlds.get(Some(drill)));
    let (take, world) = known.ok_or_else(|| unknown(drill, "andon drill list"))?;
    let counted = backend.playing.harm(drill);
    let (seen, runbook) = (world.seen_by(&identity.author), backend.runbook.load_full());
    Ok(axum::Json(drill::score(take, &seen, &runbook, counted, (backend.clock)())))
}

/// Ends one; its world stays to be read.
pub async fn end(State(backend): State<Arc<Backend>>, identity: Identity, Id(drill): Id<DrillId>) -> Reply<Accepted> {
    ask(&backend, &identity, None, Uuid::now_v7(), Command::EndDrill { drill }).await
}
