//! A disk that takes no more, or does not keep what it takes: nothing acknowledged is lost, and no halt is refused (law 5,
//! CON.7).

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use andon::backend::{home::Home, local::running};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{cockpit::Seat, crash::answering, rig::until};

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

/// A backend on a disk whose fsync fails while a file is there.
struct Failing {
    folder: tempfile::TempDir,
    shim: PathBuf,
    fault: PathBuf,
}

impl Failing {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (shim, fault) = (folder.path().join("failing-fsync.so"), folder.path().join("fault"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup/failing-fsync.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-o"]).arg(&shim).arg(source).arg("-ldl");
        assert!(compiler.status().unwrap().success());
        Self { folder, shim, fault }
    }

    fn home(&self) -> Home {
        Home::under(self.folder.path())
    }

    fn serve(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_andon"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("ANDON_HOME", self.folder.path())
            .env("LD_PRELOAD", &self.shim)
            .env("FAIL_FSYNC", &self.fault)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn begin(&self) {
        std::fs::write(&self.fault, "").unwrap();
    }

    fn end(&self) {
        std::fs::remove_file(&self.fault).unwrap();
    }

    fn andon(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.args(args).env("ANDON_HOME", self.folder.path());
        command.env_remove("ANDON_URL").env_remove("ANDON_TOKEN").env_remove("ANDON_CONFIG").output().unwrap()
    }

    async fn client(&self) -> Client {
        let info = answering(&self.home()).await;
        crate::rig::http().unix_socket(info.socket).build().unwrap()
    }
}

async fn get(client: &Client, path: &str) -> (u16, Value) {
    let answer = client.get(format!("http://localhost{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn note(client: &Client, text: &str) -> (u16, Value) {
    let note = json!({"id": Uuid::now_v7(), "command": {"type": "note", "text": text}});
    post(client, "/v1/incidents/INC-1/commands", &note).await
}

async fn halt(client: &Client, agent: &str) -> Value {
    let halt = json!({"id": Uuid::now_v7(), "command": {"scope": {"agent": agent}}});
    let (status, halted) = post(client, "/v1/switches", &halt).await;
    assert_eq!(status, 200, "{halted}");
    halted["recorded"].clone()
}

async fn is_denied(client: &Client, agent: &str) -> bool {
    let (_, answer) = post(client, "/v1/interlock/check", &json!({"agent": agent, "tool": "stripe.payout"})).await;
    answer["decision"] == "deny"
}

/// Laws 1, 5, 10; CON.7: fsync answers EIO. Facts are refused in words, halts are in force and said to be unrecorded; `/readyz`,
/// the doctor and every cockpit say why. Afterwards everything goes on by itself. Killed in the middle of it, the backend
/// comes back with all that was acknowledged, on a valid chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_whose_fsync_fails_is_told_and_survived() {
    let disk = Failing::new();
    let mut child = disk.serve();
    let client = disk.client().await;
    let declare = json!({"id": Uuid::now_v7(), "command": {"title": "a disk dies"}});
    assert_eq!(post(&client, "/v1/incidents", &declare).await.0, 200);
    assert_eq!(note(&client, "before").await.0, 200);
    assert_eq!(get(&client, "/readyz").await.0, 200);
    let mut seat = Seat::open(disk.folder.path(), 120, 34, &[]);
    seat.sees("● live");

    disk.begin();
    let (status, refused) = note(&client, "lost").await;
    assert_eq!(status, 503, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("the disk under the log fails"), "{refused}");
    assert_eq!(halt(&client, "refund-bot").await, false, "in force, not recorded");
    assert!(is_denied(&client, "refund-bot").await);
    let (status, ready) = get(&client, "/readyz").await;
    assert_eq!(status, 503);
    assert!(ready["reasons"].to_string().contains("the log cannot be written"), "{ready}");
    assert!(ready["reasons"].to_string().contains("1 switches are in force and not yet recorded"), "{ready}");
    let doctor = disk.andon(&["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_slice(&doctor.stdout).unwrap();
    let told = findings.iter().find(|finding| finding["what"] == "readiness").expect("the doctor says it");
    assert!(told["ok"] == false && told["detail"].to_string().contains("disk"), "{told}");
    seat.sees("the backend is sick");
    seat.types("3");
    seat.sees("UNRECORDED");

    disk.end();
    until("the halt is recorded", || async {
        let switches = get(&client, "/v1/switches").await.1;
        switches[0]["recorded"] == true && get(&client, "/readyz").await.0 == 200
    })
    .await;
    assert!(is_denied(&client, "refund-bot").await);
    assert_eq!(note(&client, "after").await.0, 200);
    seat.until("nothing is unrecorded", |text| text.contains("● live") && !text.contains("UNRECORDED"));

    disk.begin();
    assert_eq!(note(&client, "lost too").await.0, 503);
    assert_eq!(halt(&client, "mail-bot").await, false);
    child.kill().unwrap();
    child.wait().unwrap();
    disk.end();
    let mut child = disk.serve();
    let client = disk.client().await;
    let incident = get(&client, "/v1/incidents/INC-1").await.1;
    let notes: Vec<&str> =
        incident["timeline"].as_array().unwrap().iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert!(notes.contains(&"before") && notes.contains(&"after"), "{notes:?}");
    assert!(is_denied(&client, "refund-bot").await, "what was acknowledged as recorded is");
    assert_eq!(note(&client, "again").await.0, 200);
    assert!(disk.andon(&["audit", "verify"]).status.success());
    drop(seat);
    child.kill().unwrap();
    child.wait().unwrap();
}
