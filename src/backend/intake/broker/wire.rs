//! What travels over the broker: one action a message, in its agent's partition.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::seen::Way;
use crate::{telemetry::Action, terms::AgentId};

/// The stream that holds them.
pub(super) const STREAM: &str = "ANDON_ACTIONS";
/// How many partitions a stream is made with; one that is there keeps its own number.
pub(super) const PARTITIONS: u32 = 32;

/// An action on its way to its judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// Who delivered it, as authenticated.
    pub source: String,
    /// By which way.
    pub way: Way,
    /// What was done.
    pub action: Action,
}

impl Sent {
    /// What makes it the same message when it is sent again: an id counts once per source within an hour (protocol 1).
    pub fn dedup_id(&self) -> Option<String> {
        let id = self.action.id.as_ref()?;
        let digest = digest(&[self.source.as_bytes(), id.as_bytes()]);
        Some(hex::encode(&digest[..16]))
    }
}

/// Where a partition's messages go.
pub(super) fn subject(partition: u32) -> String {
    format!("andon.actions.{partition}")
}

/// Where a partition's figures are told.
pub(super) fn figures_subject(partition: u32) -> String {
    format!("andon.figures.{partition}")
}

/// The partition of an agent: the same at every node and in every version.
pub(super) fn partition_of(agent: &AgentId, partitions: u32) -> u32 {
    let digest = digest(&[agent.as_str().as_bytes()]);
    let hash = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
    u32::try_from(hash % u64::from(partitions.max(1))).unwrap_or(0)
}

/// A digest of parts that cannot run into each other.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{telemetry::native, terms::Time};

    fn sent(source: &str, item: serde_json::Value) -> Sent {
        let decoded = native::decode(item.to_string().as_bytes(), Time::from_millis(1_795_183_200_000)).unwrap();
        let action = decoded.actions.into_iter().next().unwrap().1;
        Sent { source: source.into(), way: Way::Native, action }
    }

    /// Nodes of two versions must agree: these numbers are a contract.
    #[test]
    fn an_agents_partition_never_changes() {
        let of = |agent: &str| partition_of(&agent.parse().unwrap(), PARTITIONS);
        assert_eq!([of("refund-bot"), of("mail-bot"), of("a")], [10, 16, 21]);
        let mut spread = BTreeMap::<u32, u32>::new();
        (0..3_200).for_each(|n| *spread.entry(of(&format!("agent-{n}"))).or_default() += 1);
        assert_eq!(spread.len(), PARTITIONS as usize);
        assert!(spread.values().all(|agents| (60..=140).contains(agents)), "{spread:?}");
    }
    #[test]
    fn an_action_travels_whole_and_is_known_again() {
        let one =
            sent("token:kim", json!({"id": "a-1", "agent": "x", "tool": "pay", "cost_usd": 0.25, "input": {"to": 7}}));
        let bytes = serde_json::to_vec(&one).unwrap();
        assert_eq!(serde_json::from_slice::<Sent>(&bytes).unwrap(), one);
        let other = sent("token:dana", json!({"id": "a-1", "agent": "x", "tool": "pay"}));
        assert!(one.dedup_id().is_some() && one.dedup_id() != other.dedup_id(), "an id is a source's own");
        assert_eq!(sent("s", json!({"agent": "x", "tool": "pay"})).dedup_id(), None);
    }
}
