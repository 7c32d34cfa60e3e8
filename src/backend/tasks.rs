//! What the backend does by itself, by the clock: proofs of halt into the log, switches that expire, figures to listeners.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::app::Backend;
use crate::{
    incident::{Command, World, containment::SwitchState},
    terms::{Author, SwitchId, Time},
};

/// How often listeners may hear the figures change.
const FIGURES: Duration = Duration::from_secs(1);
/// How often switches are looked at for expiry.
const EXPIRY: Duration = Duration::from_millis(500);

/// How often proofs of halt are looked at: a responder watches them come in.
const PROOFS: Duration = Duration::from_millis(100);

/// Starts every task; they end when the set is dropped.
pub fn start(backend: &Arc<Backend>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(every(FIGURES, backend.clone(), |backend| async move { backend.tell_figures() }));
    tasks.spawn(every(EXPIRY, backend.clone(), release_expired));
    tasks.spawn(every(PROOFS, backend.clone(), record_proofs));
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

/// Has the log take what the interlock proved since, and the breaches that closed (CON.10, DET.9).
async fn record_proofs(backend: Arc<Backend>) {
    let now = (backend.clock)();
    for (drill, interlock) in backend.rooms.interlocks.all() {
        let proofs = interlock.proofs(now).into_iter().map(|(switch, halt)| Command::Prove { switch, halt });
        let closed = interlock.closed_breaches(now);
        let fired = (!closed.is_empty()).then_some(Command::Fire { changes: closed });
        for command in proofs.chain(fired) {
            let by = Author::Andon("interlock".to_owned());
            if let Err(problem) = backend.core.submit(drill, Uuid::now_v7(), by, command).await {
                tracing::warn!(%problem, "a proof waits to be recorded");
            }
        }
    }
}

/// Lifts every preventive switch whose time has come, in every world (CON.9).
async fn release_expired(backend: Arc<Backend>) {
    let worlds = backend.core.worlds();
    let now = (backend.clock)();
    let drills = worlds.drills.iter().map(|(drill, world)| (Some(*drill), world));
    for (drill, world) in std::iter::once((None, &worlds.real)).chain(drills) {
        for switch in expired(world, now) {
            let release = Command::Release { switch, why: "its time was up".to_owned(), agent: None };
            let by = Author::Andon("expiry".to_owned());
            if let Err(problem) = backend.core.submit(drill, Uuid::now_v7(), by, release).await {
                tracing::warn!(%switch, %problem, "an expired switch stays in force");
            }
        }
    }
}

/// A switch tied to an incident never expires by itself.
fn expired(world: &World, now: Time) -> Vec<SwitchId> {
    let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
    let engaged = world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    engaged.filter(|switch| switch.incident.is_none() && due(switch.expires_at)).map(|switch| switch.id).collect()
}
