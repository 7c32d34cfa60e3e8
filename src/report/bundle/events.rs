//! The events of a bundle: each one's hashes, and the chain of each stream.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::telemetry::Pinned;
use crate::incident::chain::GENESIS;

/// Depth of JSON in which blobs are looked for.
const DEEPEST: usize = 32;
/// Fields of an event that its hash covers as they stand.
const COVERED: [&str; 9] = ["stream", "seq", "id", "type", "recorded_at", "occurred_at", "by", "drill", "data_hash"];

/// A blob that an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub bytes: u64,
}

/// A stream as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub events: u64,
    pub seq: u64,
    pub hash: String,
    /// Events of it that are not in the bundle: they belong to others.
    pub elsewhere: u64,
}

/// What the events say.
#[derive(Default)]
pub(super) struct Events {
    pub own: String,
    pub as_of: u64,
    pub streams: BTreeMap<String, Link>,
    pub blobs: BTreeMap<String, Named>,
    pub pinned: BTreeMap<String, Pinned>,
    pub count: u64,
    position: u64,
}

impl Events {
    /// Follows one event.
    ///
    /// # Errors
    /// Where it stands, and what does not hold.
    pub(super) fn follow(&mut self, line: &str) -> Result<(), (String, String)> {
        let here = |what: &str| (format!("event {} of the bundle", self.count + 1), what.to_owned());
        let event: Value = serde_json::from_str(line).map_err(|why| here(&format!("it does not read: {why}")))?;
        let Value::Object(mut event) = event else { return Err(here("it is no object")) };
        let text = |event: &Map<String, Value>, name: &str| {
            event.get(name).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
        };
        let (stream, seq) = (text(&event, "stream"), event.get("seq").and_then(Value::as_u64).unwrap_or(0));
        let broken = |what: &str| (format!("{stream} event {seq}"), what.to_owned());
        let position = event.remove("position").and_then(|at| at.as_u64()).unwrap_or(0);
        if position <= self.position || position > self.as_of {
            return Err(broken("its position is not after the event before it and within the bundle"));
        }
        event.remove("epoch");
        let data = event.remove("data").unwrap_or_default();
        let (hash, prev) = (text(&event, "hash"), text(&event, "prev"));
        event.remove("hash");
        if event.keys().any(|name| name != "prev" && !COVERED.contains(&name.as_str()))
            || event.len() != COVERED.len() + 1
        {
            return Err(broken("it has not the fields of an event"));
        }
        if digest(&data).as_deref() != Some(text(&event, "data_hash").as_str()) {
            return Err(broken("its data was changed"));
        }
        let kind = text(&event, "type");
        if digest(&Value::Object(event)).as_deref() != Some(hash.as_str()) {
            return Err(broken("its envelope was changed"));
        }
        let own = stream == self.own;
        let link = self.streams.get(&stream);
        let (last, known) = link.map_or((0, GENESIS), |link| (link.seq, link.hash.as_str()));
        if seq <= last || (own && seq != last + 1) {
            return Err(broken("an event before it is missing"));
        }
        if seq == last + 1 && prev != known {
            return Err(broken("it is not chained to the event before it"));
        }
        let before = link.cloned().unwrap_or(Link { events: 0, seq: 0, hash: String::new(), elsewhere: 0 });
        let link = Link { events: before.events + 1, seq, hash, elsewhere: before.elsewhere + (seq - last - 1) };
        self.streams.insert(stream, link);
        self.position = position;
        self.count += 1;
        if own {
            named(&data, &mut self.blobs, 0);
            Pinned::learn(&kind, &data, &mut self.pinned);
        }
        Ok(())
    }
}

/// SHA-256 (hex) of the canonical form.
pub(super) fn digest(value: &Value) -> Option<String> {
    Some(hex::encode(Sha256::digest(serde_json_canonicalizer::to_vec(value).ok()?)))
}

/// Every blob that is named anywhere in what happened.
pub(super) fn named(value: &Value, into: &mut BTreeMap<String, Named>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) => {
            if let (Some(digest), Some(bytes)) =
                (map.get("digest").and_then(Value::as_str), map.get("bytes").and_then(Value::as_u64))
                && super::format::is_digest(digest)
            {
                into.insert(digest.to_owned(), Named { bytes });
            }
            map.values().for_each(|value| named(value, into, depth + 1));
        }
        Value::Array(list) => list.iter().for_each(|value| named(value, into, depth + 1)),
        _ => {}
    }
}
