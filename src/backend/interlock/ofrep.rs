//! OFREP: the table as feature flags, for OpenFeature clients of any language. `andon.allowed` is true to go on, so that a
//! client whose code default is false stops when it hears nothing. Every error has its details; never 429.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    Interlock, Way,
    http::{Ways, for_itself},
};
use crate::{
    api::{CheckAnswer, CheckRequest, Decision},
    backend::{http::extract::InWorld, identity::Identity},
    terms::ToolName,
};

/// Refused, as OFREP says it.
struct Wrong {
    status: StatusCode,
    code: &'static str,
    details: String,
}

impl Wrong {
    fn new(code: &'static str, details: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, details: details.into() }
    }

    fn told(self, key: Option<&str>) -> Response {
        let mut body = json!({"errorCode": self.code, "errorDetails": self.details});
        if let Some(key) = key {
            body["key"] = key.into();
        }
        (self.status, Json(body)).into_response()
    }
}

/// One flag.
pub async fn one(
    State(ways): State<Ways>,
    identity: Identity,
    InWorld(drill): InWorld,
    Path(key): Path<String>,
    body: Bytes,
) -> Response {
    let evaluated = asked(&body, &identity).and_then(|asked| {
        let interlock = ways.interlock(drill).map_err(|problem| Wrong::new("INVALID_CONTEXT", problem.detail))?;
        flag(&key, &interlock, asked, (ways.backend.clock)())
    });
    evaluated.map_or_else(|wrong| wrong.told(Some(&key)), |flag| Json(flag).into_response())
}

/// Every flag of one agent; unchanged, 304.
pub async fn all(
    State(ways): State<Ways>,
    identity: Identity,
    InWorld(drill): InWorld,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = match asked(&body, &identity) {
        Ok(asked) => asked,
        Err(wrong) => return wrong.told(None),
    };
    let interlock = match ways.interlock(drill) {
        Ok(interlock) => interlock,
        Err(problem) => return Wrong::new("INVALID_CONTEXT", problem.detail).told(None),
    };
    let table = interlock.table();
    let mut keys = vec!["andon.allowed".to_owned(), "andon.mode".to_owned()];
    if let Some(agent) = table.agents.get(&asked.agent) {
        keys.extend(agent.declared.inventory.iter().map(|item| format!("andon.tool.{}", item.tool())));
    }
    let now = (ways.backend.clock)();
    let flags: Vec<Value> =
        keys.iter().filter_map(|key| flag(key, &interlock, asked.clone(), now).ok().map(Value::Object)).collect();
    let body = json!({"flags": flags, "metadata": {"version": table.version}});
    let tag = format!("\"{}\"", &crate::backend::identity::hash_of(&body["flags"].to_string())[..32]);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { Json(body).into_response() };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The evaluation's context as a call: `targetingKey` is the agent.
fn asked(body: &[u8], identity: &Identity) -> Result<CheckRequest, Wrong> {
    let sent: Value = serde_json::from_slice(body).map_err(|why| Wrong::new("PARSE_ERROR", why.to_string()))?;
    let context = match sent.get("context") {
        Some(Value::Object(context)) => context,
        _ => return Err(Wrong::new("INVALID_CONTEXT", "send {\"context\": {\"targetingKey\": AGENT, …}}")),
    };
    let text = |name: &str| context.get(name).and_then(Value::as_str);
    let Some(agent) = text("targetingKey") else {
        return Err(Wrong::new(
            "TARGETING_KEY_MISSING",
            "targetingKey is the agent's id; without it nobody can be told",
        ));
    };
    let wrong = |name: &'static str| {
        move |why: crate::terms::NameError| Wrong::new("INVALID_CONTEXT", format!("{name}: {why}"))
    };
    let asked = CheckRequest {
        tool: text("tool").map(str::parse).transpose().map_err(wrong("tool"))?,
        class: text("class").map(str::parse).transpose().map_err(wrong("class"))?,
        run: text("run").map(str::to_owned),
        workflow: text("workflow").map(str::parse).transpose().map_err(wrong("workflow"))?,
        subject: text("subject").map(str::to_owned),
        revision: text("revision").map(str::to_owned),
        ..CheckRequest::by(agent.parse().map_err(wrong("targetingKey"))?)
    };
    for_itself(identity, &asked.agent).map_err(|problem| Wrong {
        status: StatusCode::FORBIDDEN,
        code: "GENERAL",
        details: problem.detail,
    })?;
    Ok(asked)
}

fn flag(
    key: &str,
    interlock: &Interlock,
    mut asked: CheckRequest,
    now: crate::terms::Time,
) -> Result<Map<String, Value>, Wrong> {
    let unknown = |details: String| Wrong { status: StatusCode::NOT_FOUND, code: "FLAG_NOT_FOUND", details };
    if let Some(tool) = key.strip_prefix("andon.tool.") {
        asked.tool = Some(ToolName::new(tool).map_err(|why| unknown(why.to_string()))?);
    } else if key != "andon.allowed" && key != "andon.mode" {
        return Err(unknown("the flags are andon.allowed, andon.mode and andon.tool.NAME".to_owned()));
    }
    let answer = interlock.check(&asked, Way::Check, now);
    let allowed = answer.decision == Decision::Allow;
    // Denied without a switch: the log is sick, and nobody may go on.
    let mode = if allowed { "none" } else { answer.mode.map_or("halt", |mode| mode.as_str()) };
    let value = if key == "andon.mode" { mode.into() } else { Value::Bool(allowed) };
    Ok(Map::from_iter([
        ("key".to_owned(), key.into()),
        ("value".to_owned(), value),
        ("variant".to_owned(), if allowed { "allow".into() } else { mode.into() }),
        ("reason".to_owned(), if allowed { "STATIC" } else { "TARGETING_MATCH" }.into()),
        ("metadata".to_owned(), metadata(&answer)),
    ]))
}

/// What stands behind an answer, in the plain values that flag metadata takes.
fn metadata(answer: &CheckAnswer) -> Value {
    let mut metadata = Map::from_iter([
        ("version".to_owned(), answer.version.into()),
        ("decision".to_owned(), answer.decision.as_str().into()),
    ]);
    if let Some(switch) = answer.switch {
        metadata.insert("switch".to_owned(), switch.to_string().into());
    }
    if let Some(reason) = &answer.reason {
        metadata.insert("reason".to_owned(), reason.as_str().into());
    }
    Value::Object(metadata)
}
