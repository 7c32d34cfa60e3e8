//! Follows the log: sets actuators off beside a switch, runs them, tries again, and has the log take what came of it.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::{Occasion, fire, occasion::RealEvent};
use crate::{
    backend::app::Backend,
    incident::{
        Command, Fact, FireActuator, Worlds,
        containment::{ActuatorOutcome, ActuatorState, Switch, SwitchState},
    },
    runbook::{Actuator, Runbook},
    terms::{Author, SwitchId, Time},
};

/// When a webhook is tried again, after the try before.
const AGAIN_S: [u64; 8] = [2, 5, 30, 120, 300, 1_800, 7_200, 18_000];
/// The longest a receiver may ask to be left alone.
const LONGEST: Duration = Duration::from_secs(86_400);
/// A switch that engaged so long before a restart has had its actuators, or a person looks after them.
const RECENT: i64 = 10 * Time::MINUTE;

/// Follows the log as long as it is polled.
pub async fn run(backend: Arc<Backend>, runbook: Arc<ArcSwap<Runbook>>) {
    let outward = Arc::new(Outward { backend, runbook });
    let mut events = outward.backend.core.subscribe();
    outward.take_up().await;
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(real) = RealEvent::of(&event) {
                    outward.heard(&real).await;
                }
            }
            Err(RecvError::Lagged(_)) => outward.take_up().await,
            Err(RecvError::Closed) => return,
        }
    }
}

struct Outward {
    backend: Arc<Backend>,
    runbook: Arc<ArcSwap<Runbook>>,
}

impl Outward {
    async fn heard(self: &Arc<Self>, real: &RealEvent<'_>) {
        match &real.event().fact {
            Fact::SwitchEngaged { switch, starts_at: None, .. } | Fact::SwitchBegun { switch, .. } => {
                self.set_off(*switch).await;
            }
            Fact::ActuatorFired { switch, actuator, .. } => self.begin(*switch, actuator),
            _ => {}
        }
    }

    /// After a start, or when too much was missed: what was set off and not answered, and switches nobody looked at.
    async fn take_up(self: &Arc<Self>) {
        let now = (self.backend.clock)();
        let worlds = self.backend.core.worlds();
        for switch in worlds.real.switches.values().filter(|switch| switch.state == SwitchState::Engaged) {
            for run in switch.actuators.iter().filter(|run| run.is_open()) {
                let plan = self.plan(&run.name);
                if plan.as_ref().is_some_and(|plan| plan.webhook.is_some()) {
                    self.begin(switch.id, &run.name);
                } else {
                    let took_s = now.since(run.fired_at).max(0) as f64 / 1_000.0;
                    let status = "the backend ended while it ran; look, and run it again where it must be".to_owned();
                    let outcome =
                        ActuatorOutcome { state: ActuatorState::Unknown, status, took_s, output: String::new() };
                    self.answer(switch.id, &run.name, outcome).await;
                }
            }
            if now.since(switch.engaged_at) < RECENT {
                self.set_off(switch.id).await;
            }
        }
    }

    fn plan(&self, name: &str) -> Option<Actuator> {
        self.runbook.load().actuators.iter().find(|plan| plan.name == name).cloned()
    }

    /// Sets off every actuator that goes with a switch and was not set off for it before.
    async fn set_off(&self, id: SwitchId) {
        let worlds = self.backend.core.worlds();
        let Some(switch) = worlds.real.switches.get(&id) else { return };
        let actuators = wanted(&self.runbook.load().actuators, switch);
        if actuators.is_empty() {
            return;
        }
        let command = Command::FireActuators { switch: id, actuators };
        if let Err(problem) = self.submit(command).await {
            tracing::warn!(%problem, switch = %id, "its actuators are not set off");
        }
    }

    fn begin(self: &Arc<Self>, switch: SwitchId, name: &str) {
        let (outward, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move { outward.fire(switch, &name).await });
    }

    /// Runs one actuator to its end.
    async fn fire(&self, switch: SwitchId, name: &str) {
        let worlds: Arc<Worlds> = self.backend.core.worlds();
        let Some(occasion) = Occasion::real(&worlds, switch, name) else { return };
        let Some(plan) = self.plan(name) else {
            let status = "this backend knows no actuator of that name; see actuators.toml".to_owned();
            let outcome = ActuatorOutcome { state: ActuatorState::Failed, status, took_s: 0.0, output: String::new() };
            return self.answer(switch, name, outcome).await;
        };
        let mut pauses = AGAIN_S.iter().map(|seconds| Duration::from_secs(*seconds));
        loop {
            let mut tried = fire::once(&plan, &occasion, (self.backend.clock)()).await;
            let pause = tried.again.and_then(|asked| pauses.next().map(|pause| pause.max(asked.unwrap_or_default())));
            if pause.is_some() {
                tried.outcome.state = ActuatorState::Retrying;
            }
            self.answer(switch, name, tried.outcome).await;
            let Some(pause) = pause.map(jittered) else { return };
            tokio::time::sleep(pause.min(LONGEST)).await;
            let engaged = self.backend.core.worlds().real.switches.get(&switch).map(|switch| switch.state);
            if engaged != Some(SwitchState::Engaged) {
                let status = "its switch was lifted before it worked".to_owned();
                let outcome =
                    ActuatorOutcome { state: ActuatorState::Failed, status, took_s: 0.0, output: String::new() };
                return self.answer(switch, name, outcome).await;
            }
        }
    }

    async fn answer(&self, switch: SwitchId, name: &str, outcome: ActuatorOutcome) {
        let command = Command::AnswerActuator { switch, actuator: name.to_owned(), outcome };
        if let Err(problem) = self.submit(command).await {
            tracing::warn!(%problem, %switch, actuator = name, "what came of an actuator is not recorded");
        }
    }

    async fn submit(&self, command: Command) -> Result<(), crate::api::Problem> {
        let by = Author::Andon("outward".to_owned());
        self.backend.core.submit(None, Uuid::now_v7(), by, command).await.map(|_| ())
    }
}

/// Actuators that go with a switch and were not set off for it.
fn wanted(plans: &[Actuator], switch: &Switch) -> Vec<FireActuator> {
    let fresh = |plan: &&Actuator| {
        plan.is_set_off_by(&switch.scope, switch.mode) && !switch.actuators.iter().any(|run| run.name == plan.name)
    };
    let wanted = plans.iter().filter(fresh);
    wanted.map(|plan| FireActuator { name: plan.name.clone(), promised_s: plan.promised_s }).collect()
}

/// How long to wait after so many tries; nothing where no more is tried.
pub(super) fn again_after(tries: usize) -> Option<Duration> {
    AGAIN_S.get(tries.saturating_sub(1)).map(|seconds| Duration::from_secs(*seconds))
}

/// Up to a fifth more, by chance: many senders do not come back at once.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause + pause.mul_f64(f64::from(Uuid::new_v4().as_bytes()[0]) / 1_280.0)
}
