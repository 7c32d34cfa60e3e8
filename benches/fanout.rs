//! From a halt to the last of many subscribers of the interlock's stream, against a bare one-thread hub that writes the same
//! bytes to as many sockets, in the same run (performance page).
//!
//! `cargo bench --bench fanout`. Prints figures and their ratio; asserts nothing.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use andon::{
    backend::{
        home::Home,
        serve::{Running, ServeOptions, start},
    },
    incident::{Command, Fact, Role},
    runbook::Runbook,
    terms::{Author, SwitchId},
};
use serde_json::json;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

const SUBSCRIBERS: usize = 1_000;
const ROUNDS: usize = 30;

/// Reads all of `sockets` on one thread; each received frame of a state is told with its time.
fn readers(sockets: Vec<TcpStream>) -> mpsc::Receiver<Instant> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let mut tasks = tokio::task::JoinSet::new();
            for socket in sockets {
                socket.set_nonblocking(true).expect("non-blocking");
                let mut socket = tokio::net::TcpStream::from_std(socket).expect("a socket");
                let tell = tell.clone();
                tasks.spawn(async move {
                    let mut buffer = vec![0; 4096];
                    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                        // A heartbeat is no state.
                        if read > 64 && tell.send(Instant::now()).is_err() {
                            return;
                        }
                    }
                });
            }
            while tasks.join_next().await.is_some() {}
        });
    });
    told
}

/// When the last of all subscribers had it.
fn last(told: &mpsc::Receiver<Instant>) -> Instant {
    let times = (0..SUBSCRIBERS).map(|_| told.recv_timeout(Duration::from_secs(20)).expect("everybody hears"));
    times.max().expect("somebody hears")
}

/// Milliseconds: the median and the worst.
fn figures(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    (millis(times[times.len() / 2]), millis(times[times.len() - 1]))
}

/// The floor: one thread, one buffer, one write a socket.
fn bare_hub(frame: &[u8]) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut clients = Vec::new();
    let mut hub: Vec<TcpStream> = Vec::new();
    for _ in 0..SUBSCRIBERS {
        clients.push(TcpStream::connect(address).expect("connected"));
        let (socket, _) = listener.accept().expect("accepted");
        socket.set_nodelay(true).expect("no delay");
        hub.push(socket);
    }
    let told = readers(clients);
    let times = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        for socket in &mut hub {
            socket.write_all(frame).expect("written");
        }
        last(&told) - began
    });
    figures(times.collect())
}

fn subscribe(address: SocketAddr, secret: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("connected");
    let path = "/v1/interlock/stream?agent=refund-bot";
    write!(socket, "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\r\n")
        .expect("written");
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while !text.windows(4).any(|it| it == b"}\n\n\r") {
        let read = socket.read(&mut buffer).expect("read");
        assert!(read > 0, "{}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..read]);
    }
    socket
}

async fn ask(running: &Running, command: Command) -> Vec<Fact> {
    let by = Author::Person("dana".into());
    let accepted = running.backend.core.submit(None, Uuid::now_v7(), by, command).await.expect("recorded");
    accepted.events.into_iter().map(|event| event.fact).collect()
}

/// When the table was swapped, as soon as somebody in the process can know.
fn swaps(running: &Running) -> mpsc::Receiver<Instant> {
    let (tell, told) = mpsc::channel();
    let mut tables = running.backend.rooms.interlocks.get(None).expect("an interlock").subscribe();
    tables.mark_unchanged();
    tokio::spawn(async move { while tables.changed().await.is_ok() && tell.send(Instant::now()).is_ok() {} });
    told
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(Runbook::shipped()));
    options.listen = vec!["127.0.0.1:0".parse().expect("an address")];
    let running = runtime.block_on(start(options)).expect("a backend");
    let address: SocketAddr = running.info.tcp[0].parse().expect("an address");
    let secret = "bench-secret-of-an-agent";
    let token = Command::MakeToken {
        name: "bench".into(),
        role: Role::Agent,
        agent: Some("refund-bot".parse().expect("an id")),
        hash: andon::backend::identity::hash_of(secret),
    };
    runtime.block_on(ask(&running, token));

    let frame = "x".repeat(330);
    let (floor, worst) = bare_hub(frame.as_bytes());
    println!("bare hub, {SUBSCRIBERS} sockets        {floor:>7.2} ms (worst {worst:.2})");

    let told = readers((0..SUBSCRIBERS).map(|_| subscribe(address, secret)).collect());
    let swapped = runtime.block_on(async { swaps(&running) });
    let (mut whole, mut after_swap, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let engage =
            serde_json::from_value(json!({"scope": {"agent": "refund-bot"}, "why": "bench"})).expect("a switch");
        let began = Instant::now();
        runtime.block_on(ask(&running, Command::Engage(engage)));
        answered.push(began.elapsed());
        let done = last(&told);
        let swap = swapped.recv_timeout(Duration::from_secs(20)).expect("a swap");
        whole.push(done - began);
        after_swap.push(done.saturating_duration_since(swap));
        let switch = SwitchId(u32::try_from(round + 1).expect("few rounds"));
        runtime.block_on(ask(&running, Command::Release { switch, why: "bench".into(), agent: None, to: None }));
        last(&told);
        swapped.recv_timeout(Duration::from_secs(20)).expect("a swap");
    }
    let (whole, worst) = figures(whole);
    println!("halt → last subscriber         {whole:>7.2} ms (worst {worst:.2}) = {:.2} × the hub", whole / floor);
    let (answer, worst) = figures(answered);
    println!("halt → durable and answered     {answer:>7.2} ms (worst {worst:.2})");
    let (after, worst) = figures(after_swap);
    println!("table swap → last subscriber   {after:>7.2} ms (worst {worst:.2}) = {:.2} × the hub", after / floor);
    runtime.block_on(running.stop());
}
