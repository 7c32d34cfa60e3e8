//! Killing the backend at any moment loses nothing that was acknowledged, and leaves a valid chain (law 1).

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use andon::{
    backend::{
        home::Home,
        local::running,
        lock::LockInfo,
        log::{Log, SqliteLog},
    },
    incident::{Event, Fact, chain},
    terms::Time,
};
use reqwest::Client;
use serde_json::json;
use uuid::Uuid;

use crate::rig::until;

/// How often it is killed.
const KILLS: u32 = 12;
/// How many people write at once.
const WRITERS: usize = 8;

pub fn serve(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("ANDON_HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub async fn answering(home: &Home) -> LockInfo {
    let found = Mutex::new(None);
    until("the backend answers", || async {
        let info = running(home).await;
        let up = info.is_some();
        *found.lock().unwrap() = info;
        up
    })
    .await;
    found.into_inner().unwrap().unwrap()
}

/// Writes until it is told to stop or the backend is gone; every acknowledged note's id and text is kept.
async fn write(client: Client, stop: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<(Uuid, String)>>>) {
    while !stop.load(Ordering::SeqCst) {
        let (id, text) = (Uuid::now_v7(), Uuid::new_v4().to_string());
        let body = json!({"id": id, "command": {"type": "note", "text": text}});
        let request = client.post("http://localhost/v1/incidents/INC-1/commands").json(&body);
        let Ok(answer) = request.send().await else { return };
        if answer.status() != 200 || answer.bytes().await.is_err() {
            return;
        }
        acknowledged.lock().unwrap().push((id, text));
    }
}

async fn events(home: &Home) -> Vec<Event> {
    let log = SqliteLog::open(&home.database(), Time::from_millis(0)).await.unwrap();
    log.read(0, usize::MAX).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_killed_at_any_moment_loses_no_acknowledged_event() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut again: Option<(Uuid, String)> = None;
    for round in 0..KILLS {
        let mut child = serve(folder.path());
        let info = answering(&home).await;
        let client = crate::rig::http().unix_socket(info.socket.clone()).build().unwrap();
        if round == 0 {
            let declare = json!({"id": Uuid::now_v7(), "command": {"title": "load"}});
            let declared = client.post("http://localhost/v1/incidents").json(&declare).send().await.unwrap();
            assert_eq!(declared.status(), 200);
        }
        // Law 2: what was acknowledged before the kill answers the same after it.
        if let Some((id, text)) = again.take() {
            let body = json!({"id": id, "command": {"type": "note", "text": text}});
            let answer = client.post("http://localhost/v1/incidents/INC-1/commands").json(&body).send().await.unwrap();
            let answer: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(answer["events"][0]["data"]["text"], text.as_str(), "{answer}");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let before = acknowledged.lock().unwrap().len();
        let writers: Vec<_> =
            (0..WRITERS).map(|_| tokio::spawn(write(client.clone(), stop.clone(), acknowledged.clone()))).collect();
        // A different number of writes each round, so that the kill falls into a different moment.
        let enough = before + 3 + usize::try_from(round).unwrap() * 7;
        until("some notes are acknowledged", || async { acknowledged.lock().unwrap().len() >= enough }).await;
        child.kill().unwrap();
        child.wait().unwrap();
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            tokio::time::timeout(Duration::from_secs(20), writer).await.unwrap().unwrap();
        }
        again = acknowledged.lock().unwrap().last().cloned();
    }

    let events = events(&home).await;
    assert_eq!(chain::verify(&events).unwrap(), events.len() as u64);
    let positions: Vec<u64> = events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=events.len() as u64).collect::<Vec<_>>(), "positions never skip");
    let mut texts: Vec<&str> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::NoteAdded { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.sort_unstable();
    let written = texts.len();
    texts.dedup();
    assert_eq!(texts.len(), written, "no note was taken twice");
    let acknowledged = acknowledged.lock().unwrap();
    for (_, text) in acknowledged.iter() {
        assert!(texts.binary_search(&text.as_str()).is_ok(), "an acknowledged note is gone");
    }
    assert!(acknowledged.len() >= usize::try_from(KILLS).unwrap() * 3);
}
