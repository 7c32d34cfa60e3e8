//! What a player hears of its drill: every event of the log after the drill began, each once, however many it missed.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{backend::core::Core, incident::Event};

/// How many events are read from the log at once.
const PAGE: usize = 500;

/// One listener.
pub(super) struct Ear {
    core: Core,
    heard: Receiver<Arc<Event>>,
    position: u64,
    /// The log may hold events after `position` that `heard` will not bring.
    behind: bool,
    ready: VecDeque<Arc<Event>>,
}

impl Ear {
    /// Of everything after `position`.
    pub fn after(core: &Core, position: u64) -> Self {
        Self { core: core.clone(), heard: core.subscribe(), position, behind: true, ready: VecDeque::new() }
    }

    /// The next event; none once the backend goes. Given up while it waits, it loses nothing.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            while let Some(event) = self.ready.pop_front() {
                if event.position > self.position {
                    self.position = event.position;
                    return Some(event);
                }
            }
            if self.behind {
                match self.core.events_after(self.position, PAGE).await {
                    Ok(page) => {
                        self.behind = page.len() == PAGE;
                        self.ready.extend(page);
                        continue;
                    }
                    Err(problem) => {
                        tracing::warn!(%problem, "a drill's player does not read the log");
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                        continue;
                    }
                }
            }
            match self.heard.recv().await {
                Ok(event) if event.position <= self.position + 1 => self.ready.push_back(event),
                // What was missed may have been a pause, another speed, something put in: the log has it.
                Ok(_) | Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arc_swap::ArcSwap;
    use futures_util::future::join_all;
    use uuid::Uuid;

    use super::*;
    use crate::{
        backend::{clock, core::Options, interlock::InterlockWorlds, log::SqliteLog},
        incident::{
            Command, Fact,
            drilled::{Steer, Steered},
        },
        runbook::Runbook,
        terms::{Author, DrillId, Time},
    };

    /// DRL.1, law 3: a player that heard nothing for thousands of events loses no pause, no speed, nothing that was put in; each comes
    /// once, in order.
    #[tokio::test]
    async fn a_player_that_lags_hears_everything_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(&folder.path().join("log.db"), Time::from_millis(1)).await.unwrap();
        let runbook = Arc::new(ArcSwap::from_pointee(Runbook::shipped()));
        let interlocks = Arc::new(InterlockWorlds::new(clock::system(), clock::steady(), runbook.clone()));
        let options = Options { interlocks, runbook, pulse: Arc::default(), clock: clock::system() };
        let core = Core::open(log, options).await.unwrap();
        let dana = Author::Person("dana".into());
        let start = Command::StartDrill {
            name: "x".into(),
            title: "x".into(),
            seed: 1,
            speed: 1.0,
            course: Box::default(),
            armed: Box::default(),
        };
        let begun = core.submit(None, Uuid::now_v7(), dana.clone(), start).await.unwrap().events[0].position;
        let mut ear = Ear::after(&core, begun);
        let steer = |how| Command::SteerDrill(Steered { drill: DrillId(1), how });
        for turn in 0..12 {
            let lines = (0..500).map(|number| steer(Steer::Inject { line: format!("{turn}.{number}") }));
            let asked = lines.map(|line| core.submit(None, Uuid::now_v7(), dana.clone(), line));
            assert!(join_all(asked).await.iter().all(Result::is_ok));
        }
        for how in [Steer::Speed { speed: 10.0 }, Steer::Pause {}] {
            core.submit(None, Uuid::now_v7(), dana.clone(), steer(how)).await.unwrap();
        }
        let (mut lines, mut last) = (BTreeSet::new(), begun);
        let speed = loop {
            let event = ear.next().await.unwrap();
            assert!(event.position > last, "in order, and once");
            last = event.position;
            match &event.fact {
                Fact::DrillSteered(steered) => match &steered.how {
                    Steer::Inject { line } => drop(lines.insert(line.clone())),
                    Steer::Speed { speed } => break *speed,
                    _ => {}
                },
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((lines.len(), speed), (6_000, 10.0));
        let paused = ear.next().await.unwrap();
        assert!(matches!(&paused.fact, Fact::DrillSteered(steered) if steered.how == Steer::Pause {}));
        core.submit(None, Uuid::now_v7(), dana, steer(Steer::Resume {})).await.unwrap();
        assert_eq!(ear.next().await.unwrap().position, paused.position + 1, "it goes on live");
    }
}
