//! `/v1/interlock/authz`: the question nginx auth_request, Envoy, Caddy and Traefik ask before they pass a call on.
//! Exactly 200 or 403: Envoy takes 204 for a refusal, nginx turns anything else into 500.

use std::borrow::Cow;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use serde_json::json;

use super::{Way, http::Ways, mcp};
use crate::{
    api::{CheckAnswer, CheckRequest, Decision, Problem},
    backend::{identity::Identity, rights::Standing},
    terms::{AgentId, ToolName},
};

/// JSON-RPC's code for a call the interlock stopped; outside the ranges the protocols keep for themselves.
const HALTED: i64 = 1001;
/// How MCP begins a header whose value it had to encode.
const ENCODED: &str = "=?base64?";

/// Whether the call may pass. Always asked of the real world: a gateway that appends the caller's own query must not let
/// it choose a drill's table. Every tool the headers name is judged, and the strictest answer counts: a caller can add a
/// header, not take one away.
///
/// # Errors
/// A name that does not read, or two agents at once: refused like everything that is not understood.
pub async fn authz(State(ways): State<Ways>, identity: Identity, headers: HeaderMap) -> Result<Response, Problem> {
    let agents = named::<AgentId>(&headers, "x-andon-agent")?;
    if agents.iter().any(|agent| *agent != agents[0]) {
        return Err(Problem::forbidden("the header x-andon-agent names two agents: the call is refused"));
    }
    let claimed = agents.into_iter().next();
    let interlock = ways.interlock(None)?;
    let mut tools: Vec<Option<ToolName>> =
        named(&headers, "x-andon-tool")?.into_iter().chain(named(&headers, "mcp-name")?).map(Some).collect();
    if tools.is_empty() {
        tools.push(None);
    }
    if mcp::may_use_any_tool(&headers) {
        tools.extend(interlock.table().named_tools().cloned().map(Some));
    }
    let now = (ways.backend.clock)();
    // Only a gateway's token is believed about who stands behind it; an agent's token is bound to its own.
    let believed = match identity.standing {
        Standing::Agent => identity.agent.clone(),
        Standing::Gateway | Standing::Operator | Standing::Automation => claimed.clone(),
        _ => None,
    };
    let answers = tools.into_iter().map(|tool| match believed.clone() {
        Some(agent) => {
            let asked = CheckRequest { tool, ..CheckRequest::by(agent) };
            interlock.check(&asked, Way::Gate, now)
        }
        None => interlock.check_stranger(claimed.clone(), tool),
    });
    let strictest = answers.max_by_key(|answer| answer.decision);
    strictest.map(|answer| told(&answer)).ok_or_else(|| Problem::forbidden("nothing is asked: the call is refused"))
}

/// Every value of the header `name`, however often it stands.
fn named<T: std::str::FromStr<Err: std::fmt::Display>>(headers: &HeaderMap, name: &str) -> Result<Vec<T>, Problem> {
    let wrong =
        |why: String| Problem::forbidden(format!("the header {name} does not read ({why}): the call is refused"));
    let read = |value: &HeaderValue| {
        let text = value.to_str().map_err(|why| wrong(why.to_string()))?;
        decoded(text).map_err(wrong)?.parse().map_err(|why: T::Err| wrong(why.to_string()))
    };
    headers.get_all(name).iter().map(read).collect()
}

/// A header's value, out of MCP's `=?base64?…?=` where it stands in it.
fn decoded(text: &str) -> Result<Cow<'_, str>, String> {
    let text = text.trim();
    let prefix = text.get(..ENCODED.len()).filter(|prefix| prefix.eq_ignore_ascii_case(ENCODED));
    if prefix.is_none() {
        return Ok(text.into());
    }
    let inner = text[ENCODED.len()..].strip_suffix("?=").ok_or("it does not end in ?=")?;
    let bytes = STANDARD.decode(inner).map_err(|why| why.to_string())?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|why| why.to_string())
}

fn told(answer: &CheckAnswer) -> Response {
    let allowed = answer.decision == Decision::Allow;
    let reason = answer.reason.clone().unwrap_or_default();
    let status = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let body = if allowed {
        json!(answer)
    } else {
        // An MCP client reads the middle of it as its call's error.
        json!({
            "jsonrpc": "2.0", "id": null,
            "error": {"code": HALTED, "message": format!("stopped: {reason}"), "data": answer},
            "decision": answer.decision, "mode": answer.mode, "switch": answer.switch, "reason": answer.reason,
        })
    };
    let mut response = (status, Json(body)).into_response();
    let mode = answer.mode.map(|mode| mode.to_string());
    let switch = answer.switch.map(|switch| switch.to_string());
    let pairs = [
        ("x-andon-decision", Some(answer.decision.to_string())),
        ("x-andon-mode", mode),
        ("x-andon-switch", switch),
        ("x-andon-version", Some(answer.version.to_string())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
