//! From the key press to proof: agents of every kind on one backend, one halt typed in the cockpit, each proved stopped or
//! named (CON.1, CON.5, CON.7, CON.10, CON.16).

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    cockpit::Seat,
    gates::backend,
    gateway::{nginx, tools},
    mcp::till,
    openfeature::Agent,
    proof::line,
    rig::{Rig, read, until},
    runner::{Wire, agent_under_lease, both_run, ended, lives, stubborn},
};

const SWITCH: &str = "SW-1";

async fn proof(rig: &Rig) -> Value {
    rig.get(&format!("/v1/switches/{SWITCH}")).await.good()["halt"].clone()
}

/// Waits until `agent` is proved stopped in that way.
async fn confirmed(rig: &Rig, agent: &str, how: &str) {
    until(&format!("{agent} is confirmed by {how}"), || async {
        line(&proof(rig).await, agent) == ("confirmed".to_owned(), json!(how))
    })
    .await;
}

/// A lease of its own, which it does not keep to: it never enforces anything, and says so.
async fn leases_and_ignores(rig: &Rig, secret: &str) -> Value {
    let asked = json!({"agent": "rogue-bot", "instance": "one", "version": 0, "on_blind": "stop"});
    read(rig.ask_tcp(Method::POST, "/v1/interlock/lease", Some(secret)).json(&asked)).await.good().clone()
}

async fn mails(rig: &Rig, secret: &str, id: &str) {
    let action = json!({"agent": "rogue-bot", "tool": "mail.send", "id": id});
    let told = read(rig.ask_tcp(Method::POST, "/v1/actions", Some(secret)).json(&action)).await;
    assert_eq!(told.good()["accepted"], 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_halt_stops_agents_of_every_kind_and_names_who_escaped() {
    let (rig, token) = backend().await;
    let inventory = json!(["stripe.payout", "mail.send"]);
    let ids = ["python-bot", "js-bot", "looper", "far-bot", "rogue-bot"];
    let declared: Vec<Value> = ids.iter().map(|id| json!({"id": id, "inventory": inventory})).collect();
    rig.post("/v1/agents", json!(declared)).await.good();
    let [near, far, edge] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let (home, tools) = (rig.folder.path(), tools().await);

    // All of them act.
    let mut till = till(&rig, "stateless").await;
    assert_eq!(till.refund(5)["answer"]["text"], "refunded 5 for A1");
    let mut flags = [
        Agent::python(&rig.base(), "python-bot").await,
        Agent::node(&rig.base(), "openfeature_server.cjs", "js-bot").await,
    ];
    for agent in &mut flags {
        agent.hears("true allow STATIC - none").await;
    }
    let gateway = nginx(edge.path(), &rig.running.info.tcp[0], &tools, &token).await;
    gateway.call("/v1/payouts", &[]).await.went("/v1/payouts");
    let runner = agent_under_lease("looper", home, None, &[], &stubborn(near.path()));
    let program = both_run(near.path()).await;
    let wire = Wire::to(rig.running.info.tcp[0].clone());
    let cut_off = agent_under_lease("far-bot", home, Some(&wire.url), &[], &stubborn(far.path()));
    let behind_the_cut = both_run(far.path()).await;
    let secret = rig.token("rogue", "agent", Some("rogue-bot")).await;
    mails(&rig, &secret, "before").await;

    // One halt, by two keys; one agent's network goes in between.
    let mut seat = Seat::open(home, 120, 40, &["--pane", "containment"]);
    seat.sees("● live");
    seat.types("!");
    seat.sees("Stops");
    leases_and_ignores(&rig, &secret).await;
    wire.cut();
    seat.fires();

    // One ignores it, and goes on.
    let told = leases_and_ignores(&rig, &secret).await;
    mails(&rig, &secret, "after").await;
    until("it is named", || async { line(&proof(&rig).await, "rogue-bot").0 == "escaped" }).await;

    // All others stop, and what each of them does then is its proof.
    confirmed(&rig, "looper", "acknowledged").await;
    assert_eq!(program.map(lives), [false; 2], "confirmed means gone");
    confirmed(&rig, "till-bot", "acknowledged").await;
    let refused = till.refund(6);
    assert!(refused["answer"]["error"] == true && refused.to_string().contains(SWITCH), "{refused}");
    assert_eq!(till.done(), ["refund A1 5"]);
    for (agent, id) in flags.iter_mut().zip(["python-bot", "js-bot"]) {
        agent.hears("false halt TARGETING_MATCH - halt").await;
        confirmed(&rig, id, "refused").await;
    }
    gateway.call("/v1/payouts", &[]).await.stopped_by(SWITCH);
    confirmed(&rig, "refund-bot", "refused").await;
    until("it stops by itself", async || behind_the_cut.map(lives) == [false; 2]).await;
    confirmed(&rig, "far-bot", "expired").await;
    for (child, said) in [(runner, format!("stopped: {SWITCH}")), (cut_off, "lease ran out".to_owned())] {
        let (code, told) = ended(child);
        assert!(code == Some(1) && told.contains(&said), "{code:?} {told}");
    }

    // The proof counts them, and names the one with what slipped by.
    let halt = proof(&rig).await;
    assert_eq!((&halt["counted"], &halt["confirmed"], &halt["escaped"]), (&json!(7), &json!(6), &json!(1)), "{halt}");
    assert_eq!(halt["confirmed_in_s"], Value::Null, "not as long as one goes on: {halt}");
    let slipped: Vec<_> = halt["slipped"].as_array().unwrap().iter().map(|it| (&it["agent"], &it["what"])).collect();
    assert_eq!(slipped, [(&json!("rogue-bot"), &json!("mail.send"))], "{halt} {told}");
    seat.sees("1 ESCAPED · 6/7 confirmed");
    seat.sees("slipped: rogue-bot mail.send");
}
