//! Links by which somebody who was paged acknowledges without a login (TEAM.12): for one page, for a day, signed with a key of
//! the database's own, which every backend of it shares. Following one changes nothing: mail scanners do that too.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use super::{core::Core, kept_key::KeptKey};
use crate::{
    api::{Problem, path},
    terms::Time,
};

/// How long a link holds.
const HOLDS: i64 = Time::DAY;

/// Where people reach this backend from where they read their pages: `https://andon.example.com`, a path may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    base: String,
    origin: String,
    host: String,
}

impl std::str::FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no = |why: &str| Err(format!("{text:?} {why}; give one like https://andon.example.com"));
        let Ok(url) = reqwest::Url::parse(text) else { return no("is no URL") };
        if !matches!(url.scheme(), "https" | "http") || url.query().is_some() || url.fragment().is_some() {
            return no("is no plain http(s) URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return no("has a user or a password, which everybody paged would read");
        }
        let Some(host) = url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()) else {
            return no("names no host");
        };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, origin: url.origin().ascii_serialization(), host })
    }
}

impl PublicUrl {
    /// Its host, by which it is asked.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// What a link says, as its query has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    /// The page: `TW-7`, `INC-3.1`.
    pub page: String,
    /// To whom it was sent.
    #[serde(default)]
    pub to: String,
    /// Until when it holds, in milliseconds.
    pub until: i64,
    /// What proves all of it, hex.
    pub proof: String,
}

/// What a link comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is one of this database's own.
    Holds,
    /// It was one.
    Expired,
    /// It never was.
    Forged,
}

/// The links of one backend.
pub struct Links {
    public: Option<PublicUrl>,
    key: KeptKey,
}

impl Links {
    /// For pages that are read from `public`; without it no page holds a link.
    pub fn new(public: Option<PublicUrl>) -> Self {
        Self { public, key: KeptKey::named("link-key") }
    }

    /// Whether a browser that shows this backend's own page says `origin`.
    pub fn is_own(&self, origin: &str) -> bool {
        self.public.as_ref().is_some_and(|public| public.origin == origin)
    }

    /// The link that acknowledges the page `page`, which pages since `since`, sent to `to`; none where nobody would reach it.
    pub async fn link(&self, core: &Core, (page, since): (&str, Time), to: &str, now: Time) -> Option<String> {
        let public = self.public.as_ref()?;
        let until = now.plus(HOLDS).millis();
        let key = match self.key.get(core).await {
            Ok(key) => key,
            Err(problem) => {
                tracing::warn!(%problem, "a page goes without a link");
                return None;
            }
        };
        let proof = hex::encode(mac(key, page, since, to, until)?.finalize().into_bytes());
        let mut url = reqwest::Url::parse(&format!("{}{}", public.base, path::ACK)).ok()?;
        let until = until.to_string();
        url.query_pairs_mut()
            .append_pair("page", page)
            .append_pair("to", to)
            .append_pair("until", &until)
            .append_pair("proof", &proof);
        Some(url.into())
    }

    /// Whether `link` is one of this database's own, for a page that pages since `since`.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn judge(&self, core: &Core, link: &Link, since: Time, now: Time) -> Result<Judged, Problem> {
        let key = self.key.get(core).await?;
        let proof = hex::decode(&link.proof).unwrap_or_default();
        let proved =
            mac(key, &link.page, since, &link.to, link.until).is_some_and(|mac| mac.verify_slice(&proof).is_ok());
        Ok(match proved {
            false => Judged::Forged,
            true if link.until <= now.millis() => Judged::Expired,
            true => Judged::Holds,
        })
    }
}

/// Over what it is for, which page, since when it pages (a number may come again after a restore), for whom, until when.
fn mac(key: &[u8], page: &str, since: Time, to: &str, until: i64) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    // Each part by its length: no two links are the same bytes.
    for part in ["acknowledge a page", page, &since.millis().to_string(), to, &until.to_string()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_one_that_people_can_be_sent() {
        let read = |text: &str| text.parse::<PublicUrl>();
        let url = read("https://andon.example.com:8443/ops/").unwrap();
        assert_eq!((url.base.as_str(), url.host()), ("https://andon.example.com:8443/ops", "andon.example.com"));
        assert_eq!(url.origin, "https://andon.example.com:8443");
        assert_eq!(read("http://[::1]:7420").unwrap().host(), "::1");
        for wrong in ["andon.example.com", "ftp://x", "https://", "https://dana:pw@x", "https://x/?a=b", "https://x/#a"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    /// TEAM.12: whatever of a link is changed, it proves nothing.
    #[test]
    fn a_link_proves_exactly_what_it_says() {
        let proof = |key: &[u8], page: &str, since: i64, to: &str, until: i64| {
            mac(key, page, Time::from_millis(since), to, until).unwrap().finalize().into_bytes()
        };
        let right = proof(b"k", "TW-7", 5, "dana", 9);
        assert_eq!(right, proof(b"k", "TW-7", 5, "dana", 9));
        for wrong in [
            proof(b"l", "TW-7", 5, "dana", 9),
            proof(b"k", "TW-8", 5, "dana", 9),
            proof(b"k", "TW-7", 6, "dana", 9),
            proof(b"k", "TW-7", 5, "lee", 9),
            proof(b"k", "TW-7", 5, "dana", 10),
            proof(b"k", "TW-75", 5, "dana", 9),
        ] {
            assert_ne!(right, wrong);
        }
    }
}
