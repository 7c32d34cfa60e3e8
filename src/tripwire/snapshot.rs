//! What an engine keeps over a restart: buckets, baselines, open firings. Declarations come from the log.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use serde::{Deserialize, Serialize};

use super::{agent::AgentState, engine::Engine};
use crate::terms::AgentId;

const VERSION: u32 = 1;

/// A snapshot that an engine cannot go on from.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It does not read.
    #[error("the engine's snapshot does not read ({0}); baselines are learned anew or replayed from stored actions")]
    Unreadable(#[from] serde_json::Error),
    /// It is of another layout.
    #[error("the engine's snapshot is of layout {0}, this version reads layout 1; replay stored actions instead")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct Snapshot<'a> {
    version: u32,
    agents: BTreeMap<AgentId, Cow<'a, AgentState>>,
}

impl Engine {
    /// Everything learned so far, as JSON.
    ///
    /// # Errors
    /// None that a state can cause; those of the writer.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        self.snapshot_of(|_| true)
    }

    /// Everything learned so far of some agents.
    ///
    /// # Errors
    /// None that a state can cause; those of the writer.
    pub fn snapshot_of(&self, some: impl Fn(&AgentId) -> bool) -> Result<Vec<u8>, SnapshotError> {
        let agents = self
            .agents
            .iter()
            .filter(|(id, _)| some(id))
            .map(|(id, state)| (id.clone(), Cow::Borrowed(&**state)))
            .collect();
        Ok(serde_json::to_vec(&Snapshot { version: VERSION, agents })?)
    }

    /// Goes on from a snapshot; declarations stay as they are.
    ///
    /// # Errors
    /// When it does not read or is of another layout; then nothing has changed.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        let read: Snapshot<'_> = serde_json::from_slice(snapshot)?;
        if read.version != VERSION {
            return Err(SnapshotError::Version(read.version));
        }
        let rules = &self.plan.rules;
        let own = |state: Cow<'_, AgentState>| {
            let mut state = Box::new(state.into_owned());
            state.recall.keep_only(rules);
            state
        };
        let agents: HashMap<_, _> = read.agents.into_iter().map(|(id, state)| (id, own(state))).collect();
        self.agents = agents;
        Ok(())
    }
}
