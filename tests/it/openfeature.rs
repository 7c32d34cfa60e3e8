//! The table as feature flags, asked by the real OpenFeature SDKs and their OFREP providers (CON.2, protocol 3).

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{Instant, timeout},
};

use crate::rig::{Rig, rig, rig_in, setup, until, wire};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/examples");

fn client(file: &str) -> String {
    format!("{}/tests/it/clients/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// A client program that prints what it hears, one line each; it dies with the test.
pub struct Agent {
    _child: Child,
    said: Vec<String>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Agent {
    fn started(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, said: Vec::new(), lines }
    }

    pub async fn python(base: &str, agent: &str) -> Self {
        Self::started(Command::new(setup("openfeature.sh").await).args([&client("openfeature_loop.py"), base, agent]))
    }

    pub async fn node(base: &str, file: &str, agent: &str) -> Self {
        let modules = setup("openfeature-js.sh").await;
        let mut node = Command::new("node");
        Self::started(node.args([&client(file), base, agent]).env("NODE_PATH", modules))
    }

    /// Waits for it to say so; between two questions the answer may change.
    pub async fn hears(&mut self, line: &str) {
        while self.says().await != line {}
    }

    async fn says(&mut self) -> String {
        let line = timeout(Duration::from_secs(20), self.lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("it says no more after {:?}", self.said));
        self.said.extend(line.unwrap());
        self.said.last().expect("the client goes on").clone()
    }
}

/// A client whose code default is false obeys a halt within a second, is told of drafts and approvals as *not allowed*,
/// goes on after the release, and stops when the backend is gone.
async fn asks_before_each_step(rig: Rig, mut agent: Agent) {
    agent.hears("true allow STATIC - none").await;
    rig.command("/v1/switches", json!({"scope": {"agent": "mail-bot"}})).await.good();
    let refund_bot = json!({"agent": "refund-bot"});
    for (switch, mode) in [("SW-2", "halt"), ("SW-3", "draft-only"), ("SW-4", "approval")] {
        let asked = Instant::now();
        let engage = json!({"scope": refund_bot, "mode": mode, "why": "paid twice"});
        rig.command("/v1/switches", engage).await.good();
        agent.hears(&format!("false {mode} TARGETING_MATCH - {mode}")).await;
        assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());

        if mode == "halt" {
            until("its refusal is the proof (CON.10)", || async {
                let halt = rig.get("/v1/switches/SW-2").await.good()["halt"].clone();
                halt["confirmed"] == 1 && halt["agents"][0]["how"] == "refused"
            })
            .await;
        }
        let asked = Instant::now();
        let release = json!({"why": "the refunds were right"});
        rig.command(&format!("/v1/switches/{switch}/release"), release).await.good();
        agent.hears("true allow STATIC - none").await;
        assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());
    }
    rig.running.stop().await;
    agent.hears("false - ERROR GENERAL halt").await; // Blind, it stops.
}

#[tokio::test]
async fn the_python_sdk_obeys() {
    let rig = rig().await;
    let agent = Agent::python(&rig.base(), "refund-bot").await;
    asks_before_each_step(rig, agent).await;
}

#[tokio::test]
async fn the_javascript_server_sdk_obeys() {
    let rig = rig().await;
    let agent = Agent::node(&rig.base(), "openfeature_server.cjs", "refund-bot").await;
    asks_before_each_step(rig, agent).await;
}

/// The web SDK holds every flag and is told by the event stream: a halt reaches it without polling; a cut stream comes back
/// with a fresh ticket, since the old one is used; a change it missed meanwhile is not lost.
#[tokio::test]
async fn the_javascript_web_sdk_is_told_by_its_stream() {
    let rig = rig().await;
    let tools = json!([{"tool": "stripe.payout", "class": "external-api-call"}, {"tool": "crm.find", "class": "read"}]);
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": tools}])).await.good();
    let wire = wire(&rig.running.info.tcp[0]).await;
    let mut agent = Agent::node(&wire.base(), "openfeature_web.cjs", "refund-bot").await;
    assert_eq!(agent.says().await, "flags none true true");
    assert_eq!(agent.says().await, "stream 200");

    let asked = Instant::now();
    rig.command("/v1/switches", json!({"scope": {"agent": "mail-bot"}})).await.good();
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}, "mode": "read-only"})).await.good();
    assert_eq!(agent.says().await, "flags read-only false true");
    assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());
    rig.command("/v1/switches", json!({})).await.good();
    assert_eq!(agent.says().await, "flags halt false false");

    // The network is cut: the used ticket is refused, and the fresh one comes though no flag changed.
    wire.cut();
    assert_eq!(agent.says().await, "stream 410");
    assert_eq!(agent.says().await, "stream 200");

    // It is cut again; while it is, both switches are lifted.
    wire.cut();
    for switch in ["SW-2", "SW-3"] {
        let release = json!({"why": "the refunds were right"});
        rig.command(&format!("/v1/switches/{switch}/release"), release).await.good();
    }
    let mut heard = Vec::new();
    while !heard.iter().any(|line| line == "flags none true true") {
        heard.push(agent.says().await);
    }
    heard.retain(|line: &String| line.starts_with("stream"));
    assert!(heard.iter().all(|line| line == "stream 410" || line == "stream 200"), "{heard:?}");

    // The stream is there again, or comes: the next change is told by it.
    while !heard.iter().any(|line| line == "stream 200") {
        heard.push(agent.says().await);
    }
    rig.command("/v1/switches", json!({})).await.good();
    while agent.says().await != "flags halt false false" {}
}

/// A backend that starts again knows no ticket and no tag of its earlier life: the web SDK comes back to a stream though no
/// flag changed.
#[tokio::test]
async fn the_javascript_web_sdk_finds_a_backend_that_starts_again() {
    let rig = rig().await;
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}})).await.good();
    let wire = wire(&rig.running.info.tcp[0]).await;
    let mut agent = Agent::node(&wire.base(), "openfeature_web.cjs", "refund-bot").await;
    assert_eq!(agent.says().await, "flags halt false false");
    assert_eq!(agent.says().await, "stream 200");
    rig.running.stop().await;
    let rig = rig_in(rig.folder).await;
    wire.lead_to(&rig.running.info.tcp[0]);
    agent.hears("stream 410").await;
    agent.hears("stream 200").await;
    rig.command("/v1/switches/SW-1/release", json!({"why": "the refunds were right"})).await.good();
    agent.hears("flags none false false").await;
}

/// The examples that ship, each run as a team would: what goes on, what is stopped and why, and that silence stops.
#[tokio::test]
async fn the_examples_ask_before_each_tool() {
    let rig = rig().await;
    let tools = json!([{"tool": "stripe.payout", "class": "external-api-call"}, {"tool": "crm.find", "class": "read"}]);
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": tools}])).await.good();
    let secret = rig.token("refunds", "agent", Some("refund-bot")).await;
    let (python, modules, base) = (setup("openfeature.sh").await, setup("openfeature-js.sh").await, rig.base());
    // As they ship, but for their patience: this machine may be busy.
    let folder = tempfile::tempdir().unwrap();
    for (name, patience) in [("ask_openfeature.py", "0.25"), ("ask_openfeature.cjs", "250"), ("ask.sh", "0.25")] {
        let text = std::fs::read_to_string(Path::new(EXAMPLES).join(name)).unwrap();
        assert_eq!(text.matches(patience).count(), 1, "{name}");
        std::fs::write(folder.path().join(name), text.replace(patience, &format!("{patience}0"))).unwrap();
    }
    let run = async |secret: &str, program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("NODE_PATH", &modules).env("ANDON_TOKEN", secret).env("ANDON_URL", &base);
        let done = command.current_dir(folder.path()).output().await.unwrap();
        String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
    };
    let ask = async |secret: &str| {
        let tools = ["refund-bot", "stripe.payout", "crm.find"];
        let (mut of_python, mut of_node) = (vec!["ask_openfeature.py", &base], vec!["ask_openfeature.cjs", &base]);
        of_python.extend(tools);
        of_node.extend(tools);
        let shell: Vec<&str> =
            vec!["-c", "for tool in stripe.payout crm.find; do sh ask.sh refund-bot $tool && echo $tool goes on; done"];
        [run(secret, &python, &of_python).await, run(secret, "node", &of_node).await, run(secret, "sh", &shell).await]
    };
    for said in ask(&secret).await {
        assert_eq!(said, "stripe.payout goes on\ncrm.find goes on\n");
    }
    let halt = json!({"scope": {"agent": "refund-bot"}, "mode": "read-only", "why": "paid twice"});
    rig.command("/v1/switches", halt).await.good();
    for said in ask(&secret).await {
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            lines.iter().any(|line| line.starts_with("stripe.payout stopped:") && line.contains("paid twice")),
            "{said}"
        );
        assert!(lines.contains(&"crm.find goes on"), "{said}");
    }
    // In the shell it waits for a person, and goes once it has their word.
    rig.command("/v1/switches/SW-1/release", json!({"why": "drafts only"})).await.good();
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}, "mode": "approval"})).await.good();
    for (hold, approve, said) in [("HOLD-1", true, "goes on"), ("HOLD-2", false, "stopped")] {
        let input = format!("{{\"hold\": \"{hold}\"}}");
        let asks = ["-c", "sh ask.sh refund-bot stripe.payout \"$0\" && echo goes on", &input];
        let word = async {
            until("it waits", || async { rig.get(&format!("/v1/holds/{hold}")).await.status == 200 }).await;
            let word = json!({"approve": approve, "why": "looked at", "looked_s": 40.0});
            rig.command(&format!("/v1/holds/{hold}/decide"), word).await.good();
        };
        let (told, ()) = tokio::join!(run(&secret, "sh", &asks), word);
        assert!(told.contains(said) && told.contains(&format!("waits for a person: {hold}")), "{told}");
    }
    let wrong = ask("andon_another").await;
    rig.running.stop().await;
    for said in wrong.into_iter().chain(ask(&secret).await) {
        let stopped = said.lines().filter(|line| line.contains(" stopped: ")).count();
        assert_eq!((stopped, said.contains("goes on")), (2, false), "a refusal stops, and silence does: {said}");
    }
}
