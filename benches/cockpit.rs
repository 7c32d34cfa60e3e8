//! The cockpit through a real terminal, against `less` in the same run: first paint, ready, key → paint, bytes a key, idle.
//!
//! `cargo bench --bench cockpit`. Prints figures; asserts nothing. Notes in the incident: `ANDON_BENCH_NOTES`, 2000.

use std::{
    io::{Read, Write},
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::json;
use uuid::Uuid;

const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
/// A screen that stays still for so long has been painted.
const STILL: Duration = Duration::from_millis(120);
const ANDON: &str = env!("CARGO_BIN_EXE_andon");

struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    began: Instant,
    screen: vt100::Parser,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(program: &str, args: &[&str], home: &Path) -> Self {
        let pair = native_pty_system().openpty(SIZE).expect("a terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("ANDON_HOME", home);
        command.env("TERM", "xterm-256color");
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().expect("its input");
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program");
        let screen = vt100::Parser::new(SIZE.rows.try_into().expect("rows"), SIZE.cols.try_into().expect("columns"), 0);
        Self { child, writer, output, began, screen, _master: pair.master }
    }

    /// Waits until the screen holds `text`; when that was, and when the first visible text was.
    fn until(&mut self, text: &str) -> (Duration, Duration) {
        let mut first = None;
        loop {
            let (at, bytes) = self.output.recv_timeout(Duration::from_secs(30)).expect("output");
            self.screen.process(&bytes);
            let shown = self.screen.screen().contents();
            if first.is_none() && !shown.trim().is_empty() {
                first = Some(at - self.began);
            }
            if shown.contains(text) {
                return (first.unwrap_or_default(), at - self.began);
            }
        }
    }

    /// Lets the screen come to rest; bytes seen.
    fn rest(&mut self) -> usize {
        let mut seen = 0;
        loop {
            match self.output.recv_timeout(STILL) {
                Ok((_, bytes)) => {
                    self.screen.process(&bytes);
                    seen += bytes.len();
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return seen,
            }
        }
    }

    /// Presses a key: how long until the first byte of what it changed, and how many bytes that took.
    fn press(&mut self, key: &str) -> (Duration, usize) {
        let pressed = Instant::now();
        self.writer.write_all(key.as_bytes()).and_then(|()| self.writer.flush()).expect("typed");
        match self.output.recv_timeout(Duration::from_secs(2)) {
            Ok((at, bytes)) => {
                self.screen.process(&bytes);
                (at - pressed, bytes.len() + self.rest())
            }
            Err(_) => (Duration::ZERO, 0),
        }
    }

    fn cpu_ticks(&self) -> u64 {
        let pid = self.child.process_id().unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0)
    }
}

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

    let mut less = Terminal::start("less", &[&file.display().to_string()], home);
    let (first, _) = less.until("note 1:");
    less.rest();
    let (median, p95, bytes) = keys(&mut less, "j");
    println!("less    first paint {first:>8.1?}                    key {median:>8.1?} / {p95:>8.1?}  {bytes:>5} B");
    less.child.kill().expect("ended");

    let mut andon = Terminal::start(ANDON, &[], home);
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
