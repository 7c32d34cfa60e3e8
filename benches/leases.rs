//! A backend at rest with 10,000 leases that renew every 1.5 s: its CPU, and its memory for each (performance page).
//!
//! `cargo bench --bench leases [-- LEASES]`. The renewing agents are a process of their own. Prints figures; asserts nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command as Process, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    backend::{
        home::Home,
        serve::{Running, ServeOptions, start},
    },
    incident::{AgentDeclaration, Command},
    runbook::Book,
    terms::Author,
};
use serde_json::json;
use uuid::Uuid;

/// How often each lease renews.
const EVERY: Duration = Duration::from_millis(1_500);
/// Over so many connections.
const CONNECTIONS: usize = 100;
/// How long each figure is taken.
const SPAN: Duration = Duration::from_secs(12);
/// The kernel's clock tick, as `/proc` counts.
const TICKS: f64 = 100.0;

/// The other process: renews `count` leases for ever, evenly spread.
fn renew_all(address: SocketAddr, count: usize) {
    let connect = |_| {
        let socket = TcpStream::connect(address).expect("connected");
        socket.set_nodelay(true).expect("no delay");
        socket
    };
    let mut sockets: Vec<TcpStream> = (0..CONNECTIONS).map(connect).collect();
    let requests: Vec<String> = (0..count).map(request).collect();
    let step = EVERY.mul_f64(CONNECTIONS as f64 / count as f64);
    let (mut buffer, mut next, mut round) = (vec![0; 4_096], Instant::now(), 0);
    loop {
        for requests in requests.chunks(CONNECTIONS) {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            next += step;
            for (socket, request) in sockets.iter_mut().zip(requests) {
                socket.write_all(request.as_bytes()).expect("written");
            }
            for (socket, _) in sockets.iter_mut().zip(requests) {
                let read = socket.read(&mut buffer).expect("read");
                assert!(buffer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer[..read]));
            }
        }
        round += 1;
        println!("{round}");
    }
}

fn request(agent: usize) -> String {
    let body =
        json!({"agent": format!("agent-{agent}"), "instance": "one", "version": 1, "on_blind": "stop"}).to_string();
    let length = body.len();
    format!(
        "POST /v1/interlock/lease HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// CPU seconds that this process has used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Bytes that it holds.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default() * 1_024.0
}

/// The share of one CPU used while `SPAN` goes by.
fn share() -> f64 {
    let (began, used) = (Instant::now(), cpu());
    std::thread::sleep(SPAN);
    (cpu() - used) / began.elapsed().as_secs_f64()
}

async fn backend(folder: &std::path::Path, count: usize) -> Running {
    let mut options = ServeOptions::local(Home::under(folder), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().expect("an address")];
    let running = start(options).await.expect("a backend");
    let tools: Vec<String> = (0..20).map(|tool| format!("tool-{tool}")).collect();
    let declared = (0..count).map(|n| json!({"id": format!("agent-{n}"), "inventory": tools}));
    let agents: Vec<AgentDeclaration> = declared.map(|it| serde_json::from_value(it).expect("a declaration")).collect();
    for agents in agents.chunks(500) {
        let command = Command::DeclareAgents { agents: agents.to_vec() };
        ask(&running, command).await;
    }
    running
}

async fn ask(running: &Running, command: Command) {
    running.backend.core.submit(None, Uuid::now_v7(), Author::Person("dana".into()), command).await.expect("recorded");
}

fn main() {
    let args: Vec<String> = std::env::args().filter(|arg| arg != "--bench").collect();
    if args.get(1).is_some_and(|first| first == "renew-all") {
        return renew_all(args[2].parse().expect("an address"), args[3].parse().expect("a number"));
    }
    let count: usize = args.get(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let running = runtime.block_on(backend(folder.path(), count));
    println!("nobody there                   {:>8.2} % of one CPU", share() * 100.0);
    let before = memory();
    let mut agents = Process::new(std::env::current_exe().expect("this program"))
        .args(["renew-all", &running.info.tcp[0], &count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("agents");
    let mut rounds = BufReader::new(agents.stdout.take().expect("their words")).lines();
    let mut round = || rounds.next().expect("a round").expect("a line");
    round();
    let each = (memory() - before) / 1_024.0 / count as f64;
    let rate = count as f64 / EVERY.as_secs_f64();
    let used = share();
    println!(
        "{count} leases, {rate:.0} renewals a second {:>8.2} % of one CPU, {:.1} µs a renewal",
        used * 100.0,
        used / rate * 1e6
    );
    println!("a lease                        {each:>8.2} KiB");
    let engage = serde_json::from_value(json!({"scope": {"tool": "tool-7"}, "why": "bench"})).expect("a switch");
    runtime.block_on(ask(&running, Command::Engage(engage)));
    let used = share();
    println!(
        "the same under a switch        {:>8.2} % of one CPU, {:.1} µs a renewal",
        used * 100.0,
        used / rate * 1e6
    );
    agents.kill().expect("ended");
    let _ = agents.wait();
    runtime.block_on(running.stop());
}
