//! A log's checkpoint: where it ends and the Merkle root over all of it (RFC 6962), as text that an operator signs (EVI.4).

use std::fmt;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;

use crate::{incident::Event, terms::Time};

/// What a checkpoint's text begins with.
const HEAD: &str = "andon checkpoint";

/// Where a log ended, and the root over every event's hash to there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which life of the log.
    pub epoch: u32,
    /// Position of the newest event.
    pub position: u64,
    /// How many events; leaves of the tree, in order of position.
    pub events: u64,
    /// The root, in hex. Each leaf is an event's hash as 64 hexadecimal letters.
    pub root: String,
    /// When.
    pub at: Time,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no checkpoint: {0}")]
pub struct NoCheckpoint(&'static str);

impl fmt::Display for Checkpoint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, position, events, root, at } = self;
        write!(to, "{HEAD}\nepoch {epoch}\nposition {position}\nevents {events}\nroot {root}\nat {at}\n")
    }
}

impl std::str::FromStr for Checkpoint {
    type Err = NoCheckpoint;

    fn from_str(text: &str) -> Result<Self, NoCheckpoint> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(NoCheckpoint("its first line is another"));
        }
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let read = Self {
            epoch: field("epoch").and_then(|it| it.parse().ok()).ok_or(NoCheckpoint("it has no epoch"))?,
            position: field("position").and_then(|it| it.parse().ok()).ok_or(NoCheckpoint("it has no position"))?,
            events: field("events").and_then(|it| it.parse().ok()).ok_or(NoCheckpoint("it counts no events"))?,
            root: field("root").map(str::to_owned).ok_or(NoCheckpoint("it has no root"))?,
            at: field("at").and_then(|it| it.parse().ok()).ok_or(NoCheckpoint("it has no time"))?,
        };
        if read.to_string() == text { Ok(read) } else { Err(NoCheckpoint("something was added to it")) }
    }
}

/// The tree over a log, as it grows.
#[derive(Default)]
pub struct Roots {
    tree: MemoryBackedTree<Sha256, String>,
    newest: (u32, u64),
}

impl Roots {
    /// The next event, in order of position.
    pub fn follow(&mut self, event: &Event) {
        self.tree.push(event.hash.clone());
        self.newest = (event.epoch, event.position);
    }

    /// The checkpoint of everything so far.
    pub fn checkpoint(&self, at: Time) -> Checkpoint {
        let (epoch, position) = self.newest;
        let root = hex::encode(self.tree.root().as_bytes());
        Checkpoint { epoch, position, events: self.tree.len(), root, at }
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    /// RFC 6962: a leaf is hashed behind 0x00, a node behind 0x01; checked by hand for three leaves.
    #[test]
    fn the_root_is_what_rfc_6962_says() {
        let leaf = |text: &str| Sha256::digest([&[0], text.as_bytes()].concat()).to_vec();
        let node = |left: &[u8], right: &[u8]| Sha256::digest([&[1], left, right].concat()).to_vec();
        let mut roots = Roots::default();
        for text in ["a", "b", "c"] {
            roots.tree.push(text.to_owned());
        }
        let expected = node(&node(&leaf("a"), &leaf("b")), &leaf("c"));
        assert_eq!(roots.checkpoint(Time::from_millis(0)).root, hex::encode(expected));
    }

    #[test]
    fn a_checkpoint_reads_as_it_was_written_and_nothing_else_does() {
        let written = Roots::default().checkpoint(Time::from_millis(1_795_183_200_000));
        let text = written.to_string();
        assert_eq!(text.parse::<Checkpoint>(), Ok(written));
        for bad in [text.replace("epoch", "epok"), format!("{text}more\n"), text.replace("events 0", "events -1")] {
            assert!(bad.parse::<Checkpoint>().is_err(), "{bad}");
        }
    }
}
