//! How long a cockpit takes to join an incident, by its size, against the same bytes from a bare socket, parsed; and how soon an
//! event is at the last of 200 cockpits, against a bare hub that writes the same frame to as many sockets (performance page).
//!
//! `cargo bench --bench join [-- EVENTS]`. Prints figures; asserts nothing.

mod writer;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use andon::{
    api::State,
    backend::{
        home::Home,
        log::SqliteLog,
        serve::{ServeOptions, start},
    },
    client::{Client, Heard, Target},
    incident::{Command, IncidentCommand, World},
    runbook::Book,
    terms::{IncidentId, Time},
};
use futures_util::StreamExt;
use uuid::Uuid;

use self::writer::{dana, opened};

/// Cockpits that listen.
const COCKPITS: usize = 200;
/// Times that each is measured.
const ROUNDS: usize = 40;
/// Notes that are on their way at once while the incident is filled.
const AT_ONCE: usize = 256;

fn note(number: usize) -> Command {
    let text = format!("payout {number} was seen twice for the same order");
    Command::OnIncident { incident: IncidentId(1), ask: IncidentCommand::Note { text, at: None } }
}

/// An incident of so many events, in the home's log.
async fn fill(home: &Home, events: usize) {
    home.prepare().expect("a home");
    let log = SqliteLog::open(&home.database(), Time::from_millis(1)).await.expect("a log");
    let core = opened(log).await;
    let notes = futures_util::stream::iter(0..events);
    notes
        .for_each_concurrent(AT_ONCE, |number| {
            let core = core.clone();
            async move {
                core.submit(None, Uuid::now_v7(), dana(), note(number)).await.expect("taken");
            }
        })
        .await;
}

fn middle(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

/// The same bytes from a socket that does nothing else, parsed.
fn bare(bytes: &Arc<Vec<u8>>) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    let sent = bytes.clone();
    let serving = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("accepted");
        socket.write_all(&sent).expect("written");
    });
    let began = Instant::now();
    let mut text = Vec::new();
    TcpStream::connect(address).expect("connected").read_to_end(&mut text).expect("read");
    let state: State = serde_json::from_slice(&text).expect("a state");
    let took = began.elapsed();
    serving.join().expect("served");
    drop(state);
    took
}

/// One frame to so many sockets, by one thread that writes them in turn, until the last has read it.
fn hub(frame: &[u8]) -> Vec<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    let (tell, told) = std::sync::mpsc::channel();
    let mut sockets = Vec::new();
    for _ in 0..COCKPITS {
        let mut reader = TcpStream::connect(address).expect("connected");
        let (socket, _) = listener.accept().expect("accepted");
        socket.set_nodelay(true).expect("no delay");
        sockets.push(socket);
        let (tell, length) = (tell.clone(), frame.len());
        std::thread::spawn(move || {
            let mut buffer = vec![0; length];
            while reader.read_exact(&mut buffer).is_ok() {
                tell.send(()).ok();
            }
        });
    }
    (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            sockets.iter_mut().for_each(|socket| socket.write_all(frame).expect("written"));
            (0..COCKPITS).for_each(|_| told.recv().expect("heard"));
            began.elapsed()
        })
        .collect()
}

#[tokio::main]
async fn main() {
    let events: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    for events in [1_000, events] {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::under(folder.path());
        let began = Instant::now();
        fill(&home, events).await;
        println!("{events} events, written in {:.1?}", began.elapsed());
        let began = Instant::now();
        let running = start(ServeOptions::local(home.clone(), Arc::new(Book::shipped()))).await.expect("a backend");
        println!("  a backend begins on them        {:>9.1?}", began.elapsed());
        let client = Client::new(Target::Socket(home.socket())).expect("a client");
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            client.state(None).await.expect("a state");
            took.push(began.elapsed());
        }
        let state = client.state(None).await.expect("a state");
        let bytes = Arc::new(serde_json::to_vec(&state).expect("bytes"));
        let (joined, worst) = middle(took);
        let (floor, _) = middle((0..ROUNDS).map(|_| bare(&bytes)).collect());
        let ratio = joined.as_secs_f64() / floor.as_secs_f64();
        println!(
            "  a cockpit joins ({:>5} KiB)       {joined:>9.1?}  p99 {worst:.1?}, {ratio:.2} × bare",
            bytes.len() / 1024
        );
        let (hub, _) = middle(hub(&[b'x'; 700]));
        hear(&client, &state, hub).await;
        running.stop().await;
    }
}

/// An event, until the last of the cockpits has folded it.
async fn hear(client: &Client, state: &State, hub: Duration) {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (ready, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let world = Arc::new(state.world.clone());
    let mut cockpits = Vec::new();
    for _ in 0..COCKPITS {
        let client = Client::new(client.target().clone()).expect("a client");
        let (tell, ready, mut world) = (tell.clone(), ready.clone(), World::clone(&world));
        let (epoch, position) = (state.epoch, state.position);
        cockpits.push(tokio::spawn(async move {
            let mut heard = std::pin::pin!(client.events(None, epoch, position));
            while let Some(heard) = heard.next().await {
                match heard {
                    Heard::Event(event) => {
                        world.apply(&event);
                        tell.send(()).ok();
                    }
                    Heard::Connected => {
                        ready.send(()).ok();
                    }
                    _ => {}
                }
            }
        }));
    }
    for _ in 0..COCKPITS {
        begun.recv().await;
    }
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        client.submit(None, Uuid::now_v7(), note(round)).await.expect("taken");
        for _ in 0..COCKPITS {
            told.recv().await;
        }
        took.push(began.elapsed());
    }
    cockpits.iter().for_each(tokio::task::JoinHandle::abort);
    let (middle, worst) = middle(took);
    let ratio = middle.as_secs_f64() / hub.as_secs_f64();
    println!(
        "  a note → folded by {COCKPITS} cockpits  {middle:>9.1?}  p99 {worst:.1?}, {ratio:.2} × a bare hub's {hub:.1?} with threads that read"
    );
}
