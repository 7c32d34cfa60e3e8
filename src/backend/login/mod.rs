//! People who come with SSH keys (TEAM.6, protocol 4): a challenge signed by the key that their SSH agent holds, exchanged for a
//! short session; and a fresh signature of what lifts a restraint. Sessions are facts, challenges are made by a shared key: a
//! person may turn to another backend of the same database at any moment.

mod challenge;
mod fresh;
mod proof;
pub mod signers;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ssh_key::HashAlg;
use uuid::Uuid;

pub use self::fresh::Signed;
use self::{challenge::Challenges, proof::Claim, signers::Signer};
use super::{
    core::Core,
    identity::{self, Identity},
};
use crate::{
    api::{Challenge, LoggedIn, Login, NAMESPACE, Problem},
    incident::{
        Command, Worlds,
        session::{SessionBegun, SessionEnded, Sessions},
    },
    sshsig,
    terms::{Author, Time},
};

/// How long a session lasts.
const SESSION: i64 = 8 * Time::HOUR;

/// The way in for people with SSH keys.
pub struct Logins {
    /// The `allowed_signers` file; read at each login, so that a change holds at once.
    signers: PathBuf,
    host: String,
    challenges: Challenges,
    /// Sessions that the log could not take: whoever comes to halt while its disk is full gets in, here (law 5).
    unrecorded: Mutex<Sessions>,
}

/// What somebody signed.
struct Answer {
    name: String,
    text: String,
    signature: String,
}

fn refused(why: impl Into<String>) -> Problem {
    Problem::new(401, "unauthenticated", "Not logged in", why)
}

impl Logins {
    /// By the word of the file `signers`.
    pub fn new(signers: PathBuf, host: String) -> Self {
        Self { signers, host, challenges: Challenges::default(), unrecorded: Mutex::default() }
    }

    /// Makes the key of challenges where there is none yet: later the disk may be full.
    pub async fn ready(&self, core: &Core) {
        if let Err(why) = self.challenges.issue(core, LOG_IN, Time::default()).await {
            tracing::warn!(%why, "nobody can log in by a key as long as this holds");
        }
    }

    /// Something to sign, once.
    ///
    /// # Errors
    /// A system without randomness, or a log that does not answer.
    pub async fn challenge(&self, core: &Core, now: Time) -> Result<Challenge, Problem> {
        self.challenges.issue(core, &format!("{LOG_IN}at {}\n", self.host), now).await
    }

    /// A session for whoever signed a challenge of ours.
    ///
    /// # Errors
    /// 401 with what is not right; nobody is told more than their own key's fingerprint.
    pub async fn log_in(&self, core: &Core, asked: Login, now: Time) -> Result<LoggedIn, Problem> {
        let Login { name, challenge, signature } = asked;
        let open = self.challenges.over(core, &challenge, now).await?;
        if !open.is_some_and(|what| what.starts_with(LOG_IN)) {
            return Err(refused("this challenge is not open: ask for one, and answer it within a minute"));
        }
        let opened = identity::hash_of(&challenge);
        let key = self.proved(Answer { name: name.clone(), text: challenge, signature }, now).await?;
        let secret = identity::fresh_secret()?;
        let until = now.plus(SESSION);
        let hash = identity::hash_of(&secret);
        let begun = SessionBegun { name: name.clone(), hash, challenge: opened, key, until };
        let begin = Command::BeginSession(begun.clone());
        match core.submit(None, Uuid::now_v7(), Author::Person(name.clone()), begin).await {
            Ok(_) => {}
            Err(why) if why.status == 409 => return Err(refused(why.detail)),
            Err(why) => {
                let mut unrecorded = self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner);
                if unrecorded.answered(&begun.challenge) {
                    return Err(refused("this challenge was answered already: ask for another one"));
                }
                tracing::error!(%why, name, "logged in, unrecorded");
                unrecorded.begin(&begun, now);
            }
        }
        Ok(LoggedIn { secret, name, expires_at: until })
    }

    /// The fingerprint of the key that signed, where it is one of theirs.
    async fn proved(&self, answer: Answer, now: Time) -> Result<String, Problem> {
        let file = self.signers.clone();
        // Reading the file of signers and the arithmetic of keys may take a while.
        let proving = tokio::task::spawn_blocking(move || {
            let signers = signers_of(&file)?.ok_or_else(|| {
                tracing::warn!(file = %file.display(), "nobody can log in by a key: there is no such file");
                refused("this backend has no allowed_signers file: its operator names who may log in")
            })?;
            let unreadable = || refused("the signature does not read: send what `ssh-keygen -Y sign` writes");
            let (signature, certificate) = sshsig::read(&answer.signature).ok_or_else(unreadable)?;
            let message = answer.text.as_bytes();
            let claim = Claim { name: &answer.name, namespace: NAMESPACE, message, now };
            claim.proved_by(&signature, certificate.as_ref(), &signers).map_err(|why| refused(why.to_string()))?;
            Ok(ssh_key::PublicKey::from(signature.public_key().clone()).fingerprint(HashAlg::Sha256).to_string())
        });
        proving.await.map_err(|why| Problem::unavailable(why.to_string()))?
    }

    /// Whose session a secret is.
    pub fn by_secret(&self, worlds: &Worlds, secret: &str, now: Time) -> Option<Identity> {
        let hash = identity::hash_of(secret);
        let unrecorded = self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner);
        let session = worlds.sessions.get(&hash, now).or_else(|| unrecorded.get(&hash, now))?;
        Some(Identity { session: Some(Arc::new(session.clone())), ..Identity::person(session.name.clone()) })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// A log that cannot be written.
    pub async fn log_out(&self, core: &Core, identity: &Identity) -> Result<(), Problem> {
        let Some(session) = &identity.session else { return Ok(()) };
        let hash = session.hash.clone();
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).end(&hash);
        let end = Command::EndSession(SessionEnded { hash });
        core.submit(None, Uuid::now_v7(), identity.author.clone(), end).await.map(drop)
    }
}

/// How a challenge of a login begins: signed for anything else it opens no session.
const LOG_IN: &str = "log in to andon\n";

/// Who may sign in; none where nobody was ever named.
fn signers_of(file: &Path) -> Result<Option<Vec<Signer>>, Problem> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => {
            tracing::error!(%why, file = %file.display(), "the signers cannot be read");
            return Err(refused("this backend's allowed_signers cannot be read: its operator finds why in its log"));
        }
    };
    signers::read(&text).map(Some).map_err(|why| {
        tracing::error!(%why, "the signers cannot be read");
        refused("this backend's allowed_signers does not read: its operator finds the line in its log")
    })
}
