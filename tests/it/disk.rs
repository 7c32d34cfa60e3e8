//! A disk that takes no more: nothing acknowledged is lost, and no halt is refused (law 5, CON.7).

use std::process::{Command, Stdio};

use andon::backend::{home::Home, local::running};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::until;

/// Files may not grow beyond so many blocks; a write beyond says “file too large” as a full disk says “no space”.
const LIMITED: &str = "trap '' XFSZ; ulimit -f 600; exec \"$0\" serve --listen 127.0.0.1:0";

async fn post(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let answer = client.post(format!("http://localhost{path}")).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_facts_in_words_and_no_halt_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let mut child = Command::new("sh")
        .args(["-c", LIMITED, env!("CARGO_BIN_EXE_andon")])
        .env("ANDON_HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the backend answers", || async { running(&home).await.is_some() }).await;
    let info = running(&home).await.unwrap();
    let client = crate::rig::http().unix_socket(info.socket.clone()).build().unwrap();

    let declare = json!({"id": Uuid::now_v7(), "command": {"title": "a disk fills up"}});
    assert_eq!(post(&client, "/v1/incidents", &declare).await.0, 200);
    let mut taken = 0;
    let mut refused = (0, Value::Null);
    // First fast, then down to the last block, so that not even a halt's few bytes find room.
    for size in [30_000, 1_000, 1] {
        loop {
            let note = json!({"id": Uuid::now_v7(), "command": {"type": "note", "text": "x".repeat(size)}});
            match post(&client, "/v1/incidents/INC-1/commands", &note).await {
                (200, _) => taken += 1,
                problem => break refused = problem,
            }
            assert!(taken < 5_000, "the limit holds nothing back");
        }
    }
    assert_eq!(refused.0, 503, "{}", refused.1);
    assert!(!refused.1["detail"].as_str().unwrap().is_empty());

    let halt = json!({"id": Uuid::now_v7(), "command": {"scope": {"agent": "refund-bot"}}});
    let (status, halted) = post(&client, "/v1/switches", &halt).await;
    assert_eq!((status, &halted["recorded"]), (200, &Value::Bool(false)), "in force, not recorded: {halted}");
    let check = format!("http://{}/v1/interlock/check", info.tcp[0]);
    let asked =
        crate::rig::http().build().unwrap().post(&check).json(&json!({"agent": "refund-bot", "tool": "stripe.payout"}));
    let answer: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["decision"], "deny", "{answer}");

    // Stopping went before recording; releasing never does.
    let switches = client.get("http://localhost/v1/switches").send().await.unwrap();
    let switches: Value = switches.json().await.unwrap();
    assert_eq!(switches[0]["recorded"], false, "{switches}");
    let release = json!({"id": Uuid::now_v7(), "command": {"why": "let it go"}});
    let path = format!("/v1/switches/{}/release", switches[0]["id"].as_str().unwrap());
    let (status, refused) = post(&client, &path, &release).await;
    assert!(matches!(status, 409 | 503), "{status} {refused}");
    let asked = Client::new().post(&check).json(&json!({"agent": "refund-bot", "tool": "stripe.payout"}));
    let answer: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["decision"], "deny", "{answer}");

    // What was acknowledged is there after all.
    let shown = client.get("http://localhost/v1/incidents/INC-1").send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    let notes = shown["timeline"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "note-added").count();
    assert_eq!(notes, taken);
    child.kill().unwrap();
    child.wait().unwrap();
}
