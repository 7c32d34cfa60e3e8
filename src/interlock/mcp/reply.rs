//! What the proxy says in the server's stead, and in the client's.

use serde_json::{Value, json};

use super::message::{Broken, Id, Message};
use crate::{
    api::{CheckAnswer, Decision},
    terms::Printable,
};

/// The error of a request that the interlock stopped; outside the ranges the protocols keep for themselves.
pub const STOPPED: i64 = 1001;
/// The error of a request that no server is left to answer.
pub const NO_SERVER: i64 = 1003;
/// Where a request says which revision of the protocol it keeps: the stateless ones do.
const REVISION: &str = "io.modelcontextprotocol/protocolVersion";

/// One line to a peer.
pub fn line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Whether a request keeps the stateless revision, whose results name their kind.
pub fn is_modern(request: &Message) -> bool {
    request.meta(REVISION).is_some()
}

fn id(id: &Id) -> Value {
    id.to_json().to_value()
}

/// A call that does not go on, as a result: clients hand it to their model, which an error would not reach everywhere.
pub fn stopped(call: &Id, modern: bool, answer: &CheckAnswer) -> Vec<u8> {
    let reason = answer.reason.as_deref().map(Printable::line);
    let reason = reason.as_ref().map_or("no reason was given", Printable::as_str);
    let text = match answer.decision {
        Decision::Draft => format!("Only a draft is allowed now: {reason}. Do not act; propose the text instead."),
        _ => match &answer.lane {
            Some(lane) => format!("Stopped by andon: {reason}. Take the lane {} instead.", Printable::line(lane)),
            None => format!("Stopped by andon: {reason}. Do not retry."),
        },
    };
    let mut meta = serde_json::Map::from_iter([("dev.andon/decision".to_owned(), json!(answer.decision))]);
    if let Some(switch) = answer.switch {
        meta.insert("dev.andon/switch".into(), json!(switch));
    }
    if let Some(hold) = answer.hold {
        meta.insert("dev.andon/hold".into(), json!(hold));
    }
    let mut result = json!({"content": [{"type": "text", "text": text}], "isError": true, "_meta": meta});
    if modern {
        result["resultType"] = "complete".into();
    }
    line(&json!({"jsonrpc": "2.0", "id": id(call), "result": result}))
}

/// A request that is no call, stopped.
pub fn refused(request: &Id, code: i64, why: &str) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id(request), "error": {"code": code, "message": why}}))
}

/// A line that was not taken.
pub fn broken(broken: &Broken) -> Vec<u8> {
    let id = broken.id.as_ref().map(id);
    line(
        &json!({"jsonrpc": "2.0", "id": id, "error": {"code": broken.code, "message": format!("andon: {}", broken.why)}}),
    )
}

/// A held call's client hears that it waits.
pub fn progress(token: &Value, step: u64, message: &str) -> Vec<u8> {
    let params = json!({"progressToken": token, "progress": step, "message": message});
    line(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
}

/// The server hears that nobody waits for a call any more.
pub fn cancelled(call: &Id, reason: &str) -> Vec<u8> {
    let params = json!({"requestId": id(call), "reason": reason});
    line(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
}
