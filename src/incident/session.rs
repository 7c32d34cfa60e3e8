//! Sessions of people who logged in by an SSH key: facts, so that every backend of a log knows them and who was in when can be
//! shown (TEAM.6, TEAM.7). Only hashes are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// Sessions at once, at most; the one that ends first makes room.
const MOST: usize = 4_096;

/// A session began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBegun {
    /// As whom, as `allowed_signers` has them.
    pub name: String,
    /// SHA-256 (hex) of its secret.
    pub hash: String,
    /// SHA-256 (hex) of the challenge that was signed: none opens two.
    pub challenge: String,
    /// Fingerprint of the key that signed.
    pub key: String,
    /// When it ends by itself.
    pub until: Time,
}

/// A session was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// SHA-256 (hex) of its secret.
    pub hash: String,
}

/// The sessions that may still hold, by the hash of their secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sessions(BTreeMap<String, Known>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    begun: SessionBegun,
    /// Somebody logged out. Kept all the same: its challenge is not to be answered again.
    ended: bool,
}

impl Sessions {
    /// The one whose secret has this hash, while it holds.
    pub fn get(&self, hash: &str, now: Time) -> Option<&SessionBegun> {
        self.0.get(hash).filter(|known| !known.ended && known.begun.until > now).map(|known| &known.begun)
    }

    /// Whether a challenge was answered by one that is still known.
    pub fn answered(&self, challenge: &str) -> bool {
        self.0.values().any(|known| known.begun.challenge == challenge)
    }

    /// Lets one in.
    pub fn begin(&mut self, session: &SessionBegun, at: Time) {
        self.0.retain(|_, known| known.begun.until > at);
        while self.0.len() >= MOST {
            let first = self.0.values().min_by_key(|known| known.begun.until).map(|known| known.begun.hash.clone());
            let Some(first) = first else { break };
            self.0.remove(&first);
        }
        self.0.insert(session.hash.clone(), Known { begun: session.clone(), ended: false });
    }

    /// Lets nobody in by it any more.
    pub fn end(&mut self, hash: &str) {
        if let Some(known) = self.0.get_mut(hash) {
            known.ended = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(number: i64) -> SessionBegun {
        let hash = format!("{number:064x}");
        let until = Time::from_millis(1_000_000 + number);
        SessionBegun { name: "dana".into(), challenge: hash.clone(), key: "SHA256:a".into(), hash, until }
    }

    /// TEAM.6: a session holds until it ends, and however many begin, the memory is bounded.
    #[test]
    fn the_one_that_ends_first_makes_room() {
        let mut sessions = Sessions::default();
        let most = i64::try_from(MOST).unwrap();
        for number in 0..=most {
            sessions.begin(&begun(number), Time::default());
        }
        let holds = |sessions: &Sessions, number: i64, at: i64| {
            sessions.get(&begun(number).hash, Time::from_millis(at)).is_some()
        };
        assert!(!holds(&sessions, 0, 0) && holds(&sessions, 1, 0) && holds(&sessions, most, 0));
        assert!(holds(&sessions, 5, 1_000_004) && !holds(&sessions, 5, 1_000_005), "until its moment");
        sessions.end(&begun(9).hash);
        assert!(!holds(&sessions, 9, 10) && sessions.answered(&begun(9).challenge), "ended, and not to be had again");
        sessions.begin(&begun(most + 1), Time::from_millis(2_000_000));
        assert_eq!(sessions.0.len(), 1, "those that are over are forgotten");
    }
}
