//! Rollback as the person at a shell works it: whom it reached, who read it, commands, values, sign-offs (RBK).

use serde_json::{Value, json};

use crate::cli::Desk;

fn lines(actions: &[Value]) -> Vec<String> {
    actions.iter().map(ToString::to_string).collect()
}

/// RBK.3, RBK.7: from stored telemetry everybody a message reached, with its ids; and every agent that retrieved what was
/// written wrongly. Hostile names reach no terminal raw.
#[test]
fn whom_it_reached_and_who_read_it() {
    let desk = Desk::new();
    desk.done(&["declare", "wrong answers", "--severity", "SEV-2", "--agent", "support-bot"]);
    let mail = |to: &str, id: &str| {
        json!({"agent": "support-bot", "run": "r1", "tool": "mail.send", "class": "customer-communication",
               "artefact": {"kind": "email", "visible_to": "customer"},
               "detail": {"recipients": [to], "effects": [id]}})
    };
    desk.reports(&lines(&[
        mail("ana@example.net", "msg-1"),
        mail("ana@example.net", "msg-2"),
        mail("b\u{1b}[31mo@example.net", "msg-3"),
        json!({"agent": "support-bot", "run": "r1", "tool": "mail.send", "class": "customer-communication",
               "artefact": {"kind": "email"}}),
        json!({"agent": "support-bot", "run": "r1", "tool": "kb.write", "class": "knowledge-base-write",
               "detail": {"changes": [{"record": "policy-7", "before": "two devices", "after": "one device"}]}}),
        json!({"agent": "sales-bot", "run": "s1", "tool": "kb.search",
               "detail": {"retrieval": {"sources": [{"uri": "kb://main/policy-7"}, {"id": "policy-77"}]}}}),
        json!({"agent": "sales-bot", "run": "s2", "tool": "kb.search",
               "detail": {"retrieval": {"sources": [{"id": "policy-7"}]}}}),
        json!({"agent": "other-bot", "run": "o1", "tool": "kb.search",
               "detail": {"retrieval": {"sources": [{"id": "policy-8"}]}}}),
    ]));
    let reached = desk.json(&["rollback", "recipients", "INC-1"]);
    let rows = reached["recipients"].as_array().unwrap();
    assert_eq!((rows.len(), &reached["unnamed"]), (2, &json!(1)), "{reached}");
    assert_eq!((&rows[0]["recipient"], &rows[0]["messages"]), (&json!("ana@example.net"), &json!(["msg-1", "msg-2"])));
    let text = desk.done(&["rollback", "recipients", "INC-1"]);
    assert!(
        text.contains("msg-3") && text.contains("1 messages name no recipient") && !text.contains('\u{1b}'),
        "{text}"
    );

    let readers = desk.json(&["rollback", "readers", "INC-1"]);
    let readers = readers.as_array().unwrap();
    assert_eq!(readers.len(), 1, "{readers:?}");
    let one = &readers[0];
    assert_eq!(
        (&one["agent"], &one["record"], &one["count"], &one["runs"]),
        (&json!("sales-bot"), &json!("policy-7"), &json!(2), &json!(["s1", "s2"]))
    );
    let named = desk.json(&["rollback", "readers", "INC-1", "--record", "policy-8"]);
    assert_eq!(named[0]["agent"], "other-bot");
    assert!(desk.done(&["rollback", "readers", "INC-1", "--record", "policy-9"]).contains("nobody"));
    assert!(desk.refused(1, &["rollback", "recipients", "INC-7"]).contains("INC-7"));
}

/// RBK.1, RBK.8, RBK.9: a checklist worked whole by command: operator, window, values read back, the command of a step shown
/// before it runs and its output kept, the sign-off, the read-back.
#[test]
fn a_checklist_is_worked_by_command() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.folder.path().join("config/runbook")).unwrap();
    let classes = include_str!("../../assets/runbook/classes.toml").replace(
        "text = \"List every row the agent wrote since its first bad action, with the value before and after\"",
        "text = \"List them\", command = \"echo rows of {target}; echo api_key: kkkkkkkkkkkkkkkkkkkk\"",
    );
    desk.file("config/runbook/classes.toml", &classes);
    desk.done(&["declare", "rows lost", "--severity", "SEV-2", "--agent", "dba-bot"]);
    desk.done(&["evidence", "override", "INC-1", "--why", "the replica is kept"]);
    desk.done(&["rollback", "open", "INC-1", "database-write", "orders; touch /tmp/nope"]);
    desk.done(&["rollback", "assign", "INC-1", "RB-1", "kim"]);
    assert!(desk.refused(1, &["check", "INC-1", "restore-rows"]).contains("worked by kim"));
    desk.by(Some("kim"));
    desk.done(&["rollback", "window", "INC-1", "RB-1", "log or snapshot rotation", "--closes", "2h"]);
    assert!(desk.refused(2, &["rollback", "window", "INC-1", "RB-1", "x", "--closes", "soon"]).contains("30m"));

    // Shown first; without a yes nothing runs.
    let refused = desk.andon(&["rollback", "run", "INC-1", "list-writes"]);
    let shown = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(!refused.status.success() && shown.contains("echo rows of 'orders; touch /tmp/nope'"), "{shown}");
    assert_eq!(desk.json(&["checklist", "INC-1"])[0]["work"]["runs"], Value::Null);
    let ran = desk.done(&["rollback", "run", "INC-1", "list-writes", "--yes"]);
    assert!(ran.contains("rows of orders; touch /tmp/nope") && !ran.contains("kkkkkkkk"), "{ran}");
    let again = desk.done(&["rollback", "output", "INC-1", "RB-1/list-writes"]);
    assert!(again.contains("rows of orders"), "{again}");
    assert!(desk.refused(1, &["rollback", "run", "INC-1", "restore-rows"]).contains("by hand"));

    desk.done(&["rollback", "value", "INC-1", "RB-1", "order 7", "--before", "120", "--after", "0"]);
    for step in ["list-writes", "stop-readers", "name-operator", "restore-rows", "check-copies"] {
        desk.done(&["check", "INC-1", step]);
    }
    let verify = ["verify", "INC-1", "database-write", "--evidence", "1 of 1 rows reads as before"];
    assert!(desk.refused(1, &verify).contains("--found"));
    desk.done(&["rollback", "value", "INC-1", "RB-1", "order 7", "--found", "120"]);
    let clocks = desk.json(&["show", "INC-1"])["clocks"].clone();
    let window = clocks.as_array().unwrap().iter().find(|clock| clock["name"] == "RB-1 log or snapshot rotation");
    assert_eq!(window.unwrap()["state"], "met", "{clocks}");
    desk.done(&verify);
    let shown = desk.done(&["checklist", "INC-1"]);
    for part in ["worked by: kim", "before 120, after 0, now 120", "$ list-writes: ended with 0", "verified by kim"] {
        assert!(shown.contains(part), "{part} is missing from\n{shown}");
    }

    // RBK.9: a payment is reconciled by finance, or goes without by the severity owner's word.
    desk.done(&["rollback", "open", "INC-1", "external-api-call", "payouts"]);
    desk.done(&["impossible", "INC-1", "RB-2/reverse", "--substitute", "credit notes", "--kind", "customer-notice"]);
    for step in ["list-calls", "freeze-schedule", "book-reserve", "tell-counterparties"] {
        desk.done(&["check", "INC-1", &format!("RB-2/{step}")]);
    }
    let verify = ["verify", "INC-1", "RB-2", "--evidence", "read at the provider"];
    assert!(desk.refused(1, &verify).contains("finance"));
    desk.done(&["rollback", "sign", "INC-1", "RB-2", "finance", "--note", "the sum agrees"]);
    desk.done(&verify);
    assert!(desk.done(&["checklist", "INC-1"]).contains("instead (customer-notice): credit notes"));
}

/// RBK.10, DRL.4: before any incident, what an undo would find and miss, and the tools that no procedure covers.
#[test]
fn undo_readiness_by_command() {
    let desk = Desk::new();
    assert!(desk.done(&["agents", "readiness"]).contains("no agent is declared"));
    let agents = desk.file(
        "agents.toml",
        "[[agent]]\nid = \"refund-bot\"\ninventory = [{tool = \"stripe.payout\", class = \"external-api-call\"}, \"mail.send\"]\n\
         undo = {external-api-call = [\"run-tag\"]}\n",
    );
    desk.done(&["agents", "declare", &agents]);
    let ready = desk.json(&["agents", "readiness", "refund-bot"]);
    assert_eq!(
        (&ready["undo"][0]["present"], &ready["undo"][0]["missing"][0]["id"]),
        (&json!(["run-tag"]), &json!("provider-ids"))
    );
    assert_eq!(ready["drift"][0]["tool"], "mail.send");
    let text = desk.done(&["agents", "readiness"]);
    assert!(text.contains("✗ provider-ids") && text.contains("⚠ refund-bot mail.send"), "{text}");
    assert!(desk.refused(1, &["agents", "readiness", "nobody"]).contains("agents list"));
    assert!(desk.done(&["doctor"]).contains("no procedure covers refund-bot mail.send"), "RBK.10 in doctor");
}

/// RBK.1, RBK.8, RBK.9, CKP.1: in a split of 60 columns a step's command is shown, run and kept, values are recorded, a window
/// is set, and the read-back closes the checklist, all by keys.
#[test]
fn a_checklist_is_worked_by_keys_in_a_split() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.folder.path().join("config/runbook")).unwrap();
    let class = "[[class]]\nclass = \"database-write\"\ntitle = \"Database writes\"\nauthorised = \"the owner\"\nbudget_s = 14400\n\
                 substitute = \"Credit them\"\nwindows = [{ what = \"log rotation\" }]\n\
                 signs = [{ id = \"finance\", title = \"The sum agrees\" }]\nsteps = [\n\
                 { id = \"list\", text = \"List every row\", command = \"echo rows of {target}\" },\n\
                 { id = \"read-back\", text = \"Read the rows back\", verifies = true },\n]\n";
    desk.file("config/runbook/classes.toml", class);
    desk.done(&["declare", "rows lost", "--severity", "SEV-2"]);
    desk.done(&["rollback", "open", "INC-1", "database-write", "orders"]);
    let mut seat = crate::cockpit::Seat::open(desk.folder.path(), 60, 30, &["--pane", "checklist", "INC-1"]);
    seat.sees("List every row");
    seat.sees("log rotation: f says when");
    seat.sees("echo rows of 'orders'");
    seat.types("r");
    seat.sees("Run RB-1/list here, as you");
    seat.types("\r");
    seat.sees("ended well, 15 bytes kept");
    seat.types("x");
    seat.sees("1/2");
    seat.types("f");
    seat.sees("Undo window of RB-1");
    seat.types("\t2h\r");
    seat.sees("log rotation closes in 1:5");
    seat.types("c");
    seat.sees("A value of RB-1");
    seat.types("order 7\t120\t0\t120\r");
    seat.until("the value is back", |screen| {
        desk.json(&["checklist", "INC-1"])[0]["work"]["values"]["order 7"]["found"] == "120"
            && !screen.contains("A value of")
    });
    seat.types("s");
    seat.sees("Sign off RB-1");
    seat.types("\t\tthe sum agrees\r");
    seat.until("it is signed", |_| !desk.json(&["checklist", "INC-1"])[0]["work"]["signed"]["finance"].is_null());
    seat.types("v");
    seat.sees("what you read from the real state");
    seat.types("120 again\r");
    seat.sees("read back: 120 again");
}
