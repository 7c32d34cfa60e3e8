//! Evidence from telemetry, as a responder meets it: freeze, retention under a pin, kills, look back, register (EVI).

use std::collections::BTreeMap;

use andon::{
    backend::{clock::Clock, home::Home},
    runbook::Book,
    terms::Time,
};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    crash::{answering, serve},
    rig::{Rig, rig, rig_by, rig_with, until},
};

/// Declares an incident about `agents`; INC-1.
async fn declare(rig: &Rig, agents: &[&str]) {
    let declare = json!({"title": "paid twice", "severity": "SEV-2", "agents": agents});
    rig.command("/v1/incidents", declare).await.good();
}

/// Reports actions.
async fn report(rig: &Rig, actions: &Value) {
    let answer = crate::rig::read(rig.ask(reqwest::Method::POST, "/v1/actions").json(actions)).await;
    assert_eq!(answer.good()["rejected"], json!([]), "{answer:?}");
}

async fn ask(rig: &Rig, command: Value) -> crate::rig::Answer {
    rig.command("/v1/incidents/INC-1/commands", command).await
}

async fn evidence(rig: &Rig) -> Value {
    rig.get("/v1/incidents/INC-1").await.good()["evidence"].clone()
}

fn item<'e>(evidence: &'e Value, id: &str) -> &'e Value {
    evidence["items"].as_array().unwrap().iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("no item {id}"))
}

/// A payment with everything that evidence wants of it.
fn payment(run: &str, to: &str) -> Value {
    json!({
        "agent": "refund-bot", "run": run, "workflow": "refunds", "tool": "stripe.payout", "class": "external-api-call",
        "input": {"to": to}, "output": {"id": "po_1"}, "amount": {"value": 120.0, "currency": "usd"}, "counterparty": to,
        "on_behalf_of": "user-7", "cost_usd": 0.01,
        "detail": {"effects": ["po_1"], "changes": [{"record": format!("order of {to}"), "before": 1, "after": 2}]},
    })
}

/// EVI.1, EVI.2, EVI.3, EVI.5: one command pins what the incident's agents did and fills what that tells; a mutable alias
/// is flagged; the rest is for people, and the clock is met when nothing is unknown.
#[tokio::test]
async fn one_command_freezes_and_fills() {
    let rig = rig().await;
    report(
        &rig,
        &json!([
            payment("run-81", "acct-9"),
            {"agent": "refund-bot", "run": "run-81", "endpoint": "chat openai/gpt-4o", "model": "gpt-4o",
             "tokens": {"input": 5, "output": 2}, "input": [{"role": "system", "content": "Refund once."}], "output": "ok"},
            {"agent": "other-bot", "tool": "crm.read"},
        ]),
    )
    .await;
    declare(&rig, &["refund-bot"]).await;
    let before = evidence(&rig).await;
    assert_eq!(
        (before["held"].clone(), before["total"].clone(), before["unknown"].clone()),
        (json!(0), json!(26), json!(26))
    );
    ask(&rig, json!({"type": "freeze-evidence"})).await.good();
    let kept = evidence(&rig).await;
    let manifest = &kept["freezes"][0]["manifest"];
    assert_eq!((&manifest["count"], &manifest["agents"]), (&json!(2), &json!({"refund-bot": 2})));
    assert_eq!(manifest["digest"].as_str().unwrap().len(), 64);
    for held in
        ["incident", "runs", "path", "instructions", "tool-calls", "identity", "changes", "side-effects", "usage"]
    {
        assert_eq!(item(&kept, held)["state"], "held", "{held}");
    }
    assert!(item(&kept, "runs")["why"].as_str().unwrap().contains("run-81"));
    assert_eq!(item(&kept, "model")["state"], "claimed-only");
    assert!(item(&kept, "model")["why"].as_str().unwrap().contains("mutable alias"));
    assert_eq!(item(&kept, "user-report")["state"], "unknown");

    // A gap needs its reason, an expiring one its time; then nothing is unknown, and the clock is met.
    ask(&rig, json!({"type": "set-evidence", "item": "user-report", "state": "missing"})).await.problem(422);
    ask(&rig, json!({"type": "set-evidence", "item": "retrievel", "state": "held"})).await.problem(404);
    ask(&rig, json!({"type": "set-evidence", "item": "retrieval", "state": "expiring"})).await.problem(422);
    let unknown: Vec<String> = kept["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["state"] == "unknown")
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    for id in &unknown {
        let set = json!({"type": "set-evidence", "item": id, "state": "missing", "why": "nobody kept it"});
        ask(&rig, set).await.good();
    }
    let view = rig.get("/v1/incidents/INC-1").await;
    let clock =
        view.good()["clocks"].as_array().unwrap().iter().find(|clock| clock["name"] == "evidence").unwrap().clone();
    assert_eq!(clock["state"], "met", "{clock}");
    let whole = rig.get("/v1/incidents/INC-1/evidence").await;
    assert_eq!(whole.good()[0]["whole"], true, "{whole:?}");
    let pinned = rig.get("/v1/incidents/INC-1/evidence/actions?freeze=FRZ-1").await;
    assert_eq!(pinned.good().as_array().unwrap().len(), 2);

    // What comes later joins.
    report(&rig, &json!([payment("run-82", "acct-10")])).await;
    until("an addendum", || async { evidence(&rig).await["freezes"][0]["addenda"][0]["manifest"]["count"] == 1 }).await;
}

/// The system's clock, so many days later.
fn later(days: i64) -> Clock {
    let clock = andon::backend::clock::system();
    std::sync::Arc::new(move || clock().plus(days * Time::DAY))
}

/// Stops it and starts it again so many days later; retention is looked at when it starts.
async fn again(rig: Rig, days: i64) -> Rig {
    let Rig { running, folder, .. } = rig;
    running.stop().await;
    rig_by(folder, later(days)).await
}

async fn stored(rig: &Rig, agent: &str) -> usize {
    rig.get(&format!("/v1/actions?agent={agent}")).await.good().as_array().unwrap().len()
}

/// EVI.1, EVI.5: what is pinned outlives retention, a restart, and under a legal hold closing; a named role lifts it.
#[tokio::test]
async fn a_pin_outlives_retention_and_a_legal_hold_closing() {
    let rig = rig().await;
    report(
        &rig,
        &json!([payment("run-81", "acct-9"), payment("run-81", "acct-8"), {"agent": "other-bot", "tool": "t"}]),
    )
    .await;
    declare(&rig, &["refund-bot"]).await;
    ask(&rig, json!({"type": "freeze-evidence", "run": "run-81"})).await.good();
    ask(&rig, json!({"type": "hold-evidence", "why": "claims are likely"})).await.good();
    assert_eq!((stored(&rig, "refund-bot").await, stored(&rig, "other-bot").await), (2, 1));
    let rig = again(rig, 60).await;
    until("retention takes what nobody pinned", || async { stored(&rig, "other-bot").await == 0 }).await;
    assert_eq!(rig.get("/v1/incidents/INC-1/evidence").await.good()[0]["whole"], true);
    ask(&rig, json!({"type": "close", "over": "a test"})).await.good();
    let rig = again(rig, 900).await;
    report(&rig, &json!([{"agent": "other-bot", "tool": "t"}])).await;
    assert_eq!(rig.get("/v1/incidents/INC-1/evidence").await.good()[0]["found"], 2);
    ask(&rig, json!({"type": "lift-evidence", "why": "settled"})).await.problem(403);
    let me = rig.get("/v1/state").await.good()["you"]["name"].as_str().unwrap().to_owned();
    ask(&rig, json!({"type": "assign", "role": "severity-owner", "who": me})).await.good();
    ask(&rig, json!({"type": "lift-evidence", "why": "settled"})).await.good();
    // The keeper takes the pin off; the next start's look at retention takes the rest.
    let mut rig = rig;
    for days in 901..911 {
        rig = again(rig, days).await;
        if stored(&rig, "refund-bot").await == 0 {
            return;
        }
    }
    panic!("what nobody pins any more is still there");
}

/// EVI.1: a freeze of nothing says so and counts; a window that is none is refused; an unknown incident too.
#[tokio::test]
async fn a_freeze_of_nothing_is_recorded_with_zero() {
    let rig = rig().await;
    declare(&rig, &["quiet-bot"]).await;
    let frozen = ask(&rig, json!({"type": "freeze-evidence"})).await;
    assert_eq!(frozen.good()["events"][0]["data"]["manifest"]["count"], 0);
    assert!(evidence(&rig).await["frozen_at"].is_string());
    let window = json!({"type": "freeze-evidence", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"});
    assert!(ask(&rig, window).await.problem(422).body["detail"].as_str().unwrap().contains("ends before it begins"));
    let nobody = rig.command("/v1/incidents/INC-9/commands", json!({"type": "freeze-evidence"})).await;
    nobody.problem(404);
    let sent = json!({"type": "freeze-evidence", "pinned": {"pin": "x"}});
    ask(&rig, sent).await.problem(422);
}

/// EVI.1: a move that destroys evidence is not held up by it: it fires, and a snapshot is taken beside it.
#[tokio::test]
async fn a_snapshot_is_taken_beside_a_rollback_of_the_release() {
    let actuators = "[[actuator]]\nname = \"last-good\"\nmove = \"roll-back-release\"\ncommand = [\"true\"]\non = {agent = \"refund-bot\"}\n";
    let texts = BTreeMap::from([("actuators.toml".to_owned(), actuators.to_owned())]);
    let runbook = Book::of(&texts).unwrap();
    let rig = rig_with(tempfile::tempdir().unwrap(), andon::backend::clock::system(), runbook).await;
    report(&rig, &json!([payment("run-81", "acct-9")])).await;
    declare(&rig, &["refund-bot"]).await;
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}, "incident": "INC-1"})).await.good();
    until("a snapshot", || async { evidence(&rig).await["freezes"].as_array().is_some_and(|all| !all.is_empty()) })
        .await;
    let freeze = evidence(&rig).await["freezes"][0].clone();
    assert_eq!((&freeze["occasion"], &freeze["beside"]), (&json!("move"), &json!("SW-1 last-good")));
    assert_eq!((&freeze["by"], &freeze["manifest"]["count"]), (&json!("andon:evidence"), &json!(1)));
}

/// EVI.7, EVI.8: the look back names everything touched, feeds the register when it is contained, and people add to it.
#[tokio::test]
async fn the_look_back_feeds_the_register() {
    let rig = rig().await;
    declare(&rig, &["refund-bot"]).await;
    report(&rig, &json!([payment("run-81", "acct-9"), payment("run-82", "acct-8"), payment("run-82", "acct-8")])).await;
    ask(&rig, json!({"type": "freeze-evidence"})).await.good();
    ask(&rig, json!({"type": "declare-contained", "why": "the switch of the vendor"})).await.good();
    let looked = rig.get("/v1/incidents/INC-1/lookback").await;
    let looked = looked.good();
    assert_eq!((&looked["runs"]["count"], &looked["recipients"]["listed"]), (&json!(2), &json!(["acct-8", "acct-9"])));
    assert_eq!((&looked["records"]["count"], &looked["contained"]), (&json!(2), &json!(true)));
    assert_eq!(looked["money"][0]["sum"], 360.0);
    let rows = || async { rig.get("/v1/incidents/INC-1").await.good()["register"]["rows"].clone() };
    until("the register is fed", || async { rows().await.as_array().is_some_and(|rows| rows.len() >= 3) }).await;
    let duty = json!({"type": "add-affected", "kind": "regulatory", "what": "notice of a payment incident"});
    ask(&rig, duty.clone()).await.good();
    ask(&rig, duty).await.problem(409);
    let rows = rows().await;
    let last = rows.as_array().unwrap().last().unwrap();
    assert_eq!((&last["state"], last.get("count")), (&json!("unknown"), None));
}

/// Asks as a person on the socket of `home`.
async fn post(home: &Home, path: &str, id: Uuid, command: &Value) -> Option<Value> {
    let info = answering(home).await;
    let client = Client::builder().unix_socket(info.socket).build().unwrap();
    let body = json!({"id": id, "command": command});
    let answer = client.post(format!("http://localhost{path}")).json(&body).send().await.ok()?;
    answer.json().await.ok()
}

/// EVI.1: killed at any moment between pin and fact, no freeze is half: what the log holds is whole in the store, and
/// what it does not hold is asked again under the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_pin_and_fact_leaves_no_half_freeze() {
    andon::tls::ready();
    let folder = tempfile::tempdir().unwrap();
    let home = Home::under(folder.path());
    let mut child = serve(folder.path());
    let declare = json!({"title": "paid twice", "agents": ["refund-bot"]});
    post(&home, "/v1/incidents", Uuid::now_v7(), &declare).await.unwrap();
    let rounds = 6;
    for round in 0..rounds {
        let info = answering(&home).await;
        let client = Client::builder().unix_socket(info.socket).build().unwrap();
        let actions: Vec<Value> = (0..200).map(|at| payment(&format!("run-{round}"), &format!("acct-{at}"))).collect();
        let sent = client.post("http://localhost/v1/actions").json(&actions).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        let id = Uuid::now_v7();
        let body = json!({"id": id, "command": {"type": "freeze-evidence"}});
        let asking = tokio::spawn(client.post("http://localhost/v1/incidents/INC-1/commands").json(&body).send());
        // A different moment each round: so many other answers later.
        for _ in 0..round * 2 {
            let _ = client.get("http://localhost/healthz").send().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = asking.await;
        child = serve(folder.path());
        let path = "/v1/incidents/INC-1/commands";
        let first = post(&home, path, id, &json!({"type": "freeze-evidence"})).await.unwrap();
        let second = post(&home, path, id, &json!({"type": "freeze-evidence"})).await.unwrap();
        assert_eq!(first["events"], second["events"], "asked again it is the same freeze");
    }
    let info = answering(&home).await;
    let client = Client::builder().unix_socket(info.socket).build().unwrap();
    let checked = client.get("http://localhost/v1/incidents/INC-1/evidence").send().await.unwrap();
    let checked: Value = checked.json().await.unwrap();
    assert_eq!(checked.as_array().unwrap().len(), rounds, "{checked}");
    assert!(checked.as_array().unwrap().iter().all(|freeze| freeze["whole"] == true), "{checked}");
    child.kill().unwrap();
    child.wait().unwrap();
}
