//! The table as feature flags, asked by the real OpenFeature SDKs and their OFREP providers (CON.2, protocol 3).

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{Instant, timeout},
};

use crate::rig::{Rig, rig};

/// What a script of `tests/setup` prints: where it installed what.
async fn setup(script: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup").join(script);
    let done = Command::new(&script).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(done.status.success(), "{} installs what this test needs", script.display());
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn client(file: &str) -> String {
    format!("{}/tests/it/clients/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// A client program that prints what it hears, one line each; it dies with the test.
struct Agent {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Agent {
    fn started(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, lines }
    }

    async fn python(rig: &Rig, file: &str) -> Self {
        Self::started(Command::new(setup("openfeature.sh").await).args([&client(file), &rig.base(), "refund-bot"]))
    }

    async fn node(rig: &Rig, file: &str) -> Self {
        let modules = setup("openfeature-js.sh").await;
        let mut node = Command::new("node");
        Self::started(node.args([&client(file), &rig.base(), "refund-bot"]).env("NODE_PATH", modules))
    }

    async fn says(&mut self) -> String {
        let line = timeout(Duration::from_secs(20), self.lines.next_line()).await.expect("the SDK answers");
        line.unwrap().expect("the client goes on")
    }
}

/// A client whose code default is false obeys a halt within a second, is told of drafts and approvals as *not allowed*,
/// goes on after the release, and stops when the backend is gone.
async fn asks_before_each_step(rig: Rig, mut agent: Agent) {
    assert_eq!(agent.says().await, "true allow STATIC - none");
    rig.command("/v1/switches", json!({"scope": {"agent": "mail-bot"}})).await.good();
    let refund_bot = json!({"agent": "refund-bot"});
    for (switch, mode) in [("SW-2", "halt"), ("SW-3", "draft-only"), ("SW-4", "approval")] {
        let asked = Instant::now();
        let engage = json!({"scope": refund_bot, "mode": mode, "why": "paid twice"});
        rig.command("/v1/switches", engage).await.good();
        assert_eq!(agent.says().await, format!("false {mode} TARGETING_MATCH - {mode}"));
        assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());

        let asked = Instant::now();
        let release = json!({"why": "the refunds were right"});
        rig.command(&format!("/v1/switches/{switch}/release"), release).await.good();
        assert_eq!(agent.says().await, "true allow STATIC - none");
        assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());
    }
    rig.running.stop().await;
    assert_eq!(agent.says().await, "false - ERROR GENERAL halt", "blind, it stops");
}

#[tokio::test]
async fn the_python_sdk_obeys() {
    let rig = rig().await;
    let agent = Agent::python(&rig, "openfeature_loop.py").await;
    asks_before_each_step(rig, agent).await;
}

#[tokio::test]
async fn the_javascript_server_sdk_obeys() {
    let rig = rig().await;
    let agent = Agent::node(&rig, "openfeature_server.cjs").await;
    asks_before_each_step(rig, agent).await;
}
