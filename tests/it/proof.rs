//! The proof of a halt beyond acknowledgements: over a restart, by silence, what slipped by before, and a sick log (CON.10).

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use andon::{
    backend::clock::{Clock, system},
    runbook::Book,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::rig::{Frames, Rig, read, rig, rig_by, rig_by_clocks, until};

/// The machine's clock, and how far it is put forward.
fn clock() -> (Clock, Arc<AtomicI64>) {
    let (real, ahead) = (system(), Arc::new(AtomicI64::new(0)));
    let shift = ahead.clone();
    (Arc::new(move || real().plus(shift.load(Ordering::SeqCst))), ahead)
}

async fn lease(rig: &Rig, agent: &str, on_blind: &str) -> Value {
    let asked = json!({"agent": agent, "instance": "one", "version": 0, "on_blind": on_blind});
    rig.post("/v1/interlock/lease", asked).await.good().clone()
}

async fn check(rig: &Rig, agent: &str) -> Value {
    rig.post("/v1/interlock/check", json!({"agent": agent})).await.good().clone()
}

async fn proof(rig: &Rig) -> Value {
    rig.get("/v1/switches/SW-1").await.good()["halt"].clone()
}

/// What is proved of an agent, and by what.
pub fn line(halt: &Value, agent: &str) -> (String, Value) {
    let line = halt["agents"].as_array().unwrap().iter().find(|line| line["id"] == agent).cloned().unwrap_or_default();
    (line["state"].as_str().unwrap_or_default().to_owned(), line["how"].clone())
}

async fn reads(rig: &Rig, agent: &str, state: &str) -> Value {
    until(&format!("{agent} reads {state}"), || async { line(&proof(rig).await, agent).0 == state }).await;
    proof(rig).await
}

/// CON.7, CON.10: a backend that comes back counts whom it had heard, takes every earlier lease for live for one ttl, and
/// proves by their running out.
#[tokio::test]
async fn leases_outlive_a_restart_for_one_ttl() {
    let (clock, ahead) = clock();
    let first = rig_by(tempfile::tempdir().unwrap(), clock.clone()).await;
    lease(&first, "refund-bot", "stop").await;
    lease(&first, "mail-bot", "continue").await;
    check(&first, "search-bot").await;
    let file = first.folder.path().join("data/heard.json");
    let written = || std::fs::read_to_string(&file).unwrap_or_default();
    until("they are remembered at once", || async {
        written().contains("mail-bot") && written().contains("search-bot")
    })
    .await;
    let Rig { running, folder, .. } = first;
    running.stop().await;
    ahead.fetch_add(60_000, Ordering::SeqCst);

    let again = rig_by(folder, clock).await;
    let agents = again.get("/v1/agents").await.good().clone();
    let reach = |id: &str| agents.as_array().unwrap().iter().find(|agent| agent["id"] == id).unwrap()["reach"].clone();
    assert_eq!((reach("refund-bot"), reach("search-bot")), (json!("leased"), json!("checks")));
    again.command("/v1/switches", json!({})).await.good();
    let halt = reads(&again, "refund-bot", "enforced").await;
    assert_eq!((&halt["counted"], &halt["confirmed"]), (&json!(3), &json!(0)), "nobody is proved stopped yet");
    ahead.fetch_add(5_000, Ordering::SeqCst);
    let halt = reads(&again, "refund-bot", "confirmed").await;
    assert_eq!(line(&halt, "refund-bot").1, "expired");
    ahead.fetch_add(26_000, Ordering::SeqCst);
    reads(&again, "mail-bot", "no-answer").await;
    reads(&again, "search-bot", "no-answer").await;
    check(&again, "search-bot").await;
    let halt = reads(&again, "search-bot", "confirmed").await;
    assert_eq!(line(&halt, "search-bot").1, "refused");
}

/// CON.7: leases are measured by a clock that nobody sets. A step of the wall clock ends none, and proves nothing; who
/// continues when blind is not forgotten while a switch waits for him.
#[tokio::test]
async fn a_step_of_the_wall_clock_confirms_nobody() {
    let (wall, stepped) = clock();
    let (steady, passed) = clock();
    let rig = rig_by_clocks(tempfile::tempdir().unwrap(), wall, steady, Book::shipped()).await;
    lease(&rig, "refund-bot", "stop").await;
    lease(&rig, "mail-bot", "continue").await;
    check(&rig, "search-bot").await;
    rig.command("/v1/switches", json!({})).await.good();
    reads(&rig, "refund-bot", "enforced").await;
    // An hour forward: far beyond every ttl. That is no answer yet, and no expiry.
    stepped.fetch_add(3_600_000, Ordering::SeqCst);
    reads(&rig, "mail-bot", "no-answer").await;
    let halt = reads(&rig, "refund-bot", "no-answer").await;
    assert_eq!(halt["confirmed"], 0, "{halt}");
    assert_eq!(rig.get("/v1/agents").await.good()[0]["reach"], "leased");
    passed.fetch_add(5_100, Ordering::SeqCst);
    let halt = reads(&rig, "refund-bot", "confirmed").await;
    assert_eq!(line(&halt, "refund-bot").1, "expired");
    // Back again, and a quarter of an hour goes by: a second instance's lease does not make the first forgotten.
    stepped.fetch_sub(3_600_000, Ordering::SeqCst);
    passed.fetch_add(900_000, Ordering::SeqCst);
    // Engaged only now, a switch waits for him as well.
    rig.command("/v1/switches", json!({"scope": {"agent": "mail-bot"}})).await.good();
    let version = halt_version(&rig).await;
    let second = json!({"agent": "mail-bot", "instance": "two", "version": version, "on_blind": "stop"});
    rig.post("/v1/interlock/lease", second).await.good();
    check(&rig, "mail-bot").await;
    check(&rig, "search-bot").await;
    let halt = reads(&rig, "search-bot", "confirmed").await;
    assert_ne!(line(&halt, "mail-bot").0, "confirmed", "{halt}");
    let later = rig.get("/v1/switches/SW-2").await.good()["halt"].clone();
    assert!(later["counted"] == 1 && line(&later, "mail-bot").0 != "confirmed", "{later}");
}

/// The version of the table that answers now.
async fn halt_version(rig: &Rig) -> u64 {
    check(rig, "other-bot").await["version"].as_u64().unwrap()
}

async fn report(rig: &Rig, secret: &str, agent: &str, id: &str) {
    let action = json!({"agent": agent, "tool": "t", "id": id});
    let answer = read(rig.ask_tcp(Method::POST, "/v1/actions", Some(secret)).json(&action)).await;
    assert_eq!(answer.good()["accepted"], 1, "{answer:?}");
}

/// CON.10: silent is who does nothing while its own source goes on delivering others' work; another source proves nothing.
#[tokio::test]
async fn silence_counts_only_while_the_source_goes_on() {
    let (clock, ahead) = clock();
    let rig = rig_by(tempfile::tempdir().unwrap(), clock).await;
    let (one, other) = (rig.token("one", "gateway", None).await, rig.token("other", "gateway", None).await);
    report(&rig, &one, "refund-bot", "1").await;
    report(&rig, &one, "mail-bot", "2").await;
    report(&rig, &other, "search-bot", "3").await;
    rig.command("/v1/switches", json!({})).await.good();
    ahead.fetch_add(9_000, Ordering::SeqCst);
    report(&rig, &one, "mail-bot", "4").await;
    reads(&rig, "mail-bot", "escaped").await;
    assert_eq!(line(&proof(&rig).await, "refund-bot").0, "enforced", "not yet ten seconds");
    ahead.fetch_add(2_000, Ordering::SeqCst);
    report(&rig, &one, "mail-bot", "5").await;
    let halt = reads(&rig, "refund-bot", "silent").await;
    assert_eq!((&halt["silent"], &halt["confirmed"]), (&json!(1), &json!(0)), "counted apart");
    assert_eq!(line(&halt, "search-bot").0, "enforced", "its own source said nothing");
    ahead.fetch_add(20_000, Ordering::SeqCst);
    let halt = reads(&rig, "search-bot", "no-answer").await;
    assert_eq!(line(&halt, "refund-bot").0, "silent");
    check(&rig, "refund-bot").await;
    reads(&rig, "refund-bot", "confirmed").await;
}

/// CON.10: all that was done in scope since confirmed harm slipped by, before the switch too; a corrected time tells anew.
#[tokio::test]
async fn what_slipped_by_begins_with_confirmed_harm() {
    let (clock, ahead) = clock();
    let rig = rig_by(tempfile::tempdir().unwrap(), clock.clone()).await;
    let secret = rig.token("one", "gateway", None).await;
    let mut times = Vec::new();
    for id in ["1", "2", "3"] {
        report(&rig, &secret, "mail-bot", &format!("other {id}")).await;
        report(&rig, &secret, "refund-bot", id).await;
        times.push(clock().plus(30_000));
        ahead.fetch_add(60_000, Ordering::SeqCst);
    }
    let engage = json!({"scope": {"agent": "refund-bot"}, "harm_at": times[0]});
    rig.command("/v1/switches", engage).await.good();
    let slipped = async || proof(&rig).await["slipped"].as_array().unwrap().len();
    until("both after the harm are told", || async { slipped().await == 2 }).await;
    report(&rig, &secret, "refund-bot", "4").await;
    until("the breach is added", || async { slipped().await == 3 }).await;
    let annotate = async |harm_at: Value| {
        rig.command("/v1/switches/SW-1/annotate", json!({"harm_at": harm_at})).await.good();
    };
    annotate(json!(times[1])).await;
    until("a later time tells less", || async { slipped().await == 2 }).await;
    annotate(json!(times[0].plus(-60_000))).await;
    until("an earlier one more, each once", || async { slipped().await == 4 }).await;
    let halt = proof(&rig).await;
    let whens: Vec<&str> = halt["slipped"].as_array().unwrap().iter().map(|it| it["at"].as_str().unwrap()).collect();
    assert!(whens.is_sorted(), "newest last: {whens:?}");
    assert_eq!((&halt["in_flight"], &halt["escaped"]), (&json!(0), &json!(1)));
}

/// Protocol 3: who cannot write its log for half a lease's life renews none and denies; it goes on when it can again.
#[tokio::test]
async fn a_log_that_cannot_be_written_stops_agents() {
    let rig = rig().await;
    assert_eq!(check(&rig, "refund-bot").await["decision"], "allow");
    lease(&rig, "refund-bot", "stop").await;
    let stream = rig.ask(Method::GET, "/v1/interlock/stream?agent=refund-bot").send().await.unwrap();
    let mut stream = Frames::of(stream);
    stream.any().await.unwrap();
    let context = json!({"context": {"targetingKey": "refund-bot"}});
    let bulk = rig.post("/ofrep/v1/evaluate/flags", context.clone()).await.good().clone();
    let flags = bulk["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap();
    let mut flags = Frames::of(rig.ask(Method::GET, flags).send().await.unwrap());

    let options = SqliteConnectOptions::new().filename(rig.folder.path().join("data/andon.db"));
    let mut thief = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut thief).await.unwrap();
    let body = json!({"id": uuid::Uuid::now_v7(), "command": {"title": "waits for the log"}});
    let declaring = tokio::spawn(rig.ask(Method::POST, "/v1/incidents").json(&body).send());
    until("checks are denied", || async { check(&rig, "refund-bot").await["decision"] == "deny" }).await;
    let denied = check(&rig, "refund-bot").await;
    assert!(denied["reason"].as_str().unwrap().contains("cannot write its log") && denied["switch"].is_null());
    let asked = json!({"agent": "refund-bot", "instance": "one", "version": 0, "on_blind": "stop"});
    rig.post("/v1/interlock/lease", asked).await.problem(503);
    assert!(flags.any().await.unwrap().data.contains("refetchEvaluation"), "who holds flags is told to ask");
    let flag = rig.post("/ofrep/v1/evaluate/flags/andon.allowed", context).await.good().clone();
    assert_eq!((&flag["value"], &flag["variant"]), (&json!(false), &json!("halt")));
    assert_eq!(rig.get("/v1/interlock/authz/x").await.status, 403);
    assert!(stream.any().await.is_none(), "who only listens hears that nobody speaks any more");

    sqlx::query("ROLLBACK").execute(&mut thief).await.unwrap();
    until("they are allowed again", || async { check(&rig, "refund-bot").await["decision"] == "allow" }).await;
    assert!(flags.any().await.unwrap().data.contains("refetchEvaluation"), "and told again");
    lease(&rig, "refund-bot", "stop").await;
    declaring.await.unwrap().unwrap();
}
