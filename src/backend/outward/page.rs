//! Pages: each step of a firing's queue, or of an incident's, by its channel, until somebody acknowledges (TEAM.3, TEAM.12).
//!
//! What a step came to is in the log; a backend that takes over goes on from there. A page that may have gone is sent again:
//! a pager that rings twice is better than one that never rings. A pager that took it is told later that somebody has it,
//! and that it is over.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{
    call, follow, paging,
    subject::{Standing, Subject},
    tries::Tries,
};
use crate::{
    backend::app::Backend,
    incident::{
        Command,
        communication::DeliveryState,
        pages::{StepSent, StepTold, Word},
    },
    runbook::{PageStep, Runbook},
    terms::Author,
};

/// How often it is looked for pages that are due.
const LOOK: Duration = Duration::from_secs(1);
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
    /// What a task works on: a step of a subject, or a word to its pager.
    going: Mutex<BTreeSet<(Subject, u32, Option<Word>)>>,
}

impl Pager {
    fn look(self: &Arc<Self>) {
        let (worlds, runbook, now) = (self.backend.core.worlds(), self.runbook.load_full(), (self.backend.clock)());
        for subject in Subject::recent(&worlds.real, now) {
            let Some(standing) = subject.standing(&worlds.real) else { continue };
            for (number, step) in standing.due(&runbook.paging, now) {
                let (pager, step) = (self.clone(), step.clone());
                self.begin((subject, number, None), async move { pager.send(subject, number, &step).await });
            }
        }
        let kind = |channel: &str| runbook.channel(channel).map(|channel| channel.kind);
        for due in follow::due(&worlds.real, now, kind) {
            let pager = self.clone();
            self.begin((due.subject, due.step, Some(due.word)), async move { pager.tell(&due).await });
        }
    }

    fn begin(self: &Arc<Self>, what: (Subject, u32, Option<Word>), work: impl Future<Output = ()> + Send + 'static) {
        if !self.going.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
            return;
        }
        let pager = self.clone();
        tokio::spawn(async move {
            work.await;
            pager.going.lock().unwrap_or_else(PoisonError::into_inner).remove(&what);
        });
    }

    /// One step to its end.
    async fn send(&self, subject: Subject, number: u32, step: &PageStep) {
        let mut tries = Tries::default();
        // The same link through every try.
        let began = (self.backend.clock)();
        loop {
            let worlds = self.backend.core.worlds();
            let Some(mut page) = paging::Page::of(subject, step.to.clone(), &worlds.real) else { return };
            let key = page.key.clone();
            let sent = |state, status: String| StepSent {
                step: number,
                channel: step.channel.clone(),
                to: step.to.clone().unwrap_or_default(),
                state,
                status,
                key: key.clone(),
            };
            let failed = |status: &str| self.record(subject, sent(DeliveryState::Failed, status.to_owned()));
            let Some(standing) = subject.standing(&worlds.real).filter(Standing::pages) else {
                return failed("acknowledged, or over, before it went").await;
            };
            let Some(channel) = self.runbook.load().channel(&step.channel).cloned() else {
                return failed("this backend knows no channel of that name any more; see channels.toml").await;
            };
            let to = [&step.to, &channel.to].into_iter().flatten().next().unwrap_or(&channel.name);
            let (links, name) = (&self.backend.links, subject.to_string());
            page.link = links.link(&self.backend.core, (&name, standing.since), to, began).await;
            let (state, status, pause) = tries.take(call::page(&channel, &page, (self.backend.clock)()).await);
            self.record(subject, sent(state, status)).await;
            let Some(pause) = pause else { return };
            tokio::time::sleep(pause).await;
        }
    }

    /// One word to its end.
    async fn tell(&self, due: &follow::Due) {
        let mut tries = Tries::default();
        loop {
            let worlds = self.backend.core.worlds();
            let to = Some(due.to.clone()).filter(|to| !to.is_empty());
            let Some(page) = paging::Page::of(due.subject, to, &worlds.real) else { return };
            let Some(channel) = self.runbook.load().channel(&due.channel).cloned() else { return };
            let told = paging::Told { page: paging::Page { key: due.key.clone(), ..page }, due };
            let (state, status, pause) = tries.take(call::told(&channel, &told, (self.backend.clock)()).await);
            if state == DeliveryState::Failed {
                tracing::warn!(subject = %due.subject, channel = due.channel, status, "a pager was not told");
            }
            let told = StepTold { step: due.step, word: due.word, state, status };
            self.submit(due.subject.record_told(told)).await;
            let Some(pause) = pause else { return };
            tokio::time::sleep(pause).await;
        }
    }

    async fn record(&self, subject: Subject, sent: StepSent) {
        if sent.state == DeliveryState::Failed {
            tracing::warn!(%subject, channel = sent.channel, status = sent.status, "a page did not go");
        }
        self.submit(subject.record(sent)).await;
    }

    async fn submit(&self, command: Command) {
        let by = Author::Andon("pager".to_owned());
        if let Err(problem) = self.backend.core.submit(None, Uuid::now_v7(), by, command).await {
            tracing::warn!(%problem, "what came of a page is not recorded");
        }
    }
}
