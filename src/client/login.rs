//! Logging in with the key that an SSH agent holds (TEAM.6). No private key is ever read here.

use std::path::Path;

use ssh_agent_client_rs::{Client as Agent, Identity};
use ssh_key::{HashAlg, PublicKey, SshSig};

use super::{Client, ClientError};
use crate::{
    api::{Challenge, LoggedIn, Login, Problem, path},
    sshsig,
};

/// Keys of an agent that are tried at most, as OpenSSH does.
const KEYS: usize = 6;

impl Client {
    /// Logs in as `name`, with `only` that key or each of the agent's in turn.
    ///
    /// # Errors
    /// No agent, no key, or the server's refusal of the last key.
    pub async fn log_in(&self, name: &str, agent: &Path, only: Option<&PublicKey>) -> Result<LoggedIn, ClientError> {
        let mut last = ClientError::Unusable(format!("the SSH agent at {} holds no such key", agent.display()));
        for at in 0..KEYS {
            let challenge: Challenge = self.post(path::CHALLENGE, &()).await?;
            let (agent, only, text) = (agent.to_owned(), only.cloned(), challenge.text.clone());
            let signing = tokio::task::spawn_blocking(move || {
                sign_with_agent(&agent, only.as_ref(), at, &challenge.namespace, challenge.text.as_bytes())
            });
            let signed = signing.await.map_err(|why| ClientError::Unusable(why.to_string()))?;
            let Some(signature) = signed.map_err(ClientError::Unusable)? else { return Err(last) };
            let login = Login { name: name.to_owned(), challenge: text, signature };
            match self.post(path::LOGIN, &login).await {
                Ok(session) => return Ok(session),
                Err(ClientError::Refused(refused)) => last = joined(last, *refused),
                Err(other) => return Err(other),
            }
        }
        Err(last)
    }
}

/// Every key's refusal: the one that was meant may be any of them.
fn joined(before: ClientError, refused: Problem) -> ClientError {
    let ClientError::Refused(mut all) = before else { return ClientError::Refused(Box::new(refused)) };
    all.detail = format!("{}; {}", all.detail, refused.detail);
    ClientError::Refused(all)
}

/// `text` signed in `namespace` with the agent's key number `at`, of those that are `only`'s; none when there are no more.
/// Waits for the agent, and with some keys for a touch.
///
/// # Errors
/// An agent that does not answer, in words.
pub fn sign_with_agent(
    agent: &Path,
    only: Option<&PublicKey>,
    at: usize,
    namespace: &str,
    text: &[u8],
) -> Result<Option<String>, String> {
    let failed = |why: String| format!("the SSH agent at {} does not sign: {why}", agent.display());
    let mut agent_at = Agent::connect(agent).map_err(|why| failed(why.to_string()))?;
    let held = agent_at.list_all_identities().map_err(|why| failed(why.to_string()))?;
    let key_of = |identity: &Identity<'_>| match identity {
        Identity::PublicKey(key) => key.key_data().clone(),
        Identity::Certificate(certificate) => certificate.public_key().clone(),
    };
    let wanted = |identity: &&Identity<'_>| only.is_none_or(|only| *only.key_data() == key_of(identity));
    // Certificates first: who has one is meant to use it.
    let mut fit: Vec<&Identity<'_>> = held.iter().filter(wanted).collect();
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
