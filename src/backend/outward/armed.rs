//! Between incidents: every actuator's harmless probe, now and then, so that nobody learns at three in the morning that it
//! would not have worked (CON.13).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;

use super::probe;
use crate::{api::Probe, backend::app::Backend, runbook::Runbook};

/// How often.
const EVERY: Duration = Duration::from_secs(600);

/// What the probes said last.
#[derive(Default)]
pub struct Probes(Mutex<BTreeMap<String, Probe>>);

impl Probes {
    /// By actuator.
    pub fn all(&self) -> BTreeMap<String, Probe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, probes: BTreeMap<String, Probe>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = probes;
    }
}

/// Probes as long as it is polled; the first time at once.
pub async fn keep_armed(backend: Arc<Backend>, runbook: Arc<ArcSwap<Runbook>>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut said = BTreeMap::new();
        let actuators = runbook.load().actuators.clone();
        for actuator in actuators.iter().filter(|actuator| !actuator.probe.is_empty()) {
            let why_not = probe(&actuator.probe, Duration::from_secs(actuator.timeout_s)).await.err();
            if let Some(why) = &why_not {
                tracing::warn!(actuator = actuator.name, why, "an actuator would not work");
            }
            said.insert(actuator.name.clone(), Probe { at: (backend.clock)(), why_not });
        }
        backend.probes.replace(said);
    }
}
