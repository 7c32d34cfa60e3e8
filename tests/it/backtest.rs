//! Tripwires tried over recordings and over what is stored, beside those in force (DET.8).

use serde_json::{Value, json};

use crate::cli::Desk;

const RULES: &str = "[[rule]]\nname = \"large transfer\"\ntool = \"transfers.create\"\namount = { USD = 1000.0 }\n";

fn row<'a>(tried: &'a Value, tripwire: &str) -> &'a Value {
    let rows = tried["rows"].as_array().unwrap();
    rows.iter().find(|row| row["tripwire"] == tripwire).unwrap_or_else(|| panic!("{tripwire}: {tried}"))
}

/// DET.8: over every shipped recording, without a backend: what a proposed set fires on that the present one does not, and the
/// reverse; earlier and later; false alarms of both.
#[test]
fn proposed_tripwires_are_tried_over_recordings() {
    let desk = Desk::new();
    let rules = desk.file("proposed-rules.toml", RULES);
    let tried = desk.json(&["tripwires", "backtest", "one-transfer", "--file", &rules]);
    let one = &tried[0];
    assert_eq!((&one["present"]["firings"], &one["proposed"]["firings"]), (&json!(0), &json!(1)), "{one}");
    assert_eq!(row(one, "rule")["change"], "new", "the transfer that no tripwire sees: {one}");
    assert_eq!(row(one, "rule")["bearing"], "due");
    let said = desk.done(&["tripwires", "backtest", "one-transfer", "--file", &rules]);
    assert!(said.contains("it fires where what is in force does not") && said.contains("after 12:05"), "{said}");

    let shipped = desk.folder.path().join("shipped");
    desk.done(&["runbook", "init", &shipped.display().to_string()]);
    let looser = std::fs::read_to_string(shipped.join("tripwires.toml")).unwrap();
    assert!(looser.contains("cost_factor = 2"), "{looser}");
    let looser = looser.replacen("cost_factor = 2", "cost_factor = 4", 1);
    let looser = desk.file("tripwires.toml", &looser);
    let tried = desk.json(&["tripwires", "backtest", "slow-loop", "refunds-twice", "--file", &looser]);
    let slow = &tried[0];
    assert_eq!(row(slow, "cost-rate")["change"], "later", "{slow}");
    assert!(row(slow, "cost-rate")["earlier_s"].as_f64().unwrap() < 0.0 && slow["earlier_s"].as_f64().unwrap() < 0.0);
    let all = desk.json(&["tripwires", "backtest", "all"]);
    assert_eq!(all.as_array().unwrap().len(), 15);
    assert!(all[0]["proposed"].is_null() && all[0]["rows"][0]["change"].is_null(), "{all}");
    assert!(!desk.folder.path().join("data/backend.lock").exists(), "no backend was started");

    // A file of one's own, harmless agents and all; and one in a foreign form.
    let action = |agent: &str, at: &str, harm: &str| {
        format!("{{\"agent\":\"{agent}\",\"tool\":\"odd\",\"at\":\"2026-03-02T14:0{at}:00Z\"{harm}}}")
    };
    let lines = [action("good", "1", ""), action("bad", "2", ""), action("bad", "3", ",\"harm\":{\"people\":1}")];
    let tried = desk.json(&["tripwires", "backtest", &desk.file("mine.jsonl", &lines.join("\n"))]);
    let worth: Vec<&str> =
        tried[0]["rows"].as_array().unwrap().iter().filter_map(|row| row["bearing"].as_str()).collect();
    assert_eq!(worth, ["false-alarm", "early"], "{tried}");
    // The same agent, in days that count as quiet.
    let starts = r#"{"andon_recording":1,"title":"Quiet","starts":"2026-03-02T14:02:30Z"}"#;
    let lines = [starts, &lines[1], &lines[2]].join("\n");
    let tried = desk.json(&["tripwires", "backtest", &desk.file("quiet.jsonl", &lines)]);
    assert_eq!(tried[0]["rows"][0]["bearing"], "false-alarm", "{tried}");
    let trail = r#"{"Records":[{"eventTime":"2026-03-02T14:00:05Z","eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","userIdentity":{"type":"IAMUser","userName":"build-agent"}}]}"#;
    let trail = desk.file("trail.json", trail);
    let tried = desk.json(&["tripwires", "backtest", "--from", "cloudtrail", &trail]);
    assert_eq!(row(&tried[0], "authorisation")["agent"], "build-agent");
    assert!(desk.refused(1, &["tripwires", "backtest", "slow-lop"]).contains("did you mean slow-loop"));
    assert!(desk.refused(1, &["tripwires", "backtest", "slow-loop", "--file", &trail]).contains("holds no tripwires"));
    desk.refused(2, &["tripwires", "backtest"]);
}

/// DET.8: the same over the telemetry that a backend keeps; what belongs to no incident is a false alarm.
#[test]
fn proposed_tripwires_are_tried_over_what_is_stored() {
    let desk = Desk::new();
    let agents =
        desk.file("agents.toml", "[[agent]]\nid = \"wallet\"\nowner = \"dana\"\ninventory = [\"transfers.create\"]\n");
    desk.done(&["agents", "declare", &agents]);
    let call = |value: f64| {
        json!({"agent": "wallet", "tool": "transfers.create", "amount": {"value": value, "currency": "USD"}})
            .to_string()
    };
    desk.reports(&[call(12.0), call(450_000.0)]);
    let rules = desk.file("rules.toml", RULES);
    let seen = desk.json(&["tripwires", "backtest", "--stored", "--days", "7", "--file", &rules]);
    assert_eq!((&seen["actions"], &seen["present"]["firings"]), (&json!(2), &json!(0)), "{seen}");
    assert_eq!((&row(&seen, "rule")["change"], &row(&seen, "rule")["bearing"]), (&json!("new"), &json!("false-alarm")));
    desk.done(&["declare", "a fortune is gone", "--severity", "SEV-1", "--agent", "wallet"]);
    desk.done(&["confirm", "INC-1"]);
    let seen = desk.json(&["tripwires", "backtest", "--stored", "--file", &rules]);
    assert_eq!(row(&seen, "rule")["bearing"], "early", "it belongs to an incident now: {seen}");
    assert!(desk.refused(1, &["tripwires", "backtest", "--stored", "--days", "99"]).contains("1 to 30"));
}
