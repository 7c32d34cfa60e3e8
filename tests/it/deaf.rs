//! Readers of the log who read nothing (CKP.2, laws 3 and 4): they cost no memory, delay nobody, and miss nothing once they read.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use andon::backend::home::Home;
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    crash::{answering, serve},
    flood::memory_kib,
    nodes::until,
    rig::{Frames, http},
};

/// Those who read, and those who do not.
const HEARING: usize = 40;
const DEAF: usize = 160;
/// Notes, and how long each is: more than the backend keeps at hand for readers who lag; kept for each of the deaf they would be
/// a GiB.
const NOTES: u64 = 5_000;
const LONG: usize = 800;
/// Those that come one at a time, once the others' sockets are full.
const LAST: u64 = 400;
const WRITERS: u64 = 8;
/// By how much the backend's memory may grow: the notes themselves, kept once, and what is under way.
const MOST_KIB: u64 = 128 << 10;

/// Subscribes, and reads nothing.
fn subscribe(socket: &Path) -> UnixStream {
    let mut socket = UnixStream::connect(socket).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(socket, "GET /v1/events?after=0 HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    socket
}

/// The position in an event's place.
fn position(place: &str) -> u64 {
    place.split_once(':').unwrap().1.parse().unwrap()
}

/// Reads what waited all along: each event once, in order, to the last.
fn reads_on(socket: UnixStream, last: u64) {
    let mut heard = 0;
    for line in BufReader::new(socket).lines() {
        let line = line.unwrap();
        let Some(place) = line.strip_prefix("id: ") else { continue };
        heard += 1;
        assert_eq!(position(place), heard, "none skipped, none twice");
        if heard == last {
            return;
        }
    }
    panic!("the stream ended after {heard}");
}

/// Reads as it comes, and tells how far it is.
async fn hears(mut frames: Frames, at: Arc<AtomicU64>, last: u64) {
    while at.load(Ordering::SeqCst) < last {
        let frame = frames.any().await.expect("the stream goes on");
        if frame.event == "message" {
            let before = at.swap(position(&frame.id), Ordering::SeqCst);
            assert_eq!(position(&frame.id), before + 1, "none skipped, none twice");
        }
    }
}

async fn note(client: &Client, text: &str) -> u64 {
    let asked = json!({"id": Uuid::now_v7(), "command": {"type": "note", "text": text}});
    let answer = client.post("http://localhost/v1/incidents/INC-1/commands").json(&asked).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["events"][0]["position"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

/// CKP.2, laws 3 and 4: of two hundred who subscribed most read nothing at all while thousands of events come: the others hear
/// each at once, memory stays bounded, and who reads at last hears everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_nothing_costs_nothing_and_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = serve(folder.path());
    let socket = answering(&Home::under(folder.path())).await.socket;
    let client = http().unix_socket(socket.clone()).build().unwrap();
    let declared = json!({"id": Uuid::now_v7(), "command": {"title": "refunds paid twice"}});
    client.post("http://localhost/v1/incidents").json(&declared).send().await.unwrap();
    let first = note(&client, "everybody is there").await;
    let last = first + NOTES;
    let deaf: Vec<UnixStream> = (0..DEAF).map(|_| subscribe(&socket)).collect();
    let (mut at, mut hearing) = (Vec::new(), Vec::new());
    for _ in 0..HEARING {
        let answer = client.get("http://localhost/v1/events?after=0").send().await.unwrap();
        at.push(Arc::new(AtomicU64::new(0)));
        hearing.push(tokio::spawn(hears(Frames::of(answer), at[at.len() - 1].clone(), last)));
    }
    let all_at = |place: u64| at.iter().all(|at| at.load(Ordering::SeqCst) >= place);
    until("everybody has heard what was", 30, || async { all_at(first) }).await;
    let before = memory_kib(&child, "VmRSS");

    let text = "x".repeat(LONG);
    let writing: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (client, text) = (client.clone(), text.clone());
            tokio::spawn(async move {
                for _ in 0..(NOTES - LAST) / WRITERS {
                    note(&client, &text).await;
                }
            })
        })
        .collect();
    for writer in writing {
        writer.await.unwrap();
    }
    // One note at a time: the time from its answer until everybody has it.
    let mut slowest = Duration::ZERO;
    for _ in 0..LAST {
        let (place, answered) = (note(&client, &text).await, Instant::now());
        if place % 40 == 0 {
            until("everybody has heard it", 30, || async { all_at(place) }).await;
            slowest = slowest.max(answered.elapsed());
        }
    }
    for reader in hearing {
        reader.await.unwrap();
    }
    let grown = memory_kib(&child, "VmHWM") - before;
    println!("grown by {} MiB, the slowest note took {slowest:?}", grown >> 10);
    assert!(grown < MOST_KIB, "{} MiB", grown >> 10);
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    for socket in deaf.into_iter().take(3) {
        tokio::task::spawn_blocking(move || reads_on(socket, last)).await.unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
