//! Telemetry beyond one machine: several backends on one Postgres and one NATS server, real processes that are killed.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use andon::backend::home::Home;
use serde_json::{Value, json};

use crate::{broker::Broker, database::database, rig::http};

/// A node as a process of its own.
struct Node {
    child: Child,
    person: reqwest::Client,
    folder: tempfile::TempDir,
}

impl Node {
    async fn start(database: &str, broker: &str) -> Self {
        Self::within(tempfile::tempdir().unwrap(), database, broker).await
    }

    async fn within(folder: tempfile::TempDir, database: &str, broker: &str) -> Self {
        let log = std::fs::File::create(folder.path().join("said")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_andon"))
            .args(["serve", "--listen", "127.0.0.1:0", "--telemetry", broker])
            .envs([("ANDON_HOME", folder.path().to_str().unwrap()), ("ANDON_DATABASE", database)])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let info = crate::crash::answering(&Home::under(folder.path())).await;
        let person = http().unix_socket(info.socket).build().unwrap();
        let node = Self { child, person, folder };
        until("the node is ready", 20, || async { node.get("/readyz").await["ready"] == true }).await;
        node
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(self.person.post(format!("http://localhost{path}")).json(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(self.person.get(format!("http://localhost{path}"))).await.1
    }

    /// Sends actions until they are taken; how many were new.
    async fn send(&self, actions: &Value) -> u64 {
        let (status, body) = self.post("/v1/actions", actions).await;
        assert_eq!(status, 200, "{body}");
        body["accepted"].as_u64().unwrap()
    }

    async fn judged(&self) -> usize {
        self.get("/v1/state").await["backend"]["broker"]["judged"].as_array().map_or(0, Vec::len)
    }

    async fn firings(&self) -> Vec<Value> {
        self.get("/v1/firings").await.as_array().unwrap().clone()
    }

    /// Kills it at once, as a power cut does; its folder stays.
    fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
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
async fn two(database: &str, broker: &str) -> [Node; 2] {
    let (first, second) = tokio::join!(Node::start(database, broker), Node::start(database, broker));
    until("both judge half", 30, || async { first.judged().await == 16 && second.judged().await == 16 }).await;
    [first, second]
}

/// DET.14: an action goes to its agent's judge, whichever node takes it; its firing and the action itself are at both.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_judged_once_whichever_node_takes_it() {
    let (url, broker) = (database(), Broker::start());
    let nodes = two(&url, &broker.url()).await;
    // Enough agents that each node judges some of those which the other one takes.
    for n in 0..24 {
        let node = &nodes[n % 2];
        let action = json!({"id": format!("a-{n}"), "agent": format!("bot-{n}"), "tool": "pay"});
        assert_eq!(node.send(&json!([action])).await, 1);
        let again = nodes[n % 2].post("/v1/actions", &json!([action])).await.1;
        assert_eq!(again["duplicate"], 1, "an id counts once: {again}");
    }
    for node in &nodes {
        // Nobody declared them: one firing each.
        until("every firing is known", 20, || async { node.firings().await.len() == 24 }).await;
        until("every action is kept", 20, || async {
            node.get("/v1/actions?limit=100").await.as_array().unwrap().len() == 24
        })
        .await;
    }
    let (one, other) = (nodes[0].get("/v1/actions?limit=100").await, nodes[1].get("/v1/actions?limit=100").await);
    assert_eq!(one, other, "the same actions under the same numbers");
    assert_eq!(nodes[0].firings().await, nodes[1].firings().await);
}

/// No firing lost, none twice: the judge of an agent is killed while its actions arrive at both nodes; the limit is passed by
/// what came before and after together, and the other node says so once, and has the page sent once.
#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_is_killed_loses_no_firing_and_none_comes_twice() {
    let (url, broker) = (database(), Broker::start());
    let nodes = two(&url, &broker.url()).await;
    // Cold start: more than 10 USD in an hour fires. Half of it is spent before the kill, half after.
    let agents: Vec<String> = (0..24).map(|n| format!("spender-{n}")).collect();
    let spend = |round: u32, agent: &str| json!([{"id": format!("{agent}-{round}"), "agent": agent, "tool": "pay", "run": "r", "cost_usd": 0.75}]);
    for round in 0..10 {
        for (n, agent) in agents.iter().enumerate() {
            nodes[(n + round as usize) % 2].send(&spend(round, agent)).await;
        }
    }
    let cost = |firings: Vec<Value>| -> Vec<Value> {
        firings.into_iter().filter(|firing| firing["tripwire"] == "cost-rate").collect()
    };
    assert_eq!(cost(nodes[0].firings().await), Vec::<Value>::new(), "nobody spent 10 USD yet");
    let [first, second] = nodes;
    drop(first.kill());
    for round in 10..20 {
        for agent in &agents {
            assert_eq!(second.send(&spend(round, agent)).await, 1, "what is sent while nobody judges is taken");
        }
    }
    until("the other node judges everything", 30, || async { second.judged().await == 32 }).await;
    until("every firing is there", 30, || async { cost(second.firings().await).len() >= agents.len() }).await;
    until("nothing waits", 30, || async { second.get("/v1/state").await["backend"]["broker"]["lag"] == 0 }).await;
    let fired = cost(second.firings().await);
    let mut whose: Vec<&str> = fired.iter().map(|firing| firing["agent"].as_str().unwrap()).collect();
    whose.sort_unstable();
    let mut all: Vec<&str> = agents.iter().map(String::as_str).collect();
    all.sort_unstable();
    assert_eq!(whose, all, "each once");
    // Twenty actions of 0.75 USD each: the fourteenth opens it, and every later one is counted, none of them twice.
    until("repeats are counted", 10, || async {
        let exact = |firing: &Value| firing["count"] == 7 && firing["window"] == 15.0 && firing["limit"] == 10.0;
        cost(second.firings().await).iter().all(exact)
    })
    .await;
}
