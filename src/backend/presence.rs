//! Who has a cockpit open: people are present while a stream of theirs is (TEAM.6).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::terms::Author;

/// Open streams by person.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Mutex<BTreeMap<String, usize>>>);

/// One open stream; dropped, it is closed.
#[derive(Debug)]
pub struct Present(Option<(Presence, String)>);

impl Presence {
    /// Counts a stream of `author` until the answer is dropped; only people are present.
    pub fn enter(&self, author: &Author) -> Present {
        let Author::Person(name) = author else { return Present(None) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default() += 1;
        Present(Some((self.clone(), name.clone())))
    }

    /// Who is present, by name.
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let Some((Presence(open), name)) = self.0.take() else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&name) {
            *count -= 1;
            if *count == 0 {
                open.remove(&name);
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
        let first = presence.enter(&dana);
        let second = presence.enter(&dana);
        let script = presence.enter(&Author::Automation("ci".into()));
        assert_eq!(presence.names(), ["dana"]);
        drop(first);
        drop(script);
        assert_eq!(presence.names(), ["dana"]);
        drop(second);
        assert!(presence.names().is_empty());
    }
}
