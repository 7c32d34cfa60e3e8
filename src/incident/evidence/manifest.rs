//! Counting and hashing what is pinned, an action at a time.

use sha2::{Digest, Sha256};

use super::Manifest;
use crate::telemetry::Action;

/// A manifest being made. Actions come in order of their number.
#[derive(Default)]
pub struct Counting {
    manifest: Manifest,
    hash: Sha256,
}

impl Counting {
    /// The next action.
    ///
    /// # Errors
    /// One that JSON cannot write.
    pub fn add(&mut self, seq: u64, action: &Action) -> Result<(), serde_json::Error> {
        let canonical = serde_json_canonicalizer::to_vec(action)?;
        self.hash.update(&canonical);
        self.hash.update(b"\n");
        let manifest = &mut self.manifest;
        manifest.count += 1;
        manifest.first.get_or_insert(seq);
        manifest.last = Some(seq);
        manifest.from = Some(manifest.from.map_or(action.at, |from| from.min(action.at)));
        manifest.to = Some(manifest.to.map_or(action.at, |to| to.max(action.at)));
        match manifest.agents.get_mut(&action.agent) {
            Some(count) => *count += 1,
            None => {
                manifest.agents.insert(action.agent.clone(), 1);
            }
        }
        Ok(())
    }

    /// The manifest, of a store that was read up to number `read_to`.
    pub fn finish(self, read_to: u64) -> Manifest {
        Manifest { digest: hex::encode(self.hash.finalize()), read_to, ..self.manifest }
    }
}
