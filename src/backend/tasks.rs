//! What the backend does by itself, by the clock: proofs of halt into the log, switches that expire, figures to listeners.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::{
    app::Backend,
    intake::{HotStore, StoreError},
    interlock::{Interlock, SLIPPED},
};
use crate::{
    incident::{
        Command, World,
        containment::{HoldEnd, HoldState, Slipped, Switch, SwitchState},
    },
    terms::{Author, HoldId, SwitchId, Time},
};

/// How often listeners may hear the figures change.
const FIGURES: Duration = Duration::from_secs(1);
/// How often switches are looked at for expiry.
const EXPIRY: Duration = Duration::from_millis(500);

/// How often proofs of halt are looked at: a responder watches them come in.
const PROOFS: Duration = Duration::from_millis(100);

/// How often it is looked for switches whose harm began before them.
const LOOK_BACK: Duration = Duration::from_millis(500);
/// Stored actions read at a time, and how often at most, for one switch.
const PAGE: (usize, usize) = (1_000, 50);
/// How far a sender's clock may be ahead.
const AHEAD: i64 = 5 * Time::MINUTE;

/// Starts every task; they end when the set is dropped.
pub fn start(backend: &Arc<Backend>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(every(FIGURES, backend.clone(), |backend| async move { backend.tell_figures() }));
    tasks.spawn(every(EXPIRY, backend.clone(), keep_time));
    tasks.spawn(every(PROOFS, backend.clone(), record_proofs));
    tasks.spawn(every(LOOK_BACK, backend.clone(), look_back));
    let pulse = backend.rooms.interlocks.pulse().clone();
    tasks.spawn(async move { pulse.watch().await });
    let interlocks = backend.rooms.interlocks.clone();
    tasks.spawn(async move { interlocks.room().hear().await });
    tasks.spawn(stop_without_a_writer(backend.clone()));
    tasks
}

/// A backend that can record nothing must not go on answering.
async fn stop_without_a_writer(backend: Arc<Backend>) {
    backend.core.ended().await;
    tracing::error!("the writer of the log has ended; the backend stops");
    backend.stop.cancel();
}

/// Does `work` every `period`; what takes longer delays the next.
async fn every<W: Future<Output = ()>>(period: Duration, backend: Arc<Backend>, work: impl Fn(Arc<Backend>) -> W) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        work(backend.clone()).await;
    }
}

/// Has the log take what the interlock proved since, the breaches that closed, and what rules objected to before it ran
/// (CON.10, DET.9, DET.12).
async fn record_proofs(backend: Arc<Backend>) {
    let now = (backend.clock)();
    for (drill, interlock) in backend.rooms.interlocks.all() {
        // One node proves for all of them: each heard what the others did.
        let proofs = if backend.nodes.leads() { interlock.proofs(now) } else { Vec::new() };
        let proofs = proofs.into_iter().map(|(switch, halt)| Command::Prove { switch, halt });
        let closed = interlock.closed_breaches(now);
        let fired = (!closed.is_empty()).then_some(Command::Fire { changes: closed });
        for command in proofs.chain(fired) {
            let by = Author::Andon("interlock".to_owned());
            if let Err(problem) = backend.core.submit(drill, Uuid::now_v7(), by, command).await {
                tracing::warn!(%problem, "a proof waits to be recorded");
            }
        }
        let asked = interlock.own_changes(now);
        if !asked.is_empty() {
            let by = Author::Andon("interlock".to_owned());
            let fire = Command::Fire { changes: asked.clone() };
            match backend.core.submit(drill, Uuid::now_v7(), by, fire).await {
                Ok(_) => interlock.own_told(&asked, now),
                Err(problem) => tracing::warn!(%problem, "what rules objected to waits to be recorded"),
            }
        }
    }
}

/// Finds what slipped by before a switch was engaged, from confirmed harm on (CON.10).
async fn look_back(backend: Arc<Backend>) {
    for (drill, interlock) in backend.rooms.interlocks.all() {
        for (switch, from) in interlock.to_look_back() {
            let Some(intake) = backend.rooms.intakes.get().and_then(|intakes| intakes.existing(drill)) else { break };
            match slipped_since(intake.store(), &interlock, &switch, from).await {
                Ok(found) => interlock.look_back(switch.id, from, found),
                Err(error) => tracing::warn!(%error, switch = %switch.id, "what slipped by is not known yet"),
            }
        }
    }
}

/// The newest stored actions that `switch` would not have allowed.
async fn slipped_since(
    store: &HotStore,
    interlock: &Interlock,
    switch: &Switch,
    from: Time,
) -> Result<Vec<Slipped>, StoreError> {
    let (mut found, mut before) = (Vec::new(), None);
    store.flush().await?;
    for _ in 0..PAGE.1 {
        let page = store.before(before, switch.scope.agent.as_ref(), PAGE.0).await?;
        let Some(oldest) = page.first() else { break };
        let harmful = page.iter().rev().map(|kept| &kept.action).filter(|action| action.at >= from);
        found.extend(harmful.filter_map(|action| interlock.slipped(switch, action)));
        if found.len() >= SLIPPED || oldest.action.received_at < from.plus(-AHEAD) {
            break;
        }
        before = Some(oldest.seq);
    }
    found.sort_by_key(|slipped| std::cmp::Reverse(slipped.at));
    found.truncate(SLIPPED);
    Ok(found)
}

/// Lifts every preventive switch whose time is up, engages the planned ones, and ends holds that ran out, in every world
/// (CON.9, CON.12).
async fn keep_time(backend: Arc<Backend>) {
    if !backend.nodes.leads() {
        return;
    }
    let worlds = backend.core.worlds();
    let now = (backend.clock)();
    let drills = worlds.drills.iter().map(|(drill, world)| (Some(*drill), world));
    for (drill, world) in std::iter::once((None, &worlds.real)).chain(drills) {
        for command in due(world, now) {
            let by = Author::Andon("clock".to_owned());
            if let Err(problem) = backend.core.submit(drill, Uuid::now_v7(), by, command).await {
                tracing::warn!(%problem, "what is due waits");
            }
        }
        for switch in expired(world, now) {
            let release =
                Command::Release { switch, why: "its time was up".to_owned(), agent: None, to: None, over: None };
            let by = Author::Andon("expiry".to_owned());
            if let Err(problem) = backend.core.submit(drill, Uuid::now_v7(), by, release).await {
                tracing::warn!(%switch, %problem, "an expired switch stays in force");
            }
        }
    }
}

/// Planned switches whose time has come, and holds whose time is up.
fn due(world: &World, now: Time) -> Vec<Command> {
    let planned = world.switches.values().filter(|switch| switch.state == SwitchState::Planned);
    let begun = planned.filter(|switch| switch.engaged_at <= now).map(|switch| Command::Begin { switch: switch.id });
    let over = world.holds.values().filter(|hold| {
        matches!(hold.state, HoldState::Waiting | HoldState::Approved) && hold.state_at(now) == HoldState::Expired
    });
    let holds: Vec<HoldId> = over.map(|hold| hold.id).collect();
    let ended = (!holds.is_empty()).then_some(Command::EndHolds { holds, how: HoldEnd::Expired });
    begun.chain(ended).collect()
}

/// A switch tied to an incident never expires by itself.
fn expired(world: &World, now: Time) -> Vec<SwitchId> {
    let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
    let engaged = world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    engaged.filter(|switch| switch.incident.is_none() && due(switch.expires_at)).map(|switch| switch.id).collect()
}
