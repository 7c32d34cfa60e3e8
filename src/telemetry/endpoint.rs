//! Endpoints as templates: what varies from call to call becomes `{}` (protocol 1).

use std::borrow::Cow;

/// The longest template kept, in bytes; what is longer is cut, so that hostile paths stay bounded.
const LONGEST: usize = 256;

/// `POST https://API.example.com/v1/users/81723?x=1` → `POST api.example.com/v1/users/{}`.
///
/// Numbers, dates, UUIDs, ULIDs and hexadecimal hashes are replaced; scheme, query and fragment are left out.
pub fn template(endpoint: &str) -> Cow<'_, str> {
    let endpoint = endpoint.trim();
    let (method, target) = match endpoint.split_once(' ') {
        Some((method, target)) if !method.contains('/') => (method, target.trim_start()),
        _ => ("", endpoint),
    };
    let target = ["https://", "http://"].iter().find_map(|scheme| target.strip_prefix(scheme)).unwrap_or(target);
    let target = target.split(['?', '#']).next().unwrap_or_default();
    let host_ends = target.find('/').unwrap_or(target.len());
    let plain = !target[..host_ends].bytes().any(|b| b.is_ascii_uppercase())
        && !target[host_ends..].split('/').any(varies)
        && method.len() + 1 + target.len() == endpoint.len()
        && endpoint.len() <= LONGEST;
    if plain {
        return Cow::Borrowed(endpoint);
    }
    let mut out = String::with_capacity(endpoint.len().min(LONGEST + 8));
    if !method.is_empty() {
        out.push_str(method);
        out.push(' ');
    }
    out.push_str(&target[..host_ends].to_ascii_lowercase());
    for segment in target[host_ends..].split('/').skip(1) {
        out.push('/');
        out.push_str(if varies(segment) { "{}" } else { segment });
    }
    let mut end = out.len().min(LONGEST);
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    Cow::Owned(out)
}

fn varies(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return bytes.len() >= 32 && bytes.iter().all(u8::is_ascii_hexdigit);
    }
    let number = bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':' | b','));
    let hex = bytes.len() >= 8 && bytes.iter().all(u8::is_ascii_hexdigit);
    number || hex || uuid(bytes) || ulid(bytes)
}

fn uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn ulid(bytes: &[u8]) -> bool {
    bytes.len() == 26 && bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_varies_becomes_a_hole() {
        for (given, expected) in [
            ("POST api.stripe.com/v1/payouts", "POST api.stripe.com/v1/payouts"),
            ("GET https://API.example.com/v1/users/81723?x=1#y", "GET api.example.com/v1/users/{}"),
            ("api.example.com/a/5b8efff7-9803-4810-a269-b633813fc60c/b", "api.example.com/a/{}/b"),
            ("/repo/commit/9fceb02d0ae598e95dc970b74767f19372d61af8", "/repo/commit/{}"),
            ("/reports/2026-11-20", "/reports/{}"),
            ("/v1/o/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/v1/o/{}"),
            ("/face/deadbeef/v2", "/face/deadbeef/v2"),
            ("10.0.0.1:8080/x/1", "10.0.0.1:8080/x/{}"),
            ("", ""),
        ] {
            assert_eq!(template(given), expected, "{given}");
        }
        assert!(matches!(template("POST api.stripe.com/v1/payouts"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn templating_is_bounded_and_stable(text in any::<String>()) {
            let once = template(&text).into_owned();
            prop_assert!(once.len() <= LONGEST);
            let long = format!("GET h/{}", text.repeat(50));
            prop_assert!(template(&long).len() <= LONGEST);
        }
    }
}
