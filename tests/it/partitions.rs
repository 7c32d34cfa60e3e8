//! Telemetry beyond one machine: several backends on one Postgres and one NATS server, real processes that are killed.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use andon::backend::home::Home;
use reqwest::header::RETRY_AFTER;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    actuators::{receiver, secret},
    broker::Broker,
    database::{Server, database},
    rig::http,
};

/// A node as a process of its own.
struct Node {
    child: Child,
    person: reqwest::Client,
    folder: tempfile::TempDir,
}

impl Node {
    async fn start(database: &str, broker: &str, runbook: Option<&Path>) -> Self {
        Self::within(tempfile::tempdir().unwrap(), database, Some(broker), runbook).await
    }

    async fn within(folder: tempfile::TempDir, database: &str, broker: Option<&str>, runbook: Option<&Path>) -> Self {
        if let Some(texts) = runbook {
            let own = folder.path().join("config/runbook");
            std::fs::create_dir_all(&own).unwrap();
            for text in std::fs::read_dir(texts).unwrap() {
                let text = text.unwrap();
                std::fs::copy(text.path(), own.join(text.file_name())).unwrap();
            }
        }
        let log = std::fs::File::create(folder.path().join("said")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_andon"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(broker.iter().flat_map(|broker| ["--telemetry", broker]))
            .envs([("ANDON_HOME", folder.path().to_str().unwrap()), ("ANDON_DATABASE", database)])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let info = crate::crash::answering(&Home::under(folder.path())).await;
        let person = http().unix_socket(info.socket).build().unwrap();
        let node = Self { child, person, folder };
        until("the node is ready", 60, || async { node.get("/readyz").await["ready"] == true }).await;
        node
    }

    /// Asks; nothing where nobody answers any more.
    async fn try_post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let answer = self.person.post(format!("http://localhost{path}")).json(body).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_post(path, body).await.expect("it answers");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.person.get(format!("http://localhost{path}")).send().await.unwrap().json().await.unwrap()
    }

    async fn command(&self, path: &str, command: Value) -> Value {
        self.post(path, &json!({"id": Uuid::now_v7(), "command": command})).await
    }

    /// Sends actions; how many were new.
    async fn send(&self, actions: &Value) -> u64 {
        self.post("/v1/actions", actions).await["accepted"].as_u64().unwrap()
    }

    async fn broker(&self, figure: &str) -> Value {
        self.get("/v1/state").await["backend"]["broker"][figure].clone()
    }

    async fn judged(&self) -> usize {
        self.broker("judged").await.as_array().map_or(0, Vec::len)
    }

    /// Its firings of a tripwire, in the order of their agents.
    async fn firings(&self, tripwire: &str) -> Vec<Value> {
        let all = self.get("/v1/firings").await;
        let of = all.as_array().unwrap().iter().filter(|firing| firing["tripwire"] == tripwire);
        let mut of: Vec<Value> = of.cloned().collect();
        of.sort_by_key(|firing| firing["agent"].to_string());
        of
    }

    /// Has it end well; its folder stays.
    async fn stop(mut self) -> tempfile::TempDir {
        self.signal(Signal::TERM);
        let child = &mut self.child;
        until("it stops", 60, || std::future::ready(child.try_wait().unwrap().is_some())).await;
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default());
        }
    }
}

async fn until<F: Future<Output = bool>>(what: &str, seconds: u64, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Two nodes that share the partitions evenly.
async fn two(database: &str, broker: &str, runbook: Option<&Path>) -> [Node; 2] {
    let (first, second) = tokio::join!(Node::start(database, broker, runbook), Node::start(database, broker, runbook));
    until("both judge half", 60, || async { first.judged().await == 16 && second.judged().await == 16 }).await;
    [first, second]
}

/// Enough agents that both nodes judge some.
fn agents() -> Vec<String> {
    (0..24).map(|n| format!("spender-{n:02}")).collect()
}

/// 0.75 USD. More than 10 USD in an hour fire before there is a baseline: the fourteenth does, and the later ones count.
fn spend(agent: &str, round: usize) -> Value {
    json!([{"id": format!("{agent}-{round}"), "agent": agent, "tool": "pay", "run": "r", "cost_usd": 0.75}])
}

/// Every agent's cost-rate firing is there once, opened by the fourteenth of `rounds`, and every later one counted once.
async fn each_fired_once(node: &Node, agents: &[String], rounds: usize) {
    let exact = |firing: &Value| {
        firing["count"] == rounds - 13
            && firing["window"].as_f64() == Some(0.75 * rounds as f64)
            && firing["limit"] == 10.0
    };
    let mut last = Vec::new();
    let end = Instant::now() + Duration::from_secs(60);
    while last.len() != agents.len() || !last.iter().all(exact) {
        assert!(Instant::now() < end, "each once, each action counted once: {last:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        last = node.firings("cost-rate").await;
    }
    let whose: Vec<&str> = last.iter().map(|firing| firing["agent"].as_str().unwrap()).collect();
    assert_eq!(whose, agents, "each once");
}

/// DET.14: an action goes to its agent's judge, whichever node takes it; its firing, its figures and the action itself are at
/// both, under the same number. OTLP goes the same way.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_judged_once_whichever_node_takes_it() {
    let (url, broker) = (database(), Broker::start());
    let nodes = two(&url, &broker.url(), None).await;
    for n in 0..24 {
        let node = &nodes[n % 2];
        let action = json!([{"id": format!("a-{n}"), "agent": format!("bot-{n}"), "tool": "pay"}]);
        assert_eq!(node.send(&action).await, 1);
        assert_eq!(node.post("/v1/actions", &action).await["duplicate"], 1, "an id counts once");
    }
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "execute_tool pay",
        "startTimeUnixNano": "1795183200000000000", "endTimeUnixNano": "1795183201000000000", "attributes":
        [attribute("gen_ai.operation.name", "execute_tool"), attribute("gen_ai.tool.name", "pay"), attribute("gen_ai.agent.name", "traced-bot")]});
    let spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    nodes[0].post("/v1/traces", &spans).await;
    for node in &nodes {
        // Nobody declared them: one firing each.
        until("every firing is known", 60, || async { node.firings("authorisation").await.len() == 25 }).await;
        until("every action is kept", 60, || async {
            node.get("/v1/actions?limit=100").await.as_array().unwrap().len() == 25
        })
        .await;
        until("every agent's figures are told", 60, || async {
            let live = node.get("/v1/state").await["live"]["agents"].clone();
            (0..24).all(|n| live[format!("bot-{n}")]["calls_window"] == 1)
        })
        .await;
    }
    let (one, other) = (nodes[0].get("/v1/actions?limit=100").await, nodes[1].get("/v1/actions?limit=100").await);
    assert_eq!(one, other, "the same actions under the same numbers");
    assert_eq!(nodes[0].firings("authorisation").await, nodes[1].firings("authorisation").await);
    let metrics = nodes[0].person.get("http://localhost/metrics").send().await.unwrap().text().await.unwrap();
    for line in ["andon_broker_up 1", "andon_partitions 32", "andon_partitions_judged 16", "andon_partitions_lag 0"] {
        assert!(metrics.lines().any(|said| said == line), "{line}: {metrics}");
    }
    let doctor = Command::new(env!("CARGO_BIN_EXE_andon"))
        .arg("doctor")
        .env("ANDON_HOME", nodes[0].folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("ok    telemetry: over NATS at 127.0.0.1") && said.contains("16 of 32 partitions"), "{said}");
}

/// No firing lost, none twice, one page each: a node judges alone, a second one takes half over from its checkpoints, and is
/// killed while actions arrive at both; the limit is passed by what came before the kill and after it together. A sender that
/// heard no answer asks the other node.
#[tokio::test(flavor = "multi_thread")]
async fn a_judge_killed_in_mid_flow_loses_no_firing_and_pages_nobody_twice() {
    const FIRST: usize = 4;
    const ROUNDS: usize = 20;
    let (url, broker, texts) = (database(), Broker::start(), tempfile::tempdir().unwrap());
    let pager = receiver(&["204 Taken"]);
    let keys = tempfile::tempdir().unwrap();
    let channel = format!(
        "[[channel]]\nname = 'hook'\nkind = 'webhook'\nwebhook = {:?}\nsecret_file = {:?}\n",
        pager.url,
        secret(keys.path())
    );
    std::fs::write(texts.path().join("channels.toml"), channel).unwrap();
    let queue = "[[queue]]\nname = \"the agent's owner\"\nsteps = [{ channel = 'hook' }]\n";
    std::fs::write(texts.path().join("paging.toml"), queue).unwrap();
    let agents = agents();
    let survivor = Arc::new(Node::start(&url, &broker.url(), Some(texts.path())).await);
    until("it judges everything", 60, || async { survivor.judged().await == 32 }).await;
    for agent in &agents {
        for round in 0..FIRST {
            survivor.send(&spend(agent, round)).await;
        }
    }
    let victim = Arc::new(Node::start(&url, &broker.url(), Some(texts.path())).await);
    until("both judge half", 60, || async { survivor.judged().await == 16 && victim.judged().await == 16 }).await;
    let (sent, killed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let senders: Vec<_> = agents
        .iter()
        .enumerate()
        .map(|(n, agent)| {
            let (nodes, agent) = ([survivor.clone(), victim.clone()], agent.clone());
            let (sent, killed) = (sent.clone(), killed.clone());
            tokio::spawn(async move {
                for round in FIRST..ROUNDS {
                    // Nobody passes the limit before the kill.
                    while round >= 12 && !killed.load(Ordering::SeqCst) {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    let mut node = (n + round) % 2;
                    while !matches!(nodes[node].try_post("/v1/actions", &spend(&agent, round)).await, Some((200, _))) {
                        node = 1 - node;
                    }
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    until("every sender is in mid-flow", 60, || async { sent.load(Ordering::SeqCst) >= 24 * 5 }).await;
    victim.signal(Signal::KILL);
    killed.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.unwrap();
    }
    until("the other node judges everything", 60, || async { survivor.judged().await == 32 }).await;
    each_fired_once(&survivor, &agents, ROUNDS).await;
    until("every page went", 60, || async { pager.taken().len() >= agents.len() }).await;
    until("and the log knows", 60, || async {
        let all = survivor.firings("cost-rate").await;
        all.iter()
            .all(|firing| firing["pages"][0]["state"] == "accepted" && firing["pages"].as_array().unwrap().len() == 1)
    })
    .await;
    let paged =
        |(_, body): &(String, String)| serde_json::from_str::<Value>(body).unwrap()["data"]["agent"].to_string();
    let mut paged: Vec<String> = pager.taken().iter().map(paged).collect();
    paged.sort();
    let all: Vec<String> = agents.iter().map(|agent| format!("{agent:?}")).collect();
    assert_eq!(paged, all, "one page for each, and no other");
}

/// A judge that stops for longer than its lease, and goes on as if nothing had been, says nothing twice: its partitions are
/// another's; nothing is lost when they are shared anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_slept_through_its_lease_says_nothing_twice() {
    let (url, broker, agents) = (database(), Broker::start(), agents());
    let [sleeper, other] = two(&url, &broker.url(), None).await;
    for agent in &agents {
        for round in 0..13 {
            other.send(&spend(agent, round)).await;
        }
    }
    sleeper.signal(Signal::STOP);
    for agent in &agents {
        other.send(&spend(agent, 13)).await;
    }
    until("the other one judges everything", 60, || async { other.judged().await == 32 }).await;
    each_fired_once(&other, &agents, 14).await;
    sleeper.signal(Signal::CONT);
    until("they share again", 60, || async { sleeper.judged().await == 16 && other.judged().await == 16 }).await;
    for agent in &agents {
        sleeper.send(&spend(agent, 14)).await;
    }
    each_fired_once(&sleeper, &agents, 15).await;
    assert_eq!(other.firings("cost-rate").await, sleeper.firings("cost-rate").await);
}

/// Baselines outlive all nodes: stopped, each saves its engines; another one goes on from there, though the stream holds
/// nothing of it any more.
#[tokio::test(flavor = "multi_thread")]
async fn engines_go_on_from_their_checkpoints_when_every_node_was_stopped() {
    let (url, broker, agents) = (database(), Broker::start(), agents());
    let nodes = two(&url, &broker.url(), None).await;
    for agent in &agents {
        for round in 0..13 {
            nodes[round % 2].send(&spend(agent, round)).await;
        }
    }
    until("all are judged", 60, || async {
        let live = nodes[0].get("/v1/state").await["live"]["agents"].clone();
        agents.iter().all(|agent| live[agent]["calls_window"] == 13)
    })
    .await;
    for node in nodes {
        node.stop().await;
    }
    let client = async_nats::connect(broker.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("ANDON_ACTIONS").await.unwrap();
    assert!(stream.purge().await.unwrap().purged >= 24 * 13);
    let after = Node::start(&url, &broker.url(), None).await;
    assert_eq!(after.firings("cost-rate").await, Vec::<Value>::new());
    for agent in &agents {
        after.send(&spend(agent, 13)).await;
    }
    each_fired_once(&after, &agents, 14).await;
}

/// Nothing is dropped in silence: without NATS telemetry is refused, and told why; halting goes on; back, it is taken again,
/// and what was acknowledged before is there. So it is where the stream is full.
#[tokio::test(flavor = "multi_thread")]
async fn without_nats_telemetry_is_refused_and_halting_goes_on() {
    let (url, mut broker) = (database(), Broker::start());
    let node = Node::start(&url, &broker.url(), None).await;
    assert_eq!(node.send(&spend("spender-00", 0)).await, 1);
    broker.stop();
    let refused = node.person.post("http://localhost/v1/actions").json(&spend("spender-00", 1)).send().await.unwrap();
    assert!(refused.status() == 503 && refused.headers().contains_key(RETRY_AFTER), "{refused:?}");
    let refused: Value = refused.json().await.unwrap();
    assert!(refused["detail"].as_str().unwrap().contains("NATS"), "{refused}");
    until("it is not ready, and says why", 60, || async {
        let ready = node.get("/readyz").await;
        ready["ready"] == false && ready["reasons"].to_string().contains("NATS")
    })
    .await;
    let halted = node.command("/v1/switches", json!({"scope": {}})).await;
    assert_eq!(halted["recorded"], true, "{halted}");
    broker.run();
    until("it is taken again", 60, || async {
        matches!(node.try_post("/v1/actions", &spend("spender-00", 1)).await, Some((200, _)))
    })
    .await;
    until("both are kept", 60, || async { node.get("/v1/actions").await.as_array().unwrap().len() == 2 }).await;
    until("and judged", 60, || async {
        node.get("/v1/state").await["live"]["agents"]["spender-00"]["calls_window"] == 2
    })
    .await;

    let context = async_nats::jetstream::new(async_nats::connect(broker.url()).await.unwrap());
    let mut config = context.get_stream("ANDON_ACTIONS").await.unwrap().cached_info().config.clone();
    config.max_messages = 2;
    context.update_stream(&config).await.unwrap();
    let (status, full) = node.try_post("/v1/actions", &spend("spender-00", 2)).await.unwrap();
    assert!(status == 503 && full["detail"].as_str().unwrap().contains("maximum messages"), "{full}");
    assert!(node.broker("refused").await.as_u64().unwrap() >= 2, "each refusal is counted");
}

/// Telemetry that NATS has is judged once the database is back; a NATS that does not answer is told to the sender, who comes
/// again: what was taken meanwhile counts once. What is larger than NATS takes is refused by name, its neighbours are kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_or_a_nats_that_does_not_answer_loses_nothing() {
    let (mut server, broker, agents) = (Server::start(), Broker::start(), agents());
    let node = Node::start(&server.database(), &broker.url(), None).await;
    until("it judges everything", 60, || async { node.judged().await == 32 }).await;
    let large = json!({"agent": "spender-00", "tool": "pay", "input": "x".repeat(2 << 20)});
    let mixed = node.post("/v1/actions", &json!([large, spend("spender-00", 0)[0]])).await;
    assert_eq!((&mixed["accepted"], &mixed["rejected"][0]["index"]), (&json!(1), &json!(0)), "{mixed}");
    for agent in &agents {
        for round in 0..12 {
            let (status, _) = node.try_post("/v1/actions", &spend(agent, round)).await.unwrap();
            assert_eq!(status, 200);
        }
    }
    broker.pause(true);
    let began = Instant::now();
    let (status, silent) = node.try_post("/v1/actions", &spend("spender-00", 12)).await.unwrap();
    assert!(status == 503 && began.elapsed() < Duration::from_secs(30), "{silent}");
    broker.pause(false);
    server.stop();
    for agent in &agents {
        for round in 12..14 {
            until("NATS takes it without the database", 60, || async {
                matches!(node.try_post("/v1/actions", &spend(agent, round)).await, Some((200, _)))
            })
            .await;
        }
    }
    server.run();
    each_fired_once(&node, &agents, 14).await;
}

/// DET.9, CON.12: every node's interlock sees every action: a call that a person approved at one node is no breach when
/// another one takes its telemetry; the same call once more is one, and fires once.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_is_no_breach_at_any_node_and_another_one_is_once() {
    let (url, broker) = (database(), Broker::start());
    let [here, there] = two(&url, &broker.url(), None).await;
    let engaged = here.command("/v1/switches", json!({"mode": "approval"})).await;
    let switch = engaged["events"][0]["data"]["switch"].as_str().unwrap().to_owned();
    let asked = json!({"agent": "refund-bot", "tool": "pay", "input": {"amount": 120}});
    let ticket = here.post("/v1/interlock/check", &asked).await["hold"].as_str().unwrap().to_owned();
    let at = format!("/v1/holds/{ticket}");
    until("the other node knows the call that waits", 60, || async { there.get(&at).await["state"] == "waiting" })
        .await;
    there.command(&format!("{at}/decide"), json!({"approve": true, "why": "seen", "saw": "120 to acct-9"})).await;
    until("it is approved here", 60, || async { here.get(&at).await["state"] == "approved" }).await;
    let with_ticket = json!({"agent": "refund-bot", "tool": "pay", "input": {"amount": 120}, "hold": ticket});
    assert_eq!(here.post("/v1/interlock/check", &with_ticket).await["decision"], "allow");
    until("its use is known there", 60, || async { there.get(&at).await["state"] == "used" }).await;
    let acted =
        |id: &str| json!([{"id": id, "agent": "refund-bot", "tool": "pay", "input": {"amount": 120}, "run": "r"}]);
    assert_eq!(there.send(&acted("one")).await, 1);
    // That he approved at a glance is another firing.
    let breaches = async |node: &Node| -> Vec<Value> {
        node.firings("breach").await.into_iter().filter(|firing| firing["detail"] == switch.as_str()).collect()
    };
    for node in [&here, &there] {
        until("it is seen at every node", 60, || async {
            node.get("/v1/actions").await.as_array().unwrap().len() == 1
        })
        .await;
        assert_eq!(breaches(node).await, Vec::<Value>::new(), "a person approved it");
    }
    assert_eq!(here.send(&acted("two")).await, 1);
    for node in [&here, &there] {
        until("the second is a breach", 60, || async { !breaches(node).await.is_empty() }).await;
        until("its switch knows", 60, || async {
            let halt = node.get(&format!("/v1/switches/{switch}")).await["halt"].clone();
            halt["escaped"] == 1 && halt["slipped"].as_array().unwrap().len() == 1
        })
        .await;
        let fired = breaches(node).await;
        assert!(fired.len() == 1 && fired[0]["count"] == 1, "once, though every node saw it: {fired:?}");
    }
}

/// DET.10: a backend that judged by itself brings its baselines along when it begins to share; without a database to share,
/// sharing is refused with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_backend_learned_alone_is_shared() {
    let (url, broker, agents) = (database(), Broker::start(), agents());
    let alone = Node::within(tempfile::tempdir().unwrap(), &url, None, None).await;
    for agent in &agents {
        for round in 0..13 {
            alone.send(&spend(agent, round)).await;
        }
    }
    assert_eq!(alone.broker("judged").await, Value::Null, "nothing of it is there");
    let folder = alone.stop().await;
    let first = Node::within(folder, &url, Some(&broker.url()), None).await;
    until("it judges everything", 60, || async { first.judged().await == 32 }).await;
    let second = Node::start(&url, &broker.url(), None).await;
    for agent in &agents {
        second.send(&spend(agent, 13)).await;
    }
    each_fired_once(&first, &agents, 14).await;
    until("what it had kept before stays", 60, || async {
        first.get("/v1/actions?limit=1000").await.as_array().unwrap().len() == 24 * 14
    })
    .await;

    let home = tempfile::tempdir().unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["serve", "--listen", "127.0.0.1:0", "--telemetry", &broker.url()])
        .env("ANDON_HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("--database postgres://"), "{said}");
}
