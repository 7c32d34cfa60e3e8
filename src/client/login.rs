//! Logging in with the key that an SSH agent holds (TEAM.6). No private key is ever read here.

use std::path::Path;

use super::{
    Client, ClientError,
    signing::{Keys, sign_with_agent},
};
use crate::api::{Challenge, LoggedIn, Login, Problem, path};

/// Keys of an agent that are tried at most, as OpenSSH does.
const KEYS: usize = 6;

impl Client {
    /// Logs in as `name`, with each of the agent's `keys` in turn.
    ///
    /// # Errors
    /// No agent, no key, or the server's refusal of the last key.
    pub async fn log_in(&self, name: &str, agent: &Path, keys: &Keys) -> Result<LoggedIn, ClientError> {
        let mut last = ClientError::Unusable(format!("the SSH agent at {} holds no such key", agent.display()));
        for at in 0..KEYS {
            let challenge: Challenge = self.post(path::CHALLENGE, &()).await?;
            let (agent, keys, text) = (agent.to_owned(), keys.clone(), challenge.text.clone());
            let signing = tokio::task::spawn_blocking(move || {
                sign_with_agent(&agent, &keys, at, &challenge.namespace, challenge.text.as_bytes())
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
