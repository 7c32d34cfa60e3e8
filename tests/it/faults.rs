//! Faults around a halt: crowds, deaf and lying subscribers, skewed clocks, races, and a kill at its very moment. In each
//! nobody is freed and no acknowledgement is lost (CON.7, CON.10, law 5).

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use andon::{
    backend::{clock::system, home::Home, local::running},
    telemetry::Action,
    terms::Time,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{Frames, Rig, rig, rig_by, until};

const STREAM: &str = "/v1/interlock/stream";

async fn check(rig: &Rig, agent: &str) -> Value {
    rig.post("/v1/interlock/check", json!({"agent": agent, "tool": "stripe.payout"})).await.good().clone()
}

async fn halt(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn listen(rig: &Rig, query: &str) -> Frames {
    Frames::of(rig.ask(Method::GET, &format!("{STREAM}{query}")).send().await.unwrap())
}

/// The next state that a stream tells.
async fn state(frames: &mut Frames) -> Value {
    serde_json::from_str(&frames.any().await.expect("the stream goes on").data).unwrap()
}

/// Subscribes over TCP without a client's buffers.
fn subscribe(address: &str, version: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(socket, "GET {STREAM} HTTP/{version}\r\nhost: localhost\r\n\r\n").unwrap();
    socket
}

/// Reads until `text` has been said; what was said till then.
fn read_until(socket: &mut TcpStream, text: &str) -> String {
    let (mut said, mut buffer) = (String::new(), [0; 4096]);
    while !said.contains(text) {
        let read = socket.read(&mut buffer).unwrap();
        assert!(read > 0, "the stream ended: {said}");
        said.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    said
}

/// CON.2, law 5: who never reads delays nobody; who reads late hears the newest state, whole; frames keep their framing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_never_reads_delays_nobody() {
    let rig = rig().await;
    let address = rig.running.info.tcp[0].clone();
    let mut deaf = subscribe(&address, "1.1");
    let mut old = subscribe(&address, "1.0");
    let mut frames = listen(&rig, "").await;
    state(&mut frames).await;
    // Together far more than what the system keeps for a socket.
    let why = "x".repeat(1_900);
    for round in 1..=40 {
        let began = Instant::now();
        halt(&rig, json!({"scope": {"agent": format!("bot-{round}")}, "why": why})).await;
        while state(&mut frames).await["switches"].as_array().unwrap().len() < round {}
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    halt(&rig, json!({"why": "the last one"})).await;
    tokio::task::spawn_blocking(move || {
        let heard = read_until(&mut deaf, "the last one");
        assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("transfer-encoding: chunked"), "{heard:.300}");
        let heard = read_until(&mut old, "the last one");
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200") && !head.contains("chunked") && body.starts_with("id: "), "{head}");
        // Every frame is whole.
        for frame in body.split("\n\n").filter(|frame| frame.contains("data: ")) {
            let data = frame.split_once("data: ").unwrap().1;
            if !data.contains("the last one") {
                serde_json::from_str::<Value>(data).unwrap();
            }
        }
    })
    .await
    .unwrap();
}

/// Law 5: a crowd that connects at once keeps neither halts nor checks from their answer, and each of it hears the halt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_connects_at_once_starves_nobody() {
    const CROWD: usize = 1_200;
    let rig = rig().await;
    let address = rig.running.info.tcp[0].clone();
    let connecting = tokio::task::spawn_blocking(move || {
        let mut crowd: Vec<TcpStream> = (0..CROWD).map(|_| subscribe(&address, "1.1")).collect();
        for socket in &mut crowd {
            read_until(socket, "event: state");
        }
        crowd
    });
    let mut slowest = Duration::ZERO;
    while !connecting.is_finished() {
        let began = Instant::now();
        assert_eq!(check(&rig, "refund-bot").await["decision"], "allow");
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "a check took {slowest:?}");
    let mut crowd = connecting.await.unwrap();
    halt(&rig, json!({"why": "everybody stops"})).await;
    tokio::task::spawn_blocking(move || {
        for socket in &mut crowd {
            read_until(socket, "everybody stops");
        }
    })
    .await
    .unwrap();
}

/// Who hangs up makes place; the end of the backend ends every stream as HTTP says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_whole_when_the_backend_goes() {
    let rig = rig().await;
    let address = rig.running.info.tcp[0].clone();
    let mut sockets: Vec<TcpStream> = (0..8).map(|_| subscribe(&address, "1.1")).collect();
    for socket in &mut sockets {
        read_until(socket, "event: state");
    }
    sockets.truncate(4);
    halt(&rig, json!({"why": "half of them went"})).await;
    for socket in &mut sockets {
        read_until(socket, "half of them went");
    }
    // A request after it on the same connection is not answered, and does no harm.
    write!(sockets[0], "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    rig.running.stop().await;
    for mut socket in sockets {
        let mut rest = String::new();
        socket.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
}

/// CON.10: an agent's host may be an hour off in either direction: what had begun before a halt is in flight, what began
/// under it is a breach.
#[tokio::test]
async fn a_skewed_clock_makes_no_breach_and_hides_none() {
    for skew in [-Time::HOUR, Time::HOUR] {
        let (real, ahead) = (system(), Arc::new(AtomicI64::new(0)));
        let shift = ahead.clone();
        let rig =
            rig_by(tempfile::tempdir().unwrap(), Arc::new(move || real().plus(shift.load(Ordering::SeqCst)))).await;
        let clock = rig.running.backend.clock.clone();
        let asked = json!({"agent": "refund-bot", "instance": "one", "version": 0, "on_blind": "stop",
            "sent_at": clock().plus(skew)});
        rig.post("/v1/interlock/lease", asked).await.good();
        let before = clock();
        ahead.fetch_add(10_000, Ordering::SeqCst);
        let switch = halt(&rig, json!({"scope": {"agent": "refund-bot"}})).await;
        ahead.fetch_add(10_000, Ordering::SeqCst);
        let interlock = rig.running.backend.rooms.interlocks.get(None).unwrap();
        let acted = |started: Time| {
            let at = started.plus(skew);
            let native = json!({"agent": "refund-bot", "tool": "stripe.payout", "started": at, "at": at,
                "received_at": clock(), "status": "ok"});
            interlock.observe(&serde_json::from_value::<Action>(native).unwrap(), "dana", clock())
        };
        assert!(acted(before).is_empty(), "it had begun, {skew}");
        assert_eq!(acted(clock()).len(), 1, "it began under the halt, {skew}");
        until("both are told apart", || async {
            let proof = rig.get(&format!("/v1/switches/{switch}")).await.good()["halt"].clone();
            (&proof["in_flight"], &proof["escaped"]) == (&json!(1), &json!(1))
        })
        .await;
    }
}

/// CON.2, CON.16: an agent that nobody declared takes a lease, is followed, stopped and proved like any other.
#[tokio::test]
async fn a_lease_for_an_unknown_agent_is_one_like_any_other() {
    let rig = rig().await;
    let lease = async |version: u64| {
        let asked = json!({"agent": "never-declared", "instance": "one", "version": version, "on_blind": "stop"});
        rig.post("/v1/interlock/lease", asked).await.good().clone()
    };
    assert_eq!(lease(0).await["mode"], "allow");
    let switch = halt(&rig, json!({})).await;
    let view = lease(0).await;
    assert_eq!(view["mode"], "halt");
    let proof = async || rig.get(&format!("/v1/switches/{switch}")).await.good()["halt"].clone();
    assert_eq!(proof().await["counted"], 1);
    // A version that is still to come acknowledges nothing, however often it is said.
    lease(u64::MAX).await;
    lease(view["version"].as_u64().unwrap() + 1).await;
    until("it is enforced", || async { proof().await["agents"][0]["state"] == "enforced" }).await;
    assert_eq!(proof().await["confirmed"], 0);
    lease(view["version"].as_u64().unwrap()).await;
    until("it is confirmed", || async { proof().await["confirmed"] == 1 }).await;
}

/// CON.2, law 2: people who fire and release at once: each release counts once, what nobody released holds all along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firing_and_releasing_at_once_frees_nobody_else() {
    let rig = Arc::new(rig().await);
    halt(&rig, json!({"scope": {"agent": "refund-bot"}, "why": "holds all along"})).await;
    let over = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn({
        let (rig, over) = (rig.clone(), over.clone());
        async move {
            let mut asked = 0;
            while !over.load(Ordering::SeqCst) {
                assert_eq!(check(&rig, "refund-bot").await["decision"], "deny");
                asked += 1;
            }
            asked
        }
    });
    let people = (0..4).map(|person| {
        let rig = rig.clone();
        tokio::spawn(async move {
            for _ in 0..6 {
                let switch = halt(&rig, json!({"scope": {"agent": "mail-bot"}, "why": format!("by {person}")})).await;
                let release = json!({"why": "it was nothing"});
                let path = format!("/v1/switches/{switch}/release");
                // Two at once: one of them was first, the other is told so.
                let (one, two) = tokio::join!(rig.command(&path, release.clone()), rig.command(&path, release));
                let mut statuses = [one.status.as_u16(), two.status.as_u16()];
                statuses.sort_unstable();
                assert!(matches!(statuses, [200, 200 | 409]), "{one:?} {two:?}");
                let told = rig.get(&format!("/v1/switches/{switch}")).await;
                assert_eq!(told.good()["state"], "released");
            }
        })
    });
    for person in people.collect::<Vec<_>>() {
        person.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    assert!(watching.await.unwrap() > 0);
    assert_eq!(check(&rig, "mail-bot").await["decision"], "allow");
    let engaged = rig.get("/v1/switches").await.good().clone();
    let engaged = engaged.as_array().unwrap().iter().filter(|switch| switch["state"] == "engaged").count();
    assert_eq!(engaged, 1);
}

fn serve(folder: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("ANDON_HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The client of a backend that has just begun to answer.
async fn client(home: &Home) -> Client {
    let found = Mutex::new(None);
    until("the backend answers", || async {
        *found.lock().unwrap() = running(home).await;
        found.lock().unwrap().is_some()
    })
    .await;
    let info = found.into_inner().unwrap().unwrap();
    Client::builder().unix_socket(info.socket).build().unwrap()
}

/// CON.7, law 1: the backend is killed in the middle of halts, many times. From its first answer on whoever was acknowledged
/// as halted is; nobody is freed for an instant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_a_halt_frees_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let acknowledged = Arc::new(Mutex::new(Vec::<String>::new()));
    for round in 0..8 {
        let mut child = serve(folder.path());
        let client = client(&home).await;
        let halted = acknowledged.lock().unwrap().clone();
        for agent in halted {
            let asked = client.post("http://localhost/v1/interlock/check").json(&json!({"agent": agent}));
            let answer: Value = asked.send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["decision"], "deny", "{agent} after kill {round}: {answer}");
        }
        let before = acknowledged.lock().unwrap().len();
        let firing = (0..3).map(|person| {
            let (client, acknowledged) = (client.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for turn in 0.. {
                    let agent = format!("bot-{round}-{person}-{turn}");
                    let halt = json!({"id": Uuid::now_v7(), "command": {"scope": {"agent": agent}}});
                    let Ok(answer) = client.post("http://localhost/v1/switches").json(&halt).send().await else {
                        return;
                    };
                    if answer.status() != 200 || answer.bytes().await.is_err() {
                        return;
                    }
                    acknowledged.lock().unwrap().push(agent);
                }
            })
        });
        let firing: Vec<_> = firing.collect();
        let enough = before + 1 + round;
        until("some are halted", || async { acknowledged.lock().unwrap().len() >= enough }).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for person in firing {
            person.await.unwrap();
        }
    }
    assert!(acknowledged.lock().unwrap().len() >= 36);
}
