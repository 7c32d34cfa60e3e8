//! Incidents as findings that other systems gather: OCSF's Incident Finding (TEAM.7).

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{cli::Desk, rig::setup};

/// What the schema says of the names in `lines`.
fn named(lines: &str) -> Value {
    let python = tokio::runtime::Runtime::new().unwrap().block_on(setup("ocsf.sh"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/ocsf_names.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
}

/// TEAM.7: one incident, or every one, as OCSF 1.7.0 has it: every name is one of its schema's, everything it asks for is there;
/// what a tripwire saw is named, what people said of it is its verdict.
#[test]
fn incidents_are_exported_as_findings() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds twice", "--severity", "SEV-1"]);
    desk.done(&["agents", "declare", &agent(&desk)]);
    desk.reports(&[json!({"agent": "ghost-bot", "tool": "pay", "run": "r1"}).to_string()]);
    let one = |id: &str| -> Value { serde_json::from_str(&desk.done(&["export", id, "--format", "ocsf"])).unwrap() };
    let mut seen = None;
    for _ in 0..100 {
        if desk.json(&["incidents"]).as_array().unwrap().len() == 2 {
            seen = Some(one("INC-2"));
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let seen = seen.expect("the tripwire opens an incident");
    let declared = one("INC-1");
    assert_eq!((&declared["class_uid"], &declared["type_uid"]), (&json!(2005), &json!(200_501)));
    assert_eq!(
        (&declared["severity_id"], &declared["status_id"], &declared["verdict_id"]),
        (&json!(5), &json!(1), &json!(2))
    );
    assert_eq!(declared["metadata"]["version"], "1.7.0");
    assert_eq!(declared["finding_info_list"][0]["uid"], "INC-1");
    assert_eq!(declared["assignee_group"]["name"], "commander", "one of the two is always there");
    assert_eq!((&seen["activity_id"], &seen["verdict_id"]), (&json!(2), &json!(0)), "nobody confirmed it");
    let info = &seen["finding_info_list"][0];
    assert_eq!(
        (&info["uid"], &info["analytic"]["name"], &info["analytic"]["type_id"]),
        (&json!("TW-1"), &json!("authorisation"), &json!(1))
    );
    assert_eq!(seen["unmapped"]["agents"], json!(["ghost-bot"]));

    desk.done(&["assign", "INC-1", "commander", "dana"]);
    desk.done(&["dismiss", "INC-2", "--why", "a test"]);
    let every = desk.done(&["export", "--format", "ocsf"]);
    let findings: Vec<Value> = every.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings.len(), 2);
    assert_eq!((&findings[0]["status_id"], &findings[0]["assignee"]["name"]), (&json!(2), &json!("dana")));
    assert_eq!(
        (&findings[1]["activity_id"], &findings[1]["status_id"], &findings[1]["verdict_id"]),
        (&json!(3), &json!(5), &json!(1))
    );
    assert_eq!(named(&every), json!([]), "{every}");
    assert_eq!(named(&every.replace("\"verdict_id\"", "\"verdikt\"")), json!([": no verdikt"]), "the check sees it");

    let file = desk.folder.path().join("findings.jsonl");
    desk.done(&["export", "--format", "ocsf", "--out", file.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), every);
    desk.refused(1, &["export", "INC-9", "--format", "ocsf"]);
    desk.refused(1, &["export", "INC-1"]);
}

/// A file that declares an agent which may only look.
fn agent(desk: &Desk) -> String {
    let file = desk.folder.path().join("agents.json");
    std::fs::write(&file, json!([{"id": "ghost-bot", "inventory": ["look"]}]).to_string()).unwrap();
    file.display().to_string()
}
