//! `/v1/interlock/authz`: the question nginx auth_request, Envoy, Caddy and Traefik ask before they pass a call on.
//! Exactly 200 or 403: Envoy takes 204 for a refusal, nginx turns anything else into 500.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Interlock, Way, holds, http::Ways, mcp, passing::Passing};
use crate::{
    api::{CheckAnswer, CheckRequest, Decision, Problem, decoded_header},
    backend::{identity::Identity, rights::Standing},
    terms::{AgentId, HoldId, Time, ToolName},
};

/// JSON-RPC's code for a call the interlock stopped; outside the ranges the protocols keep for themselves.
const HALTED: i64 = 1001;
/// The same for one that waits for a person.
const HELD: i64 = 1002;
/// When a held call is best asked again, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// The longest body that a gateway may pass on, in bytes.
const LONGEST: usize = 1 << 20;

/// Whether the call may pass. Always asked of the real world: a gateway that appends the caller's own query must not let
/// it choose a drill's table. Every tool that headers and body name is judged, and the strictest answer counts: a caller can
/// add a name, not take one away.
///
/// # Errors
/// A name that does not read, or two agents at once: refused like everything that is not understood.
pub async fn authz(State(ways): State<Ways>, identity: Identity, request: Request) -> Result<Response, Problem> {
    let refused = |problem: Problem| Problem::forbidden(problem.detail);
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LONGEST)
        .await
        .map_err(|_| Problem::forbidden(format!("the call's body is over {LONGEST} bytes, or broke off: refused")))?;
    let call = Passing::of(&parts, &body);
    let claimed = one::<AgentId>(&parts.headers, "x-andon-agent")?;
    let hold = one::<HoldId>(&parts.headers, "x-andon-hold")?;
    let interlock = ways.interlock(None).map_err(refused)?;
    let tools = tools(&parts.headers, &call)?;
    // What no name tells may be a tool of which nothing is known, and any that a switch names.
    let table = interlock.table();
    let any = mcp::may_use_any_tool(&parts.headers);
    let unknown = (any && tools != [None]).then_some(None);
    let others = unknown.into_iter().chain(table.named_tools().filter(|_| any).cloned().map(Some));
    // Only a gateway's token is believed about who stands behind it; an agent's token is bound to its own.
    let believed = match identity.standing {
        Standing::Agent => identity.agent.clone(),
        Standing::Gateway | Standing::Operator | Standing::Automation => claimed.clone(),
        _ => None,
    };
    let now = (ways.backend.clock)();
    let Some(agent) = believed else {
        let judged = tools.into_iter().chain(others);
        let answers = judged.map(|tool| interlock.check_stranger(claimed.clone(), tool, now));
        return strictest(answers).map(|answer| told(&answer));
    };
    let asked = said(&parts.headers, agent)?;
    let asked = CheckRequest { hold, input: Some(call.input()), ..asked };
    let ask = |tool| CheckRequest { tool, ..asked.clone() };
    let (asked, others): (Vec<_>, Vec<_>) = (tools.into_iter().map(ask).collect(), others.map(ask).collect());
    let answer = match asked.as_slice() {
        [asked] if asked.tool.is_none() && mcp::only_looks(&parts.headers) => {
            interlock.check_looking(asked, Way::Gate, now)
        }
        [asked] if others.is_empty() && !call.is_cut() => {
            holds::judge(&ways, None, asked, Way::Gate).await.map_err(refused)?
        }
        // A person approves one call that is known to its end, not one of several.
        asked => strictest(judged(&interlock, asked, &others, now))?,
    };
    Ok(told(&answer))
}

/// What is said of a call beside its tool, as in a check.
fn said(headers: &HeaderMap, agent: AgentId) -> Result<CheckRequest, Problem> {
    Ok(CheckRequest {
        class: one(headers, "x-andon-class")?,
        run: one(headers, "x-andon-run")?,
        workflow: one(headers, "x-andon-workflow")?,
        subject: one(headers, "x-andon-subject")?,
        revision: one(headers, "x-andon-revision")?,
        ..CheckRequest::by(agent)
    })
}

/// Answers for `asked`, of which each counts as a call, and for `others`, of which none does.
fn judged<'a>(
    interlock: &'a Interlock,
    asked: &'a [CheckRequest],
    others: &'a [CheckRequest],
    now: Time,
) -> impl Iterator<Item = CheckAnswer> {
    let asked = asked.iter().map(move |asked| interlock.check(asked, Way::Gate, now));
    asked.chain(others.iter().map(move |other| interlock.ask(other, Way::Gate, now)))
}

/// Every tool that is named; `None` alone is a call that names none.
fn tools(headers: &HeaderMap, call: &Passing<'_>) -> Result<Vec<Option<ToolName>>, Problem> {
    let mut tools: Vec<ToolName> = named(headers, "x-andon-tool")?;
    if !mcp::only_looks(headers) {
        tools.extend(named(headers, "mcp-name")?);
    }
    tools.extend(call.tools()?);
    tools.sort_unstable();
    tools.dedup();
    Ok(if tools.is_empty() { vec![None] } else { tools.into_iter().map(Some).collect() })
}

/// The strictest answer.
fn strictest(answers: impl Iterator<Item = CheckAnswer>) -> Result<CheckAnswer, Problem> {
    let strictest = answers.max_by_key(|answer| answer.decision);
    strictest.ok_or_else(|| Problem::forbidden("nothing is asked: the call is refused"))
}

/// The one value of the header `name`.
fn one<T: std::str::FromStr<Err: std::fmt::Display> + PartialEq>(
    headers: &HeaderMap,
    name: &str,
) -> Result<Option<T>, Problem> {
    let values = named::<T>(headers, name)?;
    if values.iter().any(|value| *value != values[0]) {
        return Err(Problem::forbidden(format!(
            "the header {name} stands there twice, differing: the call is refused"
        )));
    }
    Ok(values.into_iter().next())
}

/// Every value of the header `name`, however often it stands; an empty one is none, as gateways write it.
fn named<T: std::str::FromStr<Err: std::fmt::Display>>(headers: &HeaderMap, name: &str) -> Result<Vec<T>, Problem> {
    let wrong =
        |why: String| Problem::forbidden(format!("the header {name} does not read ({why}): the call is refused"));
    let read = |value: &HeaderValue| {
        let text = value.to_str().map_err(|why| wrong(why.to_string()))?;
        decoded_header(text).map_err(wrong)?.parse().map_err(|why: T::Err| wrong(why.to_string()))
    };
    headers.get_all(name).iter().filter(|value| !value.is_empty()).map(read).collect()
}

fn told(answer: &CheckAnswer) -> Response {
    let allowed = answer.decision == Decision::Allow;
    let reason = answer.reason.clone().unwrap_or_default();
    let status = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let body = if allowed {
        json!(answer)
    } else {
        let (code, message) = match answer.hold {
            Some(hold) => (HELD, format!("held: a person decides; ask again with X-Andon-Hold: {hold}. {reason}")),
            None => (HALTED, format!("stopped: {reason}")),
        };
        // An MCP client reads the middle of it as its call's error.
        json!({
            "jsonrpc": "2.0", "id": null,
            "error": {"code": code, "message": message, "data": answer},
            "decision": answer.decision, "mode": answer.mode, "switch": answer.switch, "reason": answer.reason,
        })
    };
    let mut response = (status, Json(body)).into_response();
    let pairs = [
        ("x-andon-decision", Some(answer.decision.to_string())),
        ("x-andon-mode", answer.mode.map(|mode| mode.to_string())),
        ("x-andon-switch", answer.switch.map(|switch| switch.to_string())),
        ("x-andon-hold", answer.hold.map(|hold| hold.to_string())),
        ("retry-after", answer.hold.filter(|_| !allowed).map(|_| RETRY_AFTER_S.to_string())),
        ("x-andon-rule", answer.rule.clone()),
        ("x-andon-version", Some(answer.version.to_string())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
