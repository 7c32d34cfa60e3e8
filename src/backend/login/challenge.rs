//! Something to sign: this database's own, by a key that all its backends share, so that whichever is asked knows it again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    api::{Challenge, NAMESPACE, Problem},
    backend::{core::Core, kept_key::KeptKey},
    terms::Time,
};

/// How long a challenge may be answered.
const HOLDS: i64 = Time::MINUTE;
/// Random bytes in one, hex digits of them.
const RANDOM: usize = 32;

/// The challenges of one database.
pub struct Challenges(KeptKey);

impl Default for Challenges {
    fn default() -> Self {
        Self(KeptKey::named("challenge-key"))
    }
}

impl Challenges {
    /// A fresh one over `what`, whole lines.
    ///
    /// # Errors
    /// A system without randomness, or a log that does not answer.
    pub async fn issue(&self, core: &Core, what: &str, now: Time) -> Result<Challenge, Problem> {
        let mut random = [0_u8; RANDOM / 2];
        getrandom::fill(&mut random)
            .map_err(|why| Problem::unavailable(format!("the system gives no random bytes ({why}); ask again")))?;
        let random = hex::encode(random);
        let expires_at = now.plus(HOLDS);
        let text = format!("{what}until {expires_at}\nnonce {random}");
        let mac = mac(self.0.get(core).await?, &text)
            .ok_or_else(|| Problem::unavailable("no challenge is made; ask again"))?;
        let proof = mac.finalize().into_bytes();
        Ok(Challenge { text: format!("{text}{}\n", hex::encode(proof)), namespace: NAMESPACE.to_owned(), expires_at })
    }

    /// What `text` is over, while it may be answered; none when it is no open challenge of ours.
    ///
    /// # Errors
    /// A log that does not answer.
    pub async fn over<'t>(&self, core: &Core, text: &'t str, now: Time) -> Result<Option<&'t str>, Problem> {
        let key = self.0.get(core).await?;
        Ok(read(key, text).filter(|(_, until)| *until > now).map(|(what, _)| what))
    }
}

/// What is signed over, and until when, where the key made it.
fn read<'t>(key: &[u8], text: &'t str) -> Option<(&'t str, Time)> {
    let (rest, nonce) = text.strip_suffix('\n')?.rsplit_once("\nnonce ")?;
    let (_, proof) = nonce.split_at_checked(RANDOM)?;
    let covered = text.len() - 1 - proof.len();
    mac(key, &text[..covered])?.verify_slice(&hex::decode(proof).ok()?).ok()?;
    let (what, until) = rest.rsplit_once("until ")?;
    Some((what, until.parse().ok()?))
}

fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(b"a challenge\n");
    mac.update(text.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(what: &str, until: &str) -> String {
        let text = format!("{what}until {until}\nnonce {}", "0a".repeat(RANDOM / 2));
        let proof = mac(b"k", &text).unwrap().finalize().into_bytes();
        format!("{text}{}\n", hex::encode(proof))
    }

    /// TEAM.6: whatever of a challenge is changed, it is none of ours.
    #[test]
    fn only_what_the_key_made_is_a_challenge() {
        let until = "2026-11-20T14:06:00.000Z";
        let text = made("log in\n", until);
        assert_eq!(read(b"k", &text), Some(("log in\n", until.parse().unwrap())));
        assert_eq!(read(b"l", &text), None, "made by another key");
        let odd = made("act\nuntil 2030-01-01T00:00:00.000Z\nnonce 0\n", until);
        assert_eq!(read(b"k", &odd).unwrap().1, until.parse().unwrap(), "the last word counts");
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(read(b"k", &String::from_utf8(changed).unwrap()), None, "{at}");
            assert_eq!(read(b"k", &text[..at]), None, "{at}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_none(text in "\\PC{0,40}(\nnonce )?\\PC{0,40}\n?") {
            proptest::prop_assert_eq!(read(b"k", &text), None);
        }
    }
}
