//! Events and commands as rows, the same in every store.

use uuid::Uuid;

use super::{Append, Kept, LogError, Remembered};
use crate::{incident::Event, terms::Author};

/// What is appended in one transaction.
pub(super) struct Rows<'a> {
    pub events: Vec<EventRow<'a>>,
    pub commands: Vec<CommandRow<'a>>,
}

/// An event, and as text what its columns hold as text.
pub(super) struct EventRow<'a> {
    pub event: &'a Event,
    pub stream: String,
    pub author: String,
    pub kind: String,
    /// Canonical: what its hash covers.
    pub data: String,
}

/// A command as it is remembered.
pub(super) struct CommandRow<'a> {
    pub author: String,
    pub id: Uuid,
    pub remembered: &'a Remembered,
}

impl<'a> Rows<'a> {
    /// A batch: its events, and its commands.
    pub fn of(batch: &'a [Append]) -> Result<Self, LogError> {
        let events = batch.iter().flat_map(|append| &append.events).map(|event| EventRow::of(event));
        let commands = batch.iter().map(|append| CommandRow::of(&append.author, append.id, &append.remembered));
        Ok(Self { events: events.collect::<Result<_, _>>()?, commands: commands.collect() })
    }

    /// The same of what is copied.
    pub fn taken(events: &'a [Event], commands: &'a [Kept]) -> Result<Self, LogError> {
        let commands = commands.iter().map(|kept| CommandRow::of(&kept.author, kept.id, &kept.remembered));
        Ok(Self { events: events.iter().map(EventRow::of).collect::<Result<_, _>>()?, commands: commands.collect() })
    }
}

impl<'a> CommandRow<'a> {
    fn of(author: &Author, id: Uuid, remembered: &'a Remembered) -> Self {
        Self { author: author.to_string(), id, remembered }
    }
}

impl<'a> EventRow<'a> {
    fn of(event: &'a Event) -> Result<Self, LogError> {
        let unreadable =
            |why: serde_json::Error| LogError::Unreadable { position: event.position, why: why.to_string() };
        let (kind, data) = event.fact.parts().map_err(unreadable)?;
        let data = serde_json_canonicalizer::to_string(&data).map_err(unreadable)?;
        Ok(Self { event, stream: event.stream.to_string(), author: event.by.to_string(), kind, data })
    }
}
