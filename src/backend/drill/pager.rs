//! A drill's pages: the runbook's queues, step by step, and nobody real behind them (TEAM.12, law 8).
//!
//! It knows no channel's address and calls none: a step is told to the drill's participants, and recorded as rehearsed. A deaf
//! one is told to nobody, so that the next step is due. Steps are due by the recording's time, as everything in a drill is,
//! but never so soon that nobody could have acknowledged.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::player::author;
use crate::{
    backend::{app::Backend, outward::Subject},
    incident::{
        Command, World,
        communication::DeliveryState,
        drilled::{Told, Word},
        pages::StepSent,
    },
    runbook::{PageStep, PagingPlan, Queue},
    terms::DrillId,
};

/// How often it is looked for pages that are due.
const LOOK: Duration = Duration::from_millis(250);
/// How long somebody has to acknowledge in any case, in milliseconds.
const LEAST: i64 = 10_000;
/// What takes pages where the runbook names no queue for them: whom, and after how many seconds.
const STAND_IN: [(&str, u64); 3] = [("first on call", 0), ("second on call", 300), ("head of operations", 900)];

pub(super) struct Pager {
    backend: Arc<Backend>,
    drill: DrillId,
    /// Since when each subject is known: second of the recording, and by the clock.
    since: BTreeMap<Subject, (f64, Instant)>,
}

/// Pages in a drill's world as long as it is polled.
pub(super) async fn page(backend: Arc<Backend>, drill: DrillId) {
    let mut pager = Pager { backend, drill, since: BTreeMap::new() };
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        pager.look().await;
    }
}

impl Pager {
    async fn look(&mut self) {
        let (worlds, now) = (self.backend.core.worlds(), (self.backend.clock)());
        let Some(world) = worlds.get(Some(self.drill)) else { return };
        let Some(place) = self.backend.playing.place(self.drill) else { return };
        let (at_s, plan) = (place.now_s(now), plan(&self.backend.runbook.load().paging));
        for subject in Subject::recent(world, now) {
            let Some(standing) = subject.standing(world) else { continue };
            let (since_s, began) = *self.since.entry(subject).or_insert((at_s, Instant::now()));
            let (played, passed) = (((at_s - since_s) * 1_000.0) as i64, began.elapsed().as_millis() as i64);
            let waited = if passed < LEAST { played.min(passed) } else { played };
            for (number, step) in standing.due(&plan, standing.since.plus(waited)) {
                self.send(world, subject, number, step).await;
            }
        }
    }

    async fn send(&self, world: &World, subject: Subject, number: u32, step: &PageStep) {
        let to = step.to.clone().unwrap_or_else(|| step.channel.clone());
        let deaf = self.backend.playing.is_deaf(self.drill);
        let (state, status) = match deaf {
            false => (DeliveryState::Rehearsed, "DRILL: nobody real is paged"),
            true => (DeliveryState::Unknown, "DRILL: no word came back"),
        };
        let sent = StepSent {
            step: number,
            channel: step.channel.clone(),
            to: to.clone(),
            state,
            status: status.into(),
            key: String::new(),
        };
        self.ask(Some(self.drill), subject.record(sent)).await;
        if !deaf {
            let at = (self.backend.clock)();
            let text = format!("{to}: {}", subject.words(world));
            self.ask(None, Command::TellDrill(Told { drill: self.drill, word: Word::Page, text, at })).await;
        }
    }

    async fn ask(&self, world: Option<DrillId>, command: Command) {
        if let Err(problem) = self.backend.core.submit(world, Uuid::now_v7(), author(), command).await {
            tracing::warn!(drill = %self.drill, %problem, "a drill's page was not recorded");
        }
    }
}

/// The runbook's queues, and one that takes what none of them does.
fn plan(paging: &PagingPlan) -> PagingPlan {
    let mut plan = paging.clone();
    if !plan.queues.iter().any(|queue| queue.name == "*") {
        let steps = STAND_IN.map(|(to, after_s)| PageStep {
            channel: "drill".into(),
            to: Some(to.into()),
            person: None,
            after_s,
        });
        plan.queues.push(Queue { name: "*".into(), steps: steps.into() });
    }
    plan
}
