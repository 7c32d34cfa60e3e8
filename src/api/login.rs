//! Logging in by an SSH key, and signing what lifts a restraint (TEAM.6, protocol 4).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Problem;
use crate::{
    incident::Command,
    terms::{DrillId, Time},
};

/// The namespace that a login's signature is made in: one made for anything else is none.
pub const NAMESPACE: &str = "login@andon.dev";

/// The header that brings a challenge back, in base64.
pub const CHALLENGE_HEADER: &str = "andon-challenge";
/// The header that brings its signature, in base64.
pub const SIGNATURE_HEADER: &str = "andon-signature";
/// The kind of problem that asks for one.
pub const SIGNATURE_NEEDED: &str = "signature-needed";

/// `POST /v1/login/challenge`: something to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Challenge {
    /// What is signed, byte for byte.
    pub text: String,
    /// In which namespace.
    pub namespace: String,
    /// Until when it may be answered; once.
    pub expires_at: Time,
}

/// `POST /v1/login`: the answer to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Who it is, as `allowed_signers` has them.
    pub name: String,
    /// The challenge's text.
    pub challenge: String,
    /// The armoured SSH signature of it, by a key or a certificate.
    pub signature: String,
}

/// A session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoggedIn {
    /// To send as `Authorization: Bearer`; told once.
    pub secret: String,
    /// As whom.
    pub name: String,
    /// When it ends.
    pub expires_at: Time,
}

/// A command that is to be signed before it is taken.
#[derive(Debug, Clone, Copy)]
pub struct Acting<'a> {
    /// Who asks it.
    pub name: &'a str,
    /// In which world.
    pub world: Option<DrillId>,
    /// Its id: taken once.
    pub id: Uuid,
    /// What is asked.
    pub command: &'a Command,
}

impl Acting<'_> {
    /// What a challenge over it begins with: both sides write it, so that nobody signs another command than their own.
    ///
    /// # Errors
    /// A command that cannot be written as canonical JSON.
    pub fn text(&self) -> Result<String, Problem> {
        let Self { name, world, id, command } = self;
        let canonical = serde_json_canonicalizer::to_vec(command)
            .map_err(|why| Problem::invalid(422, format!("the command cannot be signed: {why}")))?;
        let digest = hex::encode(Sha256::digest(canonical));
        let world = world.map_or_else(|| "the real world".to_owned(), |drill| drill.to_string());
        Ok(format!("act on andon\nas {name:?}\nin {world}\ncommand {id}\nsha256 {digest}\n"))
    }
}

/// What is missing before such a command is taken; the `state` of the problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureNeeded {
    /// Whose.
    pub name: String,
    /// What is to be signed.
    pub challenge: Challenge,
    /// Fingerprints of the keys and authorities that count.
    pub keys: Vec<String>,
}

impl From<SignatureNeeded> for Problem {
    fn from(needed: SignatureNeeded) -> Self {
        let detail = format!(
            "what lifts a restraint needs a fresh signature by a key of {} ({}): sign `state.challenge.text` and ask again with \
             the headers {CHALLENGE_HEADER} and {SIGNATURE_HEADER}; andon itself asks your SSH agent",
            needed.name,
            needed.keys.join(", ")
        );
        let problem = Self::new(401, SIGNATURE_NEEDED, "A fresh signature is needed", detail);
        Self { state: serde_json::to_value(needed).ok(), ..problem }
    }
}
