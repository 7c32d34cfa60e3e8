//! A fresh signature of the very command that lifts a restraint: a process under the same uid, or one that holds a session,
//! has not the person's key (protocol 4).

use uuid::Uuid;

use super::{Answer, Logins, signers_of};
use crate::{
    api::{Acting, NAMESPACE, Problem, SignatureNeeded},
    backend::{core::Core, identity::Identity, rights},
    incident::Command,
    terms::{Author, DrillId, Time},
};

/// What a request brings along to prove that its person means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The challenge's text.
    pub challenge: String,
    /// The armoured signature of it.
    pub signature: String,
}

impl Logins {
    /// Refuses what lifts a restraint without a fresh signature of it, from a person whose keys are known here.
    ///
    /// # Errors
    /// 401 with what to sign, or with what is not right about the signature that came.
    pub async fn demand_fresh(
        &self,
        core: &Core,
        identity: &Identity,
        (world, id): (Option<DrillId>, Uuid),
        command: &Command,
        now: Time,
    ) -> Result<(), Problem> {
        let Author::Person(name) = &identity.author else { return Ok(()) };
        if !rights::lifts(command) {
            return Ok(());
        }
        let keys = self.keys_of(name, now).await?;
        if keys.is_empty() {
            return Ok(());
        }
        let acting = Acting { name, world, id, command }.text()?;
        let Some(Signed { challenge, signature }) = identity.signed.as_deref() else {
            let challenge = self.challenges.issue(core, &acting, now).await?;
            return Err(SignatureNeeded { name: name.clone(), challenge, keys }.into());
        };
        if self.challenges.over(core, challenge, now).await? != Some(acting.as_str()) {
            return Err(super::refused(
                "the signature is not one of this command, or too old: ask without it, and sign what comes back",
            ));
        }
        let answer = Answer { name: name.clone(), text: challenge.clone(), signature: signature.clone() };
        let key = self.proved(answer, now).await?;
        tracing::info!(name, key, %id, "signed for what lifts a restraint");
        Ok(())
    }

    /// Whether somebody's keys are known here: what lifts a restraint is to be signed by one then.
    ///
    /// # Errors
    /// A file of signers that cannot be read.
    pub async fn has_key(&self, name: &str, now: Time) -> Result<bool, Problem> {
        Ok(!self.keys_of(name, now).await?.is_empty())
    }

    /// Fingerprints of the keys and authorities that speak for `name`.
    async fn keys_of(&self, name: &str, now: Time) -> Result<Vec<String>, Problem> {
        let (file, name) = (self.signers.clone(), name.to_owned());
        let reading = tokio::task::spawn_blocking(move || {
            let signers = signers_of(&file)?.unwrap_or_default();
            let covering = signers.iter().filter(|signer| signer.covers(&name, NAMESPACE, now));
            Ok(covering.map(|signer| signer.fingerprint().to_string()).collect())
        });
        reading.await.map_err(|why| Problem::unavailable(why.to_string()))?
    }
}
