//! Who has a cockpit open, and who writes in which draft: people are present while a stream of theirs is (TEAM.6).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    api::{Writer, Writing},
    terms::{Author, DrillId, Time},
};

/// How long somebody's word counts that they write, in milliseconds.
const WRITES: i64 = 10 * Time::SECOND;

/// Open streams by person, and where people write.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<People>>);

#[derive(Debug, Default)]
struct People {
    open: BTreeMap<(String, Option<DrillId>), usize>,
    writing: BTreeMap<(String, Option<DrillId>), (Writing, Time)>,
}

/// One open stream; dropped, it is closed.
#[derive(Debug)]
pub struct Present(Option<(Presence, (String, Option<DrillId>))>);

impl Presence {
    /// Counts a stream of `author`, who follows a world, until the answer is dropped; only people are present.
    pub fn enter(&self, author: &Author, world: Option<DrillId>) -> Present {
        let Author::Person(name) = author else { return Present(None) };
        let stream = (name.clone(), world);
        *self.people().open.entry(stream.clone()).or_default() += 1;
        Present(Some((self.clone(), stream)))
    }

    /// Who follows which drill.
    pub fn in_drills(&self) -> Vec<(DrillId, String)> {
        let people = self.people();
        people.open.keys().filter_map(|(name, world)| Some(((*world)?, name.clone()))).collect()
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is present, by name.
    pub fn names(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.people().open.keys().map(|(name, _)| name.clone()).collect();
        names.into_iter().collect()
    }

    /// Somebody tells where they write, or that they do not any more.
    pub fn writes(&self, author: &Author, world: Option<DrillId>, writing: Option<Writing>, now: Time) {
        let key = (author.name().to_owned(), world);
        match writing {
            Some(writing) => drop(self.people().writing.insert(key, (writing, now))),
            None => drop(self.people().writing.remove(&key)),
        }
    }

    /// Who writes now.
    pub fn writers(&self, now: Time) -> Vec<Writer> {
        let mut people = self.people();
        people.writing.retain(|_, (_, at)| now.since(*at) < WRITES);
        let writers = people.writing.iter();
        writers
            .map(|((name, world), (writing, _))| Writer { name: name.clone(), world: *world, writing: writing.clone() })
            .collect()
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let Some((presence, stream)) = self.0.take() else { return };
        let mut people = presence.people();
        if let Some(count) = people.open.get_mut(&stream) {
            *count -= 1;
            if *count == 0 {
                people.open.remove(&stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_present_until_their_last_stream_closes() {
        let presence = Presence::default();
        let dana = Author::Person("dana".into());
        let first = presence.enter(&dana, None);
        let second = presence.enter(&dana, Some(DrillId(1)));
        let script = presence.enter(&Author::Automation("ci".into()), None);
        assert_eq!(presence.names(), ["dana"]);
        assert_eq!(presence.in_drills(), [(DrillId(1), "dana".to_owned())]);
        drop(first);
        drop(script);
        assert_eq!(presence.names(), ["dana"]);
        drop(second);
        assert!(presence.names().is_empty());
    }

    /// COM.5: who stopped telling that they write does not write any more.
    #[test]
    fn who_writes_is_known_for_seconds() {
        let presence = Presence::default();
        let at = |seconds: i64| Time::from_millis(seconds * Time::SECOND);
        let (dana, lee) = (Author::Person("dana".into()), Author::Person("lee".into()));
        let (incident, draft) = ("INC-1".parse().unwrap(), "DRAFT-1".parse().unwrap());
        let writing = Writing { incident, draft, field: "body".into(), place: None };
        presence.writes(&dana, None, Some(writing.clone()), at(0));
        presence.writes(&lee, Some(DrillId(1)), Some(writing.clone()), at(5));
        let names = |now| presence.writers(now).into_iter().map(|writer| writer.name).collect::<Vec<_>>();
        assert_eq!(names(at(9)), ["dana", "lee"]);
        presence.writes(&lee, None, None, at(9));
        assert_eq!(names(at(11)), ["lee"], "she left another world's");
        presence.writes(&lee, Some(DrillId(1)), None, at(11));
        assert!(names(at(11)).is_empty());
    }
}
