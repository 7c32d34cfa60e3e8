//! Stand-ins for what intake is wired to, for its tests: an engine that fires at one tool, a writer that can fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{Breaches, HotStore, Intake, Judge, Start, Writer};
use crate::{
    api::{AgentLive, Problem},
    backend::clock::Clock,
    incident::{AgentDeclaration, Event, Worlds},
    telemetry::{Action, native},
    terms::{DrillId, Time},
    tripwire::{FiringChange, FiringKey, Tripwire},
};

/// Counts calls by agent; fires at the tool `bad`.
#[derive(Default)]
pub struct Counting {
    calls: BTreeMap<String, u64>,
    declared: Vec<String>,
}

impl Judge for Counting {
    fn fresh(&self) -> Box<dyn Judge> {
        Box::new(Self::default())
    }

    fn judge(&mut self, action: &Action, _: &[String]) -> Vec<FiringChange> {
        *self.calls.entry(action.agent.to_string()).or_default() += 1;
        let key =
            FiringKey { tripwire: Tripwire::Authorisation, agent: action.agent.clone(), detail: action.what().into() };
        match action.what() {
            "bad" => vec![FiringChange::Opened {
                key,
                at: action.at,
                received_at: action.received_at,
                window: None,
                limit: None,
                baseline: None,
                note: None,
                run: None,
                workflow: None,
            }],
            "again" => {
                let count = self.calls[action.agent.as_str()];
                vec![FiringChange::Counted { key, count, peak: None, last_at: action.at }]
            }
            _ => Vec::new(),
        }
    }

    fn retune(&mut self, _: &crate::runbook::TripwirePlan) {}

    fn tick(&mut self, _: Time) -> Vec<FiringChange> {
        Vec::new()
    }

    fn declare(&mut self, agent: &AgentDeclaration) {
        self.declared.push(agent.id.to_string());
    }

    fn acknowledge(&mut self, key: &FiringKey, _: bool, now: Time) -> Vec<FiringChange> {
        vec![FiringChange::Closed { key: key.clone(), at: now }]
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.calls).ok()
    }

    fn snapshot_of(&self, _: &dyn Fn(&crate::terms::AgentId) -> bool) -> Option<Vec<u8>> {
        self.snapshot()
    }

    fn restore(&mut self, snapshot: &[u8]) -> bool {
        serde_json::from_slice(snapshot).map(|calls| self.calls = calls).is_ok()
    }

    fn recall(&self) -> Vec<(crate::terms::AgentId, crate::tripwire::Recall)> {
        Vec::new()
    }

    fn figures(&self, _: Time) -> BTreeMap<String, AgentLive> {
        let live = |(agent, calls): (&String, &u64)| {
            (agent.clone(), AgentLive { calls_window: *calls, ..AgentLive::default() })
        };
        self.calls.iter().map(live).collect()
    }
}

/// Sees a breach in every action of the agent `escaped`.
pub struct OneEscapes;

impl Breaches for OneEscapes {
    fn observe(&self, _: Option<DrillId>, action: &Action, _: &str, now: Time) -> Vec<FiringChange> {
        let key = FiringKey { tripwire: Tripwire::Breach, agent: action.agent.clone(), detail: "SW-1".into() };
        if action.agent.as_str() != "escaped" {
            return Vec::new();
        }
        vec![FiringChange::Closed { key, at: now }]
    }
}

/// A log that remembers what it was asked, and refuses while it is sick.
#[derive(Clone)]
pub struct Remembering {
    pub fired: Arc<Mutex<Vec<FiringChange>>>,
    pub commands: Arc<Mutex<Vec<Uuid>>>,
    pub sick: Arc<AtomicBool>,
    pub worlds: Arc<ArcSwap<Worlds>>,
    pub published: broadcast::Sender<Arc<Event>>,
}

impl Default for Remembering {
    fn default() -> Self {
        Self {
            fired: Arc::default(),
            commands: Arc::default(),
            sick: Arc::default(),
            worlds: Arc::default(),
            published: broadcast::channel(16).0,
        }
    }
}

impl Writer for Remembering {
    async fn fire(&self, _: Option<DrillId>, id: Uuid, changes: Vec<FiringChange>) -> Result<(), Problem> {
        self.commands.lock().unwrap().push(id);
        if self.sick.load(Ordering::Relaxed) {
            return Err(Problem::unavailable("the log is sick"));
        }
        self.fired.lock().unwrap().extend(changes);
        Ok(())
    }

    fn worlds(&self) -> Arc<Worlds> {
        self.worlds.load_full()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.published.subscribe()
    }
}

/// The tests' present.
pub fn now() -> Time {
    Time::from_millis(1_795_183_200_000)
}

/// An intake over twins.
pub async fn intake(writer: &Remembering, store: HotStore) -> Intake {
    let clock: Clock = Arc::new(now);
    let start = Start {
        drill: None,
        judge: Box::new(Counting::default()),
        breaches: Arc::new(OneEscapes),
        writer: writer.clone(),
        clock,
        store,
        runbook: Arc::new(arc_swap::ArcSwap::from_pointee(crate::runbook::Runbook::shipped())),
    };
    Intake::start(start).await.unwrap()
}

/// Actions of one agent with the tools named.
pub fn actions(agent: &str, tools: &[&str]) -> Vec<Action> {
    let items: Vec<Value> = tools.iter().map(|tool| json!({"agent": agent, "tool": tool, "cost_usd": 0.5})).collect();
    let decoded = native::decode(json!(items).to_string().as_bytes(), now()).unwrap();
    decoded.actions.into_iter().map(|(_, action)| action).collect()
}

/// Waits until `done`, for five seconds at most.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    while !done() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
