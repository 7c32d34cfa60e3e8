//! What the engine saw, on its way to the log: in order, never lost, repeats at most once a second (protocol 1).

use std::{collections::HashMap, time::Duration};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::wiring::Writer;
use crate::{
    terms::DrillId,
    tripwire::{FiringChange, FiringKey},
};

/// Changes, and who waits until they are recorded.
pub(super) struct Fired {
    pub changes: Vec<FiringChange>,
    pub recorded: Option<oneshot::Sender<()>>,
}

/// How long repeats are collected.
const COALESCE: Duration = Duration::from_secs(1);
/// Between two attempts to record.
const RETRY: Duration = Duration::from_millis(500);
/// Changes in one command at most.
const BATCH: usize = 256;

/// Records until the senders are gone. While the log cannot take them nothing more is received, so that the queue before
/// the engine fills and senders hear of it.
pub(super) async fn record(writer: impl Writer, drill: Option<DrillId>, mut fired: mpsc::Receiver<Fired>) {
    let mut repeats: HashMap<FiringKey, FiringChange> = HashMap::new();
    let mut every = tokio::time::interval(COALESCE);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {
                let mut changes: Vec<FiringChange> = repeats.drain().map(|(_, change)| change).collect();
                changes.sort_by(|a, b| key(a).cmp(key(b)));
                submit(&writer, drill, changes).await;
            }
            first = fired.recv() => {
                let Some(first) = first else { break };
                let mut waiting = Vec::new();
                let mut changes = Vec::new();
                let mut next = Some(first);
                while let Some(one) = next {
                    for change in one.changes {
                        sort_in(change, &mut repeats, &mut changes);
                    }
                    waiting.extend(one.recorded);
                    next = if changes.len() < BATCH { fired.try_recv().ok() } else { None };
                }
                submit(&writer, drill, changes).await;
                for recorded in waiting {
                    let _ = recorded.send(());
                }
            }
        }
    }
    submit(&writer, drill, repeats.into_values().collect()).await;
}

/// Repeats wait for the next second, unless their firing closes now.
pub(super) fn sort_in(
    change: FiringChange,
    repeats: &mut HashMap<FiringKey, FiringChange>,
    changes: &mut Vec<FiringChange>,
) {
    match &change {
        FiringChange::Counted { key, .. } => {
            repeats.insert(key.clone(), change);
        }
        FiringChange::Opened { .. } => changes.push(change),
        FiringChange::Closed { key, .. } => {
            changes.extend(repeats.remove(key));
            changes.push(change);
        }
    }
}

fn key(change: &FiringChange) -> &FiringKey {
    match change {
        FiringChange::Opened { key, .. } | FiringChange::Counted { key, .. } | FiringChange::Closed { key, .. } => key,
    }
}

/// Asks until it is recorded; the id makes asking twice harmless. Only a refusal by the rules ends it.
async fn submit(writer: &impl Writer, drill: Option<DrillId>, changes: Vec<FiringChange>) {
    if changes.is_empty() {
        return;
    }
    let id = Uuid::now_v7();
    let mut told = false;
    while let Err(problem) = writer.fire(drill, id, changes.clone()).await {
        if problem.status < 500 {
            tracing::error!(%problem, "the rules refused what the tripwires saw");
            return;
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%problem, "firings wait for the log");
        }
        tokio::time::sleep(RETRY).await;
    }
}
