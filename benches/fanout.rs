//! From a halt to the last of many subscribers of the interlock's stream, against Redis pub/sub where `redis-server` is
//! installed and a bare one-thread hub that writes the same bytes to as many sockets, in the same run (performance page).
//!
//! `cargo bench --bench fanout [-- SUBSCRIBERS]`, 9,500 without. Servers on CPU 0 and readers, a process of their own, on
//! CPU 1 where `taskset` is there. Prints figures and ratios; asserts nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command as Process, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    backend::{
        home::Home,
        serve::{Running, ServeOptions, start},
    },
    incident::{Command, Fact, Role},
    runbook::Book,
    terms::{Author, SwitchId},
};
use mio::{Events, Interest, Poll, Token};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use serde_json::json;
use uuid::Uuid;

const ROUNDS: usize = 20;
/// Files besides the subscribers' sockets.
const FILES: u64 = 200;

/// Nanoseconds by the clock that all processes share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// Runs `program` on one CPU, where that can be asked for.
fn on_cpu(cpu: &str, program: &std::path::Path) -> Process {
    if Process::new("taskset").args(["-c", cpu, "true"]).output().is_ok_and(|done| done.status.success()) {
        let mut process = Process::new("taskset");
        process.args(["-c", cpu]).arg(program);
        return process;
    }
    Process::new(program)
}

/// Raises the limit of open files as far as it goes; how many subscribers fit.
fn room_for(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, all);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    wanted.min(usize::try_from(files.saturating_sub(FILES)).unwrap_or(wanted))
}

/// The other process: connects, says `hello` on each socket, then tells when the last of all heard a frame, each round.
fn read_all(address: SocketAddr, count: usize, hello: &str, marks_a_frame: usize) {
    let mut poll = Poll::new().expect("a poll");
    let mut sockets = Vec::new();
    for id in 0..count {
        let mut socket = TcpStream::connect(address).expect("connected");
        socket.write_all(hello.as_bytes()).expect("written");
        socket.set_nonblocking(true).expect("non-blocking");
        let mut socket = mio::net::TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(id), Interest::READABLE).expect("registered");
        sockets.push(socket);
    }
    println!("connected");
    let mut events = Events::with_capacity(4_096);
    let (mut heard, mut buffer, mut frames) = (vec![0usize; count], vec![0; 1 << 16], 0usize);
    loop {
        poll.poll(&mut events, None).expect("events");
        for event in &events {
            let Token(id) = event.token();
            while let Ok(read) = sockets[id].read(&mut buffer) {
                if read == 0 {
                    return;
                }
                // Every frame has so many marks, and nothing else has any.
                let marks = buffer[..read].iter().filter(|byte| **byte == b'{').count();
                heard[id] += marks;
                frames += marks;
            }
        }
        if frames >= count * marks_a_frame && heard.iter().all(|heard| *heard >= marks_a_frame) {
            println!("{}", now());
            frames -= count * marks_a_frame;
            heard.iter_mut().for_each(|heard| *heard -= marks_a_frame);
        }
    }
}

/// Readers in their own process.
struct Readers {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Readers {
    fn start(address: SocketAddr, count: usize, hello: &str, marks_a_frame: usize) -> Self {
        let mut process = on_cpu("1", &std::env::current_exe().expect("this program"));
        let mut child = process
            .args(["read-all", &address.to_string(), &count.to_string(), hello, &marks_a_frame.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("readers");
        let said = BufReader::new(child.stdout.take().expect("their words"));
        Self { child, said }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }

    /// When the last of all had heard the next frame.
    fn last(&mut self) -> u64 {
        self.line().parse().expect("a time")
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Milliseconds: the median and the worst.
fn figures(mut nanos: Vec<u64>) -> (f64, f64) {
    nanos.sort_unstable();
    let millis = |at: usize| nanos[at] as f64 / 1e6;
    (millis(nanos.len() / 2), millis(nanos.len() - 1))
}

/// What every server sends in a round: as long as a halt's frame.
fn frame() -> String {
    format!("{{{}", "x".repeat(380))
}

/// The floor: one thread, one buffer, one write a socket.
fn bare_hub(count: usize) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut readers = Readers::start(listener.local_addr().expect("an address"), count, "hello", 1);
    let accept = |_| {
        let (socket, _) = listener.accept().expect("accepted");
        socket.set_nodelay(true).expect("no delay");
        socket
    };
    let mut hub: Vec<TcpStream> = (0..count).map(accept).collect();
    assert_eq!(readers.line(), "connected");
    let frame = frame();
    let times = (0..ROUNDS).map(|_| {
        let began = now();
        for socket in &mut hub {
            socket.write_all(frame.as_bytes()).expect("written");
        }
        readers.last() - began
    });
    figures(times.collect())
}

/// A peer: Redis pub/sub with as many subscribers of one channel.
fn redis(count: usize, folder: &std::path::Path) -> Option<(f64, f64)> {
    let free = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
    let mut process = on_cpu("0", "redis-server".as_ref());
    process.args(["--port", &free.port().to_string(), "--save", "", "--appendonly", "no", "--dir"]).arg(folder);
    process.args(["--maxclients", &(count + 100).to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = process.spawn().ok()?;
    let began = Instant::now();
    let mut publisher = loop {
        match TcpStream::connect(free) {
            Ok(socket) => break socket,
            Err(_) if began.elapsed() < Duration::from_secs(3) => std::thread::yield_now(),
            Err(_) => {
                let _ = server.kill();
                return None;
            }
        }
    };
    let mut readers = Readers::start(free, count, "SUBSCRIBE halt\r\n", 1);
    assert_eq!(readers.line(), "connected");
    let frame = frame();
    let ask = format!("*3\r\n$7\r\nPUBLISH\r\n$4\r\nhalt\r\n${}\r\n{frame}\r\n", frame.len());
    let (mut answer, mut times) = ([0; 64], Vec::new());
    let mut publish = || {
        publisher.write_all(ask.as_bytes()).expect("published");
        let read = publisher.read(&mut answer).expect("answered");
        std::str::from_utf8(&answer[1..read]).ok().and_then(|text| text.trim().parse::<usize>().ok())
    };
    // Until every subscription has arrived, some of the first frames miss somebody.
    while publish() != Some(count) {}
    drop(readers);
    while publish() != Some(0) {}
    let mut readers = Readers::start(free, count, "SUBSCRIBE halt\r\n", 1);
    assert_eq!(readers.line(), "connected");
    std::thread::sleep(Duration::from_secs(1));
    for _ in 0..ROUNDS {
        let began = now();
        publish();
        times.push(readers.last() - began);
    }
    let _ = server.kill();
    let _ = server.wait();
    Some(figures(times))
}

async fn ask(running: &Running, command: Command) -> Vec<Fact> {
    let by = Author::Person("dana".into());
    let accepted = running.backend.core.submit(None, Uuid::now_v7(), by, command).await.expect("recorded");
    accepted.events.into_iter().map(|event| event.fact).collect()
}

/// This process's memory, in bytes: what it holds, and what the system holds for all TCP sockets.
fn memory() -> (i64, i64) {
    let field = |text: &str, name: &str, at: usize| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(at)?.parse::<i64>().ok()
    };
    let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let system = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    (field(&own, "VmRSS:", 1).unwrap_or_default() * 1_024, field(&system, "TCP:", 10).unwrap_or_default() * 4_096)
}

async fn backend(folder: &std::path::Path, secret: &str) -> (Running, SocketAddr) {
    let mut options = ServeOptions::local(Home::under(folder), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().expect("an address")];
    let running = start(options).await.expect("a backend");
    let address = running.info.tcp[0].parse().expect("an address");
    let token = Command::MakeToken {
        name: "bench".into(),
        role: Role::Agent,
        agent: Some("refund-bot".parse().expect("an id")),
        hash: andon::backend::identity::hash_of(secret),
    };
    ask(&running, token).await;
    (running, address)
}

fn main() {
    let args: Vec<String> = std::env::args().filter(|arg| arg != "--bench").collect();
    if args.get(1).is_some_and(|first| first == "read-all") {
        let count = room_for(args[3].parse().expect("a number"));
        let marks = args[5].parse().expect("a number");
        return read_all(args[2].parse().expect("an address"), count, &args[4], marks);
    }
    let count = room_for(args.get(1).and_then(|count| count.parse().ok()).unwrap_or(9_500));
    let pid = std::process::id().to_string();
    let _ = Process::new("taskset").args(["-a", "-cp", "0", &pid]).output();
    let folder = tempfile::tempdir().expect("a folder");

    let (floor, worst) = bare_hub(count);
    println!("bare hub, {count} sockets        {floor:>8.2} ms (worst {worst:.2})");
    let peer = redis(count, folder.path());
    match peer {
        Some((peer, worst)) => {
            println!(
                "Redis pub/sub                  {peer:>8.2} ms (worst {worst:.2}) = {:.2} × the hub",
                peer / floor
            );
        }
        None => println!("Redis pub/sub                  not installed: no redis-server"),
    }

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let secret = "bench-secret-of-an-agent";
    let (running, address) = runtime.block_on(backend(folder.path(), secret));
    let table = running.backend.rooms.interlocks.get(None).expect("an interlock").table();
    let marks = table.frame(Some(&"refund-bot".parse().expect("an id")), 0).matches('{').count();
    let before = memory();
    let began = Instant::now();
    let path = "/v1/interlock/stream?agent=refund-bot";
    let hello = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\r\n");
    let mut readers = Readers::start(address, count, &hello, marks);
    assert_eq!(readers.line(), "connected");
    readers.last();
    println!("{count} subscribers let in and told  {:>7.0} ms", began.elapsed().as_secs_f64() * 1_000.0);
    let after = memory();
    let each = |before: i64, after: i64| (after - before) as f64 / 1_024.0 / count as f64;
    println!(
        "a subscriber                   {:>8.2} KiB of the process, {:.2} KiB of the system's TCP buffers",
        each(before.0, after.0),
        each(before.1, after.1)
    );
    let (mut whole, mut answered) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let engage =
            serde_json::from_value(json!({"scope": {"agent": "refund-bot"}, "why": "bench"})).expect("a switch");
        let began = now();
        runtime.block_on(ask(&running, Command::Engage(engage)));
        answered.push(now() - began);
        whole.push(readers.last() - began);
        let switch = SwitchId(u32::try_from(round + 1).expect("few rounds"));
        runtime.block_on(ask(
            &running,
            Command::Release { switch, why: "bench".into(), agent: None, to: None, over: None },
        ));
        readers.last();
    }
    let (whole, worst) = figures(whole);
    let against = peer.map(|(peer, _)| format!(", {:.2} × Redis", whole / peer)).unwrap_or_default();
    println!(
        "halt → last subscriber         {whole:>8.2} ms (worst {worst:.2}) = {:.2} × the hub{against}",
        whole / floor
    );
    let (answer, worst) = figures(answered);
    println!("halt → durable and answered    {answer:>8.2} ms (worst {worst:.2})");
    drop(readers);
    runtime.block_on(running.stop());
}
