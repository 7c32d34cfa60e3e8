//! Calls that wait for a person, from outside: ticket, board, word, one use; through a restart and a halt (CON.2, CON.12).

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{Rig, read, rig, rig_in, until};

const PAYOUT: &str = "stripe.payout";

async fn engage(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn check(rig: &Rig, agent: &str, amount: i64, hold: Option<&str>) -> Value {
    let mut asked = json!({"agent": agent, "tool": PAYOUT, "input": {"amount": amount, "to": "acct-9"}});
    if let Some(hold) = hold {
        asked["hold"] = hold.into();
    }
    rig.post("/v1/interlock/check", asked).await.good().clone()
}

async fn held(rig: &Rig, agent: &str, amount: i64) -> String {
    let answer = check(rig, agent, amount, None).await;
    assert_eq!(answer["decision"], "hold", "{answer}");
    answer["hold"].as_str().unwrap().to_owned()
}

async fn word(rig: &Rig, hold: &str, approve: bool) -> crate::rig::Answer {
    let command = json!({"approve": approve, "why": "looked at", "saw": "refund-bot pays acct-9"});
    rig.command(&format!("/v1/holds/{hold}/decide"), command).await
}

async fn hold(rig: &Rig, id: &str) -> Value {
    rig.get(&format!("/v1/holds/{id}")).await.good().clone()
}

/// CON.2: a held call waits, a person says go, and exactly that call goes, once.
#[tokio::test]
async fn an_approved_call_goes_once_and_no_other() {
    let rig = rig().await;
    engage(&rig, json!({"mode": "quarantine"})).await;
    let ticket = held(&rig, "refund-bot", 120).await;
    assert_eq!(held(&rig, "refund-bot", 120).await, ticket, "the same call waits on with the ticket it has");
    let other = held(&rig, "refund-bot", 121).await;
    assert_ne!(other, ticket);
    let board = rig.get("/v1/holds").await.good().clone();
    let first = &board[0];
    assert_eq!(first["id"], ticket.as_str());
    assert_eq!((first["agent"].as_str(), first["tool"].as_str()), (Some("refund-bot"), Some(PAYOUT)));
    assert_eq!(first["input"]["amount"], 120);
    assert!(first["left_s"].as_f64().unwrap() > 890.0 && first["asked_at"].is_string());
    // Its client waits while a person looks.
    let waits = rig.ask(Method::GET, &format!("/v1/holds/{ticket}?wait_s=30"));
    let waits = tokio::spawn(read(waits));
    word(&rig, &ticket, true).await.good();
    assert_eq!(waits.await.unwrap().good()["state"], "approved");
    let with_other_input = check(&rig, "refund-bot", 121, Some(&ticket)).await;
    assert_eq!(with_other_input["decision"], "deny", "a ticket is for one call: {with_other_input}");
    assert_eq!(check(&rig, "refund-bot", 120, Some(&ticket)).await["decision"], "allow");
    let again = check(&rig, "refund-bot", 120, Some(&ticket)).await;
    assert_eq!(again["decision"], "deny");
    assert!(again["reason"].as_str().unwrap().contains("used"), "{again}");
    word(&rig, &other, false).await.good();
    let denied = check(&rig, "refund-bot", 121, Some(&other)).await;
    assert!(denied["decision"] == "deny" && denied["reason"].as_str().unwrap().contains("looked at"), "{denied}");
}

/// A call that its client cancelled is dropped: approved later, it goes nowhere.
#[tokio::test]
async fn what_the_client_gave_up_is_never_released() {
    let rig = rig().await;
    engage(&rig, json!({"mode": "approval"})).await;
    let ticket = held(&rig, "refund-bot", 120).await;
    let gone = read(rig.ask_tcp(Method::DELETE, &format!("/v1/holds/{ticket}"), None)).await;
    assert_eq!(gone.good()["state"], "abandoned");
    word(&rig, &ticket, true).await.problem(409);
    assert_eq!(check(&rig, "refund-bot", 120, Some(&ticket)).await["decision"], "deny");
    assert_eq!(rig.get("/v1/holds?all=true").await.good()[0]["state"], "abandoned", "and it is shown as such");
}

/// CON.12: an approval lifts one switch only; a halt freezes who waits; nobody's agent identity approves.
#[tokio::test]
async fn an_approval_lifts_one_switch_and_a_halt_freezes_the_rest() {
    let rig = rig().await;
    let wide = engage(&rig, json!({"mode": "approval"})).await;
    engage(&rig, json!({"mode": "quarantine", "scope": {"agent": "refund-bot"}})).await;
    let first = held(&rig, "refund-bot", 120).await;
    let agent = rig.token("bot", "agent", Some("refund-bot")).await;
    let script = rig.token("ci", "automation", None).await;
    for secret in [None, Some(agent.as_str()), Some(script.as_str())] {
        let body = json!({"id": Uuid::now_v7(), "command": {"approve": true}});
        let asked = rig.ask_tcp(Method::POST, &format!("/v1/holds/{first}/decide"), secret).json(&body);
        assert!([401, 403].contains(&read(asked).await.status.as_u16()));
    }
    word(&rig, &first, true).await.good();
    let still = check(&rig, "refund-bot", 120, Some(&first)).await;
    assert_eq!(still["decision"], "hold", "the other switch holds it still: {still}");
    let second = still["hold"].as_str().unwrap().to_owned();
    let halt = engage(&rig, json!({"scope": {"tool": PAYOUT}})).await;
    assert_eq!(hold(&rig, &second).await["frozen"], true);
    word(&rig, &second, true).await.problem(409);
    assert_eq!(check(&rig, "refund-bot", 120, Some(&first)).await["decision"], "deny");
    rig.command(&format!("/v1/switches/{halt}/release"), json!({"why": "safe"})).await.good();
    word(&rig, &second, true).await.good();
    assert_eq!(check(&rig, "refund-bot", 120, Some(&second)).await["decision"], "allow", "both approved, both used");
    assert_eq!(hold(&rig, &first).await["state"], "used");
    // What held it is lifted: the client is told to ask anew.
    let third = held(&rig, "mail-bot", 1).await;
    rig.command(&format!("/v1/switches/{wide}/release"), json!({"why": "over"})).await.good();
    assert_eq!(hold(&rig, &third).await["state"], "lifted");
}

/// A restart keeps who waits and what was approved; a used ticket stays used.
#[tokio::test]
async fn a_restart_keeps_the_board() {
    let rig = rig().await;
    engage(&rig, json!({"mode": "approval"})).await;
    let (used, waits) = (held(&rig, "refund-bot", 1).await, held(&rig, "refund-bot", 2).await);
    word(&rig, &used, true).await.good();
    assert_eq!(check(&rig, "refund-bot", 1, Some(&used)).await["decision"], "allow");
    let Rig { running, folder, .. } = rig;
    running.stop().await;
    let rig = rig_in(folder).await;
    assert_eq!(hold(&rig, &waits).await["state"], "waiting");
    assert_eq!(check(&rig, "refund-bot", 1, Some(&used)).await["decision"], "deny");
    assert_eq!(held(&rig, "refund-bot", 2).await, waits);
}

/// An approved call is no breach; the same action without a word is (DET.9).
#[tokio::test]
async fn only_what_a_person_approved_passes_without_a_breach() {
    let rig = rig().await;
    let switch = engage(&rig, json!({"mode": "approval"})).await;
    let ticket = held(&rig, "refund-bot", 120).await;
    word(&rig, &ticket, true).await.good();
    check(&rig, "refund-bot", 120, Some(&ticket)).await;
    let acts = async || {
        let action = json!({"agent": "refund-bot", "tool": PAYOUT, "status": "ok"});
        rig.post("/v1/actions", action).await.good();
    };
    acts().await;
    acts().await;
    until("the second is a breach", async || {
        let halt = rig.get(&format!("/v1/switches/{switch}")).await.good()["halt"].clone();
        halt["escaped"] == 1 && halt["slipped"].as_array().unwrap().len() == 1
    })
    .await;
}

/// RST.2, CON.9, CON.3 over the wire: stages, a planned switch, a lane.
#[tokio::test]
async fn stages_plans_and_lanes_over_the_wire() {
    let rig = rig().await;
    let halt = engage(&rig, json!({})).await;
    let release = json!({"why": "looks well", "agent": "mail-bot", "to": "approval-required"});
    rig.command(&format!("/v1/switches/{halt}/release"), release).await.good();
    assert_eq!(check(&rig, "mail-bot", 1, None).await["decision"], "hold");
    assert_eq!(check(&rig, "new-bot", 1, None).await["decision"], "deny", "new agents are born denied");
    rig.command(&format!("/v1/switches/{halt}/release"), json!({"why": "over"})).await.good();
    engage(&rig, json!({"mode": "fallback", "lane": "human", "scope": {"agent": "a"}})).await;
    let answer = check(&rig, "a", 1, None).await;
    assert_eq!((answer["decision"].as_str(), answer["lane"].as_str()), (Some("deny"), Some("human")));
    let soon = andon::terms::Time::from(chrono::Utc::now()).plus(400);
    engage(&rig, json!({"scope": {"agent": "b"}, "starts_at": soon, "why": "release night"})).await;
    assert_eq!(check(&rig, "b", 1, None).await["decision"], "allow");
    until("the planned one engages", async || check(&rig, "b", 1, None).await["decision"] == "deny").await;
}

/// CON.4, CON.6, CON.11: what a switch would stop is told before it is fired, and the choice is recorded with its figures.
#[tokio::test]
async fn a_preview_and_an_estimate_come_before_the_switch() {
    let rig = rig().await;
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": [PAYOUT]}, {"id": "mail-bot"}])).await.good();
    check(&rig, "refund-bot", 1, None).await;
    rig.post("/v1/actions", json!({"agent": "seen-bot", "tool": "x"})).await.good();
    until("it is seen", async || rig.get("/v1/agents").await.good().as_array().unwrap().len() == 3).await;
    let asked = json!({"scope": {"tool": PAYOUT}});
    let preview = rig.post("/v1/switches/preview", asked).await.good().clone();
    assert_eq!((&preview["partly"], &preview["goes_on"]), (&json!(["refund-bot"]), &json!(["mail-bot"])), "{preview}");
    assert_eq!(preview["cannot_stop"], json!(["seen-bot"]));
    assert!(preview["recommended"]["why"].is_string() && preview["recommended"]["scope"].is_object(), "{preview}");
    assert_eq!(rig.get("/v1/switches").await.good(), &json!([]), "nothing was engaged");
    rig.post("/v1/switches/preview", json!({"mode": "stop"})).await.problem(422);
    let declared = rig.command("/v1/incidents", json!({"title": "paid twice", "severity": "SEV-1"})).await;
    let incident = declared.good()["events"][0]["stream"].as_str().unwrap().trim_start_matches("incident/").to_owned();
    let estimate = json!({"type": "estimate-blast", "velocity_per_h": 41.7, "window_s": 2_592_000, "reach": 2_000_000,
        "choice": "narrow", "why": "one tool"});
    rig.command(&format!("/v1/incidents/{incident}/commands"), estimate).await.good();
    let blast = rig.get(&format!("/v1/incidents/{incident}")).await.good()["blast"].clone();
    assert_eq!((blast["affected"].as_f64(), blast["advice"].as_str()), (Some(30_024.0), Some("take-down")), "{blast}");
}
