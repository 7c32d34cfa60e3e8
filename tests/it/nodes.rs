//! Several backends on one Postgres database: one log, one answer, whichever node is asked (laws 1–3, 5, 6; protocol 3, 4).

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use andon::{
    backend::{
        home::Home,
        log::{Append, Log, LogError, PostgresLog, Remembered},
        serve::{ServeOptions, start},
    },
    incident::{Event, Fact, NewEvent, Stream, Topic, chain},
    runbook::Book,
    terms::{Author, IncidentId, Time},
};
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::{
    database::{Server, database},
    rig::{Rig, http},
};

/// A node in a folder of its own, on a database that others share.
pub async fn node(database: &str) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    options.database = Some(database.to_owned());
    let running = start(options).await.unwrap();
    let person = http().unix_socket(running.info.socket.clone()).build().unwrap();
    let tcp = http().build().unwrap();
    Rig { running, folder, person, tcp }
}

/// Asks again and again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, seconds: u64, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn decision(rig: &Rig, agent: &str) -> Value {
    rig.post("/v1/interlock/check", json!({"agent": agent, "tool": "pay"})).await.good()["decision"].clone()
}

async fn leased(rig: &Rig, agent: &str, version: u64) -> Value {
    let asked = json!({"agent": agent, "instance": "one", "version": version, "on_blind": "stop"});
    rig.post("/v1/interlock/lease", asked).await.body
}

/// Laws 1–3: both write at once, each to its own incident and both to one; every reader of either node hears every event once
/// and in order, both states end equal, and a command asked at both is done once.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_are_one_log() {
    let url = database();
    let nodes = [Arc::new(node(&url).await), Arc::new(node(&url).await)];
    assert_eq!(nodes[0].get("/v1/state").await.good()["backend"]["shared"], true, "nobody is told that they are alone");
    nodes[0].command("/v1/incidents", json!({"title": "shared"})).await.good();
    let id = Uuid::now_v7();
    let note = json!({"id": id, "command": {"type": "note", "text": "asked at both"}});
    until("the incident is known at the other node", 5, || async {
        nodes[1].get("/v1/incidents/INC-1").await.status == 200
    })
    .await;
    let mut readers = Vec::new();
    for node in &nodes {
        readers.push(node.events("?after=0", None).await);
    }
    let first = nodes[0].post("/v1/incidents/INC-1/commands", note.clone()).await;
    let again = nodes[1].post("/v1/incidents/INC-1/commands", note).await;
    assert_eq!(first.good()["events"][0]["id"], again.good()["events"][0]["id"], "law 2, across nodes");

    const EACH: usize = 120;
    let writers = nodes.iter().enumerate().map(|(which, node)| {
        let node = node.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                let note = json!({"type": "note", "text": format!("node {which} note {n}")});
                node.command("/v1/incidents/INC-1/commands", note).await.good();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    // Runbook, declaration, the note asked twice, and both nodes' notes.
    let all = 3 + 2 * EACH as u64;
    let mut heard: Vec<Vec<Value>> = Vec::new();
    for mut reader in readers {
        let mut events = Vec::new();
        while events.len() < all as usize {
            events.push(reader.event().await.1);
        }
        let positions: Vec<u64> = events.iter().map(|event| event["position"].as_u64().unwrap()).collect();
        assert_eq!(positions, (1..=all).collect::<Vec<_>>(), "law 3: none skipped, none twice, in order");
        heard.push(events);
    }
    assert_eq!(heard[0], heard[1]);
    let mut prev: BTreeMap<String, String> = BTreeMap::new();
    for event in &heard[0] {
        let sealed: Event = serde_json::from_value(event.clone()).unwrap();
        let head = prev.insert(sealed.stream.to_string(), sealed.hash.clone());
        assert_eq!(sealed.prev, head.unwrap_or_else(|| chain::GENESIS.to_owned()), "the chain holds");
    }
    let states = [nodes[0].get("/v1/state").await, nodes[1].get("/v1/state").await];
    assert_eq!(states[0].body["world"], states[1].body["world"], "both end equal");
    until("each names the other", 10, || async {
        let state = nodes[0].get("/v1/state").await.body;
        state["backend"]["nodes"].as_array().is_some_and(|others| others.len() == 1)
    })
    .await;
}

/// CON.1, CON.10, protocol 3: fired at one node, refused at the other; an agent leased there is proved stopped; lifted there,
/// it is lifted here.
#[tokio::test(flavor = "multi_thread")]
async fn a_halt_at_one_node_holds_at_every_node() {
    let url = database();
    let (here, there) = (node(&url).await, node(&url).await);
    let version = leased(&there, "refund-bot", 0).await["version"].as_u64().unwrap();
    let version = std::sync::atomic::AtomicU64::new(version);
    assert_eq!(decision(&there, "mail-bot").await, "allow");
    // The other node is told of both before a switch counts them.
    until("the lease is known here", 10, || async {
        let live = here.get("/v1/state").await.body["live"]["agents"].clone();
        live["refund-bot"]["leases"] == 1 && live["mail-bot"]["reach"] == "checks"
    })
    .await;
    let fired = here.command("/v1/switches", json!({"scope": {}})).await;
    let switch = fired.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned();
    until("the other node refuses", 5, || async { decision(&there, "mail-bot").await == "deny" }).await;
    until("both are proved stopped", 10, || async {
        // It renews as a lease holder does: with the version that it was told last.
        let told = leased(&there, "refund-bot", version.load(Ordering::SeqCst)).await["version"].as_u64();
        version.store(told.unwrap_or_default(), Ordering::SeqCst);
        let shown = here.get(&format!("/v1/switches/{switch}")).await.body;
        shown["halt"]["counted"] == 2 && shown["halt"]["confirmed"] == 2
    })
    .await;
    there.command(&format!("/v1/switches/{switch}/release"), json!({"why": "seen"})).await.good();
    until("it goes on here", 5, || async { decision(&here, "mail-bot").await == "allow" }).await;
}

/// Law 3: transactions that commit out of order are no reader's trouble: the second waits for the first, and a batch decided
/// on what it did not see is decided again.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_transaction_is_waited_for() {
    let url = database();
    let log = PostgresLog::open(&url, Time::from_millis(1)).await.unwrap();
    let sealed = |text: &str| {
        let new = NewEvent {
            stream: Stream::new(None, Topic::Incident(IncidentId(1))),
            occurred_at: Time::from_millis(1),
            by: Author::Person("dana".into()),
            fact: Fact::NoteAdded { text: text.into() },
        };
        let place = chain::Place {
            position: 1,
            epoch: 1,
            seq: 1,
            id: Uuid::now_v7(),
            recorded_at: Time::from_millis(1),
            prev: chain::GENESIS.to_owned(),
        };
        Arc::new(chain::seal(new, place).unwrap())
    };
    let batch = |event: Arc<Event>| {
        let remembered = Remembered { body_hash: "x".into(), first_position: 1, last_position: 1, state_version: 1 };
        vec![Append { author: Author::Person("dana".into()), id: Uuid::now_v7(), remembered, events: vec![event] }]
    };
    let mut slow = sqlx::PgConnection::connect(&url).await.unwrap();
    let slow_event = sealed("slow");
    sqlx::raw_sql("BEGIN").execute(&mut slow).await.unwrap();
    let row = json!([[
        1,
        1,
        "incident/INC-1",
        1,
        slow_event.id,
        "note-added",
        1,
        1,
        "dana",
        0,
        "{\"text\":\"slow\"}",
        slow_event.data_hash,
        slow_event.prev,
        slow_event.hash
    ]]);
    let took: i64 = sqlx::query_scalar("SELECT append_batch(0, $1::json, '[]'::json)")
        .bind(row.to_string())
        .fetch_one(&mut slow)
        .await
        .unwrap();
    assert_eq!(took, 0);
    let fast_batch = batch(sealed("fast"));
    let fast = log.append(0, &fast_batch);
    tokio::pin!(fast);
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut fast).await.is_err(), "it waits for the slow one");
    assert_eq!(log.read(0, 10).await.unwrap(), [], "nobody reads past what is not committed");
    sqlx::raw_sql("COMMIT").execute(&mut slow).await.unwrap();
    assert!(matches!(fast.await, Err(LogError::Behind)), "it was decided on what it did not see");
    let read = log.read(0, 10).await.unwrap();
    assert_eq!(read, [(*slow_event).clone()], "the store gives back what was sealed, hash and all");
    assert!(matches!(log.append(7, &fast_batch).await, Err(LogError::Shorter)), "a log that lost its end is noticed");
    for sql in ["UPDATE events SET data = ''", "DELETE FROM events", "TRUNCATE events"] {
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut slow).await.unwrap_err();
        assert!(refused.to_string().contains("never edited"), "{sql}: {refused}");
    }
}

/// A wire to the database that can be cut.
struct Wire {
    address: String,
    cut: Arc<AtomicBool>,
}

async fn wire(to: String) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = cut.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (to, is_cut) = (to.clone(), is_cut.clone());
            tokio::spawn(async move {
                let Ok(far) = TcpStream::connect(to).await else { return };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                let other = is_cut.clone();
                tokio::join!(pump(near_in, far_out, is_cut), pump(far_in, near_out, other));
            });
        }
    });
    Wire { address, cut }
}

/// Carries bytes; a cut wire carries none, and says nothing of it.
async fn pump(mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf, cut: Arc<AtomicBool>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut bytes = vec![0; 16 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        while cut.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// Protocol 3, 4: a node that does not reach the database for half a lease denies everything and renews nothing, while the
/// other goes on and halts; back, it knows what was stopped meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_database_denies_and_renews_nothing() {
    let url = database();
    let host = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let wire = wire(host.clone()).await;
    let (cut_off, other) = (node(&url.replace(&host, &wire.address)).await, node(&url).await);
    assert_eq!(decision(&cut_off, "refund-bot").await, "allow");
    leased(&cut_off, "refund-bot", 0).await["ttl_s"].as_u64().unwrap();
    wire.cut.store(true, Ordering::SeqCst);
    until("it denies", 10, || async { decision(&cut_off, "refund-bot").await == "deny" }).await;
    assert!(leased(&cut_off, "refund-bot", 0).await["ttl_s"].is_null(), "no lease is renewed");
    assert_eq!(cut_off.get("/readyz").await.status, 503);
    assert_eq!(decision(&other, "mail-bot").await, "allow", "the other node is well");
    other.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}})).await.good();
    wire.cut.store(false, Ordering::SeqCst);
    until("it is back and knows the halt", 20, || async {
        decision(&cut_off, "mail-bot").await == "allow" && decision(&cut_off, "refund-bot").await == "deny"
    })
    .await;
    let seen = cut_off.get("/v1/switches").await;
    assert_eq!(seen.good().as_array().unwrap().len(), 1);
}

/// Law 5: while the database is down a halt is in force, unrecorded, and is recorded once it is back; nothing else is taken,
/// and nothing acknowledged is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_loses_nothing_and_refuses_no_halt() {
    let mut server = Server::start();
    let node = node(&server.database()).await;
    node.command("/v1/incidents", json!({"title": "before"})).await.good();
    server.stop();
    let refused = node.command("/v1/incidents", json!({"title": "while it is down"})).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let halted = node.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}})).await;
    assert_eq!(halted.good()["recorded"], false, "in force, unrecorded");
    assert_eq!(decision(&node, "refund-bot").await, "deny");
    server.run();
    until("the halt is recorded", 20, || async { node.get("/v1/switches/SW-1").await.body["recorded"] == true }).await;
    node.command("/v1/incidents", json!({"title": "after"})).await.good();
    let titles: Vec<Value> =
        node.get("/v1/incidents").await.body.as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(titles, ["before", "after"]);
}

/// A node as a process of its own, which can be killed.
pub struct Process {
    child: std::process::Child,
    person: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Process {
    pub async fn start(database: &str) -> Self {
        Self::start_by(&[], &["--listen".to_owned(), "127.0.0.1:0".to_owned()], database).await
    }

    /// By words that run what follows elsewhere, and what tells it where to listen.
    pub async fn start_by(words: &[String], listening: &[String], database: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut words = words.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_andon"), "serve"]);
        let child = std::process::Command::new(words.next().unwrap())
            .args(words)
            .args(listening)
            .envs([("ANDON_HOME", folder.path().to_str().unwrap()), ("ANDON_DATABASE", database)])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let info = crate::crash::answering(&Home::under(folder.path())).await;
        let person = http().unix_socket(info.socket).build().unwrap();
        Self { child, person, _folder: folder }
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let asked = self.person.post(format!("http://localhost{path}")).json(&body).send().await.unwrap();
        asked.json().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.person.get(format!("http://localhost{path}")).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Law 1, CON.10: the node that fired is killed at once; the halt holds at the other, which takes the lead and proves it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_mid_halt_leaves_the_halt_proved_by_the_other() {
    let url = database();
    let first = Process::start(&url).await;
    let second = Process::start(&url).await;
    let version = std::sync::atomic::AtomicU64::new(0);
    let renew = || async {
        let asked = json!({"agent": "refund-bot", "instance": "one", "version": version.load(Ordering::SeqCst), "on_blind": "stop"});
        let told = second.post("/v1/interlock/lease", asked).await["version"].as_u64();
        version.store(told.unwrap_or_default(), Ordering::SeqCst);
    };
    until("the first node knows the lease", 10, || async {
        renew().await;
        first.get("/v1/state").await["live"]["agents"]["refund-bot"]["leases"] == 1
    })
    .await;
    let fired = first.post("/v1/switches", json!({"id": Uuid::now_v7(), "command": {"scope": {}}})).await;
    assert_eq!(fired["recorded"], true, "{fired}");
    drop(first);
    until("the other node proves it", 20, || async {
        renew().await;
        let halt = second.get("/v1/switches/SW-1").await["halt"].clone();
        halt["counted"] == 1 && halt["confirmed"] == 1
    })
    .await;
    assert_eq!(second.post("/v1/interlock/check", json!({"agent": "any-bot"})).await["decision"], "deny");
}
