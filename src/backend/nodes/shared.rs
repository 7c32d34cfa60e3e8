//! What several nodes tell each other through their database.

use std::{sync::Arc, time::Duration};

use sqlx::{Row, postgres::PgPool};
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use super::Node;
use crate::{
    backend::{app::Backend, interlock::Sighting},
    incident::containment::{ProofState, SwitchState},
    terms::Time,
};

/// How often it is looked whether there is something to tell.
const LOOK: Duration = Duration::from_millis(250);
/// After how many looks it is told in any case.
const LOOKS: u32 = 4;
/// How long a lead lasts without renewal, in seconds; and by how much sooner this node believes it over.
const LEAD_S: i32 = 5;
const EARLY: i64 = 1_500;
/// How long one round of telling may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells the others and hears them, as long as it is polled. Another node is taken to live for ten seconds after its word.
pub async fn keep(backend: Arc<Backend>, pool: PgPool) {
    let me = Uuid::now_v7();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = LOOKS;
    loop {
        ticks.tick().await;
        looks += 1;
        if looks < LOOKS && !proving(&backend) {
            continue;
        }
        looks = 0;
        match timeout(PATIENCE, round(&backend, &pool, me)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the other nodes are not heard"),
            Err(_) => tracing::warn!("the other nodes are not heard: the database does not answer"),
        }
    }
}

/// Whether somebody waits for a proof of halt.
fn proving(backend: &Backend) -> bool {
    let worlds = backend.core.worlds();
    let waits = |state: ProofState| !matches!(state, ProofState::Confirmed | ProofState::Idle);
    let mut engaged = worlds.real.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    engaged.any(|switch| switch.halt.agents.iter().any(|agent| waits(agent.state)))
}

async fn round(backend: &Backend, pool: &PgPool, me: Uuid) -> Result<(), sqlx::Error> {
    let now = (backend.clock)();
    let interlock = backend.rooms.interlocks.get(None);
    let mut sighting = interlock.as_ref().map(|interlock| interlock.sighting(now)).unwrap_or_default();
    sighting.present = backend.presence.names();
    sighting.writing = backend.presence.writers(now);
    sighting.in_drills = backend.presence.in_drills();
    let sighting = serde_json::to_string(&sighting).unwrap_or_default();
    sqlx::query(
        "INSERT INTO nodes (id, name, seen_at, sighting) VALUES ($1, $2, now(), $3)
         ON CONFLICT (id) DO UPDATE SET name = $2, seen_at = now(), sighting = $3",
    )
    .bind(me)
    .bind(crate::backend::app::host_name())
    .bind(sighting)
    .execute(pool)
    .await?;
    lead(backend, pool, me).await?;
    let rows = sqlx::query(
        "SELECT id, name, sighting, (extract(epoch from now() - seen_at) * 1000)::bigint FROM nodes
         WHERE id <> $1 AND seen_at > now() - interval '10 s'",
    )
    .bind(me)
    .fetch_all(pool)
    .await?;
    let mut others = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, name, age): (Uuid, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(3)?);
        let Ok(seen) = serde_json::from_str::<Sighting>(row.try_get(2)?) else { continue };
        if let Some(interlock) = &interlock {
            interlock.take_sighting(id, &seen, age, now);
        }
        let Sighting { present, writing, in_drills, .. } = seen;
        others.push(Node { name, present, writing, in_drills });
    }
    backend.nodes.meet(others);
    Ok(())
}

/// Takes or keeps the lead where nobody else has it. The database's clock decides; this node's only makes it give up sooner.
async fn lead(backend: &Backend, pool: &PgPool, me: Uuid) -> Result<(), sqlx::Error> {
    let asked = (backend.nodes.steady)();
    let mine = sqlx::query(
        "INSERT INTO leader (node, until) VALUES ($1, now() + make_interval(secs => $2))
         ON CONFLICT (one) DO UPDATE SET node = $1, until = now() + make_interval(secs => $2)
         WHERE leader.node = $1 OR leader.until < now()",
    )
    .bind(me)
    .bind(f64::from(LEAD_S))
    .execute(pool)
    .await?;
    let until = (mine.rows_affected() == 1).then(|| asked.plus(i64::from(LEAD_S) * Time::SECOND - EARLY));
    backend.nodes.lead_until(until);
    // Nodes that were stopped leave their rows behind.
    if until.is_some() {
        sqlx::query("DELETE FROM nodes WHERE seen_at < now() - interval '1 hour'").execute(pool).await?;
    }
    Ok(())
}
