//! The backend from outside: identity and rights on real sockets, routes, the resumable stream, its life.

use std::{io::Write, time::Duration};

use andon::backend::{
    home::Home,
    local, lock,
    serve::{ServeOptions, start},
};
use flate2::write::GzDecoder;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{self, Frames, read, rig, rig_in, until};

#[tokio::test]
async fn a_person_on_the_socket_declares_works_and_resolves() {
    let rig = rig().await;
    let state = rig.get("/v1/state").await;
    assert_eq!(state.good()["you"]["may_act"], true);
    assert_eq!(state.body["you"]["name"], andon::backend::identity::user_name(rustix::process::getuid().as_raw()));

    let declared = rig.command("/v1/incidents", json!({"title": "Refunds sent twice", "severity": "SEV-2"})).await;
    assert!(!declared.good()["events"].as_array().unwrap().is_empty(), "{declared:?}");
    let shown = rig.get("/v1/incidents/INC-1").await;
    assert_eq!(shown.good()["title"], "Refunds sent twice");
    assert_eq!(rig.get("/v1/incidents/inc1").await.good()["id"], "INC-1", "ids as people type them");
    let note = rig.command("/v1/incidents/INC-1/commands", json!({"type": "note", "text": "looking"})).await;
    assert_eq!(note.good()["events"][0]["type"], "note-added");
    let events = rig.get("/v1/incidents/INC-1/events").await;
    assert!(events.good().as_array().unwrap().iter().all(|event| event["stream"] == "incident/INC-1"));
    let resolved = rig.command("/v1/incidents/INC-1/commands", json!({"type": "resolve", "note": "done"})).await;
    resolved.good();
    assert_eq!(rig.get("/v1/incidents?open=true").await.good(), &json!([]));
    let written = rig.get("/v1/incidents/INC-1/postmortem").await;
    assert_eq!(written.kind, "text/markdown; charset=utf-8");
    assert!(written.good().as_str().unwrap().contains("Refunds sent twice"));
    assert!(rig.get("/v1/incidents/INC-1/postmortem?format=json").await.good().is_object());
    rig.get("/v1/incidents/INC-1/postmortem?format=pdf").await.problem(422);
    assert_eq!(rig.get("/v1/incidents").await.good().as_array().unwrap().len(), 1);
    rig.running.stop().await;
}

#[tokio::test]
async fn the_same_id_answers_the_first_result_and_another_body_is_refused() {
    let rig = rig().await;
    let id = Uuid::now_v7();
    let declare = |title: &str| json!({"id": id, "command": {"title": title}});
    let first = rig.post("/v1/incidents", declare("one")).await;
    let again = rig.post("/v1/incidents", declare("one")).await;
    assert_eq!(first.good(), again.good());
    rig.post("/v1/incidents", declare("two")).await.problem(409);
    assert_eq!(rig.get("/v1/incidents").await.good().as_array().unwrap().len(), 1);
}

/// Protocol 4: without a token, loopback of the same user reports, checks and leases, and nothing else.
#[tokio::test]
async fn loopback_without_a_token_may_do_little() {
    let rig = rig().await;
    let tcp = |method, path| read(rig.ask_tcp(method, path, None));
    tcp(Method::GET, "/healthz").await.good();
    tcp(Method::GET, "/readyz").await.good();
    for path in ["/v1/state", "/v1/events", "/v1/incidents", "/v1/switches", "/v1/agents", "/v1/tokens", "/nothing"] {
        let refused = tcp(Method::GET, path).await;
        refused.problem(401);
        assert!(refused.body["detail"].as_str().unwrap().contains("andon token make"), "{refused:?}");
    }
    for path in ["/v1/commands", "/v1/incidents", "/v1/switches", "/v1/stop", "/v1/tokens", "/v1/agents"] {
        tcp(Method::POST, path).await.problem(401);
    }
}

#[tokio::test]
async fn web_pages_and_foreign_hosts_are_refused() {
    let rig = rig().await;
    for (header, value) in [("origin", "http://localhost"), ("origin", "null"), ("host", "evil.example"), ("host", "")]
    {
        let request = rig.ask_tcp(Method::GET, "/healthz", None).header(header, value);
        read(request).await.problem(403);
    }
    let secret = rig.token("dana", "operator", None).await;
    let rebound = rig.ask_tcp(Method::GET, "/v1/state", Some(&secret)).header("host", "evil.example");
    read(rebound).await.problem(403);
    read(rig.ask(Method::GET, "/v1/state").header("origin", "http://localhost")).await.problem(403);
}

#[tokio::test]
async fn tokens_do_what_their_role_says_until_they_are_revoked() {
    let rig = rig().await;
    let viewer = rig.token("wall", "viewer", None).await;
    let operator = rig.token("dana", "operator", None).await;
    let script = rig.token("ci", "automation", None).await;
    let agent = rig.token("refunds", "agent", Some("refund-bot")).await;
    let post = |path: &'static str, secret: &str, command: Value| {
        let body = json!({"id": Uuid::now_v7(), "command": command});
        read(rig.ask_tcp(Method::POST, path, Some(secret)).json(&body))
    };
    let see = |secret: &str| read(rig.ask_tcp(Method::GET, "/v1/state", Some(secret)));

    see(&viewer).await.good();
    post("/v1/incidents", &viewer, json!({"title": "x"})).await.problem(403);
    assert_eq!(post("/v1/incidents", &operator, json!({"title": "x"})).await.good()["events"][0]["by"], "dana");
    assert_eq!(post("/v1/switches", &script, json!({})).await.good()["events"][0]["by"], "automation:ci");
    post("/v1/switches/SW-1/release", &script, json!({"why": "over"})).await.problem(403);
    let severity = json!({"type": "set-severity", "severity": "SEV-1", "why": "worse"});
    post("/v1/incidents/INC-1/commands", &script, severity).await.problem(403);

    // CON.12: an agent's own token sees nothing, engages nothing and releases nothing.
    see(&agent).await.problem(403);
    post("/v1/switches", &agent, json!({})).await.problem(403);
    post("/v1/switches/SW-1/release", &agent, json!({"why": "let me go"})).await.problem(403);
    post("/v1/commands", &agent, json!({"command": "release", "switch": "SW-1", "why": "x"})).await.problem(403);

    let listed = rig.get("/v1/tokens").await;
    let all = listed.good().as_array().unwrap();
    assert_eq!(all.len(), 4);
    assert!(!listed.body.to_string().contains("hash") && !listed.body.to_string().contains(&operator));
    see("andon_unknown").await.problem(401);
    let id = all[0]["id"].as_str().unwrap();
    read(rig.ask(Method::DELETE, &format!("/v1/tokens/{id}"))).await.good();
    see(&viewer).await.problem(401);
}

/// What only the backend sees is not taken from the wire, from anybody.
#[tokio::test]
async fn the_wire_cannot_forge_firings_or_proofs() {
    let rig = rig().await;
    rig.command("/v1/switches", json!({})).await.good();
    for command in [
        json!({"command": "fire", "changes": []}),
        json!({"command": "prove", "switch": "SW-1", "halt": {"counted": 1, "confirmed": 1}}),
    ] {
        rig.command("/v1/commands", command).await.problem(403);
    }
    let forged = json!({"command": "make-token", "name": "x", "role": "operator", "hash": "00"});
    rig.command("/v1/commands", forged).await.problem(422);
}

/// Law 3: a reader that resumes sees every later event exactly once.
#[tokio::test]
async fn a_reader_resumes_without_gap_or_repeat() {
    let rig = rig().await;
    let declare = |title: String| rig.command("/v1/incidents", json!({"title": title}));
    declare("first".into()).await.good();
    let mut frames = rig.events("?after=0", None).await;
    let (mut place, first) = frames.event().await;
    let mut seen = vec![first["position"].as_u64().unwrap()];
    // Cut and resume at every event while others are appended.
    for round in 0..8 {
        let appended = async {
            for more in 0..5 {
                declare(format!("{round} {more}")).await.good();
            }
        };
        let reader = async {
            let mut frames = rig.events("", Some(&place)).await;
            let mut read = Vec::new();
            for _ in 0..3 {
                read.push(frames.event().await);
            }
            read
        };
        let ((), read) = tokio::join!(appended, reader);
        place = read.last().unwrap().0.clone();
        seen.extend(read.iter().map(|(_, event)| event["position"].as_u64().unwrap()));
    }
    let newest = rig.get("/v1/state").await.good()["position"].as_u64().unwrap();
    let mut frames = rig.events("", Some(&place)).await;
    while *seen.last().unwrap() < newest {
        seen.push(frames.event().await.1["position"].as_u64().unwrap());
    }
    let whole: Vec<u64> = (1..=newest).collect();
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn a_place_of_another_life_of_the_log_is_answered_with_a_resync() {
    let rig = rig().await;
    rig.command("/v1/incidents", json!({"title": "one"})).await.good();
    let state = rig.get("/v1/state").await;
    let epoch = state.good()["epoch"].as_u64().unwrap();
    for place in [format!("{}:1", epoch + 1), format!("{epoch}:999999")] {
        let mut frames = rig.events("", Some(&place)).await;
        let resync = frames.any().await.unwrap();
        assert_eq!(resync.event, "resync", "{resync:?}");
        let now: Value = serde_json::from_str(&resync.data).unwrap();
        assert_eq!(now["position"], state.body["position"]);
    }
    read(rig.ask(Method::GET, "/v1/events").header("Last-Event-ID", "nonsense")).await.problem(422);
}

/// A reader that falls behind re-reads from the log and misses nothing.
#[tokio::test]
async fn a_reader_that_lags_misses_nothing() {
    let rig = rig().await;
    let mut frames = rig.events("", None).await;
    for round in 0..3 {
        let agents: Vec<Value> = (0..2_500).map(|agent| json!({"id": format!("agent-{round}-{agent}")})).collect();
        rig.post("/v1/agents", json!(agents)).await.good();
    }
    // The first event is the runbook's.
    for position in 2..=7_501u64 {
        assert_eq!(frames.event().await.1["position"], position);
    }
}

/// CKP.2, law 5: two hundred cockpits hear every event in order, though one of them never reads; what that one was owed is in
/// nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cockpits_hear_everything_though_one_never_reads() {
    let rig = rig().await;
    let never_read = rig.ask(Method::GET, "/v1/events").send().await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..200 {
        readers.push(rig.events("", None).await);
    }
    let owner = "x".repeat(500);
    let agents: Vec<Value> = (0..200).map(|agent| json!({"id": format!("agent-{agent}"), "owner": owner})).collect();
    rig.post("/v1/agents", json!(agents)).await.good();
    let heard = readers.into_iter().map(|mut frames| {
        tokio::spawn(async move {
            for position in 2..=201u64 {
                assert_eq!(frames.event().await.1["position"], position);
            }
        })
    });
    for reader in heard.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
    drop(never_read);
}

/// Tokens are nobody's business but operators', and a revoked one hears nothing more.
#[tokio::test]
async fn a_viewers_stream_shows_no_tokens_and_ends_with_its_own() {
    let rig = rig().await;
    let viewer = rig.token("wall", "viewer", None).await;
    let mut frames = Frames::of(rig.ask_tcp(Method::GET, "/v1/events?after=0", Some(&viewer)).send().await.unwrap());
    rig.token("other", "viewer", None).await;
    rig.command("/v1/incidents", json!({"title": "seen"})).await.good();
    assert_eq!(frames.event().await.1["type"], "runbook-taken");
    assert_eq!(frames.event().await.1["type"], "incident-declared");
    read(rig.ask(Method::DELETE, "/v1/tokens/TOK-1")).await.good();
    while let Some(frame) = frames.any().await {
        assert_eq!(frame.event, "live", "{frame:?}");
    }
}

/// TEAM.6: who is here is who has a stream open.
#[tokio::test]
async fn open_streams_are_presence() {
    let rig = rig().await;
    let mut frames = rig.events("", None).await;
    let live = loop {
        let frame = frames.any().await.unwrap();
        if frame.event == "live" {
            break serde_json::from_str::<Value>(&frame.data).unwrap();
        }
    };
    let me = andon::backend::identity::user_name(rustix::process::getuid().as_raw());
    assert_eq!(live["present"], json!([me]));
    drop(frames);
    until("the stream is closed", || async { rig.get("/v1/state").await.good()["live"]["present"] == json!([]) }).await;
}

#[tokio::test]
async fn garbage_is_answered_on_every_route() {
    let rig = rig().await;
    rig.command("/v1/incidents", json!({"title": "one"})).await.good();
    rig.command("/v1/switches", json!({})).await.good();
    let posts = [
        "/v1/commands",
        "/v1/incidents",
        "/v1/incidents/INC-1/commands",
        "/v1/switches",
        "/v1/switches/SW-1/release",
        "/v1/switches/SW-1/annotate",
        "/v1/firings/TW-1/ack",
        "/v1/agents",
        "/v1/tokens",
        "/v1/stop",
    ];
    let deep = "[".repeat(5_000);
    let bodies: [&[u8]; 14] = [
        b"",
        b" ",
        b"{",
        b"nul",
        b"null",
        b"7",
        b"\"text\"",
        b"[[]]",
        b"{\"id\":7}",
        b"{\"id\":\"019aa0e0-0000-7000-8000-000000000000\",\"command\":[]}",
        b"{\"id\":\"019aa0e0-0000-7000-8000-000000000000\",\"command\":{\"type\":\"no\",\"command\":\"no\",\"x\":1}}",
        b"\xff\xfe\x00",
        b"\x1f\x8b\x08\x00",
        deep.as_bytes(),
    ];
    for path in posts {
        for body in bodies {
            let answer = read(rig.ask(Method::POST, path).body(body.to_vec())).await;
            assert!(matches!(answer.status.as_u16(), 400 | 404 | 422), "{path} {body:?} {answer:?}");
            answer.problem(answer.status.as_u16());
        }
        let large = vec![b' '; (8 << 20) + 1];
        read(rig.ask(Method::POST, path).body(large)).await.problem(413);
        read(rig.ask(Method::PATCH, path)).await.problem(405);
    }
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/incidents/INC-99",
        "/v1/incidents/INC-99/events",
        "/v1/incidents/%00",
        "/v1/incidents/%ff",
        "/v1/incidents/99999999999999999999",
        "/v1/switches/SW-99",
        "/v1/firings/TW-99",
        "/v1/agents/nobody",
        "/v1/state?world=DRILL-9",
        "/v1/incidents?world=DRILL-9",
        "/v1/events?world=DRILL-9",
    ] {
        rig.get(path).await.problem(404);
    }
    for path in ["/v1/state?world=x", "/v1/events?after=x", "/v1/incidents?open=maybe"] {
        rig.get(path).await.problem(422);
    }
    read(rig.ask(Method::DELETE, "/v1/tokens/TOK-9")).await.problem(404);
    rig.get("/healthz").await.good();
    assert_eq!(rig.get("/v1/incidents").await.good().as_array().unwrap().len(), 1, "nothing was made of garbage");
}

/// Protocol 5: stopping names who goes blind, and needs to be insisted on.
#[tokio::test]
async fn stopping_with_an_engaged_switch_needs_force() {
    let rig = rig().await;
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}})).await.good();
    let refused = rig.post("/v1/stop", json!({})).await;
    refused.problem(409);
    assert!(refused.body["detail"].as_str().unwrap().contains("SW-1"), "{refused:?}");
    rig.post("/v1/stop", json!({"force": true})).await.good();
    let home = Home::under(rig.folder.path());
    let socket = home.socket();
    tokio::time::timeout(Duration::from_secs(5), rig.running.until_stopped()).await.unwrap();
    assert!(!socket.exists() && lock::read(&home.lock()).is_none());
    // What was engaged is engaged again.
    let again = rig_in(rig.folder).await;
    assert_eq!(again.get("/v1/switches/SW-1").await.good()["state"], "engaged");
}

#[tokio::test]
async fn a_second_backend_in_the_same_folder_is_told_who_serves() {
    let rig = rig().await;
    let home = Home::under(rig.folder.path());
    let info = local::running(&home).await.expect("one runs");
    assert_eq!(info.pid, std::process::id());
    let runbook = std::sync::Arc::new(andon::runbook::Book::shipped());
    let refused = start(ServeOptions::local(home, runbook)).await.err().expect("refused").to_string();
    assert!(refused.contains(&format!("pid {}", info.pid)) && refused.contains("serve --stop"), "{refused}");
    rig.get("/healthz").await.good();
}

/// What keeps a backend from starting is told with what to do about it.
#[tokio::test]
async fn a_folder_that_cannot_serve_says_what_to_do() {
    let options = |home: Home| ServeOptions {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..ServeOptions::local(home, std::sync::Arc::new(andon::runbook::Book::shipped()))
    };
    let refused = async |options: ServeOptions| start(options).await.err().expect("refused").to_string();

    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    home.prepare().unwrap();
    std::fs::write(home.database(), "this is no database, however long one looks at it ".repeat(100)).unwrap();
    let damaged = refused(options(home.clone())).await;
    assert!(damaged.contains("damaged") && damaged.contains("restore"), "{damaged}");
    assert!(lock::read(&home.lock()).is_none() && !home.socket().exists(), "nothing is left behind");

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let unwritable = refused(options(Home::under(&file))).await;
    assert!(unwritable.contains("ANDON_HOME"), "{unwritable}");

    std::fs::remove_file(home.database()).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = ServeOptions { listen: vec![taken.local_addr().unwrap()], ..options(home.clone()) };
    let busy = refused(busy).await;
    assert!(busy.contains("--listen"), "{busy}");
    let elsewhere = ServeOptions { database: Some("mysql://db/andon".into()), ..options(home.clone()) };
    assert!(refused(elsewhere).await.contains("sqlite:"));
    // None of that keeps the next one from starting.
    start(options(home)).await.unwrap().stop().await;
}

/// A reader that takes gzip gets the stream packed, each event as soon as it is there and heartbeats while nothing happens;
/// nobody else's answer is packed.
#[tokio::test]
async fn over_a_slow_line_the_stream_is_packed_and_nothing_waits() {
    let rig = rig().await;
    rig.command("/v1/incidents", json!({"title": "Refunds sent twice", "severity": "SEV-2"})).await.good();
    let secret = rig.token("dana", "operator", None).await;
    let plain = rig::http().gzip(false).build().unwrap();
    let ask = |path: &str| plain.get(format!("{}{path}", rig.base())).bearer_auth(&secret);
    let stream = ask("/v1/events").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(stream.headers()["content-encoding"], "gzip");
    let (mut bytes, mut packed, mut reading) = (stream.bytes_stream(), 0, GzDecoder::new(Vec::new()));
    let mut hear = async |what: &str| {
        while !String::from_utf8_lossy(reading.get_ref()).contains(what) {
            let next = tokio::time::timeout(Duration::from_secs(10), bytes.next()).await;
            let some = next.unwrap_or_else(|_| panic!("never: {what}")).expect("the stream goes on").unwrap();
            packed += some.len();
            reading.write_all(&some).unwrap();
            reading.flush().unwrap();
        }
        (packed, reading.get_ref().len())
    };
    for number in 0..100 {
        let text = format!("payout {number} was seen twice for the same order");
        rig.command("/v1/incidents/INC-1/commands", json!({"type": "note", "text": text})).await.good();
        hear(&text).await;
    }
    let (packed, unpacked) = hear("payout 99 ").await;
    assert!(packed * 2 < unpacked, "{packed} bytes for {unpacked}");
    hear("\n:\n").await;

    let state = ask("/v1/state").send().await.unwrap();
    assert_eq!(state.headers().get("content-encoding"), None, "nobody asked");
    let whole = state.text().await.unwrap();
    let state = ask("/v1/state").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(state.headers()["content-encoding"], "gzip");
    assert!(state.bytes().await.unwrap().len() * 2 < whole.len());
    rig.running.stop().await;
    while let Some(some) = bytes.next().await {
        some.expect("it ends, it does not break off");
    }
}
