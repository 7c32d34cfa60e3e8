//! OTLP/JSON: trace requests as an exporter or a collector writes them to a file, one or one a line.

use serde_json::Value;

use super::{
    ImportError,
    sheet::{Sheet, objects, wrong},
};
use crate::{
    drill::Recording,
    telemetry::{
        Prices, Rejected,
        otlp::{Encoding, Origin, Pushed, SpanJoiner, read, spans},
    },
    terms::Time,
};

pub(super) fn import(given: &str) -> Result<Recording, ImportError> {
    let mut sheet = Sheet::new("Traces of agents", "OTLP traces", "what the calls harmed");
    let (mut joiner, origin) = (SpanJoiner::default(), Origin { source: "file".into(), bound: None });
    // Received in the end: nothing lies ahead of the backend's clock, and every ancestor has come.
    let received = Time::from_millis(i64::MAX);
    let mut left_out: Vec<Rejected> = Vec::new();
    for (place, request) in objects(given, None)? {
        let body = Value::Object(request).to_string();
        let request = read(body.as_bytes(), Encoding::Json).map_err(|why| wrong(&place, why.to_string()))?;
        let pushed = joiner.push(spans(&request, &Prices::default(), received), &origin, Time::default());
        take(&mut sheet, &place, pushed, &mut left_out)?;
    }
    take(&mut sheet, "the file", joiner.drain(received), &mut left_out)?;
    if let Some(first) = left_out.first() {
        if sheet.is_empty() {
            return Err(ImportError::NoAction(format!("span {}: {}", first.index, first.reason)));
        }
        sheet.add_to_set(&format!("; {} spans were left out", left_out.len()));
    }
    if sheet.is_empty() {
        return Err(ImportError::NoAction("no span is a tool call or a model call of an agent".into()));
    }
    sheet.finish()
}

fn take(sheet: &mut Sheet, place: &str, pushed: Pushed, left_out: &mut Vec<Rejected>) -> Result<(), ImportError> {
    for joined in pushed.actions {
        let mut line = serde_json::to_value(&joined.action).map_err(|why| wrong(place, why.to_string()))?;
        if let Value::Object(fields) = &mut line {
            fields.remove("received_at");
        }
        sheet.line(place, line);
    }
    left_out.extend(pushed.rejected);
    Ok(())
}
