//! The detection chain Action → Signal → Trigger → Page → Acknowledgement (PM.2, protocol 6).

use std::sync::Arc;

use super::{Event, Mttd, World};
use crate::terms::{FiringId, Time};

impl Mttd {
    /// The five points with their names, in order; absent ones read “not recorded”.
    pub fn points(&self) -> [(&'static str, Option<Time>); 5] {
        [
            ("action", self.action),
            ("signal", self.signal),
            ("trigger", self.trigger),
            ("page", self.page),
            ("acknowledgement", self.acknowledgement),
        ]
    }

    /// The gaps between neighbours that are both recorded: name and milliseconds.
    pub fn gaps(&self) -> Vec<(String, i64)> {
        self.points()
            .windows(2)
            .filter_map(|pair| {
                let (from, to) = (pair[0].1?, pair[1].1?);
                Some((format!("{}-{}", pair[0].0, pair[1].0), to.since(from)))
            })
            .collect()
    }

    /// Works out what follows from the points: MTTD runs from the action to the acknowledgement.
    pub(super) fn settle(&mut self) {
        self.mttd_s = self.action.zip(self.acknowledgement).map(|(from, to)| to.since(from) as f64 / 1000.0);
        self.largest_gap = self.gaps().into_iter().max_by_key(|(_, millis)| *millis).map(|(name, _)| name);
    }
}

/// Somebody's pager took a firing: the first one counts for its incident.
pub(super) fn paged(world: &mut World, firing: FiringId, event: &Event) {
    let Some(incident) = world.firings.get(&firing).and_then(|firing| firing.incident) else { return };
    if let Some(incident) = world.incidents.get_mut(&incident) {
        let incident = Arc::make_mut(incident);
        incident.mttd.page = Some(incident.mttd.page.map_or(event.occurred_at, |page| page.min(event.occurred_at)));
        incident.mttd.settle();
    }
}

/// A person acknowledged a firing: the earliest acknowledgement counts for its incident.
pub(super) fn acknowledged(world: &mut World, firing: FiringId, event: &Event) {
    let Some(incident) = world.firings.get(&firing).and_then(|firing| firing.incident) else { return };
    if let Some(incident) = world.incidents.get_mut(&incident).filter(|_| event.by.answers()) {
        let incident = Arc::make_mut(incident);
        incident.mttd.acknowledgement.get_or_insert(event.occurred_at);
        incident.mttd.settle();
    }
}
