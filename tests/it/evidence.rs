//! Evidence from telemetry, as a responder meets it: freeze, retention under a pin, kills, look back, register (EVI).

use serde_json::{Value, json};

use crate::rig::{Rig, rig, until};

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
