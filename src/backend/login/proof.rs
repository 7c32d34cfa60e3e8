//! Whether a signature proves somebody (TEAM.6).

use ssh_key::{Certificate, HashAlg, PublicKey, SshSig, certificate::CertType};

use super::signers::Signer;
use crate::terms::Time;

/// Why a signature proves nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// It is one of something else.
    #[error("the signature is not one of this challenge, in the namespace {0}")]
    Other(&'static str),
    /// Nobody of that name has such a key.
    #[error("{name} may not log in with this key ({fingerprint}): the server's allowed_signers names who may")]
    Unknown {
        /// Who it claims to be.
        name: String,
        /// Of the key.
        fingerprint: String,
    },
    /// The certificate does not hold.
    #[error("the certificate does not hold for {0}: its authority, time, principals or options are not right")]
    Certificate(String),
}

/// What was signed, by whom it is said to be, and when that is judged.
pub struct Claim<'a> {
    /// Who it claims to be.
    pub name: &'a str,
    /// In which namespace.
    pub namespace: &'static str,
    /// What was signed.
    pub message: &'a [u8],
    /// The moment.
    pub now: Time,
}

impl Claim<'_> {
    /// That the signature holds, and that `signers` give its key to the name.
    ///
    /// # Errors
    /// Why it is not so.
    pub fn proved_by(
        &self,
        signature: &SshSig,
        certificate: Option<&Certificate>,
        signers: &[Signer],
    ) -> Result<(), NotSigned> {
        let key = PublicKey::from(signature.public_key().clone());
        key.verify(self.namespace, self.message, signature).map_err(|_| NotSigned::Other(self.namespace))?;
        let mut covering = signers.iter().filter(|signer| signer.covers(self.name, self.namespace, self.now));
        let Some(certificate) = certificate else {
            if covering.any(|signer| !signer.authority && signer.key.key_data() == key.key_data()) {
                return Ok(());
            }
            let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
            return Err(NotSigned::Unknown { name: self.name.to_owned(), fingerprint });
        };
        let authorities: Vec<_> = covering.filter(|signer| signer.authority).map(Signer::fingerprint).collect();
        let now = u64::try_from(self.now.millis() / 1_000).unwrap_or(0);
        let whole = certificate.cert_type() == CertType::User
            // An option that is critical and not known here might forbid what is asked.
            && certificate.critical_options().is_empty()
            && certificate.valid_principals().iter().any(|principal| principal == self.name)
            && certificate.validate_at(now, &authorities).is_ok();
        if whole { Ok(()) } else { Err(NotSigned::Certificate(self.name.to_owned())) }
    }
}
