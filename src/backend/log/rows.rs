//! Events and commands as rows, the same in every store: arrays that a database takes apart.

use serde_json::{Value, json};

use super::{Append, LogError};
use crate::incident::Event;

/// A batch: its events, and its commands.
pub(super) fn of(batch: &[Append]) -> Result<(Value, Value), LogError> {
    let mut events = Vec::new();
    let mut commands = Vec::with_capacity(batch.len());
    for append in batch {
        for event in &append.events {
            events.push(event_row(event)?);
        }
        let remembered = &append.remembered;
        commands.push(json!([
            append.author,
            append.id,
            remembered.body_hash,
            remembered.first_position,
            remembered.last_position,
            remembered.state_version
        ]));
    }
    Ok((Value::Array(events), Value::Array(commands)))
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
