//! OFREP to the letter: tags, tickets and the event stream, from outside (CON.2, protocol 3).

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use andon::{runbook::Book, terms::Time};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, process::Command};

use crate::rig::{Frames, Rig, read, rig, rig_by, rig_with, until};

const BULK: &str = "/ofrep/v1/evaluate/flags";

fn bulk_as(rig: &Rig, secret: Option<&str>, agent: &str) -> RequestBuilder {
    rig.ask_tcp(Method::POST, BULK, secret).json(&json!({"context": {"targetingKey": agent}}))
}

/// The path of the stream that a bulk answer offers.
fn stream_of(bulk: &Value) -> String {
    let offered = &bulk["eventStreams"][0];
    assert_eq!((offered["type"].as_str(), offered["inactivityDelaySec"].as_u64()), (Some("sse"), Some(120)), "{bulk}");
    assert_eq!((&offered["url"], &offered["endpoint"]["origin"]), (&Value::Null, &Value::Null), "one of the two");
    offered["endpoint"]["requestUri"].as_str().unwrap().to_owned()
}

/// Opens a stream like a browser does: with no header of its own.
async fn open(rig: &Rig, path: &str) -> Response {
    rig.ask_tcp(Method::GET, path, None).send().await.unwrap()
}

async fn refetch(frames: &mut Frames) -> String {
    let frame = frames.any().await.expect("the stream goes on");
    assert_eq!(frame.event, "message");
    assert!(frame.id.contains(':'), "{frame:?}");
    let data: Value = serde_json::from_str(&frame.data).unwrap();
    assert_eq!(data["type"], "refetchEvaluation");
    data["etag"].as_str().unwrap().to_owned()
}

async fn halt(rig: &Rig, agent: &str) {
    rig.command("/v1/switches", json!({"scope": {"agent": agent}})).await.good();
}

/// A client that has the flags is told 304, however it writes their tag; a stream says when they changed, and only then.
#[tokio::test]
async fn a_stream_says_that_flags_changed_and_the_tag_says_to_what() {
    let rig = rig().await;
    let secret = rig.token("refunds", "agent", Some("refund-bot")).await;
    let bulk = || bulk_as(&rig, Some(&secret), "refund-bot");
    let first = bulk().send().await.unwrap();
    assert_eq!(first.headers()["cache-control"], "no-cache, private");
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let first: Value = first.json().await.unwrap();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = bulk().header("if-none-match", &known).send().await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (304, &*tag), "{known}");
        assert!(again.bytes().await.unwrap().is_empty());
    }
    assert_eq!(bulk().header("if-none-match", "\"other\"").send().await.unwrap().status(), 200);

    let stream = stream_of(&first);
    let opened = open(&rig, &stream).await;
    assert_eq!(opened.headers()["content-type"], "text/event-stream");
    let mut frames = Frames::of(opened);
    halt(&rig, "mail-bot").await;
    halt(&rig, "refund-bot").await;
    let told = refetch(&mut frames).await;
    // What the client does then: the tag from the stream beside the one it holds.
    let path = format!("{BULK}?flagConfigEtag={}", told.trim_matches('"'));
    let again =
        rig.ask_tcp(Method::POST, &path, Some(&secret)).json(&json!({"context": {"targetingKey": "refund-bot"}}));
    let again = again.header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (200, &*told));
    let again: Value = again.json().await.unwrap();
    assert_eq!((&again["flags"][0]["key"], &again["flags"][0]["value"]), (&json!("andon.allowed"), &json!(false)));
    // The other agent's halt told this one nothing: the first frame was its own, and its tag is in force.
    assert_ne!(told, tag);
}

/// What changed between the answer and the stream is told at once.
#[tokio::test]
async fn nothing_is_lost_between_the_flags_and_the_stream() {
    let rig = rig().await;
    let first = read(bulk_as(&rig, None, "refund-bot")).await;
    halt(&rig, "refund-bot").await;
    let mut frames = Frames::of(open(&rig, &stream_of(first.good())).await);
    refetch(&mut frames).await;
}

/// A ticket is good once, for 60 s, for the agent and by the identity that asked; what is refused says to fetch again, and
/// the next answer is whole though no flag changed.
#[tokio::test]
async fn a_ticket_is_good_once_and_then_the_flags_are_fetched_again() {
    let now = Arc::new(AtomicI64::new(1_795_183_200_000));
    let clock = now.clone();
    let rig =
        rig_by(tempfile::tempdir().unwrap(), Arc::new(move || Time::from_millis(clock.load(Ordering::SeqCst)))).await;
    let secret = rig.token("refunds", "agent", Some("refund-bot")).await;
    read(bulk_as(&rig, Some(&secret), "mail-bot")).await.body["errorDetails"].as_str().expect("bound to its agent");
    let fetch = async |tag: Option<&str>| {
        let request = bulk_as(&rig, Some(&secret), "refund-bot");
        let answer = tag.map_or(request.try_clone().unwrap(), |tag| request.header("if-none-match", tag));
        answer.send().await.unwrap()
    };
    let first = fetch(None).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let stream = stream_of(&first.json().await.unwrap());
    assert_eq!(fetch(Some(&tag)).await.status(), 304);

    let frames = Frames::of(open(&rig, &stream).await);
    let used = read(rig.ask_tcp(Method::GET, &stream, None)).await;
    assert!(used.problem(410).body["detail"].as_str().unwrap().contains("fetch the flags again"), "{used:?}");
    drop(frames);
    let again = fetch(Some(&tag)).await;
    assert_eq!(again.status(), 200, "a 304 would leave it with the used ticket");
    let fresh = stream_of(&again.json().await.unwrap());
    assert_ne!(fresh, stream);
    until("it is unchanged again", || async { fetch(Some(&tag)).await.status() == 304 }).await;

    let other = fresh.replace("refund-bot", "mail-bot");
    assert_eq!(open(&rig, &other).await.status(), 410, "another agent's");
    assert_eq!(open(&rig, &fresh).await.status(), 410, "it was shown already");
    let late = stream_of(&fetch(Some(&tag)).await.json().await.unwrap());
    now.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(open(&rig, &late).await.status(), 410, "ran out");
    for wrong in [
        "/ofrep/v1/stream",
        "/ofrep/v1/stream?agent=a",
        "/ofrep/v1/stream?ticket=a",
        "/ofrep/v1/stream?agent=a&ticket=b",
    ] {
        assert_eq!(open(&rig, wrong).await.status(), 410, "{wrong}");
    }

    // Whoever may ask no more hears no more.
    let last = stream_of(&fetch(None).await.json().await.unwrap());
    let revoked = rig.ask(Method::DELETE, "/v1/tokens/TOK-1").json(&json!({"id": uuid::Uuid::now_v7()}));
    let revoked = read(revoked).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(open(&rig, &last).await.status(), 410, "its token is revoked");
}

/// DET.12: a question is no call: asked over and over it breaks no rule on loops; what rules refuse is false, and named.
#[tokio::test]
async fn a_question_is_no_call() {
    let rules = "[before]\nauthorisation = \"enforce-deny\"\n[[rule]]\nname = \"again\"\nloop = { times = 3, minutes = 5 }\n\
                 before = \"enforce-deny\"\n";
    let runbook = Book::of(&BTreeMap::from([("rules.toml".to_owned(), rules.to_owned())])).unwrap();
    let rig = rig_with(tempfile::tempdir().unwrap(), andon::backend::clock::system(), runbook).await;
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": ["crm.update"]}])).await.good();
    let ask = async |tool: &str| {
        let context = json!({"context": {"targetingKey": "refund-bot", "tool": tool, "run": "r1"}});
        read(rig.ask_tcp(Method::POST, &format!("{BULK}/andon.allowed"), None).json(&context)).await.good().clone()
    };
    for _ in 0..5 {
        assert_eq!(ask("crm.update").await["value"], true);
        read(bulk_as(&rig, None, "refund-bot")).await.good();
    }
    let check = json!({"agent": "refund-bot", "tool": "crm.update", "run": "r1"});
    assert_eq!(rig.post("/v1/interlock/check", check).await.good()["decision"], "allow", "the first call");
    let undeclared = ask("shell.run").await;
    assert_eq!((&undeclared["value"], &undeclared["metadata"]["rule"]), (&json!(false), &json!("authorisation")));
}

/// What the door refuses reads as OFREP too, and a ticket stands in no log, however much is logged.
#[tokio::test]
async fn a_ticket_stands_in_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut backend = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("ANDON_HOME", folder.path())
        .env("ANDON_LOG", "trace")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stderr = backend.stderr.take().unwrap();
    let logged = tokio::spawn(async move {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).await.unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    let home = andon::backend::home::Home::under(folder.path());
    let info = || andon::backend::lock::read(&home.lock()).filter(|info| !info.tcp.is_empty());
    until("the backend answers", || async { info().is_some() }).await;
    let (base, client) = (format!("http://{}", info().unwrap().tcp[0]), crate::rig::http().build().unwrap());

    let context = json!({"context": {"targetingKey": "refund-bot"}});
    let wrong = read(client.post(format!("{base}{BULK}")).bearer_auth("andon_wrong").json(&context)).await;
    assert_eq!((wrong.status.as_u16(), wrong.body["errorCode"].as_str()), (401, Some("GENERAL")));
    assert!(wrong.body["errorDetails"].as_str().is_some_and(|details| !details.is_empty()), "{wrong:?}");

    let bulk = read(client.post(format!("{base}{BULK}")).json(&context)).await;
    let stream = stream_of(bulk.good());
    let ticket = stream.rsplit_once("ticket=").unwrap().1.to_owned();
    let opened = client.get(format!("{base}{stream}")).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    assert_eq!(client.get(format!("{base}{stream}")).send().await.unwrap().status(), 410);
    let pid = rustix::process::Pid::from_raw(info().unwrap().pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    backend.wait().await.unwrap();
    let logged = logged.await.unwrap();
    assert!(logged.contains("DEBUG"), "everything is logged");
    assert!(!logged.contains(&ticket), "{}", logged.lines().find(|line| line.contains(&ticket)).unwrap());
}
