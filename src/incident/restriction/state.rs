//! Who sees what.

use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    incident::{Drill, Event, Incident, Topic, World, Worlds},
    terms::{Author, IncidentId, Time},
};

/// Who sees a restricted incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// By name.
    pub people: BTreeSet<String>,
    /// Why.
    pub why: String,
    /// Who said so last.
    pub by: Author,
    /// When.
    pub at: Time,
}

impl Incident {
    /// Whether somebody sees it: everybody, unless it is restricted to others. Andon itself always does; agents never do.
    pub fn is_seen_by(&self, author: &Author) -> bool {
        match (&self.restricted, author) {
            // A link reaches nothing but the page that it came with.
            (None, _) | (_, Author::Andon(_) | Author::Link(_)) => true,
            (Some(only), Author::Person(name) | Author::Automation(name)) => only.people.contains(name),
            (Some(_), Author::Agent(_)) => false,
        }
    }
}

impl World {
    /// Incidents that somebody does not see.
    pub fn hidden_from(&self, author: &Author) -> BTreeSet<IncidentId> {
        self.incidents.values().filter(|incident| !incident.is_seen_by(author)).map(|incident| incident.id).collect()
    }

    /// The world as somebody sees it: what is stopped is everybody's, an incident may be a few people's.
    pub fn seen_by(&self, author: &Author) -> Cow<'_, Self> {
        let hidden = self.hidden_from(author);
        if hidden.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut world = self.clone();
        for id in hidden {
            world.incidents.remove(&id);
        }
        Cow::Owned(world)
    }
}

impl Worlds {
    /// Whether somebody may read an event: those of an incident that only others see are theirs.
    pub fn shows(&self, event: &Event, author: &Author) -> bool {
        let id = match event.stream.topic {
            Topic::Incident(id) => id,
            // What a facilitator does is theirs (DRL.1).
            Topic::Drills => return self.takes.values().all(|drill| drill.shows(event, author)),
            _ => return true,
        };
        let incident = self.get(event.stream.drill).and_then(|world| world.incidents.get(&id));
        incident.is_none_or(|incident| incident.is_seen_by(author))
    }

    /// Everything as somebody sees it.
    pub fn seen_by(&self, author: &Author) -> Cow<'_, Self> {
        let hides = |world: &World| !world.hidden_from(author).is_empty();
        let led = |drill: &Drill| matches!(drill.seen_by(author), Cow::Borrowed(_));
        if !hides(&self.real) && !self.drills.values().any(hides) && self.takes.values().all(led) {
            return Cow::Borrowed(self);
        }
        let mut worlds = self.clone();
        for drill in worlds.takes.values_mut() {
            *drill = drill.seen_by(author).into_owned();
        }
        for world in std::iter::once(&mut worlds.real).chain(worlds.drills.values_mut()) {
            *world = world.seen_by(author).into_owned();
        }
        Cow::Owned(worlds)
    }
}
