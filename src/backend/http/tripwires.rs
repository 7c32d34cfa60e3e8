//! `/v1/tripwires`: what rules would stop before it runs, and the switches that people approved for tripwires.

use std::sync::Arc;

use axum::extract::State;

use super::{
    extract::{InWorld, Json},
    reply::{Reply, ask, world, worlds},
};
use crate::{
    api::{Accepted, Ask, AutoPlan, BacktestView, CompareTripwires, ComparedTripwires, SetAutoStage, TripwiresView},
    backend::{app::Backend, backtest, identity::Identity},
    incident::{Command, SetAuto},
};

/// How often each rule objected, and what was approved.
pub async fn show(State(backend): State<Arc<Backend>>, InWorld(drill): InWorld) -> Reply<TripwiresView> {
    let all = worlds(&backend, drill)?;
    let auto = world(&all, drill)?.auto.values().cloned().collect();
    let interlock = backend.rooms.interlocks.get(drill);
    let before = interlock.map(|interlock| interlock.tallies()).unwrap_or_default();
    Ok(axum::Json(TripwiresView { before, auto }))
}

/// What a switch would have done, had it been approved.
pub async fn test(
    State(backend): State<Arc<Backend>>,
    InWorld(drill): InWorld,
    Json(plan): Json<AutoPlan>,
) -> Reply<BacktestView> {
    backtest::run(&backend, drill, plan).await.map(axum::Json)
}

/// Tripwires tried over what is stored, beside those in force (DET.8).
pub async fn compare(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Json(asked): Json<CompareTripwires>,
) -> Reply<ComparedTripwires> {
    backtest::compare(&backend, drill, &identity.author, asked).await.map(axum::Json)
}

/// A person's word: the backtest they confirm is one they were shown.
pub async fn set(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    InWorld(drill): InWorld,
    Json(Ask { id, command }): Json<Ask<SetAutoStage>>,
) -> Reply<Accepted> {
    let SetAutoStage { tripwire, rule, stage, scope, mode, why, confirm } = command;
    let plan = AutoPlan { tripwire, rule, scope, mode, days: 0 };
    let confirmed = |confirm: String| backend.rooms.backtests.confirmed(drill, (backend.clock)(), &plan, &confirm);
    let backtest = confirm.map(confirmed).transpose()?;
    let AutoPlan { tripwire, rule, .. } = plan;
    ask(&backend, &identity, drill, id, Command::SetAuto(SetAuto { tripwire, rule, stage, scope, mode, why, backtest }))
        .await
}
