//! What each world has besides its facts: its interlock, its telemetry, its listeners (law 8).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{
    backtest::Shown,
    clock::Clock,
    intake::{Intakes, Profiles},
    interlock::InterlockWorlds,
};
use crate::{
    api::Live,
    runbook::Runbook,
    terms::{DrillId, Time},
};

/// Listeners of one world.
pub type Heard = Arc<watch::Sender<Arc<Live>>>;

/// Tells listeners a world's figures, where more than the time has changed.
pub fn tell(heard: &watch::Sender<Arc<Live>>, live: Live) {
    heard.send_if_modified(|last| {
        let changed = Live { now: last.now, ..live.clone() } != **last;
        if changed {
            *last = Arc::new(live);
        }
        changed
    });
}

/// Every world's room.
pub struct Rooms {
    /// Every world's interlock.
    pub interlocks: Arc<InterlockWorlds>,
    /// Every world's telemetry, once it has begun.
    pub intakes: OnceLock<Intakes>,
    /// The runbook in force.
    pub runbook: Arc<ArcSwap<Runbook>>,
    /// Backtests that were shown to somebody.
    pub backtests: Shown,
    heard: Mutex<BTreeMap<Option<DrillId>, Heard>>,
}

impl Rooms {
    /// With the real world's.
    pub fn new(clock: Clock, steady: Clock, runbook: Arc<ArcSwap<Runbook>>) -> Self {
        Self {
            interlocks: Arc::new(InterlockWorlds::new(clock, steady, runbook.clone())),
            intakes: OnceLock::new(),
            runbook,
            backtests: Shown::default(),
            heard: Mutex::default(),
        }
    }

    /// A world's figures from its interlock and its telemetry.
    pub fn figures(&self, drill: Option<DrillId>, now: Time) -> Live {
        let mut live = Live { now, ..Live::default() };
        if let Some(intake) = self.intakes.get().and_then(|intakes| intakes.existing(drill)) {
            let figures = intake.live();
            live.agents.clone_from(&figures.agents);
            live.spend_per_minute.clone_from(&figures.spend_per_minute);
            live.telemetry = intake.counts();
        }
        if let Some(interlock) = self.interlocks.get(drill) {
            interlock.add_figures(&mut live.agents, now);
            live.holds_asked = interlock.holds_asked(now);
        }
        live
    }

    /// What each agent of a world did lately.
    pub fn profiles(&self, drill: Option<DrillId>) -> Profiles {
        let intake = self.intakes.get().and_then(|intakes| intakes.existing(drill));
        intake.map(|intake| intake.profiles().clone()).unwrap_or_default()
    }

    /// Hears a world's figures change from what they are `now`.
    pub fn listen(&self, drill: Option<DrillId>, now: Live) -> watch::Receiver<Arc<Live>> {
        // Subscribed under the lock: what nobody hears is forgotten at the next look.
        let (sender, mut receiver) = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = heard.entry(drill).or_default().clone();
            (sender.clone(), sender.subscribe())
        };
        tell(&sender, now);
        receiver.mark_unchanged();
        receiver
    }

    /// Every world that somebody listens to.
    pub fn listened(&self) -> Vec<(Option<DrillId>, Heard)> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, sender| sender.receiver_count() > 0);
        heard.iter().map(|(drill, sender)| (*drill, sender.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_hear_only_what_changed() {
        let plan = Arc::new(ArcSwap::from_pointee(Runbook::shipped()));
        let rooms = Rooms::new(crate::backend::clock::system(), crate::backend::clock::steady(), plan);
        let live = |now: i64, present: &[&str]| Live {
            now: Time::from_millis(now),
            present: present.iter().map(|name| (*name).to_owned()).collect(),
            ..Live::default()
        };
        let mut first = rooms.listen(None, live(1, &["dana"]));
        let second = rooms.listen(None, live(2, &["dana"]));
        assert!(!first.has_changed().unwrap() && !second.has_changed().unwrap(), "only the time changed");
        let drill = rooms.listen(Some(DrillId(1)), live(2, &[]));
        let third = rooms.listen(None, live(3, &["dana", "kim"]));
        assert!(first.has_changed().unwrap() && !third.has_changed().unwrap() && !drill.has_changed().unwrap());
        assert_eq!(first.borrow_and_update().present, ["dana", "kim"]);
        drop(drill);
        assert_eq!(rooms.listened().len(), 1, "who hears nothing is forgotten");
    }
}
