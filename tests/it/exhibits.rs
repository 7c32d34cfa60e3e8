//! Files and outputs of commands as evidence: kept by their content, masked in view, streamed (EVI.3, EVI.4).

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    cli::Desk,
    rig::{read, rig},
};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn item<'e>(incident: &'e Value, id: &str) -> &'e Value {
    let items = incident["evidence"]["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == id).unwrap()
}

/// EVI.3, EVI.4: a blob is kept before it is named, masked for whoever looks, whole for whoever works the incident; and
/// one that was changed on the disk never arrives.
#[tokio::test]
async fn a_blob_is_kept_before_it_is_named_and_masked_in_view() {
    let rig = rig().await;
    rig.command("/v1/incidents", json!({"title": "paid twice", "severity": "SEV-2"})).await.good();
    let secret = format!("line one\npassword=hunter22-{}\nline three\n", "x".repeat(8));
    let kept = read(rig.ask(Method::POST, "/v1/blobs").body(secret.clone())).await;
    let digest = kept.good()["digest"].as_str().unwrap().to_owned();
    assert_eq!((digest.as_str(), &kept.body["bytes"]), (sha256(secret.as_bytes()).as_str(), &json!(secret.len())));
    let set = |digest: &str, bytes: usize, state: &str| {
        let source = json!({"kind": "blob", "digest": digest, "bytes": bytes, "name": "app.log", "origin": "file"});
        json!({"type": "set-evidence", "item": "user-report", "state": state, "source": source})
    };
    let commands = "/v1/incidents/INC-1/commands";
    let at = format!("/v1/incidents/INC-1/blobs/{digest}");
    rig.get(&at).await.problem(404);
    rig.command(commands, set(&"0".repeat(64), 5, "held")).await.problem(404);
    rig.command(commands, set("../../../etc/passwd", 5, "held")).await.problem(422);
    rig.command(commands, set(&digest, 5, "held")).await.problem(422);
    rig.command(commands, set(&digest, secret.len(), "missing")).await.problem(422);
    rig.command(commands, set(&digest, secret.len(), "held")).await.good();
    let incident = rig.get("/v1/incidents/INC-1").await;
    assert_eq!(item(incident.good(), "user-report")["sources"][0]["digest"], digest.as_str());

    let viewer = rig.token("wall", "viewer", None).await;
    let agent = rig.token("bot", "agent", Some("refund-bot")).await;
    let as_viewer = read(rig.ask_tcp(Method::GET, &at, Some(&viewer))).await;
    assert_eq!(*as_viewer.good(), json!("line one\npassword=[masked: named-secret]\nline three\n"));
    let raw = format!("{at}?raw=true");
    read(rig.ask_tcp(Method::GET, &raw, Some(&viewer))).await.problem(403);
    read(rig.ask_tcp(Method::GET, &at, Some(&agent))).await.problem(403);
    for nobody in [&viewer, &agent] {
        read(rig.ask_tcp(Method::POST, "/v1/blobs", Some(nobody)).body("x")).await.problem(403);
    }
    assert_eq!(*rig.get(&raw).await.good(), json!(secret));

    let file = rig.folder.path().join("data/blobs").join(&digest[..2]).join(&digest);
    std::fs::write(file, secret.replace("three", "seven")).unwrap();
    // Short enough to break off before or after its head was sent.
    let arrived = match rig.ask(Method::GET, &raw).send().await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!arrived, "what was changed breaks off");
}

/// EVI.3: a file and a command's output become what shows an item, by command; the view masks, `--out` is whole and
/// private.
#[test]
fn a_file_and_a_command_become_evidence() {
    let desk = Desk::new();
    desk.done(&["declare", "paid twice", "--severity", "SEV-2"]);
    let content = format!("\u{1b}[31mred\u{202e}\napi_key: {}\n", "k".repeat(20));
    let file = desk.file("app.log", &content);
    desk.done(&["evidence", "add", "INC-1", "user-report", "--file", &file, "--why", "what the desk saw"]);
    let shown = desk.done(&["evidence", "show", "INC-1", "user-report"]);
    assert!(shown.contains("what the desk saw") && shown.contains("[masked: named-secret]"), "{shown}");
    assert!(!shown.contains(&"k".repeat(20)) && !shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
    let out = desk.folder.path().join("out.log").display().to_string();
    desk.done(&["evidence", "show", "INC-1", "user-report", "--out", &out]);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), content);
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(desk.refused(1, &["evidence", "show", "INC-1", "user-report", "--out", &out]).contains("cannot be made"));

    let command = "echo to stdout; echo to stderr >&2; exit 3";
    let said = desk.andon(&["evidence", "add", "INC-1", "user-report", "--command", command]);
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("running: echo to stdout"),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let item = desk.json(&["evidence", "show", "INC-1", "user-report"]);
    let sources = item["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2);
    assert_eq!(
        (&sources[1]["origin"], &sources[1]["exit"], &sources[1]["name"]),
        (&json!("command"), &json!(3), &json!(command))
    );
    assert_eq!(sources[1]["digest"], sha256(b"to stdout\nto stderr\n").as_str());
    let first = desk.done(&["evidence", "show", "INC-1", "user-report", "--number", "1"]);
    assert!(first.contains("masked"), "{first}");

    let folder = desk.folder.path().display().to_string();
    assert!(desk.refused(1, &["evidence", "add", "INC-1", "runs", "--file", &folder]).contains("is no file"));
    assert!(
        desk.refused(1, &["evidence", "add", "INC-1", "user-reprot", "--file", &file])
            .contains("did you mean user-report?")
    );
    desk.refused(2, &["evidence", "add", "INC-1", "runs"]);
    let hung = ["evidence", "add", "INC-1", "runs", "--command", "sleep 600", "--timeout", "1s"];
    assert!(desk.refused(1, &hung).contains("nothing is recorded"));
}

/// EVI.3: a file that is written while it is read is refused, and nothing of it is recorded.
#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let desk = Desk::new();
    desk.done(&["declare", "paid twice", "--severity", "SEV-2"]);
    let file = desk.file("live.log", &"begin\n".repeat(100_000));
    let over = Arc::new(AtomicBool::new(false));
    let writing = std::thread::spawn({
        let (over, file) = (over.clone(), file.clone());
        move || {
            let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
            while !over.load(Ordering::Relaxed) {
                file.write_all(b"more\n").unwrap();
                std::thread::yield_now();
            }
        }
    });
    let why = desk.refused(1, &["evidence", "add", "INC-1", "runs", "--file", &file]);
    over.store(true, Ordering::Relaxed);
    writing.join().unwrap();
    assert!(why.contains("changed while it was read"), "{why}");
    assert_eq!(item(&desk.json(&["show", "INC-1"]), "runs")["sources"], Value::Null);
    desk.done(&["evidence", "add", "INC-1", "runs", "--file", &file]);
}

/// EVI.3: a file larger than anybody's memory is streamed: the backend's own grows by a piece, not by the file.
#[tokio::test]
async fn a_large_file_does_not_grow_memory() {
    const SIZE: u64 = 384 << 20;
    let desk = Desk::new();
    desk.done(&["declare", "paid twice", "--severity", "SEV-2"]);
    let file = desk.folder.path().join("dump.bin");
    std::fs::File::create(&file).unwrap().set_len(SIZE).unwrap();
    let lock = std::fs::read_to_string(desk.folder.path().join("data/backend.lock")).unwrap();
    let lock: Value = serde_json::from_str(&lock).unwrap();
    let peak_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", lock["pid"])).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak_kib();
    desk.done(&["evidence", "add", "INC-1", "runs", "--file", &file.display().to_string()]);
    let out = desk.folder.path().join("again.bin");
    desk.done(&["evidence", "show", "INC-1", "runs", "--out", &out.display().to_string()]);
    assert_eq!(std::fs::metadata(&out).unwrap().len(), SIZE);
    let grown = peak_kib().saturating_sub(before);
    assert!(grown < SIZE / 1024 / 4, "the backend grew by {grown} KiB");
}
