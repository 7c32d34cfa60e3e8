//! The intakes of all worlds: the real one, and one for each running drill, made when it is first needed (law 8).

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Intake, Start};
use crate::{api::Problem, backend::core::Core, terms::DrillId};

/// Makes what a drill's intake is started with.
type Drills = Arc<dyn Fn(DrillId) -> Start<Core> + Send + Sync>;

/// Intakes by world; cheap to clone.
#[derive(Clone)]
pub struct Intakes {
    real: Intake,
    drills: Arc<RwLock<BTreeMap<DrillId, Intake>>>,
    opening: Option<(Core, Drills)>,
    one_at_a_time: Arc<tokio::sync::Mutex<()>>,
}

impl Intakes {
    /// With the real world's alone.
    pub fn new(real: Intake) -> Self {
        Self { real, drills: Arc::default(), opening: None, one_at_a_time: Arc::default() }
    }

    /// With an intake for every drill that runs, too.
    pub fn with_drills(mut self, core: Core, start: impl Fn(DrillId) -> Start<Core> + Send + Sync + 'static) -> Self {
        self.opening = Some((core, Arc::new(start)));
        self
    }

    /// A world's intake; a running drill's is begun here.
    ///
    /// # Errors
    /// When no such drill runs.
    pub async fn get(&self, drill: Option<DrillId>) -> Result<Intake, Problem> {
        let _one = match self.existing(drill) {
            Some(intake) => return Ok(intake),
            None => self.one_at_a_time.lock().await,
        };
        if let Some(intake) = self.existing(drill) {
            return Ok(intake);
        }
        let unknown = || Problem::unknown("no such drill is running; `andon drill list` shows what is");
        let (drill, (core, start)) = drill.zip(self.opening.as_ref()).ok_or_else(unknown)?;
        let worlds = core.worlds();
        let runs = |drill: &DrillId| worlds.takes.get(drill).is_some_and(|take| take.ended_at.is_none());
        if !runs(&drill) {
            return Err(unknown());
        }
        let intake = Intake::start(start(drill)).await.map_err(|error| Problem::unavailable(error.to_string()))?;
        let mut drills = self.drills.write().unwrap_or_else(PoisonError::into_inner);
        drills.retain(|drill, _| runs(drill));
        drills.insert(drill, intake.clone());
        Ok(intake)
    }

    /// A world's intake where it has begun.
    pub fn existing(&self, drill: Option<DrillId>) -> Option<Intake> {
        let Some(drill) = drill else { return Some(self.real.clone()) };
        self.drills.read().unwrap_or_else(PoisonError::into_inner).get(&drill).cloned()
    }

    /// Closes all of them.
    pub async fn close(&self) {
        let drills = std::mem::take(&mut *self.drills.write().unwrap_or_else(PoisonError::into_inner));
        for intake in drills.into_values() {
            intake.close().await;
        }
        self.real.close().await;
    }
}
