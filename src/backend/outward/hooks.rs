//! Follows the log for each hook: every event of the types it wants, in order, until the other side took it (TEAM.12).
//!
//! A hook's place is kept beside the log, and moves on only behind what was taken: after a crash or a change of the leading
//! backend something may go twice, under the same id, and nothing is left out. One hook never waits for another.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tokio::{
    sync::broadcast::error::RecvError,
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

use super::{delivery::Tried, occasion::RealEvent, task::jittered, webhook};
use crate::{
    api::{HookState, HookTested},
    backend::app::Backend,
    incident::{Event, Fact, communication::DeliveryState},
    runbook::{Hook, Runbook},
    terms::{Author, Time},
};

/// How often it is looked whether hooks came, went or changed.
const LOOK: Duration = Duration::from_secs(1);
/// How often the log is looked at where nothing is heard.
const QUIET: Duration = Duration::from_secs(5);
/// How many events are read at once.
const PAGE: usize = 200;
/// Pauses after tries that failed, in seconds; the last one for ever.
const AGAIN_S: [u64; 7] = [1, 5, 15, 60, 120, 300, 600];
/// How often at most a place is kept, where all goes well.
const KEPT_EVERY: Duration = Duration::from_secs(1);
/// Over how many events that nobody wants a place moves on before it is kept.
const UNWANTED: u64 = 10_000;
/// Above so many bytes an event goes without its data.
const LARGEST: usize = 256 << 10;

/// How far the hooks of this backend are, while it leads.
#[derive(Default)]
pub struct Hooks(Mutex<BTreeMap<String, HookState>>);

impl Hooks {
    /// By name.
    pub fn all(&self) -> BTreeMap<String, HookState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, name: &str, state: &HookState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), state.clone());
    }

    fn retain(&self, hooks: &[Hook]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| hooks.iter().any(|hook| hook.name == *name));
    }
}

/// The name of a hook's place beside the log.
fn place(hook: &str) -> String {
    format!("hook/{hook}")
}

/// How far each hook of the runbook in force is, by the word of whichever backend leads.
///
/// # Errors
/// A log that cannot be read.
pub async fn hook_states(backend: &Backend) -> Result<BTreeMap<String, HookState>, crate::api::Problem> {
    if backend.nodes.leads() {
        return Ok(backend.hooks.all());
    }
    let kept: BTreeMap<String, String> = backend.core.asides().await?.into_iter().collect();
    let runbook = backend.runbook.load();
    let state = |hook: &Hook| {
        let state = kept.get(&place(&hook.name)).and_then(|text| serde_json::from_str(text).ok());
        state.map(|state| (hook.name.clone(), state))
    };
    Ok(runbook.hooks.iter().filter_map(state).collect())
}

/// Sends something harmless to a hook, once.
pub async fn test_hook(hook: &Hook, now: Time) -> HookTested {
    let body = json!({
        "type": "dev.andon.hook.test",
        "timestamp": now,
        "data": { "hook": hook.name, "host": crate::backend::app::host_name() },
    });
    let began = Instant::now();
    let tried = call(hook, &format!("test-{}", Uuid::now_v7()), &body, now).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    HookTested { ok: tried.state == DeliveryState::Accepted, status: tried.status, took_ms }
}

/// Follows the log as long as it is polled; everything it began ends with it.
pub async fn hooks(backend: Arc<Backend>, runbook: Arc<ArcSwap<Runbook>>) {
    let mut following = JoinSet::new();
    let mut known: BTreeMap<String, (Hook, AbortHandle)> = BTreeMap::new();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let book = runbook.load_full();
        // A hook that is gone or reads otherwise ends; the other begins from the same place.
        known.retain(|_, (hook, task)| {
            let stays = book.hooks.contains(hook);
            if !stays {
                task.abort();
            }
            stays
        });
        backend.hooks.retain(&book.hooks);
        for hook in &book.hooks {
            known.entry(hook.name.clone()).or_insert_with(|| {
                let follower = Follower { backend: backend.clone(), hook: hook.clone() };
                (hook.clone(), following.spawn(follower.follow()))
            });
        }
        while following.try_join_next().is_some() {}
    }
}

struct Follower {
    backend: Arc<Backend>,
    hook: Hook,
}

impl Follower {
    async fn follow(self) {
        let core = &self.backend.core;
        let mut heard = core.subscribe();
        let mut state = self.begin().await;
        let (mut kept, mut kept_at) = (state.clone(), Instant::now());
        loop {
            let page = match core.events_after(state.position, PAGE).await {
                Ok(page) => page,
                Err(problem) => {
                    tracing::warn!(%problem, hook = self.hook.name, "the log is not read for a hook");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            for event in &page {
                if self.wants(event) && !self.deliver(event, &mut state).await {
                    return;
                }
                state.position = event.position;
                self.backend.hooks.set(&self.hook.name, &state);
                let moved = state.delivered != kept.delivered && kept_at.elapsed() > KEPT_EVERY;
                if moved || state.position - kept.position > UNWANTED {
                    self.keep(&state).await;
                    (kept, kept_at) = (state.clone(), Instant::now());
                }
            }
            if !page.is_empty() {
                continue;
            }
            if state.delivered != kept.delivered {
                self.keep(&state).await;
                (kept, kept_at) = (state.clone(), Instant::now());
            }
            // Whatever is heard is read from the log: a notice may be missed, an event may not.
            if let Ok(Err(RecvError::Closed)) = timeout(QUIET, heard.recv()).await {
                return;
            }
            heard = heard.resubscribe();
        }
    }

    /// Where it goes on; one that nobody knew begins with what happens now.
    async fn begin(&self) -> HookState {
        let name = place(&self.hook.name);
        loop {
            let core = &self.backend.core;
            let kept = match core.asides().await {
                Ok(all) => all.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text),
                Err(problem) => {
                    tracing::warn!(%problem, hook = self.hook.name, "where a hook stands is not read");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            let end = core.worlds().position;
            let known = kept.and_then(|text| serde_json::from_str::<HookState>(&text).ok());
            let mut state = known.unwrap_or_else(|| HookState { position: end, ..HookState::default() });
            // A log that was restored may end before what it had.
            state.position = state.position.min(end);
            state.stopped = false;
            self.backend.hooks.set(&self.hook.name, &state);
            if core.put_aside(&name, &serde_json::to_string(&state).unwrap_or_default(), true).await.is_ok() {
                return state;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn wants(&self, event: &Event) -> bool {
        let wants = |real: RealEvent<'_>| self.hook.wants(&real.event().fact.kind());
        // What only named people see goes to a hook that is named like one of them (TEAM.9).
        let shows = || self.backend.core.worlds().shows(event, &Author::Automation(self.hook.name.clone()));
        RealEvent::of(event).is_some_and(wants) && shows()
    }

    /// Tries until it is taken; false where the other side wants no more.
    async fn deliver(&self, event: &Event, state: &mut HookState) -> bool {
        let (id, body) = (event.id.to_string(), body(event));
        for tries in 0_usize.. {
            let now = (self.backend.clock)();
            let Tried { state: outcome, status, after } = call(&self.hook, &id, &body, now).await;
            let gone = status == "HTTP 410";
            state.status = status;
            if outcome == DeliveryState::Accepted {
                state.failing_since = None;
                state.delivered += 1;
                state.delivered_at = Some(now);
                return true;
            }
            if state.failing_since.is_none() || gone {
                let status = &state.status;
                tracing::warn!(
                    hook = self.hook.name,
                    status,
                    position = event.position,
                    "a hook does not take an event"
                );
            }
            state.failing_since.get_or_insert(now);
            state.stopped = gone;
            self.backend.hooks.set(&self.hook.name, state);
            self.keep(state).await;
            if gone {
                return false;
            }
            let pause = Duration::from_secs(AGAIN_S[tries.min(AGAIN_S.len() - 1)]);
            let longest = Duration::from_secs(AGAIN_S[AGAIN_S.len() - 1]);
            tokio::time::sleep(jittered(pause.max(after.unwrap_or_default()).min(longest))).await;
        }
        true
    }

    async fn keep(&self, state: &HookState) {
        let text = serde_json::to_string(state).unwrap_or_default();
        if let Err(problem) = self.backend.core.put_aside(&place(&self.hook.name), &text, true).await {
            // What was taken may go once more then.
            tracing::warn!(%problem, hook = self.hook.name, "where a hook stands is not kept");
        }
    }
}

/// An event as a hook is sent it: as the log has it, but what would let somebody in.
fn body(event: &Event) -> Value {
    let mut data = serde_json::to_value(event).unwrap_or_default();
    if let Fact::TokenMade { .. } | Fact::SessionBegun(_) | Fact::SessionEnded(_) = &event.fact
        && let Some(made) = data.pointer_mut("/data").and_then(Value::as_object_mut)
    {
        made.remove("hash");
    }
    let length = data.to_string().len();
    if length > LARGEST
        && let Some(event) = data.as_object_mut()
    {
        event.insert("data".into(), Value::Null);
        event.insert("left_out".into(), length.into());
    }
    json!({ "type": format!("dev.andon.{}", event.fact.kind()), "timestamp": event.occurred_at, "data": data })
}

async fn call(hook: &Hook, id: &str, body: &Value, now: Time) -> Tried {
    let secret = match webhook::secret(&hook.secret_file) {
        Ok(secret) => secret,
        Err(why) => return Tried::not_yet(why, None),
    };
    let timeout = Duration::from_secs(hook.timeout_s);
    webhook::call(&hook.url, &secret, (id, now), &body.to_string(), timeout, hook.allow_link_local).await.tried()
}
