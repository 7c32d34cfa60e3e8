//! Pages: each step of a firing's queue by its channel, until somebody acknowledges (TEAM.3, TEAM.12).
//!
//! What a step came to is in the log; a backend that takes over goes on from there. A page that may have gone is sent again:
//! a pager that rings twice is better than one that never rings.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{call, delivery::Tried, paging};
use crate::{
    backend::app::Backend,
    incident::{Command, communication::DeliveryState, pages::PageSent},
    runbook::{PageStep, Runbook},
    terms::{Author, FiringId, Time},
    tripwire::Firing,
};

/// How often it is looked for pages that are due.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a firing it still pages anybody.
const PAGED: i64 = Time::DAY;
/// Pauses after the tries, in seconds; then the step has failed, and the next one is left.
const AGAIN_S: [u64; 6] = [2, 5, 15, 60, 120, 300];

/// Pages as long as it is polled.
pub async fn page(backend: Arc<Backend>, runbook: Arc<ArcSwap<Runbook>>) {
    let pager = Arc::new(Pager { backend, runbook, going: Mutex::default() });
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        pager.look();
    }
}

struct Pager {
    backend: Arc<Backend>,
    runbook: Arc<ArcSwap<Runbook>>,
    /// Steps that a task works on.
    going: Mutex<BTreeSet<(FiringId, u32)>>,
}

/// Steps of `firing` that are due at `now` and did not go yet.
fn due<'r>(firing: &Firing, runbook: &'r Runbook, now: Time) -> Vec<(u32, &'r PageStep)> {
    let Some(page) = firing.paged.first().filter(|page| !page.to.is_empty()) else { return Vec::new() };
    let queue = runbook.paging.iter().find(|queue| queue.name == page.to);
    let Some(queue) = queue.or_else(|| runbook.paging.iter().find(|queue| queue.name == "*")) else {
        return Vec::new();
    };
    let acknowledged = page.acked_at.is_some();
    let waited_s = u64::try_from(now.since(firing.recorded_at) / Time::SECOND).unwrap_or(0);
    let over = |number: u32| firing.pages.iter().any(|page| page.sent.step == number && !page.sent.state.is_open());
    let steps = (0..).zip(&queue.steps);
    steps.filter(|(number, step)| step.after_s <= waited_s && !acknowledged && !over(*number)).collect()
}

impl Pager {
    fn look(self: &Arc<Self>) {
        let (worlds, runbook, now) = (self.backend.core.worlds(), self.runbook.load_full(), (self.backend.clock)());
        // The newest come last: what is older than a day pages nobody any more.
        let recent = worlds.real.firings.values().rev().take_while(|firing| now.since(firing.recorded_at) < PAGED);
        for firing in recent {
            for (number, step) in due(firing, &runbook, now) {
                self.begin(firing.id, number, step.clone());
            }
        }
    }

    fn begin(self: &Arc<Self>, firing: FiringId, number: u32, step: PageStep) {
        if !self.going.lock().unwrap_or_else(PoisonError::into_inner).insert((firing, number)) {
            return;
        }
        let pager = self.clone();
        tokio::spawn(async move {
            pager.send(firing, number, &step).await;
            pager.going.lock().unwrap_or_else(PoisonError::into_inner).remove(&(firing, number));
        });
    }

    /// One step to its end.
    async fn send(&self, id: FiringId, number: u32, step: &PageStep) {
        for (tries, pause_s) in (1_u32..).zip(AGAIN_S) {
            let worlds = self.backend.core.worlds();
            let Some(firing) = worlds.real.firings.get(&id) else { return };
            if firing.paged.first().is_some_and(|page| page.acked_at.is_some()) {
                return self
                    .record(id, number, step, DeliveryState::Failed, "acknowledged before it went".into())
                    .await;
            }
            let Some(channel) = self.runbook.load().channel(&step.channel).cloned() else {
                let status = "this backend knows no channel of that name any more; see channels.toml".to_owned();
                return self.record(id, number, step, DeliveryState::Failed, status).await;
            };
            let tried = call::page(&channel, &paging::Page::of(firing, step, &worlds), (self.backend.clock)()).await;
            let last = usize::try_from(tries).unwrap_or(usize::MAX) >= AGAIN_S.len();
            let Tried { state, status, after } = tried;
            match state {
                DeliveryState::Retrying if !last => {
                    self.record(id, number, step, DeliveryState::Retrying, format!("{status}; try {tries}")).await;
                    let pause = Duration::from_secs(pause_s).max(after.unwrap_or_default());
                    tokio::time::sleep(pause.min(Duration::from_secs(900))).await;
                }
                DeliveryState::Retrying => {
                    let status = format!("{status}; given up after {tries} tries");
                    return self.record(id, number, step, DeliveryState::Failed, status).await;
                }
                state => return self.record(id, number, step, state, status).await,
            }
        }
    }

    async fn record(&self, firing: FiringId, number: u32, step: &PageStep, state: DeliveryState, status: String) {
        if state == DeliveryState::Failed {
            tracing::warn!(%firing, channel = step.channel, status, "a page did not go");
        }
        let sent = PageSent {
            firing,
            step: number,
            channel: step.channel.clone(),
            to: step.to.clone().unwrap_or_default(),
            state,
            status,
        };
        let by = Author::Andon("pager".to_owned());
        if let Err(problem) = self.backend.core.submit(None, Uuid::now_v7(), by, Command::RecordPage(sent)).await {
            tracing::warn!(%problem, "what came of a page is not recorded");
        }
    }
}
