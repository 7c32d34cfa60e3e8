//! Events and commands as rows, the same in every store: arrays that a database takes apart.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Append, Kept, LogError, Remembered};
use crate::{incident::Event, terms::Author};

/// A batch: its events, and its commands.
pub(super) fn of(batch: &[Append]) -> Result<(Value, Value), LogError> {
    let events = batch.iter().flat_map(|append| &append.events);
    let commands = batch.iter().map(|append| command_row(&append.author, append.id, &append.remembered));
    Ok((
        Value::Array(events.map(|event| event_row(event)).collect::<Result<_, _>>()?),
        Value::Array(commands.collect()),
    ))
}

/// The same of what is copied.
pub(super) fn taken(events: &[Event], commands: &[Kept]) -> Result<(Value, Value), LogError> {
    let commands = commands.iter().map(|kept| command_row(&kept.author, kept.id, &kept.remembered));
    Ok((Value::Array(events.iter().map(event_row).collect::<Result<_, _>>()?), Value::Array(commands.collect())))
}

fn command_row(author: &Author, id: Uuid, remembered: &Remembered) -> Value {
    json!([
        author,
        id,
        remembered.body_hash,
        remembered.first_position,
        remembered.last_position,
        remembered.state_version
    ])
}

fn event_row(event: &Event) -> Result<Value, LogError> {
    let unreadable = |why: serde_json::Error| LogError::Unreadable { position: event.position, why: why.to_string() };
    let (kind, data) = event.fact.parts().map_err(unreadable)?;
    Ok(json!([
        event.position,
        event.epoch,
        event.stream,
        event.seq,
        event.id,
        kind,
        event.recorded_at.millis(),
        event.occurred_at.millis(),
        event.by,
        i32::from(event.drill),
        serde_json_canonicalizer::to_string(&data).map_err(unreadable)?,
        event.data_hash,
        event.prev,
        event.hash
    ]))
}
