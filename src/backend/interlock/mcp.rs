//! What MCP over HTTP tells a gateway in its headers. From revision 2026-07-28 on a call names its tool in `Mcp-Name`, and
//! the server refuses one whose body says otherwise; an older call is silent, or says what nobody checks.

use axum::http::HeaderMap;

/// The first revision whose servers hold the headers against the body.
const MIRRORED: &str = "2026-07-28";
/// Methods that name what they use.
const NAMING: [&str; 3] = ["tools/call", "resources/read", "prompts/get"];

/// Methods that only look, beside lists and notifications.
const LOOKING: [&str; 6] =
    ["server/discover", "ping", "resources/read", "prompts/get", "completion/complete", "subscriptions/listen"];

/// Whether a call may use a tool that nothing here names. A gateway whose every call uses some tool says
/// `X-Andon-Expects: tool`: then a caller gains nothing by leaving its headers out, or by speaking an older revision.
pub fn may_use_any_tool(headers: &HeaderMap) -> bool {
    if headers.get_all("x-andon-tool").iter().any(|tool| !tool.is_empty()) {
        return false;
    }
    let expected = all(headers, "x-andon-expects", |value| value.eq_ignore_ascii_case("tool"));
    let checked = is_checked(headers);
    let names = !all(headers, "mcp-method", |value| !NAMING.contains(&value));
    if headers.contains_key("mcp-name") {
        return expected && !checked;
    }
    match headers.contains_key("mcp-method") {
        true if names => true,
        true => expected && !checked,
        false => expected,
    }
}

/// Whether the call only looks, by headers that its server holds against the body: what a client needs to begin, to list
/// and to read. `Mcp-Name` is then a resource or a prompt, no tool.
pub fn only_looks(headers: &HeaderMap) -> bool {
    is_checked(headers)
        && all(headers, "mcp-method", |method| {
            LOOKING.contains(&method) || method.ends_with("/list") || method.starts_with("notifications/")
        })
}

fn is_checked(headers: &HeaderMap) -> bool {
    all(headers, "mcp-protocol-version", |value| is_date(value) && value >= MIRRORED)
}

/// Whether the header stands there, and every value of it is so.
fn all(headers: &HeaderMap, name: &str, is: impl Fn(&str) -> bool) -> bool {
    headers.contains_key(name)
        && headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(|text| is(text.trim())))
}

fn is_date(text: &str) -> bool {
    text.len() == MIRRORED.len()
        && text.bytes().zip(MIRRORED.bytes()).all(|(one, like)| one.is_ascii_digit() == like.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_call_only_looks_where_its_server_checks_what_it_says() {
        let (modern, legacy) = ("2026-07-28", "2025-11-25");
        for (version, methods, looks) in [
            (modern, &["tools/list"][..], true),
            (modern, &["server/discover"], true),
            (modern, &["resources/read"], true),
            (modern, &["notifications/cancelled"], true),
            (modern, &["tools/call"], false),
            (modern, &["tools/list", "tools/call"], false),
            (modern, &["tasks/new"], false),
            (modern, &[], false),
            (legacy, &["tools/list"], false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append("mcp-protocol-version", HeaderValue::from_static(version));
            for method in methods {
                headers.append("mcp-method", HeaderValue::from_static(method));
            }
            assert_eq!(only_looks(&headers), looks, "{version} {methods:?}");
        }
    }

    /// CON.2, law 11: what a caller leaves out, or says where nobody checks it, never frees it.
    #[test]
    fn a_call_that_names_no_tool_may_use_any() {
        let (expects, name) = (("x-andon-expects", "tool"), ("mcp-name", "crm.find"));
        let (modern, legacy) = (("mcp-protocol-version", "2026-07-28"), ("mcp-protocol-version", "2025-11-25"));
        let (call, list) = (("mcp-method", "tools/call"), ("mcp-method", "tools/list"));
        for (pairs, any) in [
            (&[][..], false),
            (&[name], false),
            (&[call], true),
            (&[modern, call], true),
            (&[modern, list], false),
            (&[list], false),
            (&[list, call], true),
            (&[expects], true),
            (&[expects, name], true),
            (&[expects, legacy, name], true),
            (&[expects, modern, name], false),
            (&[expects, modern, ("mcp-protocol-version", "2027-01-01"), name], false),
            (&[expects, modern, legacy, name], true),
            (&[expects, ("mcp-protocol-version", "9"), name], true),
            (&[expects, ("mcp-protocol-version", "9999-99-9x"), name], true),
            (&[expects, modern, list], false),
            (&[expects, modern, list, call], true),
            (&[expects, legacy, list], true),
            (&[expects, modern], true),
            (&[expects, ("x-andon-tool", "stripe.payout")], false),
            (&[expects, ("x-andon-tool", "")], true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(may_use_any_tool(&headers), any, "{pairs:?}");
        }
    }
}
