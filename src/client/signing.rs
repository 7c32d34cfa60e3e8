//! Signing with the key that an SSH agent holds: a challenge, a checkpoint, a command that lifts a restraint. No private key is
//! ever read here.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::RequestBuilder;
use ssh_agent_client_rs::{Client as Agent, Identity};
use ssh_key::{HashAlg, PublicKey, SshSig, public::KeyData};

use super::ClientError;
use crate::{
    api::{Acting, CHALLENGE_HEADER, NAMESPACE, Problem, SIGNATURE_HEADER, SIGNATURE_NEEDED, SignatureNeeded},
    sshsig,
};

/// Which of an agent's keys may sign.
#[derive(Debug, Clone)]
pub enum Keys {
    /// Each in turn.
    Any,
    /// This one.
    Only(Box<PublicKey>),
    /// Those of these fingerprints, and certificates by authorities of them.
    Listed(Vec<String>),
}

impl Keys {
    /// One that was named, or any.
    pub fn of(only: Option<PublicKey>) -> Self {
        only.map_or(Self::Any, |key| Self::Only(Box::new(key)))
    }

    fn has(&self, identity: &Identity<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(only) => *only.key_data() == key_of(identity),
            Self::Listed(listed) => {
                let signer = match identity {
                    Identity::PublicKey(key) => key.fingerprint(HashAlg::Sha256),
                    Identity::Certificate(certificate) => certificate.signature_key().fingerprint(HashAlg::Sha256),
                };
                listed.contains(&signer.to_string())
            }
        }
    }
}

/// The headers that prove a command.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    challenge: String,
    signature: String,
}

impl Proof {
    /// The request with them.
    pub fn on(&self, request: RequestBuilder) -> RequestBuilder {
        let encoded = |text: &str| STANDARD.encode(text);
        request.header(CHALLENGE_HEADER, encoded(&self.challenge)).header(SIGNATURE_HEADER, encoded(&self.signature))
    }
}

/// What a backend wants signed before it takes `acting`; none where it refused for another reason.
pub(super) fn wanted(problem: &Problem, acting: Acting<'_>) -> Option<Result<SignatureNeeded, ClientError>> {
    if problem.kind != format!("urn:andon:{SIGNATURE_NEEDED}") {
        return None;
    }
    let needed = problem.state.clone().and_then(|state| serde_json::from_value::<SignatureNeeded>(state).ok())?;
    let ours = Acting { name: &needed.name, ..acting }.text().ok();
    Some(match ours.filter(|ours| needed.challenge.text.starts_with(ours.as_str())) {
        Some(_) => Ok(needed),
        None => Err(ClientError::Unusable(
            "the backend asked for a signature of something else than this command; nothing was signed. Tell its operator".into(),
        )),
    })
}

/// Signs it, with the one of the agent's keys that counts; waits for a touch where the key wants one.
pub(super) async fn sign(needed: SignatureNeeded) -> Result<Proof, ClientError> {
    let SignatureNeeded { name, challenge, keys } = needed;
    let listed = keys.join(", ");
    let unsigned =
        |why: &str| ClientError::Unusable(format!("this needs a fresh signature by a key of {name} ({listed}): {why}"));
    let agent = ssh_agent().map_err(unsigned)?;
    let text = challenge.text.clone();
    let signing = tokio::task::spawn_blocking(move || {
        sign_with_agent(&agent, &Keys::Listed(keys), 0, NAMESPACE, text.as_bytes())
    });
    let signed = signing.await.map_err(|why| unsigned(&why.to_string()))?.map_err(|why| unsigned(&why))?;
    let signature = signed.ok_or_else(|| unsigned("your SSH agent holds none of them; ssh-add it"))?;
    Ok(Proof { challenge: challenge.text, signature })
}

/// Where the SSH agent of this process listens.
///
/// # Errors
/// That there is none, and what to do.
pub fn ssh_agent() -> Result<PathBuf, &'static str> {
    let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
    let why = "no SSH agent is known (SSH_AUTH_SOCK is not set): start one, or forward yours with ssh -A";
    socket.map(PathBuf::from).ok_or(why)
}

/// `text` signed in `namespace` with the agent's key number `at`, of those among `keys`; none when there are no more.
/// Waits for the agent, and with some keys for a touch.
///
/// # Errors
/// An agent that does not answer, in words.
pub fn sign_with_agent(
    agent: &Path,
    keys: &Keys,
    at: usize,
    namespace: &str,
    text: &[u8],
) -> Result<Option<String>, String> {
    let failed = |why: String| format!("the SSH agent at {} does not sign: {why}", agent.display());
    let mut agent_at = Agent::connect(agent).map_err(|why| failed(why.to_string()))?;
    let held = agent_at.list_all_identities().map_err(|why| failed(why.to_string()))?;
    // Certificates first: who has one is meant to use it.
    let mut fit: Vec<&Identity<'_>> = held.iter().filter(|identity| keys.has(identity)).collect();
    fit.sort_by_key(|identity| matches!(identity, Identity::PublicKey(_)));
    let Some(identity) = fit.get(at) else { return Ok(None) };
    let data = SshSig::signed_data(namespace, HashAlg::Sha512, text).map_err(|why| failed(why.to_string()))?;
    let signature = agent_at.sign_with_ref(identity, &data).map_err(|why| failed(why.to_string()))?;
    let whole =
        SshSig::new(key_of(identity), namespace, HashAlg::Sha512, signature).map_err(|why| failed(why.to_string()))?;
    let certificate = match identity {
        Identity::Certificate(certificate) => Some(&***certificate),
        Identity::PublicKey(_) => None,
    };
    sshsig::write(&whole, certificate).map(Some).ok_or_else(|| failed("its signature does not read".to_owned()))
}

fn key_of(identity: &Identity<'_>) -> KeyData {
    match identity {
        Identity::PublicKey(key) => key.key_data().clone(),
        Identity::Certificate(certificate) => certificate.public_key().clone(),
    }
}
