//! The cockpit in a real terminal (CKP.1–CKP.4, CON.5): keys typed, screen read, modes restored.

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;

use crate::rig::rig;

/// What must be seen within this time, or never.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cockpit in a terminal of its own, over a backend of its own.
pub struct Seat {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    home: std::path::PathBuf,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

impl Seat {
    pub fn open(home: &std::path::Path, columns: u16, rows: u16, args: &[&str]) -> Self {
        Self::open_by(&[], home, (columns, rows), args)
    }

    /// By words that run what follows elsewhere.
    pub fn open_by(words: &[String], home: &std::path::Path, (columns, rows): (u16, u16), args: &[&str]) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let words = words.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_andon")]);
        let mut command = CommandBuilder::from_argv(words.chain(args.iter().copied()).map(Into::into).collect());
        command.env("ANDON_HOME", home);
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm-256color");
        for gone in ["ANDON_URL", "ANDON_TOKEN", "ANDON_CONFIG", "NO_COLOR"] {
            command.env_remove(gone);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let (shown, kept) = (screen.clone(), raw.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 65536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..read]);
                kept.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { child, master: pair.master, keys, screen, raw, home: home.to_owned() }
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !holds(&self.text()) {
            assert!(start.elapsed() < PATIENCE, "never seen: {what}\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub fn sees(&self, words: &str) {
        self.until(words, |text| text.contains(words));
    }

    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types Enter until the open overlay has fired: it counts once that stood for 150 ms.
    #[track_caller]
    pub fn fires(&mut self) {
        let start = Instant::now();
        while !self.text().contains("HALTED") {
            assert!(start.elapsed() < PATIENCE, "{}", self.text());
            if self.text().contains("Stops") {
                self.types("\r");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits for its end; its exit code.
    #[track_caller]
    fn ends(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(start.elapsed() < PATIENCE, "it goes on\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Every mode that was set is off again.
    #[track_caller]
    fn is_restored(&self) {
        let start = Instant::now();
        let modes = ["1049", "2004", "1004", "1007"];
        let last = |raw: &str, mode: &str| {
            let (on, off) = (raw.rfind(&format!("\x1b[?{mode}h")), raw.rfind(&format!("\x1b[?{mode}l")));
            on.is_some() && off > on
        };
        loop {
            let raw = String::from_utf8_lossy(&self.raw.lock().unwrap()).into_owned();
            let cursor = raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l");
            if cursor && modes.iter().all(|mode| last(&raw, mode)) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "modes are left on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn andon(&self, args: &[&str]) -> serde_json::Value {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_andon"));
        command.args(args).arg("--json").env("ANDON_HOME", &self.home);
        let output = command.env_remove("ANDON_URL").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.child.kill().ok();
        let mut stop = std::process::Command::new(env!("CARGO_BIN_EXE_andon"));
        stop.args(["serve", "--stop", "--force"]).env("ANDON_HOME", &self.home).output().ok();
    }
}

#[test]
fn it_starts_on_nothing_and_leaves_the_terminal_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let mut seat = Seat::open(home.path(), 80, 24, &[]);
    seat.sees("● live");
    seat.sees("only you");
    seat.types("4");
    seat.sees("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:");
    seat.types("?");
    seat.sees("Everywhere");
    seat.types("q");
    seat.until("help closed", |text| !text.contains("Everywhere"));
    seat.types("q");
    assert_eq!(seat.ends(), 0);
    seat.is_restored();
}

/// DRL.1: one command from nothing to a drill that moves; without a terminal none begins.
#[test]
fn one_command_shows_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let run = ["drill", "run", "refunds-twice", "--watch", "--speed", "300"];
    let mut seat = Seat::open(home.path(), 80, 24, &run);
    seat.sees("DRILL-1");
    seat.sees("TW-1");
    seat.sees("INC-1");
    seat.types("!");
    seat.sees("Stop — in a drill");
    seat.fires();
    seat.sees("HALTED");
    let blind =
        std::process::Command::new(env!("CARGO_BIN_EXE_andon")).args(run).env("ANDON_HOME", home.path()).output();
    let blind = blind.unwrap();
    assert!(!blind.status.success(), "{blind:?}");
    assert_eq!(seat.andon(&["drill", "list"])["drills"].as_array().map(Vec::len), Some(1));
}

/// CON.5: two different keys, from nothing to a halt that the interlock answers.
#[test]
fn two_keys_halt_and_a_second_cockpit_sees_it() {
    let home = tempfile::tempdir().unwrap();
    let mut seat = Seat::open(home.path(), 120, 34, &[]);
    seat.sees("● live");
    let other = Seat::open(home.path(), 44, 30, &["--pane", "containment"]);
    other.sees("● live");
    seat.types("!");
    seat.sees("Stops");
    seat.sees("one is declared after firing");
    seat.fires();
    other.sees("halt  all agents");
    let switches = seat.andon(&["switches"]);
    assert_eq!(switches[0]["mode"], "halt", "{switches}");
    assert_eq!(switches.as_array().map(Vec::len), Some(1), "one switch, however often Enter came: {switches}");
}

#[test]
fn an_incident_is_declared_and_noted_by_key_and_a_resize_keeps_what_is_typed() {
    let home = tempfile::tempdir().unwrap();
    let mut seat = Seat::open(home.path(), 120, 34, &[]);
    seat.sees("● live");
    seat.types("D");
    seat.sees("Declare an incident");
    seat.types("refunds paid twi");
    seat.sees("refunds paid twi");
    seat.master.resize(size(44, 30)).unwrap();
    seat.screen.lock().unwrap().screen_mut().set_size(cells(30), cells(44));
    seat.until("the form at 44 columns", |text| text.lines().all(|line| line.chars().count() <= 44));
    seat.sees("refunds paid twi");
    seat.types("ce\r");
    seat.sees("INC-1 ▲SEV-1 refunds paid twice");
    seat.types("n");
    seat.sees("Note on INC-1");
    seat.types("seen in the ledger\r");
    seat.types("6");
    seat.sees("seen in the ledger");
}

#[test]
fn sigterm_restores_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    let mut seat = Seat::open(home.path(), 80, 24, &[]);
    seat.sees("● live");
    let pid = seat.child.process_id().unwrap();
    std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert_eq!(seat.ends(), 0);
    seat.is_restored();
}

#[test]
fn a_tiny_terminal_says_what_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let mut seat = Seat::open(home.path(), 30, 5, &[]);
    seat.sees("andon needs 36×12");
    seat.types("q");
    assert_eq!(seat.ends(), 0);
    seat.is_restored();
}

/// Keys are answered as they come, not when the clock next ticks.
#[test]
fn keys_do_not_wait_for_the_clock() {
    let home = tempfile::tempdir().unwrap();
    let mut seat = Seat::open(home.path(), 80, 24, &[]);
    seat.sees("● live");
    let start = Instant::now();
    for _ in 0..10 {
        for (key, title) in [("3", "[3 Containment]"), ("6", "[6 Evidence]")] {
            seat.types(key);
            seat.sees(title);
        }
    }
    assert!(start.elapsed() < Duration::from_secs(8), "twenty keys took {:?}", start.elapsed());
}

/// CON.2, CON.12: a call waits, is shown whole, and goes once a person said so by two keys; one that came meanwhile waits on.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_call_is_approved_by_keys_and_goes() {
    let rig = rig().await;
    let asks = async |amount: i64, hold: Option<&str>| {
        let mut asked = json!({"agent": "refund-bot", "tool": "stripe.payout", "input": {"amount": amount}});
        if let Some(hold) = hold {
            asked["hold"] = hold.into();
        }
        rig.post("/v1/interlock/check", asked).await.good().clone()
    };
    rig.command("/v1/switches", json!({"mode": "quarantine"})).await.good();
    let mut seat = Seat::open(rig.folder.path(), 120, 34, &[]);
    seat.sees("● live");
    let first = asks(120, None).await["hold"].as_str().unwrap().to_owned();
    seat.sees("1 waits: b");
    seat.types("b");
    seat.sees("a approve  d deny");
    seat.types("a");
    seat.sees(&format!("Approve {first}"));
    seat.sees(r#"{"amount":120}"#);
    let second = asks(7, None).await["hold"].as_str().unwrap().to_owned();
    seat.sees("2 wait: b");
    seat.sees(&format!("Approve {first}"));
    seat.types("\r");
    // What was said in the last row may be gone at once: so quick an approval is itself a breach, which says so there.
    seat.sees("1 waits: b");
    assert_eq!(asks(120, Some(&first)).await["decision"], "allow");
    assert_eq!(asks(7, Some(&second)).await["decision"], "hold", "nobody spoke of this one");

    seat.types("b");
    seat.types("d");
    seat.sees(&format!("Deny {second}"));
    seat.types("\tnot to this account");
    seat.sees("not to this account");
    seat.types("\r");
    seat.until("nothing waits", |text| !text.contains("waits: b"));
    let denied = asks(7, Some(&second)).await;
    assert!(
        denied["decision"] == "deny" && denied["reason"].as_str().unwrap().contains("not to this account"),
        "{denied}"
    );
}
