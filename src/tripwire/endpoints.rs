//! Which endpoints an agent has called, up to a cap (DET.3, protocol 1).

use serde::{Deserialize, Serialize};

/// What a call to an endpoint is to what was called before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// Called before.
    Known,
    /// Never called; it is known from now on.
    New,
    /// Not known, and no more are followed.
    TooMany {
        /// It is the first beyond the cap.
        first: bool,
    },
}

/// The endpoints of one agent, as hashes in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Endpoints {
    known: Vec<u64>,
    told_many: bool,
}

impl Endpoints {
    pub fn call(&mut self, endpoint: &str, cap: usize) -> Novelty {
        let hash = fnv1a(endpoint.as_bytes());
        match self.known.binary_search(&hash) {
            Ok(_) => Novelty::Known,
            Err(place) if self.known.len() < cap => {
                self.known.insert(place, hash);
                Novelty::New
            }
            Err(_) => Novelty::TooMany { first: !std::mem::replace(&mut self.told_many, true) },
        }
    }
}

/// FNV-1a: std's hashers promise no fixed result from one release to the next, and these outlive a restart.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
