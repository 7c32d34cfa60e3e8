//! What a cockpit costs on a slow line: bytes an hour to its backend, and over SSH where `sshd` is installed, of an incident
//! at rest and of a busy one; against a page that asks for the state every five seconds, and `top` over the same SSH.
//!
//! `cargo bench --bench wire [-- SECONDS]`, each for 60 without. Bytes are those of TCP's payload, both ways. Prints figures;
//! asserts nothing.

mod terminal;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use uuid::Uuid;

use self::terminal::Terminal;

const ANDON: &str = env!("CARGO_BIN_EXE_andon");
/// How often the page asks that a cockpit is measured against.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// What agents report of a busy incident, five times a second.
const ACTIONS: usize = 10;

/// A wire that counts.
struct Counted {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
}

impl Counted {
    fn to(there: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let bytes = Arc::<AtomicU64>::default();
        let counter = bytes.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(there).expect("connected");
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                    let counter = counter.clone();
                    std::thread::spawn(move || carry(from, to, &counter));
                }
            }
        });
        Self { address, bytes }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, counter: &AtomicU64) {
    let mut buffer = [0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        counter.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// An SSH server of this user's own, and the key that it takes.
struct Sshd {
    server: Child,
    wire: Counted,
    key: String,
}

impl Sshd {
    /// None where no `sshd` is installed.
    fn start(folder: &Path) -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|program| Path::new(program).exists())?;
        let place = |name: &str| folder.join(name).display().to_string();
        for name in ["host", "key"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &place(name)]).status();
            made.ok().filter(std::process::ExitStatus::success)?;
        }
        std::fs::copy(folder.join("key.pub"), folder.join("authorized")).ok()?;
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\n\
             UsePAM no\nPasswordAuthentication no\nPrintMotd no\nPrintLastLog no\nPermitRootLogin prohibit-password\n",
            place("host"),
            place("authorized")
        );
        std::fs::write(folder.join("sshd"), config).ok()?;
        // It wants a folder to lock itself into.
        let _ = std::fs::create_dir_all("/run/sshd");
        let server = Command::new(program).args(["-D", "-f", &place("sshd")]).stderr(Stdio::null()).spawn().ok()?;
        let until = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { server, wire: Counted::to(([127, 0, 0, 1], port).into()), key: place("key") })
    }

    /// Runs `command` behind it, in a terminal of 120×40.
    fn run(&self, home: &Path, command: &str) -> Terminal {
        let port = self.wire.address.port().to_string();
        let words = ["-tt", "-q", "-i", &self.key, "-p", &port, "-o", "StrictHostKeyChecking=no"];
        let rest = ["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "127.0.0.1", command];
        Terminal::start("ssh", &[&words[..], &rest[..]].concat(), home, &[])
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
    }
}

/// Everything that goes on in a busy incident: a note every two seconds, and fifty actions a second of twenty agents.
#[tokio::main(flavor = "current_thread")]
async fn be_busy(address: SocketAddr, token: &str, over: &AtomicBool) {
    let client = reqwest::Client::new();
    let url = |path: &str| format!("http://{address}{path}");
    for round in 0_usize.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        if round.is_multiple_of(10) {
            let text = format!("payout {round} was seen twice for the same order; the provider says that it will look");
            let note = json!({"id": Uuid::now_v7(), "command": {"type": "note", "text": text}});
            client
                .post(url("/v1/incidents/INC-1/commands"))
                .bearer_auth(token)
                .json(&note)
                .send()
                .await
                .and_then(reqwest::Response::error_for_status)
                .expect("a note");
        }
        let action = |n: usize| {
            let agent = format!("agent-{:02}", (round * ACTIONS + n) % 20);
            let at = chrono::Utc::now().to_rfc3339();
            json!({"id": format!("{round}-{n}"), "at": at, "agent": agent, "run": "night", "tool": "stripe.refund"})
        };
        let lines: String = (0..ACTIONS).map(|n| format!("{}\n", action(n))).collect();
        let asked = client.post(url("/v1/actions")).header("content-type", "application/x-ndjson").body(lines);
        asked.send().await.and_then(reqwest::Response::error_for_status).expect("actions");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What the page moves that asks again and again.
#[tokio::main(flavor = "current_thread")]
async fn asks(address: SocketAddr, token: &str, span: Duration) {
    let (client, began) = (reqwest::Client::new(), Instant::now());
    while began.elapsed() < span {
        let state = client.get(format!("http://{address}/v1/state")).bearer_auth(token).send().await.expect("a state");
        state.error_for_status().expect("let in").bytes().await.expect("a state");
        tokio::time::sleep(ASKED_EVERY).await;
    }
}

fn main() {
    andon::tls::ready();
    let seconds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(60);
    let span = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let run = |args: &[&str]| Command::new(ANDON).args(args).env("ANDON_HOME", home).output().expect("andon runs");
    std::fs::create_dir_all(home.join("config")).expect("a folder");
    std::fs::write(home.join("config/config.toml"), "theme = \"dark\"\n").expect("written");
    run(&["declare", "bench", "--severity", "SEV-2"]);
    let lock = std::fs::read_to_string(home.join("data/backend.lock")).expect("a lock");
    let lock: serde_json::Value = serde_json::from_str(&lock).expect("a lock file");
    let backend: SocketAddr = lock["tcp"][0].as_str().expect("an address").parse().expect("an address");

    let made = run(&["token", "make", "dana", "--role", "operator", "--json"]);
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).expect("a token");
    let token = made["secret"].as_str().expect("a secret").to_owned();

    let (wire, asked) = (Counted::to(backend), Counted::to(backend));
    let mut cockpit = Terminal::start(
        ANDON,
        &[],
        home,
        &[("ANDON_URL", &format!("http://{}", wire.address)), ("ANDON_TOKEN", &token)],
    );
    cockpit.until("INC-1");
    let sshd = Sshd::start(home);
    let mut over_ssh = sshd.as_ref().map(|sshd| sshd.run(home, &format!("ANDON_HOME={} {ANDON}", home.display())));
    if let Some(cockpit) = &mut over_ssh {
        cockpit.until("INC-1");
    }
    let over = AtomicBool::new(false);
    for what in ["at rest", "busy"] {
        std::thread::scope(|threads| {
            over.store(false, Ordering::Relaxed);
            if what == "busy" {
                threads.spawn(|| be_busy(backend, &token, &over));
            }
            threads.spawn(|| asks(asked.address, &token, span));
            cockpit.rest();
            let ssh = sshd.as_ref().map(|sshd| &sshd.wire);
            let counters: Vec<_> = [Some(&wire), Some(&asked), ssh].into_iter().flatten().map(|it| &it.bytes).collect();
            let before: Vec<u64> = counters.iter().map(|bytes| bytes.load(Ordering::Relaxed)).collect();
            let (began, mut painted, ticks) = (Instant::now(), 0, cockpit.cpu_ticks());
            while began.elapsed() < span {
                painted += cockpit.rest();
                if let Some(cockpit) = &mut over_ssh {
                    cockpit.rest();
                }
            }
            let hours = began.elapsed().as_secs_f64() / 3_600.0;
            let an_hour = |bytes: u64| bytes as f64 / hours / 1_000.0;
            let counted: Vec<f64> = counters
                .iter()
                .zip(before)
                .map(|(bytes, before)| an_hour(bytes.load(Ordering::Relaxed) - before))
                .collect();
            over.store(true, Ordering::Relaxed);
            let ratio = counted[0] / counted[1];
            println!("{what:<8} to the backend  {:>9.1} kB/h   {ratio:.3} of asking every 5 s", counted[0]);
            let cpu = (cockpit.cpu_ticks() - ticks) as f64 / began.elapsed().as_secs_f64();
            println!("         to the terminal {:>9.1} kB/h   {cpu:.2} % of a processor", an_hour(painted as u64));
            if let Some(ssh) = counted.get(2) {
                println!("         over SSH        {ssh:>9.1} kB/h");
            }
        });
    }
    if let (Some(sshd), Some(cockpit)) = (&sshd, &mut over_ssh) {
        cockpit.rest();
        let (before, keys) = (sshd.wire.bytes.load(Ordering::Relaxed), 40);
        for key in ["j", "k"].into_iter().cycle().take(keys) {
            cockpit.press(key);
        }
        println!("a key over SSH           {:>9} B", (sshd.wire.bytes.load(Ordering::Relaxed) - before) / keys as u64);
        cockpit.end();
        let mut top = sshd.run(home, "top");
        top.until("PID");
        let (before, began) = (sshd.wire.bytes.load(Ordering::Relaxed), Instant::now());
        while began.elapsed() < span {
            top.rest();
        }
        let an_hour = (sshd.wire.bytes.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64() * 3.6;
        println!("top over the same SSH    {an_hour:>9.1} kB/h");
    }
    cockpit.end();
    run(&["serve", "--stop", "--force"]);
}
