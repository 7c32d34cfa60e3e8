//! Logging in from elsewhere: a challenge signed by the key that a person's SSH agent holds, exchanged for a short session
//! (TEAM.6, protocol 4). Challenges and sessions live in this process only: whoever is told nobody knows them signs again.

mod proof;
mod signers;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use self::proof::Claim;
use super::identity::{self, Identity};
use crate::{
    api::{Challenge, LoggedIn, Login, NAMESPACE, Problem},
    sshsig,
    terms::Time,
};

/// How long a challenge may be answered.
const CHALLENGE: i64 = Time::MINUTE;
/// How long a session lasts.
const SESSION: i64 = 8 * Time::HOUR;
/// Challenges open at once, at most; the oldest makes room.
const CHALLENGES: usize = 4_096;
/// Sessions at once, at most; the one that ends first makes room.
const SESSIONS: usize = 4_096;

/// The way in for people with SSH keys.
pub struct Logins {
    /// The `allowed_signers` file; read at each login, so that a change holds at once.
    signers: PathBuf,
    host: String,
    challenges: Mutex<BTreeMap<String, Time>>,
    /// By the hash of their secret: who, and until when.
    sessions: Mutex<BTreeMap<String, (String, Time)>>,
}

impl Logins {
    /// By the word of the file `signers`.
    pub fn new(signers: PathBuf, host: String) -> Self {
        Self { signers, host, challenges: Mutex::default(), sessions: Mutex::default() }
    }

    /// Something to sign, once.
    ///
    /// # Errors
    /// A system without randomness.
    pub fn challenge(&self, now: Time) -> Result<Challenge, Problem> {
        let nonce = identity::fresh_secret()?.replace("andon_", "");
        let expires_at = now.plus(CHALLENGE);
        let text = format!("log in to andon at {}\nuntil {expires_at}\nnonce {nonce}\n", self.host);
        let mut open = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, until| *until > now);
        while open.len() >= CHALLENGES {
            let oldest = open.iter().min_by_key(|(_, until)| **until).map(|(text, _)| text.clone());
            oldest.map(|oldest| open.remove(&oldest));
        }
        open.insert(text.clone(), expires_at);
        Ok(Challenge { text, namespace: NAMESPACE.to_owned(), expires_at })
    }

    /// A session for whoever signed a challenge of ours.
    ///
    /// # Errors
    /// 401 with what is not right; nobody is told more than their own key's fingerprint.
    pub fn log_in(&self, asked: &Login, now: Time) -> Result<LoggedIn, Problem> {
        let refused = |why: String| Problem::new(401, "unauthenticated", "Not logged in", why);
        let was = self.challenges.lock().unwrap_or_else(PoisonError::into_inner).remove(&asked.challenge);
        if was.is_none_or(|until| until <= now) {
            return Err(refused("this challenge is not open: ask for one, and answer it within a minute".into()));
        }
        let text = match std::fs::read_to_string(&self.signers) {
            Ok(text) => text,
            Err(why) => {
                tracing::warn!(%why, file = %self.signers.display(), "nobody can log in by a key");
                return Err(refused(
                    "this backend has no allowed_signers file: its operator names who may log in".into(),
                ));
            }
        };
        let signers = signers::read(&text).map_err(|why| {
            tracing::error!(%why, "nobody can log in by a key");
            refused("this backend's allowed_signers does not read: its operator finds the line in its log".into())
        })?;
        let unreadable = || refused("the signature does not read: send what `ssh-keygen -Y sign` writes".into());
        let (signature, certificate) = sshsig::read(&asked.signature).ok_or_else(unreadable)?;
        let claim = Claim { name: &asked.name, namespace: NAMESPACE, message: asked.challenge.as_bytes(), now };
        claim.proved_by(&signature, certificate.as_ref(), &signers).map_err(|why| refused(why.to_string()))?;
        let secret = identity::fresh_secret()?;
        let expires_at = now.plus(SESSION);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, (_, until)| *until > now);
        while sessions.len() >= SESSIONS {
            let first = sessions.iter().min_by_key(|(_, (_, until))| *until).map(|(hash, _)| hash.clone());
            first.map(|first| sessions.remove(&first));
        }
        sessions.insert(identity::hash_of(&secret), (asked.name.clone(), expires_at));
        tracing::info!(name = asked.name, "logged in by a key");
        Ok(LoggedIn { secret, name: asked.name.clone(), expires_at })
    }

    /// Whose session a secret is.
    pub fn by_secret(&self, secret: &str, now: Time) -> Option<Identity> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, until) = sessions.get(&identity::hash_of(secret))?;
        (*until > now).then(|| Identity::person(name.clone()))
    }

    /// Ends a session.
    pub fn log_out(&self, secret: &str) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&identity::hash_of(secret));
    }
}
