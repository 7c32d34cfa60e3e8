//! The drills that are played here: what each came to up to now, how far it is, what its facilitator reads.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    api::DrillPlace,
    drill::{Item, MarkKind, Outline, Recording},
    incident::drilled::HarmCount,
    terms::DrillId,
};

/// A request sent twice plays once.
#[derive(Default)]
pub struct Playing(Mutex<BTreeMap<DrillId, Played>>);

struct Played {
    harm: HarmCount,
    place: DrillPlace,
    outline: Arc<Outline>,
    /// Which of the next pages are heard by nobody.
    deaf: VecDeque<bool>,
}

impl Playing {
    fn all(&self) -> MutexGuard<'_, BTreeMap<DrillId, Played>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A recording begins to be played; false where it is already.
    pub(super) fn begin(&self, drill: DrillId, recording: &Recording, outline: Arc<Outline>) -> bool {
        let harm = HarmCount { course: recording.harm(), ..HarmCount::default() };
        // A drill's pages are as deaf as the recording's were, one after the other.
        let deaf = recording.moments.iter().filter_map(|moment| match &moment.item {
            Item::Mark(mark) if mark.mark == MarkKind::Page => Some(mark.deaf),
            _ => None,
        });
        let played = Played { harm, place: DrillPlace::default(), outline, deaf: deaf.collect() };
        self.all().insert(drill, played).is_none()
    }

    /// It is played no more; what it came to is in the log.
    pub(super) fn forget(&self, drill: DrillId) {
        self.all().remove(&drill);
    }

    /// What a drill came to up to now, where it is played here (DRL.3).
    pub fn harm(&self, drill: DrillId) -> Option<HarmCount> {
        self.all().get(&drill).map(|played| played.harm)
    }

    /// How far it is, where it is played here.
    pub fn place(&self, drill: DrillId) -> Option<DrillPlace> {
        self.all().get(&drill).map(|played| played.place)
    }

    /// What its facilitator reads.
    pub(super) fn outline(&self, drill: DrillId) -> Option<Arc<Outline>> {
        self.all().get(&drill).map(|played| played.outline.clone())
    }

    pub(super) fn count(&self, drill: DrillId, change: impl FnOnce(&mut HarmCount)) {
        if let Some(played) = self.all().get_mut(&drill) {
            change(&mut played.harm);
        }
    }

    pub(super) fn is_at(&self, drill: DrillId, place: DrillPlace) {
        if let Some(played) = self.all().get_mut(&drill) {
            played.place = place;
        }
    }

    /// The next page is heard by nobody.
    pub(super) fn deafen(&self, drill: DrillId) {
        if let Some(played) = self.all().get_mut(&drill) {
            played.deaf.push_front(true);
        }
    }

    /// Whether a page that goes now is heard by nobody.
    pub(super) fn is_deaf(&self, drill: DrillId) -> bool {
        self.all().get_mut(&drill).and_then(|played| played.deaf.pop_front()).unwrap_or(false)
    }
}
