//! Calls a webhook as Standard Webhooks has it: signed, without following anybody elsewhere.

use std::{net::IpAddr, os::unix::fs::MetadataExt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Url, header::RETRY_AFTER, redirect::Policy};
use sha2::Sha256;

use super::delivery::Tried;
use crate::terms::Time;

/// How much of an answer is kept, in bytes.
const KEPT: usize = 4 << 10;

/// What came of one call.
pub struct Called {
    /// It was taken.
    pub ok: bool,
    /// Trying again may help.
    pub again: bool,
    /// Not before so long.
    pub after: Option<Duration>,
    /// In words.
    pub status: String,
    /// The beginning of the answer.
    pub output: String,
}

impl Called {
    /// As one try of a message.
    pub fn tried(self) -> Tried {
        match (self.ok, self.again) {
            (true, _) => Tried::accepted(self.status),
            (false, true) => Tried::not_yet(self.status, self.after),
            (false, false) => Tried::never(self.status),
        }
    }

    fn never(status: impl Into<String>) -> Self {
        Self { ok: false, again: false, after: None, status: status.into(), output: String::new() }
    }

    fn not_yet(status: impl Into<String>) -> Self {
        Self { again: true, ..Self::never(status) }
    }
}

/// The text in `file`, which only its owner may read.
///
/// # Errors
/// In words that say what to do; never with the text in them.
pub fn key(file: &str) -> Result<String, String> {
    let mode = std::fs::metadata(file).map_err(|why| format!("the secret file {file} cannot be read: {why}"))?.mode();
    if mode & 0o077 != 0 {
        return Err(format!("the secret file {file} can be read by others: chmod 600 {file}"));
    }
    let text = std::fs::read_to_string(file).map_err(|why| format!("the secret file {file} cannot be read: {why}"))?;
    Ok(text.trim().to_owned())
}

/// The webhook's secret in `file`.
///
/// # Errors
/// In words that say what to do; never with the secret in them.
pub fn secret(file: &str) -> Result<Vec<u8>, String> {
    let text = key(file)?;
    let secret = BASE64_STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(&text));
    match secret {
        Ok(secret) if (24..=64).contains(&secret.len()) => Ok(secret),
        _ => Err(format!("the secret in {file} is no whsec_ with 24 to 64 bytes in base64")),
    }
}

/// `v1,…` over id, time and body.
pub fn signature(secret: &[u8], id: &str, at_s: i64, body: &str) -> String {
    // Any length of key is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{id}.{at_s}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// Whether an address lies where clouds and hosts keep what must not be reached by accident.
fn is_guarded(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    }
}

/// Calls `url` once with `body`, signed with `secret`.
pub async fn call(
    url: &str,
    secret: &[u8],
    (id, now): (&str, Time),
    body: &str,
    timeout: Duration,
    link_local: bool,
) -> Called {
    let at_s = now.millis().div_euclid(1_000);
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at_s.to_string()),
        ("webhook-signature", signature(secret, id, at_s, body)),
    ];
    post(url, &headers, body.to_owned(), timeout, link_local).await
}

/// Posts `body` to `url` once. What goes wrong is told without the URL: it may be the secret.
pub async fn post(
    url: &str,
    headers: &[(&'static str, String)],
    body: String,
    timeout: Duration,
    link_local: bool,
) -> Called {
    let Ok(parsed) = Url::parse(url) else { return Called::never("the URL does not read") };
    let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
        return Called::never("the URL names no host");
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<_> = match tokio::time::timeout(timeout, tokio::net::lookup_host((bare, port))).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(why)) => return Called::not_yet(format!("{host} is not found: {why}")),
        Err(_) => return Called::not_yet(format!("{host} is not found in {} s", timeout.as_secs())),
    };
    if !link_local && let Some(guarded) = addresses.iter().find(|address| is_guarded(address.ip())) {
        return Called::never(format!("{host} leads to {}: refused unless allow_link_local says so", guarded.ip()));
    }
    crate::tls::ready();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .gzip(false)
        .timeout(timeout)
        // The addresses that were looked at, and no others.
        .resolve_to_addrs(bare, &addresses)
        .user_agent(concat!("andon/", env!("CARGO_PKG_VERSION")))
        .build();
    let client = match client {
        Ok(client) => client,
        Err(why) => return Called::never(format!("cannot call anybody: {why}")),
    };
    let request = client.post(parsed).header("content-type", "application/json").body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    match request.send().await {
        Ok(response) => answered(response).await,
        Err(why) if why.is_timeout() => Called::not_yet(format!("no answer in {} s", timeout.as_secs())),
        Err(why) => Called::not_yet(format!("no answer: {}", innermost(&why))),
    }
}

async fn answered(mut response: reqwest::Response) -> Called {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
    let mut output = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = KEPT.saturating_sub(output.len());
        output.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if room == 0 {
            break;
        }
    }
    Called {
        ok: status.is_success(),
        // 410: whoever it was wants no more. Elsewhere nobody is followed, and what is wrong may be mended.
        again: !status.is_success() && status.as_u16() != 410,
        after: after.map(Duration::from_secs),
        status: format!("HTTP {}", status.as_u16()),
        output: String::from_utf8_lossy(&output).into_owned(),
    }
}

fn innermost(why: &dyn std::error::Error) -> String {
    let mut cause = why;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the specification's own libraries are tested with.
    #[test]
    fn a_signature_is_what_others_expect() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn guarded_addresses_are_known_in_every_spelling() {
        for (address, guarded) in [
            ("169.254.169.254", true),
            ("::ffff:169.254.169.254", true),
            ("fe80::1", true),
            ("0.0.0.0", true),
            ("10.0.0.1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(is_guarded(address.parse().unwrap()), guarded, "{address}");
        }
    }

    #[test]
    fn a_secret_that_others_can_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        std::fs::write(path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(secret(path).unwrap_err().contains("chmod 600"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(secret(path).unwrap().len(), 24);
        std::fs::write(path, "whsec_short").unwrap();
        let why = secret(path).unwrap_err();
        assert!(why.contains("24 to 64") && !why.contains("short"), "{why}");
    }

    #[tokio::test]
    async fn link_local_is_refused_before_anything_is_sent() {
        let asked =
            call("http://169.254.169.254/latest", b"s", ("id", Time::default()), "{}", Duration::from_secs(1), false);
        let called = asked.await;
        assert!(!called.ok && !called.again && called.status.contains("allow_link_local"), "{}", called.status);
    }
}
