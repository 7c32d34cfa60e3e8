//! Logging in by an SSH key (TEAM.6).

use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// The namespace that a login's signature is made in: one made for anything else is none.
pub const NAMESPACE: &str = "login@andon.dev";

/// `POST /v1/login/challenge`: something to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// What is signed, byte for byte.
    pub text: String,
    /// In which namespace.
    pub namespace: String,
    /// Until when it may be answered; once.
    pub expires_at: Time,
}

/// `POST /v1/login`: the answer to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// To send as `Authorization: Bearer`; told once.
    pub secret: String,
    /// As whom.
    pub name: String,
    /// When it ends.
    pub expires_at: Time,
}
