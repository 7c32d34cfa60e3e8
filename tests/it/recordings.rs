//! Recordings as files: made of an incident that happened, checked, played, and made of what others wrote down (DRL.2).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    cli::Desk,
    rig::{rig, until},
};

const AGENTS: &str =
    "[[agent]]\nid = \"acme-refunds\"\nowner = \"dana\"\nworkflow = \"refunds\"\ninventory = [\"pay.out\"]\n";

/// An incident that a tripwire saw and people halted, with its telemetry pinned.
fn incident(desk: &Desk) {
    let agents = desk.file("agents.toml", AGENTS);
    desk.done(&["agents", "declare", &agents]);
    desk.done(&["declare", "acme paid dana twice", "--severity", "SEV-2", "--agent", "acme-refunds"]);
    let call = |tool: &str| {
        json!({"agent": "acme-refunds", "tool": tool, "run": "acme-7", "counterparty": "dana", "on_behalf_of": "kim",
            "endpoint": "POST api.acme.example/v1/pay", "input": {"to": "dana"}, "output": "paid to dana at acme",
            "amount": {"value": 12.5, "currency": "EUR"}})
        .to_string()
    };
    desk.reports(&[call("pay.out"), call("pay.out"), call("acme.transfer")]);
    desk.done(&["halt", "--agent", "acme-refunds", "--incident", "INC-1", "--why", "dana says stop"]);
    assert!(desk.refused(1, &["drill", "record", "INC-1"]).contains("andon evidence freeze INC-1"));
    desk.done(&["evidence", "freeze", "INC-1"]);
}

/// DRL.2: a past incident becomes a recording that names nobody, and is played like any other.
#[test]
fn an_incident_becomes_a_recording_without_names_and_is_played() {
    let desk = Desk::new();
    incident(&desk);
    let file = desk.folder.path().join("recorded.jsonl").display().to_string();
    let made = desk.json(&["drill", "record", "INC-1", "--out", &file]);
    assert_eq!((&made["actions"], &made["agents"]), (&json!(3), &json!(["agent-1"])), "{made}");
    assert!(
        desk.refused(1, &["drill", "record", "INC-1", "--out", &file]).contains("exists"),
        "nothing is written over"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    for name in ["acme", "dana", "kim", "paid"] {
        assert!(!text.contains(name), "{name} is left: {text}");
    }
    assert!(text.contains("engages halt over agent agent-1"), "what people did is a mark: {text}");
    let checked = desk.json(&["drill", "check", &file]);
    let fires: BTreeSet<&str> =
        checked["firings"].as_array().unwrap().iter().filter_map(|line| line["tripwire"].as_str()).collect();
    assert!(fires.contains("authorisation"), "it fires as it did: {checked}");
    let named = desk.done(&["drill", "record", "INC-1", "--keep-names"]);
    assert!(named.contains("acme-refunds") && named.contains("acme paid dana twice"), "{named}");
    assert!(!named.contains("paid to dana at acme"), "what an agent wrote is not carried");

    let started = desk.json(&["drill", "run", &file, "--speed", "1000"]);
    assert_eq!((&started["id"], &started["title"]), (&"DRILL-1".into(), &"An incident that happened here".into()));
    let drills = desk.json(&["drill", "list"]);
    assert_eq!(drills["drills"][0]["name"], "recorded");
}

/// DRL.2: recordings of a team's own lie in a folder beside its config, and are played by name.
#[test]
fn a_teams_own_recordings_are_listed_and_played_by_name() {
    let desk = Desk::new();
    let folder = desk.folder.path().join("config/drills");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "{\"agent\":\"a\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:01Z\",\"harm\":{\"people\":3}}";
    std::fs::write(folder.join("our-own.jsonl"), text).unwrap();
    std::fs::write(folder.join("broken.jsonl"), "{").unwrap();
    let listed = desk.json(&["drill", "list"]);
    let names: BTreeSet<&str> =
        listed["recordings"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains("our-own") && names.contains("slow-loop") && !names.contains("broken"), "{names:?}");
    assert_eq!(desk.json(&["drill", "run", "our-own"])["id"], "DRILL-1");
    assert!(desk.refused(1, &["drill", "run", "broken"]).contains("line 1"));
    assert!(desk.refused(1, &["drill", "run", "our-owm"]).contains("there is no drill"));
    let checked = desk.json(&["drill", "check", &folder.join("our-own.jsonl").display().to_string()]);
    assert_eq!(checked["harm"]["people"], 3);
}

/// DRL.2: what others wrote down is made a recording; a file that is cut off is refused and nothing is written.
#[test]
fn what_others_wrote_down_is_imported() {
    let desk = Desk::new();
    let trail = r#"{"Records":[{"eventTime":"2026-03-02T14:00:05Z","eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","userIdentity":{"type":"IAMUser","userName":"build-agent"}}]}"#;
    let out = desk.folder.path().join("made.jsonl").display().to_string();
    let file = desk.file("trail.json", trail);
    let made = desk.json(&["drill", "import", "--from", "cloudtrail", &file, "--out", &out]);
    assert_eq!((&made["actions"], &made["agents"]), (&json!(1), &json!(["build-agent"])));
    assert_eq!(desk.json(&["drill", "check", &out])["starts"], "2026-03-02T14:00:05.000Z");
    let cut = desk.file("cut.json", &trail[..60]);
    assert!(desk.refused(1, &["drill", "import", "--from", "cloudtrail", &cut]).contains("cut off"));
    assert!(desk.refused(1, &["drill", "check", &cut]).contains("line 1 of the recording"));
    assert!(desk.refused(2, &["drill", "import", "--from", "diary", &file]).contains("agentdojo, tau-bench"));
}

/// DRL.1, DRL.2: a recording that comes with the request is played; one that does not read is refused with its line.
#[tokio::test]
async fn a_recording_that_is_sent_is_played() {
    let rig = rig().await;
    let good = "{\"agent\":\"a\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:01Z\"}";
    let asked = |name: &str, text: String| json!({"name": name, "recording": text, "speed": 1000.0});
    let started = rig.command("/v1/drills", asked("mine", good.into())).await.good().clone();
    assert_eq!(started["id"], "DRILL-1");
    until("an undeclared agent fires", || async {
        let firings = rig.get("/v1/firings?world=DRILL-1").await;
        firings.good().as_array().unwrap().iter().any(|firing: &Value| firing["tripwire"] == "authorisation")
    })
    .await;
    assert_eq!(rig.get("/v1/firings").await.good(), &json!([]), "nothing of it is real");
    let bad = rig.command("/v1/drills", asked("mine", format!("{good}\n{{"))).await;
    assert!(bad.problem(422).body["detail"].as_str().unwrap().contains("line 2"));
    let taken = rig.command("/v1/drills", asked("slow-loop", good.into())).await;
    assert!(taken.problem(422).body["detail"].as_str().unwrap().contains("another name"));
}

/// DRL.3: what a drill came to, in words and as JSON; a history of all of them; and the harm on the screen while it plays.
#[test]
fn a_score_is_read_by_command_and_harm_by_eye() {
    let desk = Desk::new();
    assert!(desk.done(&["drill", "history"]).contains("no drill was played"));
    desk.done(&["drill", "run", "refunds-twice", "--speed", "600"]);
    desk.done(&["drill", "pause", "DRILL-1"]);
    desk.done(&["drill", "inject", "DRILL-1", "--report", "The press calls"]);
    assert!(desk.refused(2, &["drill", "inject", "DRILL-1"]).contains("--report"));
    desk.done(&["drill", "resume", "DRILL-1"]);
    let seat = crate::cockpit::Seat::open(desk.folder.path(), 120, 34, &["--world", "DRILL-1"]);
    seat.sees("harm ");
    seat.until("harm is counted", |text| text.contains("people") && text.contains(" 0 stopped"));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while desk.json(&["drill", "score", "DRILL-1"])["over"] != true {
        assert!(std::time::Instant::now() < end, "it never ends");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let said = desk.done(&["drill", "score", "DRILL-1"]);
    for words in ["AS IT WENT", "PREVENTED", "spared 0 %", "not done: nobody stopped anything", "facts"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let history = desk.done(&["drill", "history"]);
    assert!(history.contains("DRILL-1") && history.contains("refunds-twice") && history.contains("0 %"), "{history}");
    assert_eq!(desk.json(&["drill", "history"])[0]["drill"], "DRILL-1");
    assert!(desk.refused(1, &["drill", "score", "DRILL-9"]).contains("DRILL-9"));
}
