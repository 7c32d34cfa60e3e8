//! `POST /ofrep/v1/evaluate/flags` and `…/{key}`.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{flags, tag};
use crate::{
    api::{CheckRequest, Problem, path},
    backend::{
        http::extract::{InWorld, body},
        identity::Identity,
        interlock::{
            Way,
            http::{Ways, for_itself},
        },
    },
};

/// The longest context, in bytes.
const LONGEST: usize = 1 << 16;
/// The longest run, subject or revision, in bytes.
const LONGEST_TEXT: usize = 1 << 10;
/// How long a client may be out of sight before it hangs up, in seconds.
const INACTIVITY_S: u32 = 120;

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

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, code: "GENERAL", details: problem.detail }
    }
}

/// One flag.
pub async fn one(
    State(ways): State<Ways>,
    identity: Identity,
    world: Result<InWorld, Problem>,
    Path(key): Path<String>,
    request: Request,
) -> Response {
    let evaluated = evaluated(&ways, &identity, world, &key, request).await;
    evaluated.unwrap_or_else(|wrong| wrong.told(Some(&key)))
}

async fn evaluated(
    ways: &Ways,
    identity: &Identity,
    world: Result<InWorld, Problem>,
    key: &str,
    request: Request,
) -> Result<Response, Wrong> {
    let InWorld(drill) = world?;
    let asked = asked(&body(request, LONGEST).await?, identity)?;
    let interlock = ways.interlock(drill)?;
    let (table, now) = (interlock.table(), (ways.backend.clock)());
    let judge = |asked: &CheckRequest| interlock.ask(asked, Way::Check, now);
    let mut flag = flags::flag(key, &table, &asked, judge).map_err(|none| Wrong {
        status: StatusCode::NOT_FOUND,
        code: "FLAG_NOT_FOUND",
        details: none.to_string(),
    })?;
    flag["metadata"]["version"] = table.version.into();
    Ok(Json(flag).into_response())
}

/// Every flag of one agent, and where to hear that they changed; unchanged, 304. The `flagConfigEtag` that comes with a
/// re-fetch asks for flags at least that new: here they always are.
pub async fn all(
    State(ways): State<Ways>,
    identity: Identity,
    world: Result<InWorld, Problem>,
    request: Request,
) -> Response {
    listed(&ways, &identity, world, request).await.unwrap_or_else(|wrong| wrong.told(None))
}

async fn listed(
    ways: &Ways,
    identity: &Identity,
    world: Result<InWorld, Problem>,
    request: Request,
) -> Result<Response, Wrong> {
    let InWorld(drill) = world?;
    let headers = request.headers().clone();
    let asked = asked(&body(request, LONGEST).await?, identity)?;
    let interlock = ways.interlock(drill)?;
    let (table, now, tickets) = (interlock.table(), (ways.backend.clock)(), ways.interlocks.tickets());
    let flags = flags::all(&table, &asked, |asked| interlock.ask(asked, Way::Check, now));
    let tag = tag::tag(&tickets.process, &flags);
    let mut response = if tag::is_known(&headers, &tag) && !tickets.is_owed(&asked.agent) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut body = json!({"flags": flags, "metadata": {"version": table.version}});
        if let Some(ticket) = tickets.issue(identity, drill, &asked, &tag, now) {
            let agent = in_query(asked.agent.as_str());
            let uri = format!("{}?agent={agent}&ticket={ticket}", path::OFREP_STREAM);
            // Without an origin: the client takes the one it reached us by, whatever stands between.
            let endpoint = json!({"type": "sse", "endpoint": {"requestUri": uri}, "inactivityDelaySec": INACTIVITY_S});
            body["eventStreams"] = json!([endpoint]);
        }
        let mut response = Json(body).into_response();
        // A ticket stands in it.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        response
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// A text as a value in a query: every byte but the plainest as `%XX`.
fn in_query(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
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
    let texts = [("run", &asked.run), ("subject", &asked.subject), ("revision", &asked.revision)];
    if let Some((name, _)) = texts.iter().find(|(_, text)| text.as_ref().is_some_and(|text| text.len() > LONGEST_TEXT))
    {
        return Err(Wrong::new("INVALID_CONTEXT", format!("{name}: at most {LONGEST_TEXT} bytes")));
    }
    for_itself(identity, &asked.agent)?;
    Ok(asked)
}
