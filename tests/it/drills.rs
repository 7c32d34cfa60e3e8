//! A drill played from outside: its world fills, nothing real does, a halt prevents what was to come (DRL.1, law 8).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rig::{Rig, read, rig, until};

async fn play(rig: &Rig, name: &str) -> Value {
    rig.command("/v1/drills", json!({"name": name, "speed": 1000.0, "seed": 7})).await.good().clone()
}

/// Whether the drill's incident has a note that holds `words`.
async fn noted(rig: &Rig, words: &str) -> bool {
    let incidents = rig.get("/v1/incidents?world=DRILL-1").await;
    let all = incidents.good().as_array().unwrap();
    all.iter()
        .flat_map(|one| one["timeline"].as_array().unwrap())
        .any(|entry| entry["kind"] == "note-added" && entry["text"].as_str().is_some_and(|text| text.contains(words)))
}

/// DRL.1: one drill makes cost-rate, action-rate, a new endpoint, outcome and authorisation fire, in its world alone.
#[tokio::test]
async fn a_drill_fires_its_tripwires_and_opens_an_incident_of_its_own() {
    let rig = rig().await;
    let started = play(&rig, "refunds-twice").await;
    assert_eq!(started["id"], "DRILL-1");
    until("every tripwire fires", || async {
        let firings = rig.get("/v1/firings?world=DRILL-1").await;
        let firings = firings.good().as_array().unwrap();
        let fired: BTreeSet<&str> = firings.iter().filter_map(|firing| firing["tripwire"].as_str()).collect();
        let new_endpoint = firings.iter().any(|firing| {
            firing["tripwire"] == "action-rate"
                && firing["detail"].as_str().is_some_and(|one| one.contains("bank.example"))
        });
        new_endpoint && ["cost-rate", "action-rate", "outcome", "authorisation"].iter().all(|one| fired.contains(one))
    })
    .await;
    until("the recording is over", || noted(&rig, "the recording is over; 0 actions")).await;
    assert!(noted(&rig, "report: A customer writes").await, "marks are notes");
    let incidents = rig.get("/v1/incidents?world=DRILL-1").await;
    assert_eq!(incidents.good()[0]["drill"], true);
    for path in ["/v1/firings", "/v1/incidents", "/v1/agents"] {
        assert_eq!(rig.get(path).await.good(), &json!([]), "{path}: nothing of it is real");
    }
    read(rig.ask(reqwest::Method::DELETE, "/v1/drills/DRILL-1")).await.good();
    assert!(rig.get("/v1/drills").await.good()[0]["ended_at"].is_string());
}

/// DRL.1: an action that the drill's interlock halts is not executed, and counted.
#[tokio::test]
async fn a_halt_in_a_drill_prevents_what_was_to_come() {
    let rig = rig().await;
    play(&rig, "promised-refund").await;
    until("an incident is open", || async {
        !rig.get("/v1/incidents?world=DRILL-1").await.good().as_array().unwrap().is_empty()
    })
    .await;
    rig.command("/v1/switches?world=DRILL-1", json!({"why": "it promises"})).await.good();
    until("the recording is over", || noted(&rig, "the recording is over")).await;
    assert!(!noted(&rig, "the recording is over; 0 actions").await, "something was prevented");
    assert_eq!(rig.get("/v1/switches").await.good(), &json!([]), "a drill halts nobody real");
}

/// DRL.3, DET.9, CON.10: an agent that ignores the stop acts past a halt, which is a breach; a switch over the tool, which
/// is cut on its own side, stops it all the same.
#[tokio::test]
async fn an_agent_that_ignores_the_stop_is_a_breach_until_its_tool_is_cut() {
    let rig = rig().await;
    let ask = json!({"name": "deaf-to-stop", "speed": 100.0, "seed": 7});
    rig.command("/v1/drills", ask).await.good();
    let firings = |tripwire: &'static str| {
        let rig = &rig;
        async move {
            let firings = rig.get("/v1/firings?world=DRILL-1").await;
            let firings = firings.good().as_array().unwrap().clone();
            firings.into_iter().filter(|firing| firing["tripwire"] == tripwire).collect::<Vec<Value>>()
        }
    };
    until("it deletes", || async { !firings("authorisation").await.is_empty() }).await;
    rig.command("/v1/switches?world=DRILL-1", json!({"scope": {"agent": "mail-agent"}, "why": "stop"})).await.good();
    until("the halt is broken", || async { !firings("breach").await.is_empty() }).await;
    assert_eq!(firings("breach").await[0]["agent"], "mail-agent");
    let cut = json!({"scope": {"tool": "mail.delete"}, "why": "cut its tool"});
    rig.command("/v1/switches?world=DRILL-1", cut).await.good();
    until("the recording is over", || noted(&rig, "the recording is over")).await;
    assert!(!noted(&rig, "the recording is over; 0 actions").await, "the cut prevented something");
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_with_what_can() {
    let rig = rig().await;
    let unknown = rig.command("/v1/drills", json!({"name": "refund-twice"})).await;
    assert!(unknown.problem(404).body["detail"].as_str().unwrap().contains("did you mean refunds-twice"));
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 0})).await.problem(422);
    rig.command("/v1/drills", json!({"nam": "refunds-twice"})).await.problem(422);
    read(rig.ask(reqwest::Method::DELETE, "/v1/drills/DRILL-9")).await.problem(404);
    assert_eq!(rig.get("/v1/drills/recordings").await.good().as_array().unwrap().len(), 15);
}

/// DRL.3: two teams live through one recording, the first stops nothing, the second at once: the score tells the difference in
/// harm, while it is played and after; what is done and what is prevented is the historical course, together.
#[tokio::test]
async fn stopping_earlier_prevents_more_harm() {
    let rig = rig().await;
    let score = async |drill: &str| rig.get(&format!("/v1/drills/{drill}/score")).await.good().clone();
    play(&rig, "refunds-twice").await;
    until("the first is over", || async { score("DRILL-1").await["over"] == true }).await;
    let late = score("DRILL-1").await;
    assert_eq!(late["harm"]["done"], late["harm"]["course"], "nobody stopped anything");
    assert!(late["harm"]["course"]["money_usd"].as_f64().unwrap() > 0.0, "{late}");
    assert_eq!(late["spared"], 0.0);
    let missed = late["missed"].as_array().unwrap();
    assert!(missed.iter().any(|one| one == "nobody stopped anything"), "{late}");

    play(&rig, "refunds-twice").await;
    rig.command("/v1/switches?world=DRILL-2", json!({"why": "we know this one"})).await.good();
    let live = rig.get("/v1/state?world=DRILL-2").await.good()["live"]["harm"].clone();
    assert_eq!(live["course"], late["harm"]["course"], "counted while it plays");
    until("the second is over", || async { score("DRILL-2").await["over"] == true }).await;
    let soon = score("DRILL-2").await;
    let harm = |what: &str, of: &str| soon["harm"][what][of].as_f64().unwrap_or_default();
    for of in ["people", "money_usd", "records", "messages"] {
        assert_eq!(harm("done", of) + harm("prevented", of), harm("course", of), "{of}: {soon}");
    }
    assert!(soon["spared"].as_f64().unwrap() > late["spared"].as_f64().unwrap(), "{soon}");
    assert!(soon["harm"]["stopped"].as_u64().unwrap() > 0);
    let figures = rig.get("/v1/figures").await;
    assert_eq!(figures.good()["real"]["incidents"], 0, "none of it counts among real figures: {figures:?}");
    rig.get("/v1/drills/DRILL-9/score").await.problem(404);
}

/// DRL.1: a facilitator holds a drill, steps, puts something in, skips to its end; everybody in it sees what is held; what is
/// over is steered no more; nothing of it is real.
#[tokio::test]
async fn a_facilitator_steers_a_drill() {
    let rig = rig().await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1.0})).await.good();
    let steer = async |how: Value| rig.command("/v1/drills/DRILL-1/steer", how).await;
    let harm = async || rig.get("/v1/drills/DRILL-1/score").await.good()["harm"].clone();
    let count = async || {
        let agents = rig.get("/v1/state?world=DRILL-1").await.good()["live"]["telemetry"]["accepted"].clone();
        agents.as_u64().unwrap()
    };
    steer(json!({"steer": "step"})).await.problem(409);
    steer(json!({"steer": "pause"})).await.good();
    assert_eq!(steer(json!({"steer": "pause"})).await.good()["events"], json!([]), "held is held");
    assert_eq!(rig.get("/v1/drills").await.good()[0]["paused"], true);
    until("history is fed", || async { count().await > 0 }).await;
    let held = count().await;
    steer(json!({"steer": "step"})).await.good();
    until("one thing is played", || async { count().await > held }).await;
    let before = harm().await["done"]["people"].as_u64().unwrap_or_default();
    let line = json!({"agent": "refund-bot", "tool": "payouts.create", "harm": {"people": 41}}).to_string();
    steer(json!({"steer": "inject", "line": line})).await.good();
    until("what was put in harms", || async {
        harm().await["done"]["people"].as_u64().unwrap_or_default() == before + 41
    })
    .await;
    for wrong in ["{", "[]", "{\"agent\":7}", "{\"quiet\":{}}"] {
        steer(json!({"steer": "inject", "line": wrong})).await.problem(422);
    }
    steer(json!({"steer": "speed", "speed": 0.0})).await.problem(422);
    steer(json!({"steer": "speed", "speed": 1000.0})).await.good();
    steer(json!({"steer": "skip", "to_s": 1.0e9})).await.good();
    until("it is over", || async { rig.get("/v1/drills/DRILL-1/score").await.good()["over"] == true }).await;
    steer(json!({"steer": "pause"})).await.problem(409);
    assert_eq!(rig.get("/v1/incidents").await.good(), &json!([]), "nothing of it is real");
}
