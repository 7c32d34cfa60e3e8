//! The call that a gateway asks about, as far as the gateway shows it: what a person who approves it sees, and what its
//! ticket is bound to.

use axum::http::{HeaderMap, HeaderValue, Method, request::Parts};
use serde_json::{Map, Value};

use crate::{
    api::{Problem, path},
    terms::ToolName,
};

/// How gateways tell the call behind the question. Every one that is there counts: a caller can add one, not replace it.
const TOLD: [&str; 4] = ["x-original-method", "x-original-uri", "x-forwarded-method", "x-forwarded-uri"];

/// One call on its way through a gateway.
pub struct Passing<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    /// What stands after our own path: Envoy appends the call's own.
    rest: Option<&'a str>,
    body: Option<Value>,
}

impl<'a> Passing<'a> {
    /// The call behind a question.
    pub fn of(parts: &'a Parts, body: &[u8]) -> Self {
        let whole = parts.uri.path_and_query().map(axum::http::uri::PathAndQuery::as_str).unwrap_or_default();
        let rest = whole.strip_prefix(path::AUTHZ).filter(|rest| rest.starts_with('/'));
        let text = || Value::String(String::from_utf8_lossy(body).into_owned());
        let body = (!body.is_empty()).then(|| serde_json::from_slice(body).unwrap_or_else(|_| text()));
        Self { method: &parts.method, headers: &parts.headers, rest, body }
    }

    /// The tools that an MCP body calls, where the gateway sends it.
    ///
    /// # Errors
    /// A name that does not read.
    pub fn tools(&self) -> Result<Vec<ToolName>, Problem> {
        let messages = match &self.body {
            Some(Value::Array(messages)) => messages.as_slice(),
            Some(message) => std::slice::from_ref(message),
            None => &[],
        };
        let calls = messages.iter().filter(|message| message["method"] == "tools/call");
        let wrong = |why: String| Problem::forbidden(format!("the call's tool does not read ({why}): it is refused"));
        calls
            .map(|call| match &call["params"]["name"] {
                Value::String(name) => ToolName::new(name).map_err(|why| wrong(why.to_string())),
                _ => Err(wrong("params.name is no text".to_owned())),
            })
            .collect()
    }

    /// The call's arguments, as every other way in gives them to rules and to a person: the body's fields, of an MCP call
    /// its arguments. Beside them, under names of our own, which call it is. Nothing that changes when the same call is
    /// made again.
    pub fn input(&self) -> Value {
        let mut input = match &self.body {
            Some(body) => arguments(body),
            None => Map::new(),
        };
        let told: Map<String, Value> = TOLD.iter().filter_map(|name| self.told(name)).collect();
        let own = self.rest.map(|rest| ("call".to_owned(), format!("{} {rest}", self.method).into()));
        input.insert("andon.call".to_owned(), told.into_iter().chain(own).collect());
        match self.body {
            None => drop(input.insert("andon.unseen".to_owned(), "the body: this gateway sends none".into())),
            Some(_) if self.is_cut() => {
                drop(input.insert("andon.unseen".to_owned(), "the body's end: it was cut".into()))
            }
            Some(_) => {}
        }
        Value::Object(input)
    }

    /// Whether only the body's beginning is known.
    pub fn is_cut(&self) -> bool {
        self.headers.get_all("x-envoy-auth-partial-body").iter().any(|partial| partial == "true")
    }

    fn told(&self, name: &str) -> Option<(String, Value)> {
        let text = |value: &HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut values: Vec<Value> = self.headers.get_all(name).iter().map(text).collect();
        let value = if values.len() > 1 { Value::Array(values) } else { values.pop()? };
        Some((name.to_owned(), value))
    }
}

fn arguments(body: &Value) -> Map<String, Value> {
    match (body, &body["params"]["arguments"]) {
        (Value::Object(message), arguments) if message.contains_key("jsonrpc") => match arguments {
            Value::Object(arguments) => arguments.clone(),
            _ => Map::new(),
        },
        (Value::Object(fields), _) => fields.clone(),
        (other, _) => Map::from_iter([("body".to_owned(), other.clone())]),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde_json::json;

    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method("POST").uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    /// CON.12: a person sees what the gateway shows, also that it does not show the body.
    #[test]
    fn a_person_sees_what_the_gateway_shows() {
        let nginx =
            parts("/v1/interlock/authz", &[("x-original-method", "POST"), ("x-original-uri", "/v1/payouts?x=1")]);
        let input = Passing::of(&nginx, b"").input();
        let told = json!({"x-original-method": "POST", "x-original-uri": "/v1/payouts?x=1"});
        assert_eq!(input["andon.call"], told);
        assert_eq!(input["andon.unseen"], "the body: this gateway sends none");

        let envoy =
            parts("/v1/interlock/authz/v1/payouts?x=1", &[("x-forwarded-uri", "/a"), ("x-forwarded-uri", "/b")]);
        let input = Passing::of(&envoy, br#"{"amount": 7, "andon.call": "forged"}"#).input();
        // What a caller added does not hide the gateway's own.
        let told = json!({"call": "POST /v1/payouts?x=1", "x-forwarded-uri": ["/a", "/b"]});
        assert_eq!(input, json!({"amount": 7, "andon.call": told}));
        assert_eq!(Passing::of(&envoy, b"\xffx").input()["body"], "\u{fffd}x");
        assert_eq!(Passing::of(&envoy, b"[1]").input()["body"], json!([1]));
        let cut = parts("/v1/interlock/authz/v1/payouts", &[("x-envoy-auth-partial-body", "true")]);
        assert_eq!(Passing::of(&cut, b"{\"amount\"").input()["andon.unseen"], "the body's end: it was cut");
    }

    #[test]
    fn the_same_mcp_call_made_again_is_the_same() {
        let parts = parts("/v1/interlock/authz/mcp", &[]);
        let call = |id: u32, amount: u32| {
            let params =
                json!({"name": "stripe.payout", "arguments": {"amount": amount}, "_meta": {"progressToken": id}});
            let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string();
            let call = Passing::of(&parts, body.as_bytes());
            assert_eq!(call.tools().unwrap(), [ToolName::new("stripe.payout").unwrap()]);
            call.input()
        };
        assert_eq!(call(1, 7), call(2, 7));
        assert_eq!(call(1, 7)["amount"], 7);
        assert_ne!(call(1, 7), call(1, 8));
        for (body, tools) in [
            (r#"{"method": "tools/list"}"#, Ok(0)),
            (
                r#"[{"method": "tools/call", "params": {"name": "a"}}, {"method": "tools/call", "params": {"name": "b"}}]"#,
                Ok(2),
            ),
            (r#"{"method": "tools/call", "params": {"name": 7}}"#, Err(())),
            (r#"{"method": "tools/call"}"#, Err(())),
            ("no json", Ok(0)),
        ] {
            let found = Passing::of(&parts, body.as_bytes()).tools().map(|tools| tools.len()).map_err(|_| ());
            assert_eq!(found, tools, "{body}");
        }
    }
}
