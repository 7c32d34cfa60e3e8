//! AWS CloudTrail: who called which API, when.

use serde_json::{Map, Value, json};

use super::{
    ImportError,
    sheet::{Sheet, objects, text, wrong},
};
use crate::{drill::Recording, terms::Time};

/// Services whose writes change who may do what.
const ACCESS: [&str; 4] = ["iam", "sts", "sso", "organizations"];

pub(super) fn import(given: &str) -> Result<Recording, ImportError> {
    let set = "which identity is an agent: each stands as one; declare them, and take out who is none";
    let mut sheet = Sheet::new("Calls of an audit log", "CloudTrail", set);
    for (place, record) in objects(given, Some("Records"))? {
        let line = record_of(&place, record)?;
        sheet.line(place, line);
    }
    sheet.finish()
}

fn record_of(place: &str, record: Map<String, Value>) -> Result<Value, ImportError> {
    let record = Value::Object(record);
    let needed = |name: &str| text(&record, name).ok_or_else(|| wrong(place, format!("has no {name}")));
    let at: Time = needed("eventTime")?.parse().map_err(|why| wrong(place, format!("eventTime: {why}")))?;
    let (source, name) = (needed("eventSource")?, needed("eventName")?);
    let service = source.split('.').next().unwrap_or(source);
    let class = match record.get("readOnly") {
        Some(Value::Bool(true)) => Some("read"),
        _ if ACCESS.contains(&service) => Some("identity-or-access"),
        _ => None,
    };
    let identity = record.get("userIdentity").unwrap_or(&Value::Null);
    let agent = who(identity).ok_or_else(|| wrong(place, "userIdentity names nobody"))?;
    Ok(json!({
        "agent": agent,
        "at": at,
        "id": text(&record, "eventID"),
        "tool": format!("{service}.{name}"),
        "endpoint": format!("{source}/{name}"),
        "class": class,
        "status": if text(&record, "errorCode").is_some() { "error" } else { "ok" },
        "on_behalf_of": identity.pointer("/sessionContext/sessionIssuer/userName"),
        "input": record.get("requestParameters"),
        "output": record.get("responseElements"),
    }))
}

/// The shortest name of an identity: a user's, else the session's, else the service that called.
fn who(identity: &Value) -> Option<&str> {
    let last =
        |name: &str| text(identity, name).and_then(|whole| whole.rsplit(['/', ':']).find(|part| !part.is_empty()));
    text(identity, "userName")
        .or_else(|| last("arn"))
        .or_else(|| last("principalId"))
        .or_else(|| text(identity, "invokedBy"))
        .or_else(|| text(identity, "type"))
}
