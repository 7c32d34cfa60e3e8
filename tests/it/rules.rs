//! A team's own rules, from its runbook folder to a firing, live and from a file (DET.11, DET.12, CON.14).

use std::collections::BTreeMap;

use andon::{backend::clock::system, runbook::Book, terms::Time};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    cli::Desk,
    rig::{Rig, read, rig_with, until},
};

const RULES: &str = r#"
[[rule]]
name = "big payout"
tool = "stripe.payout"
amount = { USD = 500.0 }
input = { amount = "/amount", unit = 0.01 }
pages = "the finance on-call"
opens_incident = true

[[rule]]
name = "again"
loop = { times = 3, minutes = 5 }
"#;

fn runbook(rules: &str) -> Book {
    Book::of(&BTreeMap::from([("rules.toml".to_owned(), rules.to_owned())])).unwrap()
}

async fn rig(rules: &str) -> Rig {
    rig_with(tempfile::tempdir().unwrap(), system(), runbook(rules)).await
}

fn payout(at: Time, cents: u64, run: &str) -> Value {
    json!({"at": at, "agent": "refund-bot", "run": run, "tool": "stripe.payout", "status": "ok", "input": {"amount": cents}})
}

/// DET.11: through telemetry to a firing that pages whom the rule names, joined by an incident to confirm.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_fires_on_what_agents_report() {
    let rig = rig(RULES).await;
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": ["stripe.payout"]}])).await.good();
    let at = system()();
    let calm = json!([payout(at, 50_000, "a"), payout(at, 50_000, "b")]);
    assert_eq!(rig.post("/v1/actions", calm).await.good()["accepted"], 2);
    assert_eq!(rig.get("/v1/firings").await.good(), &json!([]));
    let told = json!([payout(at, 50_001, "c"), payout(at, 50_000, "d")]);
    assert_eq!(rig.post("/v1/actions", told).await.good()["accepted"], 2);
    let firings = rig.get("/v1/firings").await.good().clone();
    let said = |place: usize, field: &str| firings[place][field].clone();
    assert_eq!((said(0, "detail"), said(1, "detail")), ("big payout".into(), "again".into()), "{firings:#}");
    assert_eq!((said(0, "tripwire"), said(0, "agent")), ("rule".into(), "refund-bot".into()));
    assert_eq!(said(0, "note"), "500.01 over 500.00");
    assert_eq!(said(0, "paged")[0]["to"], "the finance on-call");
    assert_eq!((said(0, "incident"), said(1, "incident")), ("INC-1".into(), "INC-1".into()));
    assert_eq!(rig.get("/v1/incidents/INC-1").await.good()["title"], "rule: refund-bot · big payout");
    rig.running.stop().await;
}

/// DET.8, DET.11, GOV.1: the same rules over a file; a rule that does not fit is named with file, line and key.
#[test]
fn rules_are_listed_and_judge_a_file() {
    let desk = Desk::new();
    let listed = desk.json(&["tripwires", "rules"]);
    assert_eq!((listed[0]["name"].as_str(), listed[0]["before"].as_str()), (Some("authorisation"), Some("off")));
    assert_eq!(listed.as_array().unwrap().len(), 1, "what ships has no rule in force: {listed}");
    let folder = desk.folder.path().join("config/runbook");
    std::fs::create_dir_all(&folder).unwrap();
    desk.file("config/runbook/rules.toml", RULES);
    let listed = desk.json(&["tripwires", "rules"]);
    assert_eq!(listed[1]["rule"]["amount"]["USD"], 500.0, "{listed}");
    let text = desk.done(&["tripwires", "rules"]);
    assert!(text.contains("over 500.00 USD in a call · tool stripe.payout"), "{text}");

    let start = Time::from_millis(1_772_460_300_000);
    let lines: Vec<String> =
        (0..5).map(|n| payout(start.plus(n * Time::SECOND), 60_000 - n as u64 / 2, "r").to_string()).collect();
    let file = desk.file("actions.ndjson", &lines.join("\n"));
    let agents = desk.file("agents.json", r#"[{"id":"refund-bot","inventory":["stripe.payout"]}]"#);
    let tested = desk.json(&["tripwires", "test", &file, "--agents", &agents]);
    let fired: Vec<(&str, &str)> = tested["firings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["tripwire"].as_str().unwrap(), line["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(fired, [("rule", "big payout")], "two pairs of calls are no loop of three");

    desk.file("config/runbook/rules.toml", &RULES.replace("times = 3", "time = 3"));
    let why = desk.refused(1, &["tripwires", "rules"]);
    assert!(why.contains("rules.toml line 12") && why.contains("did you mean times?"), "{why}");
}

const BEFORE: &str = r#"
[before]
authorisation = "warn"

[[rule]]
name = "big payout"
tool = "stripe.payout"
amount = { USD = 500.0 }
input = { amount = "/amount" }
before = "enforce-hold"

[[rule]]
name = "to somewhere else"
tool = "stripe.payout"
new_counterparty = { grace_h = 0 }
input = { counterparty = "/to" }
before = "shadow"

[[rule]]
name = "again"
tool = "crm.update"
loop = { times = 3, minutes = 5 }
before = "enforce-deny"
"#;

/// DET.12: shadow counts, warn tells, hold waits for a person, deny refuses; each named by its rule.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_judged_before_it_runs() {
    let rig = rig(BEFORE).await;
    let inventory = json!(["stripe.payout", "crm.update"]);
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": inventory}])).await.good();
    let check = |tool: &'static str, input: Value, hold: Value| {
        let asked = json!({"agent": "refund-bot", "tool": tool, "run": "r1", "input": input, "hold": hold});
        let rig = &rig;
        async move { rig.post("/v1/interlock/check", asked).await.good().clone() }
    };
    let none = || json!(null);
    let small = check("stripe.payout", json!({"amount": 10, "to": "a"}), none()).await;
    assert_eq!((&small["decision"], &small["warn"]), (&json!("allow"), &none()), "shadow says nothing: {small}");

    let warned = check("shell.run", json!({}), none()).await;
    assert_eq!(warned["decision"], "allow", "{warned}");
    assert_eq!(warned["warn"], "authorisation (warn): shell.run is not in its inventory");

    let big = json!({"amount": 501, "to": "a"});
    let held = check("stripe.payout", big.clone(), none()).await;
    assert_eq!((&held["decision"], &held["rule"], &held["switch"]), (&json!("hold"), &json!("big payout"), &none()));
    let hold = held["hold"].clone();
    let waiting = rig.get(&format!("/v1/holds/{}", hold.as_str().unwrap())).await.good().clone();
    assert_eq!((&waiting["state"], &waiting["rule"]), (&json!("waiting"), &json!("big payout")), "{waiting}");
    let again = check("stripe.payout", big.clone(), none()).await;
    assert_eq!(again["hold"], hold, "the same call waits on with the ticket it has");
    let decided = json!({"approve": true, "looked_s": 40.0});
    let path = format!("/v1/holds/{}/decide", hold.as_str().unwrap());
    rig.command(&path, decided).await.good();
    let through = check("stripe.payout", big.clone(), hold.clone()).await;
    assert_eq!(through["decision"], "allow", "{through}");
    let twice = check("stripe.payout", big, hold).await;
    assert_eq!(twice["decision"], "deny", "a ticket is good once: {twice}");

    let ran = json!({"agent": "refund-bot", "tool": "stripe.payout", "run": "r1", "status": "ok", "input": {"amount": 501, "to": "a"}});
    rig.post("/v1/actions", ran).await.good();

    for expected in ["allow", "allow", "deny"] {
        let answer = check("crm.update", json!({"id": 7}), none()).await;
        assert_eq!(answer["decision"], expected, "{answer}");
    }
    let tallies = rig.get("/v1/tripwires").await.good()["before"].clone();
    let met = |name: &str| {
        let all = tallies.as_array().unwrap();
        all.iter().find(|tally| tally["name"] == name).unwrap()["met"].as_u64().unwrap()
    };
    assert_eq!((met("authorisation"), met("big payout"), met("again")), (1, 2, 1), "{tallies:#}");
    assert!(met("to somewhere else") >= 1, "shadow: how often it would have stopped");
    let firings = || async { rig.get("/v1/firings").await.good().clone() };
    until("three asked for and not in shadow, a quick approval, and what ran unasked", || async {
        firings().await.as_array().unwrap().len() == 5
    })
    .await;
    let told = firings().await;
    // What a person approved fires no rule once it ran; what nobody was asked about does.
    let mut details: Vec<&str> = told.as_array().unwrap().iter().map(|one| one["detail"].as_str().unwrap()).collect();
    details.sort_unstable();
    assert_eq!(
        details,
        ["approval rubber-stamped", "asked: again", "asked: authorisation", "asked: big payout", "to somewhere else"]
    );
    assert_eq!(rig.get("/v1/incidents").await.good(), &json!([]), "what was only asked for opens no incident");
    rig.running.stop().await;
}

/// CON.14: a person moves it on after each backtest; then a firing halts its agent in the same breath, a check is
/// refused, and a restart keeps both the word and the halt.
#[tokio::test(flavor = "multi_thread")]
async fn a_tripwire_halts_by_itself_once_a_person_approved_it() {
    let rig = rig("").await;
    let agents = json!([{"id": "refund-bot", "inventory": ["stripe.payout"]}, {"id": "mailer", "inventory": ["mail"]}]);
    rig.post("/v1/agents", agents).await.good();
    let acts = |agent: &str, tool: &str| json!({"agent": agent, "run": "r", "tool": tool, "status": "ok"});
    rig.post("/v1/actions", acts("mailer", "shell.run")).await.good();
    assert_eq!(rig.get("/v1/switches").await.good(), &json!([]), "nothing was approved");

    let plan = json!({"tripwire": "authorisation", "scope": "agent", "mode": "halt", "days": 7});
    let set = |stage: &str, confirm: Value| json!({"tripwire": "authorisation", "stage": stage, "scope": "agent", "mode": "halt", "confirm": confirm});
    let path = "/v1/tripwires/auto";
    rig.command(path, set("shadow", json!(null))).await.problem(422);
    rig.command(path, set("shadow", json!("0123456789ab"))).await.problem(409);
    let generic = json!({"command": "set-auto", "tripwire": "authorisation", "stage": "shadow", "scope": "agent"});
    rig.command("/v1/commands", generic).await.problem(422);
    for (place, stage) in ["shadow", "warn", "enforce"].into_iter().enumerate() {
        let seen = rig.post("/v1/tripwires/auto/backtest", plan.clone()).await.good().clone();
        assert_eq!((&seen["actions"], &seen["engagements"]), (&json!(place + 1), &json!(1)), "{seen:#}");
        assert_eq!(seen["newest"][0]["scope"], json!({"agent": "mailer"}));
        let digest = seen["digest"].as_str().unwrap().to_owned();
        if place == 0 {
            let secret = rig.token("ci", "automation", None).await;
            let body = json!({"id": uuid::Uuid::now_v7(), "command": set(stage, json!(digest))});
            let asked = rig.ask_tcp(reqwest::Method::POST, path, Some(&secret)).json(&body);
            crate::rig::read(asked).await.problem(403);
            let wider =
                json!({"tripwire": "authorisation", "stage": stage, "scope": "all", "mode": "halt", "confirm": digest});
            rig.command(path, wider).await.problem(409);
        }
        rig.command(path, set(stage, json!(digest[..12]))).await.good();
        if stage != "enforce" {
            rig.post("/v1/actions", acts(&format!("bot-{stage}"), "x")).await.good();
            let firings = rig.get("/v1/firings").await.good().clone();
            let last = firings.as_array().unwrap().last().unwrap();
            assert_eq!((&last["auto"]["stage"], &last["auto"]["switch"]), (&json!(stage), &json!(null)), "{last:#}");
            rig.post("/v1/agents", json!([{"id": format!("bot-{stage}"), "inventory": ["x"]}])).await.good();
        }
    }
    rig.running.stop().await;

    let again = rig_with(rig.folder, system(), runbook("")).await;
    let view = again.get("/v1/tripwires").await.good()["auto"].clone();
    assert_eq!((&view[0]["stage"], &view[0]["backtest"]["days"]), (&json!("enforce"), &json!(7)), "{view:#}");
    let check = |agent: &'static str| {
        let asked = json!({"agent": agent, "tool": "stripe.payout"});
        let again = &again;
        async move { again.post("/v1/interlock/check", asked).await.good().clone() }
    };
    assert_eq!(check("refund-bot").await["decision"], "allow");
    again.post("/v1/actions", acts("refund-bot", "shell.run")).await.good();
    let refused = check("refund-bot").await;
    assert_eq!((&refused["decision"], &refused["switch"]), (&json!("deny"), &json!("SW-1")), "{refused:#}");
    assert_eq!(check("mailer").await["decision"], "allow", "the others go on");
    let switch = again.get("/v1/switches/SW-1").await.good().clone();
    assert_eq!((&switch["by"], &switch["scope"]), (&json!("andon:tripwires"), &json!({"agent": "refund-bot"})));
    assert!(switch["why"].as_str().unwrap().contains("approved this before"), "{switch:#}");
    assert!(switch["incident"].is_string(), "there is an incident to work it");
    again.running.stop().await;
    let third = rig_with(again.folder, system(), runbook("")).await;
    let asked = json!({"agent": "refund-bot", "tool": "stripe.payout"});
    assert_eq!(third.post("/v1/interlock/check", asked).await.good()["decision"], "deny", "a restart frees nobody");
    third.running.stop().await;
}

/// CON.14 on the command line: the first call shows, the second one with the digest does it.
#[test]
fn moving_on_shows_the_backtest_first() {
    let desk = Desk::new();
    assert_eq!(desk.json(&["tripwires", "auto"]), json!([]));
    let why = desk.refused(1, &["tripwires", "auto", "set", "cost-rate", "--stage", "shadow"]);
    let digest = why.rsplit("--yes ").next().unwrap().trim();
    let told = desk.done(&["tripwires", "auto", "set", "cost-rate", "--stage", "shadow", "--yes", digest]);
    assert!(told.contains("auto-containment-set"), "{told}");
    let listed = desk.json(&["tripwires", "auto", "list"]);
    assert_eq!(
        (&listed[0]["stage"], &listed[0]["scope"], &listed[0]["mode"]),
        (&json!("shadow"), &json!("agent"), &json!("halt"))
    );
    let why = desk.refused(1, &["tripwires", "auto", "set", "no such rule", "--stage", "shadow"]);
    let digest = why.rsplit("--yes ").next().unwrap().trim();
    let why = desk.refused(1, &["tripwires", "auto", "set", "no such rule", "--stage", "shadow", "--yes", digest]);
    assert!(why.contains("there is no rule"), "{why}");
    desk.done(&["tripwires", "auto", "set", "cost-rate", "--stage", "off"]);
    assert_eq!(desk.json(&["tripwires", "auto"])[0]["stage"], "off");
}

/// DET.13: an approval that was forged, given at a glance, or not waited for pages at once, and says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_is_none_pages_at_once() {
    let rig = rig("").await;
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": ["stripe.payout"]}])).await.good();
    rig.command("/v1/switches", json!({"mode": "approval"})).await.good();
    let check = |amount: u64, hold: Value| {
        let asked = json!({"agent": "refund-bot", "tool": "stripe.payout", "input": {"amount": amount}, "hold": hold});
        let rig = &rig;
        async move { rig.post("/v1/interlock/check", asked).await.good().clone() }
    };
    let firing = |detail: &'static str| {
        let rig = &rig;
        async move {
            let all = rig.get("/v1/firings").await.good().clone();
            all.as_array().unwrap().iter().find(|one| one["detail"] == detail).cloned()
        }
    };
    let held = check(1, json!(null)).await["hold"].clone();
    assert_eq!(check(2, held.clone()).await["decision"], "deny", "a ticket for another call");
    until("forged", || async { firing("approval forged").await.is_some() }).await;
    let path = format!("/v1/holds/{}/decide", held.as_str().unwrap());
    rig.command(&path, json!({"approve": true})).await.good();
    until("rubber-stamped", || async { firing("approval rubber-stamped").await.is_some() }).await;
    let stamped = firing("approval rubber-stamped").await.unwrap();
    assert_eq!((&stamped["tripwire"], &stamped["limit"]), (&json!("breach"), &json!(30.0)), "{stamped:#}");
    assert_eq!(stamped["paged"][0]["to"], "security and the incident commander");

    assert_eq!(check(3, json!(null)).await["decision"], "hold");
    let ran = json!({"agent": "refund-bot", "tool": "stripe.payout", "status": "ok", "input": {"amount": 3}});
    rig.post("/v1/actions", ran).await.good();
    until("unenforced", || async { firing("approval unenforced").await.is_some() }).await;
    let unenforced = firing("approval unenforced").await.unwrap();
    assert!(
        unenforced["note"].as_str().unwrap().contains("`andon halt --agent refund-bot --mode approval`"),
        "{unenforced:#}"
    );
    assert!(unenforced["incident"].is_string(), "a person confirms or dismisses it");
    rig.running.stop().await;
}

/// DET.12: behind a gateway that shows the body the same rules look at the same arguments, of an MCP call too.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_shows_rules_what_a_check_shows() {
    let rig = rig(BEFORE).await;
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": ["stripe.payout", "crm.update"]}])).await.good();
    let gateway = rig.token("edge", "gateway", None).await;
    let pass = async |tool: &str, body: Value| {
        let request = rig.ask_tcp(Method::POST, "/v1/interlock/authz/v1/payouts", Some(&gateway)).json(&body);
        read(request.header("x-andon-agent", "refund-bot").header("x-andon-tool", tool)).await
    };
    assert_eq!(pass("stripe.payout", json!({"amount": 500})).await.status, 200);
    let called = |amount: u32| json!({"name": "stripe.payout", "arguments": {"amount": amount}});
    for body in
        [json!({"amount": 501}), json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called(502)})]
    {
        let held = pass("stripe.payout", body).await;
        assert_eq!((held.status.as_u16(), &held.body["error"]["code"]), (403, &json!(1002)), "{held:?}");
        assert_eq!(held.body["error"]["data"]["rule"], "big payout", "{held:?}");
    }
    for expected in [200, 200, 403] {
        assert_eq!(pass("crm.update", json!({"id": 7})).await.status, expected, "a loop");
    }
}
