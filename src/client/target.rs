//! Where a backend is, and the secret to show it.

use std::{fmt, path::PathBuf};

/// How people know their own backend.
pub const LOCAL: &str = "the local backend";

/// A token's secret; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as given.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This user's own, or a jump host's, over its Unix socket.
    Socket(PathBuf),
    /// A team's, by URL.
    Url {
        /// `http://host:port`.
        url: String,
        /// The token to show it.
        token: Option<Secret>,
        /// A certificate authority to trust besides the system's (a PEM file).
        authority: Option<PathBuf>,
    },
}

impl Target {
    /// How people know it.
    pub fn place(&self) -> String {
        match self {
            Self::Socket(_) => LOCAL.to_owned(),
            Self::Url { url, .. } => url.clone(),
        }
    }
}
