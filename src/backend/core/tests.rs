//! The writer against a real SQLite file.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use arc_swap::ArcSwap;
use uuid::Uuid;

use super::{Core, Interlocks, Options};
use crate::{
    backend::log::{Append, Kept, Log, LogError, Remembered, SqliteLog},
    incident::{
        Command, Declare, Engage, Event, IncidentCommand, SetAuto, Worlds, chain,
        containment::{AgentProof, AutoScope, AutoStage, BacktestSeen, Mode, Scope, SwitchState},
    },
    runbook::Runbook,
    terms::{Author, DrillId, IncidentId, SwitchId, Time},
    tripwire::Tripwire,
};

/// What the interlock would have seen.
#[derive(Default)]
struct Seen(Mutex<Vec<(usize, bool)>>);

impl Interlocks for Seen {
    fn counted(&self, _drill: Option<DrillId>, _scope: &Scope, _now: Time) -> Vec<AgentProof> {
        Vec::new()
    }

    fn publish(&self, worlds: &Worlds, _changed: &[Option<DrillId>]) {
        let engaged = worlds.real.switches.values().filter(|switch| switch.state == SwitchState::Engaged).count();
        let recorded = worlds.real.switches.values().all(|switch| switch.recorded);
        self.0.lock().unwrap().push((engaged, recorded));
    }
}

/// A log whose appends can be made to fail, as a full disk would.
struct Failing {
    inner: SqliteLog,
    full: Arc<std::sync::atomic::AtomicBool>,
}

impl Log for Failing {
    async fn append(&self, expected: u64, batch: &[Append]) -> Result<(), LogError> {
        if self.full.load(Ordering::SeqCst) { Err(LogError::Full) } else { self.inner.append(expected, batch).await }
    }

    async fn take(&self, expected: u64, events: &[Event], commands: &[Kept]) -> Result<(), LogError> {
        self.inner.take(expected, events, commands).await
    }

    async fn commands(&self, after: Option<&Kept>, limit: usize) -> Result<Vec<Kept>, LogError> {
        self.inner.commands(after, limit).await
    }

    async fn begin_epoch(&self, epoch: u32, now: Time) -> Result<(), LogError> {
        self.inner.begin_epoch(epoch, now).await
    }

    async fn probe(&self) -> Result<(), LogError> {
        if self.full.load(Ordering::SeqCst) { Err(LogError::Full) } else { self.inner.probe().await }
    }

    async fn remembered(&self, author: &Author, id: Uuid) -> Result<Option<Remembered>, LogError> {
        self.inner.remembered(author, id).await
    }

    async fn read(&self, position: u64, limit: usize) -> Result<Vec<Event>, LogError> {
        self.inner.read(position, limit).await
    }

    async fn asides(&self) -> Result<Vec<(String, String)>, LogError> {
        self.inner.asides().await
    }

    async fn put_aside(&self, name: &str, value: &str, over: bool) -> Result<String, LogError> {
        self.inner.put_aside(name, value, over).await
    }

    fn epoch(&self) -> u32 {
        self.inner.epoch()
    }
}

fn options(seen: &Arc<Seen>) -> Options {
    let millis = AtomicI64::new(1_795_183_200_000);
    Options {
        interlocks: seen.clone(),
        runbook: Arc::new(ArcSwap::from_pointee(Runbook::shipped())),
        pulse: Arc::default(),
        clock: Arc::new(move || Time::from_millis(millis.fetch_add(1, Ordering::SeqCst))),
    }
}

async fn open(folder: &std::path::Path) -> Core {
    let log = SqliteLog::open(&folder.join("log.db"), Time::from_millis(1)).await.unwrap();
    Core::open(log, options(&Arc::new(Seen::default()))).await.unwrap()
}

fn dana() -> Author {
    Author::Person("dana".into())
}

fn declare(title: &str) -> Command {
    Command::Declare(Declare { title: title.into(), severity: Some("SEV-2".into()), ..Declare::default() })
}

fn halt_all() -> Command {
    Command::Engage(Engage::default())
}

/// Law 2: asked twice, a command answers its first result, also after a restart; with another body it is refused.
#[tokio::test]
async fn a_command_asked_twice_answers_the_first_result() {
    let folder = tempfile::tempdir().unwrap();
    let id = Uuid::now_v7();
    let core = open(folder.path()).await;
    let first = core.submit(None, id, dana(), declare("refunds paid twice")).await.unwrap();
    assert_eq!(core.submit(None, id, dana(), declare("refunds paid twice")).await.unwrap(), first);
    drop(core);
    let core = open(folder.path()).await;
    assert_eq!(core.submit(None, id, dana(), declare("refunds paid twice")).await.unwrap(), first);
    assert_eq!(core.worlds().real.incidents.len(), 1);
    // What the state refuses by now was done by the first asking: its answer still stands.
    let (done, again) = (Uuid::now_v7(), Uuid::now_v7());
    let resolve = |note: &str| {
        let ask = IncidentCommand::Resolve { note: note.into(), over: None };
        Command::OnIncident { incident: IncidentId(1), ask }
    };
    let resolved = core.submit(None, done, dana(), resolve("done")).await.unwrap();
    assert_eq!(core.submit(None, again, dana(), resolve("done")).await.unwrap_err().status, 409);
    assert_eq!(core.submit(None, done, dana(), resolve("done")).await.unwrap(), resolved);
    // Asked twice at once, one is done and both hear of it.
    let twice = Uuid::now_v7();
    let asks = (0..8).map(|_| core.submit(None, twice, dana(), declare("at once")));
    let answers: Vec<_> = futures_util::future::join_all(asks).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(core.worlds().real.incidents.len(), 2);
    let reused = core.submit(None, id, dana(), declare("something else")).await.unwrap_err();
    assert_eq!((reused.status, reused.kind.as_str()), (409, "urn:andon:reused-id"));
    // Another author's id is another command.
    core.submit(None, id, Author::Person("lee".into()), declare("another")).await.unwrap();
    assert_eq!(core.worlds().real.incidents.len(), 3);
}

/// Law 1: the fold of what is on disk is the state that was served, and the chain holds.
#[tokio::test]
async fn a_restart_folds_to_the_same_state_and_the_chain_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let core = open(folder.path()).await;
    let asks = (0..50).map(|n| {
        let core = core.clone();
        async move {
            core.submit(None, Uuid::now_v7(), dana(), declare(&format!("incident {n}"))).await.unwrap();
        }
    });
    futures_util::future::join_all(asks).await;
    let ask = IncidentCommand::Note { text: "seen \u{1b}[2J on screen".into(), at: None };
    let note = Command::OnIncident { incident: IncidentId(7), ask };
    core.submit(None, Uuid::now_v7(), dana(), note).await.unwrap();
    let before = core.worlds();
    drop(core);
    let core = open(folder.path()).await;
    assert_eq!(*core.worlds(), *before);
    let events = core.events_after(0, 1000).await.unwrap();
    let positions: Vec<u64> = events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
    chain::verify(events.iter().map(AsRef::as_ref)).unwrap();
}

/// CON, law 5: a full disk refuses no halt; it is in force unrecorded, and recorded once there is room.
#[tokio::test]
async fn a_full_disk_refuses_no_halt() {
    let folder = tempfile::tempdir().unwrap();
    let inner = SqliteLog::open(&folder.path().join("log.db"), Time::from_millis(1)).await.unwrap();
    let full = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let seen = Arc::new(Seen::default());
    let core = Core::open(Failing { inner, full: full.clone() }, options(&seen)).await.unwrap();
    let mut events = core.subscribe();

    let refused = core.submit(None, Uuid::now_v7(), dana(), declare("no room")).await.unwrap_err();
    assert_eq!(refused.status, 503);
    assert!(refused.detail.contains("disk is full"), "{refused}");

    let halted = core.submit(None, Uuid::now_v7(), dana(), halt_all()).await.unwrap();
    assert!(!halted.recorded);
    assert_eq!(seen.0.lock().unwrap().last(), Some(&(1, false)), "the table was swapped");
    assert!(!core.worlds().real.switches[&SwitchId(1)].recorded);
    // Law 3: who begins to read now hears of it when it is in the log, once, at a place that was still free.
    let reader = core.recorded();
    assert!(reader.real.switches.is_empty());
    assert_eq!(core.worlds().position, reader.position);

    full.store(false, Ordering::SeqCst);
    let event = tokio::time::timeout(std::time::Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
    assert_eq!(event.fact.kind(), "switch-engaged");
    assert!(core.worlds().real.switches[&SwitchId(1)].recorded);
    assert_eq!(seen.0.lock().unwrap().last(), Some(&(1, true)));
}

/// CON.14, law 5: what a firing engages by itself is in force on a full disk too, and recorded once there is room; a
/// firing that engages nothing waits.
#[tokio::test]
async fn a_full_disk_stops_no_automatic_halt() {
    let folder = tempfile::tempdir().unwrap();
    let inner = SqliteLog::open(&folder.path().join("log.db"), Time::from_millis(1)).await.unwrap();
    let full = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::new(Seen::default());
    let core = Core::open(Failing { inner, full: full.clone() }, options(&seen)).await.unwrap();
    let shown = BacktestSeen { digest: "0a".repeat(32), days: 7, actions: 1, engagements: 1 };
    for stage in [AutoStage::Shadow, AutoStage::Warn, AutoStage::Enforce] {
        let (tripwire, scope, backtest) = (Tripwire::CostRate, AutoScope::Agent, Some(shown.clone()));
        let set = SetAuto { tripwire, rule: None, stage, scope, mode: Mode::Halt, why: None, backtest };
        core.submit(None, Uuid::now_v7(), dana(), Command::SetAuto(set)).await.unwrap();
    }
    let fire = |tripwire: &str| {
        let change = serde_json::json!({"change": "opened", "at": Time::from_millis(5), "received_at": Time::from_millis(5),
            "key": {"tripwire": tripwire, "agent": "refund-bot", "detail": ""}});
        Command::Fire { changes: vec![serde_json::from_value(change).unwrap()] }
    };
    full.store(true, Ordering::SeqCst);
    let by = || Author::Andon("tripwires".into());
    let waits = core.submit(None, Uuid::now_v7(), by(), fire("action-rate")).await.unwrap_err();
    assert_eq!(waits.status, 503);
    let halted = core.submit(None, Uuid::now_v7(), by(), fire("cost-rate")).await.unwrap();
    assert!(!halted.recorded);
    assert_eq!(seen.0.lock().unwrap().last(), Some(&(1, false)), "the table was swapped");
    let mut events = core.subscribe();
    full.store(false, Ordering::SeqCst);
    tokio::time::timeout(std::time::Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
    let worlds = core.worlds();
    assert!(worlds.real.switches[&SwitchId(1)].recorded);
    assert_eq!((worlds.real.switches.len(), worlds.real.firings.len()), (1, 1));
}

/// Bad input: a damaged or newer store is refused untouched, with words that say what to do.
#[tokio::test]
async fn a_damaged_or_newer_log_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    std::fs::write(&path, "this is no database, and long enough to be read as a header of one".repeat(40)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteLog::open(&path, Time::from_millis(1)).await.err().unwrap();
    assert!(matches!(error, LogError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("newer.db");
    drop(SqliteLog::open(&path, Time::from_millis(1)).await.unwrap());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)")
        .execute(&mut raw)
        .await
        .unwrap();
    drop(raw);
    let error = SqliteLog::open(&path, Time::from_millis(1)).await.err().unwrap();
    assert!(matches!(error, LogError::Newer { version: 99, .. }), "{error:?}");
}
