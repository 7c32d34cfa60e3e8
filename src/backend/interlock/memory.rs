//! What outlives the process of those it heard: who was there lately, how they ask, who holds a lease. Without it a
//! restarted backend would count nobody, and call nobody's silence a proof (protocol 3).
//!
//! A small file beside the log, replaced whole: at once when somebody new is heard or takes a lease, else now and then.
//! A lease first taken in the last quarter second before a kill is not in it; its holder is counted from its next renewal.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    InterlockWorlds,
    heard::{Everybody, Heard, Lease, TTL},
};
use crate::{
    backend::clock::{Clock, Moment},
    incident::OnBlind,
    terms::{AgentId, Time},
};

/// How often it is looked whether there is more to remember.
const LOOK: Duration = Duration::from_millis(250);
/// After how many looks it is written in any case: the times in it move on.
const LOOKS: u32 = 120;

/// Everybody, as the file holds them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Memory {
    agents: BTreeMap<AgentId, Line>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    last: Option<Time>,
    acted: Option<Time>,
    checked: Option<Time>,
    gated: Option<Time>,
    began: Option<Time>,
    behind: Option<i64>,
    leases: BTreeMap<String, OnBlind>,
}

impl Memory {
    /// Those who would be counted now, with their live leases, and the expired ones that `matter`.
    pub(super) fn of(everybody: &Everybody, now: Moment, matters: impl Fn(&Lease) -> bool) -> Self {
        let counted = everybody.agents.iter().filter(|(_, heard)| heard.is_counted(now));
        let line = |heard: &Heard| Line {
            last: heard.last,
            acted: heard.acted,
            checked: heard.checked,
            gated: heard.gated,
            began: heard.began,
            behind: heard.behind,
            leases: live(heard, now, &matters),
        };
        Self { agents: counted.map(|(agent, heard)| (agent.clone(), line(heard))).collect() }
    }

    /// Their leases count as live for one ttl: nobody knows how far each had run.
    pub(super) fn recall(self, everybody: &mut Everybody, now: Moment) {
        for (agent, line) in self.agents {
            let Some(heard) = everybody.of(&agent) else { return };
            heard.last = line.last;
            heard.acted = line.acted;
            // Whoever was worth remembering is no passing name.
            heard.first = line.last.map(|at| at.plus(-Time::DAY));
            heard.checked = line.checked;
            heard.gated = line.gated;
            heard.began = line.began;
            heard.behind = line.behind;
            let lease = |on_blind| Lease {
                until: now.steady.plus(TTL),
                acknowledged: (0, now.utc),
                on_blind,
                holder: None,
                here: true,
            };
            heard.leases = line.leases.into_iter().map(|(instance, on_blind)| (instance, lease(on_blind))).collect();
        }
    }

    /// What the file at `path` holds. One that does not read is no reason not to start: nobody is remembered then.
    pub fn read(path: &Path) -> Self {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Self::default(),
            Err(why) => {
                tracing::warn!(%why, path = %path.display(), "who was heard before is not known");
                return Self::default();
            }
        };
        serde_json::from_slice(&text).unwrap_or_else(|why| {
            tracing::warn!(%why, path = %path.display(), "who was heard before does not read");
            Self::default()
        })
    }

    /// Replaces the file at `path`.
    ///
    /// # Errors
    /// A disk that is full or gone; the old file stays.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_data()?;
        std::fs::rename(&beside, path)
    }
}

fn live(heard: &Heard, now: Moment, matters: impl Fn(&Lease) -> bool) -> BTreeMap<String, OnBlind> {
    let live = heard.leases.iter().filter(|(_, lease)| lease.goes_on(now.steady) || matters(lease));
    live.map(|(instance, lease)| (instance.clone(), lease.on_blind)).collect()
}

/// Keeps the file at `path` as long as it is polled. Drills end with the process and are not in it.
pub async fn remember(interlocks: Arc<InterlockWorlds>, path: PathBuf, clock: Clock) {
    let Some(interlock) = interlocks.get(None) else { return };
    let (mut written, mut looks) = (None, 0);
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        looks += 1;
        if written == Some(interlock.revision()) && looks < LOOKS {
            continue;
        }
        let (revision, memory) = interlock.memory(clock());
        let path = path.clone();
        match tokio::task::spawn_blocking(move || memory.write(&path)).await {
            Ok(Ok(())) => (written, looks) = (Some(revision), 0),
            Ok(Err(why)) => tracing::warn!(%why, "who is heard is not remembered"),
            Err(why) => tracing::warn!(%why, "who is heard is not remembered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::LeaseRequest;

    /// Every earlier lease is live for one ttl again, with what it does when blind; old acquaintances stay known.
    #[test]
    fn a_memory_is_what_was_heard() {
        let begun = Time::from_millis(1_795_183_200_000);
        let now = begun.plus(4_000);
        // The machine was started anew as well: its steady clock begins again.
        let at = |utc: Time, steady| Moment { utc, steady: Time::from_millis(steady) };
        let (then, moment) = (at(begun, 90_000_000), at(now, 30_000));
        let agent = |name: &str| AgentId::new(name).unwrap();
        let asked = |instance: &str, on_blind, sent_at| LeaseRequest {
            agent: agent("leased"),
            instance: instance.into(),
            version: 7,
            on_blind,
            revision: None,
            sent_at,
        };
        let mut before = Everybody::default();
        let leased = before.of(&agent("leased")).unwrap();
        let renewed = asked("one", OnBlind::Continue, Some(begun));
        assert_eq!(leased.renew(&renewed, "dana", then, |_| false), Ok(true));
        assert_eq!(leased.renew(&renewed, "dana", then, |_| false), Ok(false));
        let gone = asked("gone", OnBlind::Stop, None);
        leased.renew(&gone, "dana", at(begun, 90_000_000 - TTL), |_| false).unwrap();
        before.of(&agent("checks")).unwrap().check(super::super::Way::Check, None, begun);
        before.of(&agent("long-ago")).unwrap().last = Some(begun.plus(-2 * Time::DAY));

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heard.json");
        assert_eq!(Memory::read(&file), Memory::default());
        let waited_for = Memory::of(&before, then, |lease| lease.on_blind == OnBlind::Stop);
        assert_eq!(waited_for.agents[&agent("leased")].leases.len(), 2, "what a proof rests on is not forgotten");
        Memory::of(&before, then, |_| false).write(&file).unwrap();
        let mut after = Everybody::default();
        Memory::read(&file).recall(&mut after, moment);
        let leases = &after.agents[&agent("leased")].leases;
        let lease = Lease {
            until: moment.steady.plus(TTL),
            acknowledged: (0, now),
            on_blind: OnBlind::Continue,
            holder: None,
            here: true,
        };
        assert_eq!(leases, &BTreeMap::from([("one".to_owned(), lease)]));
        assert!(after.agents[&agent("checks")].is_counted(moment) && !after.agents.contains_key(&agent("long-ago")));
        std::fs::write(&file, "{\"agents\": {\"\": 1}}").unwrap();
        assert_eq!(Memory::read(&file), Memory::default());
    }
}
