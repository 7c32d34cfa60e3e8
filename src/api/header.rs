//! How MCP writes a header whose value it had to encode: gateways and proxies read it.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};

/// How MCP begins a header whose value it had to encode.
const ENCODED: &str = "=?base64?";

/// A header's value, out of MCP's `=?base64?…?=` where it stands in it.
///
/// # Errors
/// What does not read, in words.
pub fn decoded_header(text: &str) -> Result<Cow<'_, str>, String> {
    let text = text.trim();
    let prefix = text.get(..ENCODED.len()).filter(|prefix| prefix.eq_ignore_ascii_case(ENCODED));
    if prefix.is_none() {
        return Ok(text.into());
    }
    let inner = text[ENCODED.len()..].strip_suffix("?=").ok_or("it does not end in ?=")?;
    let bytes = STANDARD.decode(inner).map_err(|why| why.to_string())?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|why| why.to_string())
}
