//! `/v1/holds`: calls that wait for a person. Clients wait on theirs, people decide.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::Uri};

use super::{
    extract::{Id, InWorld, Json, parameter, typed_parameter},
    reply::{Reply, ask, world, worlds},
};
use crate::{
    api::{Accepted, Ask, DecideHold, HoldView, Problem},
    backend::{
        app::Backend,
        identity::Identity,
        interlock::{Ways, holds},
        rights::Right,
    },
    incident::{Command, containment::HoldState},
    terms::{DrillId, HoldId},
};

/// Those that wait, oldest first; with `?all=true` the others too.
pub async fn list(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld, uri: Uri) -> Reply<Vec<HoldView>> {
    let everything = parameter(&uri, "all").is_some_and(|all| all == "true");
    let all = worlds(&backend, drill)?;
    let (now, interlock) = ((backend.clock)(), backend.rooms.interlocks.get(drill));
    let views = world(&all, drill)?.holds.values().map(|hold| {
        let asked_at = interlock.as_ref().and_then(|interlock| interlock.hold_asked_at(hold.id));
        HoldView::of(hold, asked_at, now)
    });
    Ok(axum::Json(views.filter(|view| everything || view.hold.state == HoldState::Waiting).collect()))
}

/// One hold; `?wait_s=25` waits until it no longer waits.
pub async fn show(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(id): Id<HoldId>,
    uri: Uri,
) -> Reply<HoldView> {
    let ways = Ways::of(&backend);
    of_its_agent(&ways, &identity, drill, id)?;
    match typed_parameter::<u64>(&uri, "wait_s")? {
        Some(seconds) => holds::wait(&ways, drill, id, Duration::from_secs(seconds)).await,
        None => holds::view(&ways, drill, id),
    }
    .map(axum::Json)
}

/// The client gave up.
pub async fn abandon(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(id): Id<HoldId>,
) -> Reply<HoldView> {
    let ways = Ways::of(&backend);
    of_its_agent(&ways, &identity, drill, id)?;
    holds::abandon(&ways, drill, id).await.map(axum::Json)
}

/// A person's word on one.
pub async fn decide(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Id(hold): Id<HoldId>,
    Json(Ask { id, command }): Json<Ask<DecideHold>>,
) -> Reply<Accepted> {
    let DecideHold { approve, why, saw, looked_s } = command;
    ask(&backend, &identity, drill, id, Command::DecideHolds { holds: vec![hold], approve, why, saw, looked_s }).await
}

/// An agent sees and gives up its own holds only; a person who watches sees all.
fn of_its_agent(ways: &Ways, identity: &Identity, drill: Option<DrillId>, id: HoldId) -> Result<(), Problem> {
    let view = holds::view(ways, drill, id)?;
    let own = view.hold.call.agent.as_ref().is_some_and(|agent| identity.speaks_for(agent));
    if own || identity.may(Right::Watch) {
        return Ok(());
    }
    Err(Problem::forbidden(format!("{id} is another agent's; an agent sees its own")))
}
