//! The interlock's decisions: in process, and over HTTP against a constant route of the same server, and against nginx that
//! returns a constant where it is installed (performance page).
//!
//! `cargo bench --bench interlock`. Prints figures and their ratio; asserts nothing.

use std::{
    hint::black_box,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    api::CheckRequest,
    backend::{
        home::Home,
        interlock::Way,
        serve::{Running, ServeOptions, start},
    },
    incident::{AgentDeclaration, Command},
    runbook::Book,
    terms::Author,
};
use serde_json::json;
use uuid::Uuid;

/// How long each figure is taken.
const SPAN: Duration = Duration::from_secs(3);
/// Connections at once, and requests that wait on each: enough to keep the server busy.
const CONNECTIONS: usize = 4;
const PIPELINED: usize = 32;

/// A backend with a hundred agents, and three switches that leave most of them alone.
async fn backend(folder: &std::path::Path) -> Running {
    let mut options = ServeOptions::local(Home::under(folder), Arc::new(Book::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().expect("an address")];
    let running = start(options).await.expect("a backend");
    let inventory =
        json!([{"tool": "stripe.payout", "class": "external-api-call"}, {"tool": "crm.find", "class": "read"}]);
    let declared = (0..100).map(|n| json!({"id": format!("agent-{n}"), "workflow": "refunds", "inventory": inventory}));
    let agents: Vec<AgentDeclaration> = declared.map(|it| serde_json::from_value(it).expect("a declaration")).collect();
    let mut commands = vec![Command::DeclareAgents { agents }];
    for engage in [
        json!({"scope": {"agent": "agent-1"}, "mode": "halt"}),
        json!({"scope": {"tool": "mail.send"}, "mode": "halt"}),
        json!({"scope": {"workflow": "billing"}, "mode": "read-only"}),
    ] {
        commands.push(Command::Engage(serde_json::from_value(engage).expect("a switch")));
    }
    for command in commands {
        let by = Author::Person("dana".into());
        running.backend.core.submit(None, Uuid::now_v7(), by, command).await.expect("recorded");
    }
    running
}

fn asked(agent: &str) -> CheckRequest {
    serde_json::from_value(json!({"agent": agent, "tool": "stripe.payout", "run": "run-1"})).expect("a check")
}

/// Nanoseconds for one call of `work`.
fn nanos(mut work: impl FnMut()) -> f64 {
    let (began, mut done) = (Instant::now(), 0u64);
    while began.elapsed() < SPAN {
        for _ in 0..1_000 {
            work();
        }
        done += 1_000;
    }
    began.elapsed().as_nanos() as f64 / done as f64
}

/// Answers a second of `request`, over a few connections that are never idle.
fn over_http(address: SocketAddr, request: &str) -> f64 {
    let batch = request.repeat(PIPELINED);
    let began = Instant::now();
    let answers: usize = std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(|| keep_asking(address, &batch))).collect();
        connections.into_iter().map(|one| one.join().expect("it ends")).sum()
    });
    answers as f64 / began.elapsed().as_secs_f64()
}

fn keep_asking(address: SocketAddr, batch: &str) -> usize {
    let mut socket = TcpStream::connect(address).expect("connected");
    socket.set_nodelay(true).expect("no delay");
    let mut buffer = vec![0; 1 << 16];
    let (began, mut answered) = (Instant::now(), 0);
    while began.elapsed() < SPAN {
        socket.write_all(batch.as_bytes()).expect("written");
        let (mut missing, mut text) = (PIPELINED, Vec::new());
        // Whole answers are counted by their first lines; the last one's end by its closing brace.
        while missing > 0 || !text.ends_with(b"}") {
            let read = socket.read(&mut buffer).expect("read");
            assert!(read > 0, "the server closed the connection");
            text.extend_from_slice(&buffer[..read]);
            missing = PIPELINED.saturating_sub(text.windows(13).filter(|it| it == b"HTTP/1.1 200 ").count());
        }
        answered += PIPELINED;
    }
    answered
}

/// What one worker of nginx makes of the same load, returning a constant.
fn nginx(folder: &std::path::Path) -> Option<f64> {
    let address = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
    let own = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {own};"));
    let text = format!(
        "worker_processes 1; daemon off; pid {own}/nginx.pid; error_log stderr crit; events {{}}\n\
         http {{ access_log off; keepalive_requests 1000000000; {}\n\
         server {{ listen {address}; default_type application/json; location / {{ return 200 '{{\"decision\":\"allow\"}}'; }} }} }}",
        paths.join(" ")
    );
    let conf = folder.join("nginx.conf");
    std::fs::write(&conf, text).ok()?;
    let mut server = std::process::Command::new("nginx").arg("-p").arg(folder).arg("-c").arg(&conf).spawn().ok()?;
    let began = Instant::now();
    let up = || TcpStream::connect(address).is_ok();
    while !up() && began.elapsed() < SPAN {
        std::thread::yield_now();
    }
    let rate = up().then(|| over_http(address, "GET /gate HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    // The master ends its worker.
    if let Some(pid) = i32::try_from(server.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let _ = server.wait();
    rate
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let running = runtime.block_on(backend(folder.path()));
    let interlock = running.backend.rooms.interlocks.get(None).expect("an interlock");
    let clock = running.backend.clock.clone();

    let (passes, stopped) = (asked("agent-2"), asked("agent-1"));
    let table = interlock.table();
    let call = table.call(&passes);
    println!("decide alone            {:>9.0} ns", nanos(|| _ = black_box(table.decide(black_box(&call)))));
    let now = clock();
    let check = |asked: &CheckRequest| drop(black_box(interlock.check(black_box(asked), Way::Check, now)));
    println!("check that passes       {:>9.0} ns", nanos(|| check(&passes)));
    println!("check that is denied    {:>9.0} ns", nanos(|| check(&stopped)));

    let address: SocketAddr = running.info.tcp[0].parse().expect("an address");
    let body = r#"{"agent":"agent-2","tool":"stripe.payout","run":"run-1"}"#;
    let post = format!(
        "POST /v1/interlock/check HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let constant = over_http(address, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let checks = over_http(address, &post);
    println!("constant route          {constant:>9.0} answers/s");
    println!("checks over HTTP        {checks:>9.0} answers/s = {:.2} × the constant route", checks / constant);
    match nginx(folder.path()) {
        Some(rate) => println!("nginx, a constant       {rate:>9.0} answers/s; checks are {:.2} × that", checks / rate),
        None => println!("nginx, a constant       not installed: no nginx"),
    }
    runtime.block_on(running.stop());
}
