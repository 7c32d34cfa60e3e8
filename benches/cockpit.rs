//! The cockpit through a real terminal, against `less` in the same run: first paint, ready, key → paint, bytes a key, idle.
//!
//! `cargo bench --bench cockpit`. Prints figures; asserts nothing. Notes in the incident: `ANDON_BENCH_NOTES`, 2000.

mod terminal;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use uuid::Uuid;

use self::terminal::Terminal;

const ANDON: &str = env!("CARGO_BIN_EXE_andon");

fn keys(terminal: &mut Terminal, key: &str) -> (Duration, Duration, usize) {
    let mut took = Vec::new();
    let mut bytes = 0;
    for _ in 0..60 {
        let (time, sent) = terminal.press(key);
        took.push(time);
        bytes += sent;
    }
    took.sort();
    (took[30], took[57], bytes / 60)
}

#[tokio::main]
async fn fill(home: &Path, notes: usize) {
    let lock = std::fs::read_to_string(home.join("data/backend.lock")).expect("a lock");
    let lock: serde_json::Value = serde_json::from_str(&lock).expect("a lock file");
    let socket = lock["socket"].as_str().expect("a socket").to_owned();
    andon::tls::ready();
    let client = reqwest::Client::builder().unix_socket(socket).build().expect("a client");
    let notes = (0..notes).map(|n| {
        let body =
            json!({"id": Uuid::now_v7(), "command": {"type": "note", "text": format!("note {n}: what was seen")}});
        client.post("http://localhost/v1/incidents/INC-1/commands").json(&body).send()
    });
    for chunk in notes.collect::<Vec<_>>().chunks_mut(64) {
        futures_util::future::join_all(chunk.iter_mut().map(|request| async move { request.await.expect("taken") }))
            .await;
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let notes = std::env::var("ANDON_BENCH_NOTES").ok().and_then(|notes| notes.parse().ok()).unwrap_or(2_000);
    let run = |args: &[&str]| Command::new(ANDON).args(args).env("ANDON_HOME", home).output().expect("andon runs");
    // Asked for dark or light, this terminal answers nothing: without a word of ours the paint waits for its silence.
    std::fs::create_dir_all(home.join("config")).expect("a folder");
    std::fs::write(home.join("config/config.toml"), "theme = \"dark\"\n").expect("written");
    run(&["declare", "bench", "--severity", "SEV-2"]);
    fill(home, notes);
    let file = home.join("text");
    std::fs::write(&file, (0..notes).map(|n| format!("note {n}: what was seen\n")).collect::<String>())
        .expect("written");

    let mut less = Terminal::start("less", &[&file.display().to_string()], home, &[]);
    let (first, _) = less.until("note 1:");
    less.rest();
    let (median, p95, bytes) = keys(&mut less, "j");
    println!("less    first paint {first:>8.1?}                    key {median:>8.1?} / {p95:>8.1?}  {bytes:>5} B");
    less.end();

    let mut andon = Terminal::start(ANDON, &[], home, &[]);
    let (first_paint, ready) = andon.until("INC-1");
    andon.rest();
    andon.press("6");
    let (key, late, sent) = keys(&mut andon, "j");
    println!(
        "andon   first paint {first_paint:>8.1?}  ready {ready:>8.1?}  key {key:>8.1?} / {late:>8.1?}  {sent:>5} B"
    );
    println!(
        "        {:.1} × less to first paint, {:.1} × its key",
        first_paint.as_secs_f64() / first.as_secs_f64(),
        key.as_secs_f64() / median.as_secs_f64()
    );
    let (before, idle) = (andon.cpu_ticks(), Duration::from_secs(10));
    let (began, mut bytes) = (Instant::now(), 0);
    while began.elapsed() < idle {
        bytes += andon.rest();
    }
    let ticks = andon.cpu_ticks() - before;
    println!("        idle {:.2} % CPU, {} B/s", ticks as f64 / idle.as_secs_f64(), bytes as f64 / idle.as_secs_f64());
    andon.press("q");
    run(&["serve", "--stop", "--force"]);
}
