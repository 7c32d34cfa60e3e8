//! The hash chain: each event is sealed to the one before it in its stream (law 1, protocol 6, EVI.4).

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Event, NewEvent, Stream};
use crate::terms::{Author, Time};

/// What the first event of a stream is chained to.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An event's place: everything but what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// In the whole log; outside the hash.
    pub position: u64,
    /// Life of the log; outside the hash.
    pub epoch: u32,
    /// In its stream, from 1.
    pub seq: u64,
    /// UUIDv7.
    pub id: Uuid,
    /// When the log takes it.
    pub recorded_at: Time,
    /// Hash of the event before it in its stream, or [`GENESIS`].
    pub prev: String,
}

/// Where a chain is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{stream} event {seq}: {what}")]
pub struct Broken {
    /// In which stream.
    pub stream: Stream,
    /// At which event of it.
    pub seq: u64,
    /// What does not fit.
    pub what: &'static str,
}

/// What the hash covers, in canonical JSON.
#[derive(Serialize)]
struct Covered<'a> {
    stream: &'a Stream,
    seq: u64,
    id: Uuid,
    r#type: &'a str,
    recorded_at: Time,
    occurred_at: Time,
    by: &'a Author,
    drill: bool,
    data_hash: &'a str,
    prev: &'a str,
}

fn digest(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(serde_json_canonicalizer::to_vec(value)?)))
}

fn hashes(event: &Event) -> Result<(String, String), serde_json::Error> {
    let (kind, data) = event.fact.parts()?;
    let data_hash = digest(&data)?;
    let covered = Covered {
        stream: &event.stream,
        seq: event.seq,
        id: event.id,
        r#type: &kind,
        recorded_at: event.recorded_at,
        occurred_at: event.occurred_at,
        by: &event.by,
        drill: event.drill,
        data_hash: &data_hash,
        prev: &event.prev,
    };
    let hash = digest(&covered)?;
    Ok((data_hash, hash))
}

/// Gives a fact its place and its hashes.
///
/// # Errors
/// When its data cannot be written as JSON (a number that is none).
pub fn seal(new: NewEvent, place: Place) -> Result<Event, serde_json::Error> {
    let mut event = Event {
        position: place.position,
        epoch: place.epoch,
        drill: new.stream.drill.is_some(),
        stream: new.stream,
        seq: place.seq,
        id: place.id,
        fact: new.fact,
        recorded_at: place.recorded_at,
        occurred_at: new.occurred_at,
        by: new.by,
        data_hash: String::new(),
        prev: place.prev,
        hash: String::new(),
    };
    (event.data_hash, event.hash) = hashes(&event)?;
    Ok(event)
}

/// The links of every stream so far, one event after the other, in order of position from the first.
#[derive(Debug, Default)]
pub struct Links {
    heads: HashMap<Stream, (u64, String)>,
    checked: u64,
}

impl Links {
    /// Checks that `event` follows.
    ///
    /// # Errors
    /// Names the link that does not hold.
    pub fn follow(&mut self, event: &Event) -> Result<(), Broken> {
        let broken = |what| Broken { stream: event.stream.clone(), seq: event.seq, what };
        let (seq, prev) = self.heads.get(&event.stream).map_or((0, GENESIS), |(seq, prev)| (*seq, prev.as_str()));
        if event.seq != seq + 1 {
            return Err(broken("an event before it is missing"));
        }
        if event.prev != prev {
            return Err(broken("it is not chained to the event before it"));
        }
        let (data_hash, hash) = hashes(event).map_err(|_| broken("its data cannot be hashed"))?;
        if data_hash != event.data_hash {
            return Err(broken("its data was changed"));
        }
        if hash != event.hash {
            return Err(broken("its envelope was changed"));
        }
        self.heads.insert(event.stream.clone(), (event.seq, event.hash.clone()));
        self.checked += 1;
        Ok(())
    }

    /// How many hold.
    pub fn checked(&self) -> u64 {
        self.checked
    }
}

/// Checks every stream's chain; events come in order of position, from the first.
///
/// # Errors
/// Names the first link that does not hold.
pub fn verify<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<u64, Broken> {
    let mut links = Links::default();
    for event in events {
        links.follow(event)?;
    }
    Ok(links.checked())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        incident::{Fact, Topic},
        terms::{FiringId, IncidentId},
    };

    fn chain() -> Vec<Event> {
        let mut prev = GENESIS.to_owned();
        (1..=3)
            .map(|seq| {
                let new = NewEvent {
                    stream: Stream::new(None, Topic::Incident(IncidentId(1))),
                    occurred_at: Time::from_millis(5),
                    by: Author::Person("dana".into()),
                    fact: Fact::NoteAdded { text: format!("note {seq}") },
                };
                let id = Uuid::from_u128(u128::from(seq));
                let place =
                    Place { position: seq, epoch: 1, seq, id, recorded_at: Time::from_millis(6), prev: prev.clone() };
                let event = seal(new, place).unwrap();
                prev = event.hash.clone();
                event
            })
            .collect()
    }

    /// EVI.4: one changed byte names the first broken link; position is outside the hash.
    #[test]
    fn a_tampered_event_breaks_the_chain_where_it_is() {
        assert_eq!(verify(&chain()), Ok(3));
        type Tamper = fn(&mut Event);
        let tamper: [(Tamper, &str); 5] = [
            (|event| event.fact = Fact::NoteAdded { text: "other".into() }, "its data was changed"),
            (|event| event.fact = Fact::FiringClosed { firing: FiringId(1) }, "its data was changed"),
            (|event| event.by = Author::Person("lee".into()), "its envelope was changed"),
            (|event| event.recorded_at = Time::from_millis(7), "its envelope was changed"),
            (|event| event.seq = 9, "an event before it is missing"),
        ];
        for (change, what) in tamper {
            let mut events = chain();
            change(&mut events[1]);
            assert_eq!(verify(&events).unwrap_err().what, what);
        }
        let mut events = chain();
        events[1].position = 77;
        assert_eq!(verify(&events), Ok(3));
        events.remove(0);
        assert!(verify(&events).is_err());
    }
}
