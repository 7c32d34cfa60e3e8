//! Pages: each step of a firing's queue, or of an incident's, by its channel, until somebody acknowledges (TEAM.3, TEAM.12).
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

use super::{
    call,
    delivery::Tried,
    paging,
    subject::{Standing, Subject},
};
use crate::{
    backend::app::Backend,
    incident::{communication::DeliveryState, pages::StepSent},
    runbook::{PageStep, Runbook},
    terms::Author,
};

/// How often it is looked for pages that are due.
const LOOK: Duration = Duration::from_secs(1);
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
    going: Mutex<BTreeSet<(Subject, u32)>>,
}

impl Pager {
    fn look(self: &Arc<Self>) {
        let (worlds, runbook, now) = (self.backend.core.worlds(), self.runbook.load_full(), (self.backend.clock)());
        for subject in Subject::recent(&worlds.real, now) {
            let Some(standing) = subject.standing(&worlds.real) else { continue };
            for (number, step) in standing.due(&runbook.paging, now) {
                self.begin(subject, number, step.clone());
            }
        }
    }

    fn begin(self: &Arc<Self>, subject: Subject, number: u32, step: PageStep) {
        if !self.going.lock().unwrap_or_else(PoisonError::into_inner).insert((subject, number)) {
            return;
        }
        let pager = self.clone();
        tokio::spawn(async move {
            pager.send(subject, number, &step).await;
            pager.going.lock().unwrap_or_else(PoisonError::into_inner).remove(&(subject, number));
        });
    }

    /// One step to its end.
    async fn send(&self, subject: Subject, number: u32, step: &PageStep) {
        for (tries, pause_s) in (1_u32..).zip(AGAIN_S) {
            let worlds = self.backend.core.worlds();
            let Some(page) = paging::Page::of(subject, step, &worlds.real) else { return };
            let sent = |state, status: String| StepSent {
                step: number,
                channel: step.channel.clone(),
                to: step.to.clone().unwrap_or_default(),
                state,
                status,
                key: page.key.clone(),
            };
            let failed = |status: String| self.record(subject, sent(DeliveryState::Failed, status));
            if !subject.standing(&worlds.real).as_ref().is_some_and(Standing::pages) {
                return failed("acknowledged, or over, before it went".into()).await;
            }
            let Some(channel) = self.runbook.load().channel(&step.channel).cloned() else {
                let status = "this backend knows no channel of that name any more; see channels.toml";
                return failed(status.into()).await;
            };
            let tried = call::page(&channel, &page, (self.backend.clock)()).await;
            let last = usize::try_from(tries).unwrap_or(usize::MAX) >= AGAIN_S.len();
            let Tried { state, status, after } = tried;
            match state {
                DeliveryState::Retrying if !last => {
                    let status = format!("{status}; try {tries}");
                    self.record(subject, sent(DeliveryState::Retrying, status)).await;
                    let pause = Duration::from_secs(pause_s).max(after.unwrap_or_default());
                    tokio::time::sleep(pause.min(Duration::from_secs(900))).await;
                }
                DeliveryState::Retrying => return failed(format!("{status}; given up after {tries} tries")).await,
                state => return self.record(subject, sent(state, status)).await,
            }
        }
    }

    async fn record(&self, subject: Subject, sent: StepSent) {
        if sent.state == DeliveryState::Failed {
            tracing::warn!(%subject, channel = sent.channel, status = sent.status, "a page did not go");
        }
        let by = Author::Andon("pager".to_owned());
        if let Err(problem) = self.backend.core.submit(None, Uuid::now_v7(), by, subject.record(sent)).await {
            tracing::warn!(%problem, "what came of a page is not recorded");
        }
    }
}
