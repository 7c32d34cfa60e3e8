//! What each world has besides its facts: its interlock, its telemetry, its listeners (law 8).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::core::Interlocks;
use crate::{
    api::Live,
    incident::{
        Worlds,
        containment::{AgentProof, Scope},
    },
    terms::{DrillId, Time},
};

/// Listeners of one world.
type Heard = Arc<watch::Sender<Arc<Live>>>;

/// Every world's room.
#[derive(Default)]
pub struct Rooms {
    heard: Mutex<BTreeMap<Option<DrillId>, Heard>>,
}

impl Rooms {
    /// A world's figures from its interlock and its telemetry.
    pub fn figures(&self, _drill: Option<DrillId>, now: Time) -> Live {
        Live { now, ..Live::default() }
    }

    /// Hears a world's figures, which are `now` what they are.
    pub fn listen(&self, drill: Option<DrillId>, now: Live) -> watch::Receiver<Arc<Live>> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = heard.entry(drill).or_insert_with(|| Arc::new(watch::Sender::new(Arc::default())));
        sender.send_replace(Arc::new(now));
        sender.subscribe()
    }

    /// Every world that somebody listens to.
    pub fn listened(&self) -> Vec<(Option<DrillId>, Heard)> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, sender| sender.receiver_count() > 0);
        heard.iter().map(|(drill, sender)| (*drill, sender.clone())).collect()
    }
}

impl Interlocks for Rooms {
    fn counted(&self, _drill: Option<DrillId>, _scope: &Scope, _now: Time) -> Vec<AgentProof> {
        Vec::new()
    }

    fn publish(&self, _worlds: &Worlds, _changed: &[Option<DrillId>]) {}
}
