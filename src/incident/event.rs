//! Events: facts with their place in an append-only, hash-chained stream (law 1, protocol 6).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::Fact;
use crate::terms::{Author, DrillId, IncidentId, Time};

/// The name of an append-only stream; in a drill's world, the same names under `drill/DRILL-n/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The drill whose world it belongs to; `None` is the real world.
    pub drill: Option<DrillId>,
    /// What it is about.
    pub topic: Topic,
}

/// What a stream is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// One incident.
    Incident(IncidentId),
    /// Containment switches and their proof.
    Switches,
    /// Calls that wait for a person.
    Holds,
    /// Declared agents.
    Agents,
    /// Firings, tuning.
    Tripwires,
    /// The runbook's versions, and reports on it; always in the real world.
    Runbook,
    /// Tokens.
    Access,
    /// Drills started and ended; always in the real world.
    Drills,
}

/// A stream name nobody writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no stream")]
pub struct StreamError(String);

impl Stream {
    /// The stream of `topic` in the world of `drill` (`None`: the real one).
    pub fn new(drill: Option<DrillId>, topic: Topic) -> Self {
        Self { drill, topic }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(drill) = self.drill {
            write!(f, "drill/{drill}/")?;
        }
        match self.topic {
            Topic::Incident(id) => write!(f, "incident/{id}"),
            Topic::Switches => f.write_str("switches"),
            Topic::Holds => f.write_str("holds"),
            Topic::Agents => f.write_str("agents"),
            Topic::Tripwires => f.write_str("tripwires"),
            Topic::Runbook => f.write_str("runbook"),
            Topic::Access => f.write_str("access"),
            Topic::Drills => f.write_str("drills"),
        }
    }
}

impl FromStr for Stream {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        let wrong = || StreamError(text.chars().take(60).collect());
        let (drill, topic) = match text.strip_prefix("drill/") {
            Some(rest) => {
                let (drill, topic) = rest.split_once('/').ok_or_else(wrong)?;
                (Some(drill.parse().map_err(|_| wrong())?), topic)
            }
            None => (None, text),
        };
        let topic = match topic {
            "switches" => Topic::Switches,
            "holds" => Topic::Holds,
            "agents" => Topic::Agents,
            "tripwires" => Topic::Tripwires,
            "runbook" => Topic::Runbook,
            "access" => Topic::Access,
            "drills" => Topic::Drills,
            other => match other.strip_prefix("incident/") {
                Some(id) => Topic::Incident(id.parse().map_err(|_| wrong())?),
                None => return Err(wrong()),
            },
        };
        Ok(Self { drill, topic })
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A fact that a command made, not yet in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Where it belongs.
    pub stream: Stream,
    /// When it happened; back-dated notes differ from when they are recorded.
    pub occurred_at: Time,
    /// Who made it.
    pub by: Author,
    /// What happened.
    pub fact: Fact,
}

/// What a fact is on the wire.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "it describes, and is never made")]
struct Parts {
    /// Which fact it is.
    r#type: String,
    /// What belongs to a fact of its type.
    data: serde_json::Map<String, serde_json::Value>,
}

/// A fact in the log (protocol 6: `event`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Event {
    /// Place in the whole log; outside the hash.
    pub position: u64,
    /// Which life of the log: a restore starts a new one.
    pub epoch: u32,
    /// Its stream.
    #[schemars(with = "String")]
    pub stream: Stream,
    /// Place in its stream, from 1.
    pub seq: u64,
    /// UUIDv7.
    pub id: Uuid,
    /// `type` and `data`.
    #[serde(flatten)]
    #[schemars(with = "Parts")]
    pub fact: Fact,
    /// When the log took it.
    pub recorded_at: Time,
    /// When it happened.
    pub occurred_at: Time,
    /// Who made it.
    pub by: Author,
    /// Belongs to a drill's world.
    pub drill: bool,
    /// SHA-256 (hex) of the canonical `data`.
    pub data_hash: String,
    /// The hash before it in its stream, or 64 zeros.
    pub prev: String,
    /// SHA-256 (hex) over the canonical envelope.
    pub hash: String,
}
