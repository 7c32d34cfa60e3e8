//! The post-mortem from outside: written by commands and from a file, refused, filed, read (PM, TEAM.5).

use serde_json::json;

use crate::cli::Desk;

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
