//! The local backend's life as processes: started by whoever comes first, killed, started again (protocol 5).

use std::{path::Path, time::Duration};

use andon::backend::{
    home::Home,
    local::{ensure_running, running},
    lock::{self, Lock, LockInfo},
};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::until;

fn andon() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_andon"))
}

/// Kills what a failing test would leave behind.
struct Leftover<'h>(&'h Home);

impl Drop for Leftover<'_> {
    fn drop(&mut self) {
        if let Some(info) = lock::read(&self.0.lock()) {
            kill(&info, rustix::process::Signal::KILL);
        }
    }
}

fn on_socket(info: &LockInfo) -> Client {
    crate::rig::http().unix_socket(info.socket.clone()).build().unwrap()
}

fn kill(info: &LockInfo, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(info.pid.try_into().unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

/// Gone, or a zombie that nobody has waited for.
async fn gone(info: &LockInfo) {
    let stat = format!("/proc/{}/stat", info.pid);
    until("the backend is gone", || async {
        // The first thread is a zombie before the last one has let go of the socket.
        std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
            && std::os::unix::net::UnixStream::connect(&info.socket).is_err()
    })
    .await;
}

async fn declare(client: &Client, title: &str) -> Value {
    let body = json!({"id": Uuid::now_v7(), "command": {"title": title}});
    let answer = client.post("http://localhost/v1/incidents").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_start_at_once_one_serves_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let _leftover = Leftover(&home);
    let starters: Vec<_> = (0..6)
        .map(|_| {
            let home = home.clone();
            tokio::spawn(async move { ensure_running(&home, andon()).await.unwrap() })
        })
        .collect();
    let mut found = Vec::new();
    for starter in starters {
        found.push(starter.await.unwrap());
    }
    found.dedup();
    assert_eq!(found.len(), 1, "{found:?}");
    let info = &found[0];
    assert_eq!(info.log_file.as_deref(), Some(home.log_file().as_path()), "its log file is told");
    declare(&on_socket(info), "one").await;

    // It lives on in a session of its own, and goes when told to.
    let pid = rustix::process::Pid::from_raw(info.pid.try_into().unwrap());
    assert_eq!(rustix::process::getsid(pid).unwrap(), pid.unwrap());
    kill(info, rustix::process::Signal::TERM);
    gone(info).await;
    assert!(!info.socket.exists() && lock::read(&home.lock()).is_none());
}

/// Killed at any moment it leaves a lock file and a socket behind; the next one takes over, and nothing acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_the_next_start_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let _leftover = Leftover(&home);
    let first = ensure_running(&home, andon()).await.unwrap();
    declare(&on_socket(&first), "before the kill").await;
    kill(&first, rustix::process::Signal::KILL);
    gone(&first).await;
    assert!(first.socket.exists() && lock::read(&home.lock()).is_some(), "what it left is stale");
    // Its threads take a moment longer than it does to let go of the socket.
    until("it is not believed", || async { running(&home).await.is_none() }).await;

    let second = ensure_running(&home, andon()).await.unwrap();
    assert_ne!(first.pid, second.pid);
    let client = on_socket(&second);
    let listed: Value = client.get("http://localhost/v1/incidents").send().await.unwrap().json().await.unwrap();
    assert_eq!(listed[0]["title"], "before the kill");
    let stop = client.post("http://localhost/v1/stop").json(&json!({})).timeout(Duration::from_secs(5));
    assert_eq!(stop.send().await.unwrap().status(), 200);
    gone(&second).await;
    until("nobody answers", || async { running(&home).await.is_none() }).await;
}

/// A backend that is ending holds the folder a while longer than it answers: who starts one meanwhile gets the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_beside_one_that_is_ending_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let _leftover = Leftover(&home);
    home.prepare().unwrap();
    let ending = Lock::take(&home.lock()).unwrap();
    let starter = tokio::spawn({
        let home = home.clone();
        async move { ensure_running(&home, andon()).await }
    });
    until("the one that was started gives way", || async {
        std::fs::read_to_string(home.log_file()).is_ok_and(|said| said.contains("serves"))
    })
    .await;
    assert!(!starter.is_finished(), "it waits for a backend that answers");
    drop(ending);
    let info = starter.await.unwrap().unwrap();
    declare(&on_socket(&info), "after the end").await;
}

/// Protocol 1: what telemetry taught survives a kill once it is in the hot store, at most a second later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let _leftover = Leftover(&home);
    let first = ensure_running(&home, andon()).await.unwrap();
    let client = on_socket(&first);
    let actions = json!([{"id": "1", "agent": "a", "tool": "t"}, {"id": "2", "agent": "a", "tool": "t"}]);
    client.post("http://localhost/v1/actions").json(&actions).send().await.unwrap().error_for_status().unwrap();
    until("both are stored", || async {
        let kept: Value = client.get("http://localhost/v1/actions").send().await.unwrap().json().await.unwrap();
        kept.as_array().unwrap().len() == 2
    })
    .await;
    kill(&first, rustix::process::Signal::KILL);
    gone(&first).await;

    let second = ensure_running(&home, andon()).await.unwrap();
    let client = on_socket(&second);
    until("the window is back", || async {
        let state: Value = client.get("http://localhost/v1/state").send().await.unwrap().json().await.unwrap();
        state["live"]["agents"]["a"]["calls_window"] == 2
    })
    .await;
    kill(&second, rustix::process::Signal::TERM);
    gone(&second).await;
}

/// A daemon that cannot start says why to whoever started it.
#[tokio::test]
async fn a_start_that_fails_tells_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    home.prepare().unwrap();
    std::fs::write(home.database(), "no database at all ".repeat(300)).unwrap();
    let why = ensure_running(&home, andon()).await.unwrap_err().to_string();
    assert!(why.contains("damaged") && why.contains("backend.log"), "{why}");
}
