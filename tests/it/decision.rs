//! Roll back, restrict, fall back or go on watching, by command (DEC.1).

use serde_json::json;

use crate::cli::Desk;

/// DEC.1: criteria with their answers and what they point to; the choice is kept with its criteria, author and reason.
#[test]
fn a_decision_is_made_by_criteria_and_recorded() {
    let desk = Desk::new();
    desk.done(&["declare", "paid twice", "--severity", "SEV-2"]);
    let advice = desk.json(&["decide", "INC-1"]);
    assert_eq!((&advice["advised"], &advice["open"]), (&json!("monitoring"), &json!(9)));
    desk.done(&["facts", "INC-1", "recent-changes", "prompt 14 went out at 13:50"]);
    desk.done(&[
        "decide",
        "INC-1",
        "--yes",
        "one-tool",
        "--yes",
        "drafts-are-safe",
        "--no",
        "broad",
        "--why",
        "seen in runs",
    ]);
    let advice = desk.json(&["decide", "INC-1"]);
    assert_eq!(advice["advised"], "restriction-then-rollback");
    assert_eq!(advice["because"], json!(["changed-recently", "one-tool", "drafts-are-safe"]));
    assert!(desk.refused(1, &["decide", "INC-1", "rollback"]).contains("point to restriction-then-rollback"));
    assert!(desk.refused(1, &["decide", "INC-1", "--yes", "one-tol"]).contains("did you mean one-tool?"));
    desk.refused(2, &["decide", "INC-1", "retreat"]);
    desk.done(&["decide", "INC-1", "rollback", "--why", "the tool comes back with the old build"]);
    let made = desk.json(&["show", "INC-1"])["decision"]["made"][0].clone();
    assert_eq!((&made["choice"], &made["advised"]), (&json!("rollback"), &json!("restriction-then-rollback")));
    assert_eq!(made["why"], "the tool comes back with the old build");
    let shown = desk.done(&["decide", "INC-1"]);
    assert!(shown.contains("prompt 14 went out") && shown.contains("decided: rollback"), "{shown}");
}
