//! The intakes of all worlds: the real one, and one for each running drill (law 8).

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

use super::Intake;
use crate::{api::Problem, terms::DrillId};

/// Intakes by world; cheap to clone.
#[derive(Clone)]
pub struct Intakes {
    real: Intake,
    drills: Arc<RwLock<BTreeMap<DrillId, Intake>>>,
}

impl Intakes {
    /// With the real world's.
    pub fn new(real: Intake) -> Self {
        Self { real, drills: Arc::default() }
    }

    /// The real world's.
    pub fn real(&self) -> &Intake {
        &self.real
    }

    /// A world's intake.
    ///
    /// # Errors
    /// When no such drill runs.
    pub fn get(&self, drill: Option<DrillId>) -> Result<Intake, Problem> {
        let Some(drill) = drill else { return Ok(self.real.clone()) };
        let drills = self.drills.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        drills
            .get(&drill)
            .cloned()
            .ok_or_else(|| Problem::unknown(format!("{drill} is not running; `andon drill list` shows what is")))
    }

    /// A drill began.
    pub fn add(&self, drill: DrillId, intake: Intake) {
        self.drills.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(drill, intake);
    }

    /// A drill ended; its intake stops when nobody holds it.
    pub fn remove(&self, drill: DrillId) -> Option<Intake> {
        self.drills.write().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&drill)
    }

    /// Closes all of them.
    pub async fn close(&self) {
        let drills = std::mem::take(&mut *self.drills.write().unwrap_or_else(std::sync::PoisonError::into_inner));
        for intake in drills.into_values() {
            intake.close().await;
        }
        self.real.close().await;
    }
}
