//! The entity tag of a bulk answer, and whether a client has it already (RFC 9110, 13.1.2).

use axum::http::{HeaderMap, header};
use serde_json::Value;

use crate::backend::identity::hash_of;

/// The tag of `flags`, with its quotes; `process` is new with every start, so that nobody's tag outlives their stream.
pub fn tag(process: &str, flags: &[Value]) -> String {
    let text = serde_json::to_string(flags).unwrap_or_default();
    format!("\"{}\"", &hash_of(&format!("{process}{text}"))[..32])
}

/// Whether If-None-Match names `tag`: in a list, weak or strong, or as `*`.
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_tag_is_known_weak_in_a_list_or_as_a_star() {
        let tag = tag("one", &[Value::Null]);
        assert_ne!(tag, super::tag("two", &[Value::Null]));
        assert_ne!(tag, super::tag("one", &[]));
        let known = |values: &[String]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
            }
            is_known(&headers, &tag)
        };
        for yes in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), format!(" W/\"x\" ,W/{tag} "), "*".into()]
        {
            assert!(known(std::slice::from_ref(&yes)), "{yes}");
        }
        assert!(known(&["\"x\"".into(), tag.clone()]));
        for no in ["", "\"\"", tag.trim_matches('"'), "w/*", &tag.to_uppercase().replace('"', "'")] {
            assert!(!known(&[no.to_owned()]), "{no}");
        }
        assert!(!known(&[]));
    }
}
