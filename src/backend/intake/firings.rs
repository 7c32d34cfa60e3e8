//! What the engine saw, on its way to the log: in order, never lost, repeats ever more seldom (protocol 1).

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use uuid::Uuid;

use super::{repeats::Repeats, store::HotStore, wiring::Writer};
use crate::{terms::DrillId, tripwire::FiringChange};

/// What comes from the engine.
pub(super) enum ToRecord {
    /// Changes, and who waits until they are recorded.
    Fired { changes: Vec<FiringChange>, recorded: Option<oneshot::Sender<()>> },
    /// Its state after the action `seq`: kept once the log has everything before it, for that is not judged again.
    Saved { seq: u64, state: Vec<u8>, kept: oneshot::Sender<()> },
}

/// Between two looks at what repeats are due.
const LOOK: Duration = Duration::from_secs(1);
/// Between two attempts to record.
const RETRY: Duration = Duration::from_millis(500);
/// Changes in one command at most.
const BATCH: usize = 256;

/// Records until the senders are gone. While the log cannot take them nothing more is received, so that the queue before
/// the engine fills and senders hear of it.
pub(super) async fn record(
    writer: impl Writer,
    drill: Option<DrillId>,
    store: Arc<HotStore>,
    mut asked: mpsc::Receiver<ToRecord>,
) {
    let mut repeats = Repeats::default();
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => submit(&writer, drill, repeats.due(Instant::now())).await,
            first = asked.recv() => {
                let Some(first) = first else { break };
                let (mut waiting, mut changes, mut saved) = (Vec::new(), Vec::new(), None);
                let mut next = Some(first);
                while let Some(one) = next {
                    match one {
                        ToRecord::Fired { changes: fired, recorded } => {
                            let now = Instant::now();
                            fired.into_iter().for_each(|change| repeats.sort_in(change, now, &mut changes));
                            waiting.extend(recorded);
                        }
                        ToRecord::Saved { seq, state, kept } => {
                            changes.extend(repeats.all(Instant::now()));
                            saved = Some((seq, state, kept));
                        }
                    }
                    next = if changes.len() < BATCH && saved.is_none() { asked.try_recv().ok() } else { None };
                }
                submit(&writer, drill, changes).await;
                for recorded in waiting {
                    let _ = recorded.send(());
                }
                if let Some((seq, state, kept)) = saved {
                    store.push_snapshot(seq, state);
                    let _ = kept.send(());
                }
            }
        }
    }
    submit(&writer, drill, repeats.all(Instant::now())).await;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::{
        backend::intake::{
            Limits,
            twins::{Remembering, now, until},
        },
        terms::AgentId,
        tripwire::{FiringKey, Tripwire},
    };

    fn counted(count: u64) -> FiringChange {
        let key = FiringKey { tripwire: Tripwire::CostRate, agent: AgentId::new("a").unwrap(), detail: String::new() };
        FiringChange::Counted { key, count, peak: None, last_at: now() }
    }

    fn fired(count: u64) -> ToRecord {
        ToRecord::Fired { changes: vec![counted(count)], recorded: None }
    }

    /// Whatever a saved state holds is not judged again: a kill right after it must find all of it in the log.
    #[tokio::test]
    async fn a_state_is_kept_once_the_log_has_every_count_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(HotStore::open(&folder.path().join("t.db"), Limits::default(), now()).await.unwrap().0);
        let writer = Remembering::default();
        let (to, asked) = mpsc::channel(16);
        tokio::spawn(record(writer.clone(), None, store.clone(), asked));
        let told = || writer.fired.lock().unwrap().clone();
        to.send(fired(1_000)).await.unwrap();
        until("what the log may not have", || told() == [counted(1_000)]).await;
        writer.sick.store(true, Ordering::Relaxed);
        to.send(fired(1_001)).await.unwrap();
        let (kept, mut keeping) = oneshot::channel();
        to.send(ToRecord::Saved { seq: 7, state: b"holds 1,001".to_vec(), kept }).await.unwrap();
        let tried = || writer.commands.lock().unwrap().len();
        until("an attempt", || tried() > 1).await;
        store.flush().await.unwrap();
        assert_eq!(store.snapshot().await.unwrap(), None, "the log does not have it");
        assert!(keeping.try_recv().is_err());
        writer.sick.store(false, Ordering::Relaxed);
        until("the count, though it grew by little", || told() == [counted(1_000), counted(1_001)]).await;
        keeping.await.unwrap();
        store.flush().await.unwrap();
        assert_eq!(store.snapshot().await.unwrap(), Some((7, b"holds 1,001".to_vec())));
    }
}
