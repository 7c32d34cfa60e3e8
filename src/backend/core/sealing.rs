//! Gives facts their position, their place in a stream and their hash.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use crate::{
    incident::{Event, NewEvent, Stream, chain},
    terms::Time,
};

/// The newest event of a stream: what the next one is chained to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub seq: u64,
    pub hash: String,
}

/// Where the log ends, and where it ended before the batch that is being decided.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pub position: u64,
    pub epoch: u32,
    heads: HashMap<Stream, Head>,
    /// What each sealing since the last [`Tail::keep`] replaced, oldest first.
    undo: Vec<(Stream, Option<Head>)>,
}

impl Tail {
    /// The end of an empty log.
    pub fn new(epoch: u32) -> Self {
        Self { epoch, ..Self::default() }
    }

    /// Takes note of an event read from the log.
    pub fn follow(&mut self, event: &Event) {
        self.position = event.position;
        self.heads.insert(event.stream.clone(), Head { seq: event.seq, hash: event.hash.clone() });
    }

    /// `seq` of the newest event of `stream`, 0 when it has none.
    pub fn seq(&self, stream: &Stream) -> u64 {
        self.heads.get(stream).map_or(0, |head| head.seq)
    }

    /// Seals `new` as the next event and moves on to it.
    pub fn seal(&mut self, new: NewEvent, id: Uuid, recorded_at: Time) -> Result<Arc<Event>, serde_json::Error> {
        let (seq, prev) = match self.heads.get(&new.stream) {
            Some(head) => (head.seq + 1, head.hash.clone()),
            None => (1, chain::GENESIS.to_owned()),
        };
        let place = chain::Place { position: self.position + 1, epoch: self.epoch, seq, id, recorded_at, prev };
        let event = chain::seal(new, place)?;
        let replaced = self.heads.get(&event.stream).cloned();
        self.undo.push((event.stream.clone(), replaced));
        self.follow(&event);
        Ok(Arc::new(event))
    }

    /// A point to come back to.
    pub fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Unseals everything since `mark`.
    pub fn unseal(&mut self, mark: usize) {
        for (stream, replaced) in self.undo.drain(mark..).rev() {
            self.position -= 1;
            match replaced {
                Some(head) => self.heads.insert(stream, head),
                None => self.heads.remove(&stream),
            };
        }
    }

    /// The batch is durable: nothing can be unsealed any more.
    pub fn keep(&mut self) {
        self.undo.clear();
    }
}
