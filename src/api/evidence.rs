//! Evidence over the wire, besides its commands.

use serde::{Deserialize, Serialize};

use crate::terms::FreezeId;

/// What is left of what a freeze pinned: `GET /v1/incidents/ID/evidence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FreezeCheck {
    /// Which freeze.
    pub freeze: FreezeId,
    /// Actions that the log says it pinned, addenda included.
    pub recorded: u64,
    /// Those that the store still holds.
    pub found: u64,
    /// Count and digest of every part are as recorded.
    pub whole: bool,
    /// Actions that are known to be lost.
    pub lost: u64,
}

/// A blob as it is kept: `POST /v1/blobs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StoredBlob {
    /// SHA-256 (hex) of the content.
    pub digest: String,
    /// Its bytes.
    pub bytes: u64,
}
