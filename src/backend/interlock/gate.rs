//! `/v1/interlock/authz`: the question nginx auth_request, Envoy, Caddy and Traefik ask before they pass a call on.
//! Exactly 200 or 403: Envoy takes 204 for a refusal, nginx turns anything else into 500.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Way, http::Ways};
use crate::{
    api::{CheckAnswer, CheckRequest, Decision, Problem},
    backend::{http::extract::InWorld, identity::Identity, rights::Standing},
    terms::{AgentId, ToolName},
};

/// JSON-RPC's code for a call the interlock stopped; outside the ranges the protocols keep for themselves.
const HALTED: i64 = 1001;

/// Whether the call may pass.
///
/// # Errors
/// A name that does not read, which is refused like everything that is not understood.
pub async fn authz(
    State(ways): State<Ways>,
    identity: Identity,
    InWorld(drill): InWorld,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let claimed = named::<AgentId>(&headers, "x-andon-agent")?;
    let tool = match named::<ToolName>(&headers, "x-andon-tool")? {
        None => named(&headers, "mcp-name")?,
        tool => tool,
    };
    let interlock = ways.interlock(drill)?;
    let now = (ways.backend.clock)();
    // Only a gateway's token is believed about who stands behind it; an agent's token is bound to its own.
    let believed = match identity.standing {
        Standing::Agent => identity.agent.clone(),
        Standing::Gateway | Standing::Operator | Standing::Automation => claimed.clone(),
        _ => None,
    };
    let answer = match believed {
        Some(agent) => {
            let asked =
                CheckRequest { agent, tool, class: None, run: None, workflow: None, subject: None, sent_at: None };
            interlock.check(&asked, Way::Gate, now)
        }
        None => interlock.check_stranger(claimed, tool),
    };
    Ok(told(&answer))
}

fn named<T: std::str::FromStr<Err: std::fmt::Display>>(headers: &HeaderMap, name: &str) -> Result<Option<T>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let wrong =
        |why: String| Problem::forbidden(format!("the header {name} does not read ({why}): the call is refused"));
    let text = value.to_str().map_err(|why| wrong(why.to_string()))?;
    text.parse().map(Some).map_err(|why: T::Err| wrong(why.to_string()))
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
