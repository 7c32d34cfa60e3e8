//! The post-mortem from outside: written by commands and from a file, refused, filed, read (PM, TEAM.5).

use andon::terms::Time;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    cli::Desk,
    rig::{Rig, rig, until},
};

/// Everything that is asked of an incident no tripwire saw first.
pub const WHOLE: &str = r#"
impact = "38 customers were refunded twice, 4 920 EUR, 6 hours of two people"
root-trigger = "a retry after a time-out of the payment provider"
condition = "the refund policy that was retrieved is of 2024 and says to retry"
failure-class = "payment repeated"
failed-control = "no idempotency key on refunds"
safety-layer = "there was no limit on refunds of one order"
missing-tripwire = "a loop rule on refunds of the same order"
prevention = "every refund carries an idempotency key"
owner = "kim"
due = "2026-12-04"
verification = "lee replays the 38 orders in the sandbox and counts one refund each"
observability = "refunds per order as a series, a rule on more than one"
scorecard = "refund-bot goes back to approval-required"

[[case]]
name = "refund-retried"
kind = "regression"
input = "time-out on the first try of order 7"
expected = "one refund"
grader = "counts refunds of the order"
source = "run-81"

[[case]]
name = "big-refund-waits"
kind = "approval-boundary"
input = "a refund of 900 EUR"
expected = "it waits for an approval"

[[delta]]
kind = "logging"
text = "log the order id with each refund"
owner = "lee"
due = "2026-11-30"
"#;

/// PM.1, PM.5, PM.7, PM.8: refused with everything that is missing, written field by field and from a file, filed, its
/// changes followed; a SEV-2 is closed only then.
#[test]
fn a_post_mortem_is_written_refused_and_filed_by_commands() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "sev-2"]);
    desk.done(&["resolve", "1"]);
    let why = desk.refused(1, &["close", "1"]);
    assert!(why.contains("a SEV-2 needs a post-mortem") && why.contains("Root trigger is not answered"), "{why}");

    desk.done(&["postmortem", "1", "set", "root-trigger", "the model hallucinated"]);
    let why = desk.refused(1, &["postmortem", "1", "file"]);
    for part in ["“hallucinated”", "no regression case", "Verification check is not answered", "set owner …"] {
        assert!(why.contains(part), "{part} is missing from {why}");
    }
    assert!(desk.refused(1, &["postmortem", "1", "set", "root-triger", "x"]).contains("did you mean root-trigger?"));
    desk.refused(2, &["postmortem", "1", "set", "root-trigger"]);

    let file = desk.file("pm.toml", &WHOLE.replace("due = \"2026-12-04\"", "due = \"soon\""));
    assert!(desk.refused(1, &["postmortem", "1", "set", "--file", &file]).contains("2026-12-04"));
    assert_eq!(desk.json(&["show", "1"])["postmortem"]["cases"], json!([]), "all or none");
    let file = desk.file("pm.toml", WHOLE);
    desk.done(&["postmortem", "1", "set", "--file", &file]);
    assert!(desk.done(&["postmortem", "1", "set", "--file", &file]).contains("nothing left to do"));
    desk.done(&[
        "postmortem",
        "1",
        "case",
        "add",
        "tool",
        "--kind",
        "tool-selection",
        "--input",
        "a",
        "--expected",
        "b",
    ]);
    desk.done(&["postmortem", "1", "case", "drop", "tool"]);
    desk.done(&["postmortem", "1", "delta", "add", "gate", "the refund suite runs first", "--owner", "lee"]);
    desk.done(&["postmortem", "1", "delta", "merged", "1", "--note", "release 41"]);
    desk.refused(2, &["postmortem", "1", "delta", "dropped", "2"]);
    desk.done(&["postmortem", "1", "file"]);
    desk.done(&["close", "1"]);

    let shown = desk.json(&["show", "1"]);
    let filed = &shown["postmortem"];
    assert_eq!((&filed["filed"]["missing"], &filed["fields"]["owner"]["text"]), (&json!(null), &json!("kim")));
    assert_eq!(filed["cases"].as_array().unwrap().len(), 2);
    assert_eq!((&filed["deltas"][0]["state"], &filed["deltas"][1]["state"]), (&json!("merged"), &json!("proposed")));
    let clock = shown["clocks"].as_array().unwrap().iter().find(|clock| clock["name"] == "post-mortem").unwrap();
    assert_eq!(clock["state"], "met", "{clock}");
}

/// Every element of a page by an XML parser, and what must not be in it.
const PARSE: &str = r#"
import collections, json, sys, xml.dom.minidom
page = xml.dom.minidom.parseString(sys.stdin.buffer.read())
elements = page.getElementsByTagName("*")
bad = [f"{e.tagName} {n}" for e in elements for n in e.attributes.keys() if n.startswith("on") or n in ("src", "href", "xlink:href", "action")]
text = lambda node: "".join(text(c) if c.nodeType == 1 else c.data for c in node.childNodes)
print(json.dumps({
    "count": collections.Counter(e.tagName for e in elements), "bad": bad,
    "title": text(page.getElementsByTagName("h1")[0]),
    "figures": {text(f.getElementsByTagName("dt")[0]): text(f.getElementsByTagName("dd")[0]) for f in elements if f.getAttribute("class") == "figure"},
    "headings": [text(h) for h in page.getElementsByTagName("h2")],
    "drawn": [text(t) for t in page.getElementsByTagName("title")[1:]],
}))
"#;

async fn parsed(page: &str) -> Value {
    let mut python = tokio::process::Command::new("python3")
        .args(["-c", PARSE])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(page.as_bytes()).await.unwrap();
    let done = python.wait_with_output().await.unwrap();
    assert!(done.status.success(), "an XML parser reads it: {page}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// `minutes` before now.
fn ago(now: Time, minutes: i64) -> Time {
    now.plus(-minutes * Time::MINUTE)
}

/// A refund bot that pays too much for hours before it calls a tool nobody gave it: that is when a tripwire fires.
async fn paid_too_much(rig: &Rig, now: Time) {
    let agents = json!([{"id": "refund-bot", "inventory": ["stripe.payout"], "vendor": "Acme <AI>"}, {"id": "clerk", "inventory": ["stripe.payout"]}]);
    rig.post("/v1/agents", agents).await.good();
    let payout = |agent: &str, at: Time, usd: f64| {
        json!({"agent": agent, "tool": "stripe.payout", "at": at, "run": "run-81", "status": "ok", "cost_usd": 0.25,
            "amount": {"value": usd, "currency": "USD"}})
    };
    let mut actions = Vec::new();
    for hours in [30, 20, 10] {
        actions.push(payout("clerk", ago(now, hours * 60), 80.0));
    }
    for minutes in (60..=231).rev().step_by(9) {
        actions.push(payout("refund-bot", ago(now, minutes), 60.0));
    }
    actions.push(json!({"agent": "refund-bot", "tool": "bank.transfer", "at": ago(now, 60), "run": "run-81", "status": "ok", "cost_usd": 0.25}));
    for action in actions {
        rig.post("/v1/actions", action).await.good();
    }
    until("the incident is open", || async { rig.get("/v1/incidents").await.good().as_array().unwrap().len() == 1 })
        .await;
}

const STRICTER: &str = "[[rule]]\nname = \"big payout\"\ntool = \"stripe.payout\"\namount = { USD = 50.0 }\n";

/// PM.3, DET.8: a proposed set of tripwires is proved over the incident's own telemetry, and the figures are kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_tripwires_is_proved_by_a_backtest() {
    let rig = rig().await;
    let now: Time = chrono::Utc::now().into();
    paid_too_much(&rig, now).await;
    let at = "/v1/incidents/INC-1/postmortem";
    let proposed = json!({"texts": {"rules.toml": STRICTER}, "owner": "kim"});
    let seen = rig.post(&format!("{at}/backtest"), proposed.clone()).await.good().clone();
    let verdict = "would have fired 2 h 51 min earlier; 3 false alarms in 30 days (0 by the present ones)";
    assert_eq!((&seen["actions"], &seen["proposed"]["false_alarms"]), (&json!(24), &json!(3)), "{seen:#}");
    assert_eq!(seen["present"]["first"]["detail"], "bank.transfer");
    assert_eq!(seen["proposed"]["first"]["detail"], "big payout");
    assert_eq!(rig.get("/v1/incidents/INC-1").await.good()["postmortem"]["deltas"], json!([]), "only looked at");

    for (wrong, says) in [
        (json!({"texts": {}, "owner": "kim"}), "nothing is proposed"),
        (json!({"texts": {"prices.toml": ""}, "owner": "kim"}), "holds no tripwires"),
        (json!({"texts": {"rules.toml": "[[rule]]\nname = 'x'\namont = 3"}, "owner": "kim"}), "did you mean amount?"),
        (json!({"texts": {"rules.toml": STRICTER}, "days": 99}), "1 to 30"),
        (json!({"texts": {"rules.toml": STRICTER}}), "owner"),
    ] {
        let refused = rig.command(&format!("{at}/tripwires"), wrong).await;
        assert!(refused.problem(422).body["detail"].as_str().unwrap().contains(says), "{refused:?}");
    }
    let forged = json!({"type": "set-postmortem", "deltas": [{"kind": "tripwire", "text": "x", "owner": "kim", "backtest": seen}]});
    rig.command("/v1/incidents/INC-1/commands", forged.clone()).await.problem(422);
    rig.command("/v1/commands", json!({"command": "on-incident", "incident": "INC-1", "ask": forged}))
        .await
        .problem(422);

    rig.command(&format!("{at}/tripwires"), proposed).await.good();
    let deltas = rig.get("/v1/incidents/INC-1").await.good()["postmortem"]["deltas"].clone();
    assert_eq!(
        (&deltas[0]["kind"], &deltas[0]["owner"], &deltas[0]["state"]),
        (&json!("tripwire"), &json!("kim"), &json!("proposed"))
    );
    assert_eq!(deltas[0]["backtest"]["proposed"]["first"]["agent"], "refund-bot");
    let written = rig.get(at).await.body.as_str().unwrap().to_owned();
    assert!(written.contains(verdict), "{written}");
    rig.running.stop().await;
}

/// PM.1, PM.3, law 7: one page that a real parser reads, with numbers first, three charts from the log and telemetry, and
/// nothing that runs, whatever people and agents wrote.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_well_formed_and_hostile_text_is_inert() {
    let rig = rig().await;
    let now: Time = chrono::Utc::now().into();
    paid_too_much(&rig, now).await;
    let hostile =
        "<script>alert(1)</script> ]]> &amp; \u{202e}\u{1b}[2J\u{0} <img src=x onerror=alert(1)> \u{feff}\u{fffe}";
    let path = "/v1/incidents/INC-1/commands";
    rig.command(path, json!({"type": "confirm"})).await.good();
    rig.command(path, json!({"type": "note", "text": hostile})).await.good();
    rig.command(
        path,
        json!({"type": "set-postmortem", "fields": {"impact": hostile, "vendor": hostile},
        "cases": [{"name": "x\" onload=\"y", "kind": "canary-gate", "input": hostile, "expected": hostile}]}),
    )
    .await
    .good();
    rig.command(path, json!({"type": "set-earliest-action", "at": ago(now, 231)})).await.good();
    let firings = rig.get("/v1/firings").await.good().clone();
    let firing = firings[0]["id"].as_str().unwrap();
    rig.command(&format!("/v1/firings/{firing}/ack"), json!({})).await.good();
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}, "incident": "INC-1", "why": hostile}))
        .await
        .good();

    let answer = rig.get("/v1/incidents/INC-1/postmortem?format=html").await;
    assert_eq!((answer.status.as_u16(), answer.kind.as_str()), (200, "text/html; charset=utf-8"));
    let page = parsed(answer.body.as_str().unwrap()).await;
    assert_eq!(page["bad"], json!([]), "nothing runs and nothing is fetched");
    for never in ["script", "img", "link", "iframe", "form", "object", "a"] {
        assert_eq!(page["count"][never], json!(null), "{never}");
    }
    assert_eq!(
        page["drawn"],
        json!(["Severity over time", "Cost and actions over time", "Detection chain, gaps to scale"])
    );
    let headings: Vec<&str> = page["headings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(
        headings,
        [
            "Summary",
            "1. Business impact",
            "2. The agent's path",
            "3. Failed controls",
            "4. Guardrail changes before restart",
            "5. Scorecard update",
            "The record"
        ]
    );
    let figures = &page["figures"];
    assert_eq!(
        (&figures["actions in its window"], &figures["spent in its window"]),
        (&json!("21"), &json!("5.25 USD"))
    );
    assert_eq!(figures["severity"], "SEV-2");
    let shown = rig.get("/v1/incidents/INC-1/postmortem?format=json").await.good().clone();
    assert_eq!((&shown["spend"]["actions"], &shown["spend"]["cost_usd"]), (&json!(21), &json!(5.25)));
    let asked = rig.ask(Method::GET, "/v1/incidents/INC-1/postmortem").header("accept", "text/html");
    assert_eq!(crate::rig::read(asked).await.kind, "text/html; charset=utf-8");
    rig.running.stop().await;
}

/// Inspect's own reader, over the file.
const READ: &str = r#"
import json, sys
from inspect_ai.dataset import json_dataset
dataset = json_dataset(sys.argv[1])
print(json.dumps([{"input": s.input, "target": s.target, "id": s.id, "metadata": s.metadata} for s in dataset]))
"#;

/// PM.6: regression cases load in Inspect's dataset reader, each with its kind, grader and source.
#[tokio::test(flavor = "multi_thread")]
async fn regression_cases_load_in_inspects_reader() {
    let python = crate::rig::setup("inspect.sh").await;
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "sev-2"]);
    assert!(desk.refused(1, &["eval", "export", "1"]).contains("case add"));
    let file = desk.file("pm.toml", WHOLE);
    desk.done(&["postmortem", "1", "set", "--file", &file]);
    let odd = "line one\nline two \u{1f600} \"quoted\" \u{2028}";
    for kind in ["tool-selection", "citation-audit", "support-scorecard", "canary-gate"] {
        desk.done(&["postmortem", "1", "case", "add", kind, "--kind", kind, "--input", odd, "--expected", "none"]);
    }
    let out = desk.folder.path().join("cases.jsonl").display().to_string();
    desk.done(&["eval", "export", "1", "--out", &out]);
    let done = tokio::process::Command::new(python).args(["-c", READ, &out]).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let samples: Value = serde_json::from_slice(&done.stdout).unwrap();
    let kinds: Vec<&str> =
        samples.as_array().unwrap().iter().map(|one| one["metadata"]["kind"].as_str().unwrap()).collect();
    let all =
        ["regression", "approval-boundary", "tool-selection", "citation-audit", "support-scorecard", "canary-gate"];
    assert_eq!(kinds, all, "every kind there is");
    let first = &samples[0];
    assert_eq!(
        (&first["input"], &first["target"]),
        (&json!("time-out on the first try of order 7"), &json!("one refund"))
    );
    assert_eq!((&first["id"], &first["metadata"]["source"]), (&json!("INC-1-refund-retried"), &json!("run-81")));
    assert_eq!(first["metadata"]["failure_class"], "payment repeated");
    assert_eq!(samples[2]["input"], odd);
    let plain = desk.done(&["eval", "export", "1", "--format", "jsonl"]);
    assert_eq!(plain.lines().count(), 6);
    let first: Value = serde_json::from_str(plain.lines().next().unwrap()).unwrap();
    assert_eq!((&first["expected"], &first["kind"]), (&json!("one refund"), &json!("regression")));
}

/// TEAM.5: figures over incidents on the command line and on the wire, drills apart.
#[test]
fn figures_are_shown_over_incidents_with_drills_apart() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "sev-3"]);
    desk.done(&["contained", "1", "--why", "unplugged"]);
    desk.done(&["resolve", "1"]);
    let both = desk.json(&["figures"]);
    assert_eq!((&both["real"]["incidents"], &both["real"]["open"]), (&json!(1), &json!(0)), "{both:#}");
    assert_eq!(both["drills"]["incidents"], 0);
    assert_eq!((&both["real"]["resolve"]["n"], &both["real"]["detect"]["n"]), (&json!(1), &json!(0)));
    let text = desk.done(&["figures", "--since", "30d"]);
    assert!(text.contains("1 incidents, 0 open") && text.contains("budgets kept"), "{text}");
    assert_eq!(desk.json(&["figures", "--since", "2126-01-01T00:00:00Z"])["real"]["incidents"], 0);
    desk.refused(2, &["figures", "--since", "lately"]);
    assert!(desk.done(&["doctor"]).contains("figures: 1 incidents"), "the doctor says it too");
}
