//! Floods (law 4, protocol 1): more than is taken is refused with 503 and when to come back, memory stays bounded, halts and
//! cockpits do not wait.

use std::{
    io::Write,
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use andon::backend::home::Home;
use flate2::{Compression, write::GzEncoder};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    crash::{answering, serve},
    rig::{Frames, http},
};

/// What the backend may come to need, in KiB: half a GiB of bodies, what a growing buffer doubles, and itself.
const MOST_KIB: u64 = 1_900 << 10;
/// Reporters, and actions in each request.
const REPORTERS: usize = 6;
const BATCH: usize = 400;
/// Bodies that unpack to far more than they are.
const BOMBS: usize = 64;
const HALTS: usize = 12;

/// What the system says of a process's memory, in KiB: `VmRSS` now, `VmHWM` at most.
pub fn memory_kib(child: &Child, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn batch(reporter: usize, round: u64) -> String {
    let action = |number: usize| {
        json!({"id": format!("{reporter}-{round}-{number}"), "agent": format!("bot-{}", number % 50), "tool": "crm.read", "class": "read",
            "input": "x".repeat(600)})
        .to_string()
    };
    (0..BATCH).map(action).collect::<Vec<_>>().join("\n")
}

/// What reporters were answered.
#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

async fn report(reporter: usize, client: Client, counts: Arc<Counts>) {
    for round in 0.. {
        if counts.over.load(Ordering::SeqCst) {
            return;
        }
        let request = client.post("http://localhost/v1/actions").header("content-type", "application/x-ndjson");
        count(request.body(batch(reporter, round)).send().await.unwrap(), &counts).await;
    }
}

/// Taken, or refused with when to come back.
async fn count(answer: reqwest::Response, counts: &Counts) {
    if answer.status() == StatusCode::OK {
        let answer: Value = answer.json().await.unwrap();
        counts.taken.fetch_add(answer["accepted"].as_u64().unwrap(), Ordering::SeqCst);
        return;
    }
    assert!(matches!(answer.status().as_u16(), 429 | 503), "{answer:?}");
    assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
    counts.refused.fetch_add(1, Ordering::SeqCst);
}

async fn unpack(client: Client, bomb: Arc<Vec<u8>>, counts: Arc<Counts>) {
    let request = client.post("http://localhost/v1/actions").header("content-encoding", "gzip");
    let request = request.header("content-type", "application/x-ndjson").body((*bomb).clone());
    let answer = request.send().await.unwrap();
    // Unpacked, there is no action in it.
    if answer.status() != StatusCode::BAD_REQUEST {
        count(answer, &counts).await;
    }
}

/// CON.1, law 5: a halt in the flood is recorded, and in force for the next check.
async fn halts(client: &Client, stream: &mut Frames) {
    for number in 0..HALTS {
        let agent = format!("halted-{number}");
        let halt = json!({"id": Uuid::now_v7(), "command": {"scope": {"agent": agent}}});
        let answer = client.post("http://localhost/v1/switches").json(&halt).send().await.unwrap();
        let halted: Value = answer.json().await.unwrap();
        assert_eq!(halted["recorded"], true, "{halted}");
        let asked = client.post("http://localhost/v1/interlock/check").json(&json!({"agent": agent, "tool": "pay"}));
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["decision"], "deny", "{answer}");
        loop {
            let (_, event) = stream.event().await;
            if event["type"] == "switch-engaged" && event["data"]["scope"]["agent"] == agent.as_str() {
                break;
            }
        }
    }
}

/// Laws 4 and 5: reporters as fast as they can, and bodies that unpack to 4 GiB together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_bounded_and_halts_do_not_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = serve(folder.path());
    let info = answering(&Home::under(folder.path())).await;
    let client = http().unix_socket(info.socket).build().unwrap();
    let mut stream = Frames::of(client.get("http://localhost/v1/events?after=0").send().await.unwrap());
    let counts = Arc::new(Counts::default());
    let reporters: Vec<_> =
        (0..REPORTERS).map(|reporter| tokio::spawn(report(reporter, client.clone(), counts.clone()))).collect();
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    (0..63).for_each(|_| packed.write_all(&vec![b'\n'; 1 << 20]).unwrap());
    let bomb = Arc::new(packed.finish().unwrap());
    let bombs: Vec<_> =
        (0..BOMBS).map(|_| tokio::spawn(unpack(client.clone(), bomb.clone(), counts.clone()))).collect();
    halts(&client, &mut stream).await;
    for bomb in bombs {
        tokio::time::timeout(Duration::from_secs(120), bomb).await.unwrap().unwrap();
    }
    counts.over.store(true, Ordering::SeqCst);
    for reporter in reporters {
        reporter.await.unwrap();
    }
    let (taken, refused) = (counts.taken.load(Ordering::SeqCst), counts.refused.load(Ordering::SeqCst));
    assert!(taken > 0 && refused > 0, "{taken} actions were taken, {refused} requests refused");
    let peak = memory_kib(&child, "VmHWM");
    assert!(peak < MOST_KIB, "{} MiB", peak >> 10);
    // What was answered is what is counted, and nothing waits on.
    let state: Value = client.get("http://localhost/v1/state").send().await.unwrap().json().await.unwrap();
    let told = &state["live"]["telemetry"];
    assert_eq!(told["accepted"], taken, "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
}
