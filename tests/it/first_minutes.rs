//! The first ten minutes from outside: seven facts, severity from factors, the phase, the operating unit (TEN, SEV).

use crate::cli::Desk;

/// TEN.1: seven facts are listed, answered, doubted and settled by plain commands; the incident's JSON holds them.
#[test]
fn the_seven_facts_by_command() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-2", "--workflow", "refunds"]);
    let facts = desk.json(&["facts", "1"]);
    let ids: Vec<&str> = facts.as_array().unwrap().iter().map(|fact| fact["id"].as_str().unwrap()).collect();
    let seven = [
        "workflow",
        "severity",
        "impact",
        "recent-changes",
        "side-effects-possible",
        "approvals-intact",
        "fallback-lane",
    ];
    assert_eq!(ids, seven);
    desk.done(&["facts", "1", "impact", "yes, 41 customers were paid \u{1b}[31mtwice"]);
    desk.done(&["facts", "1", "impact", "--dispute", "support sees nine"]);
    let shown = desk.done(&["facts", "1"]);
    assert!(shown.contains("ten minutes: running") && shown.contains("support sees nine"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "what was written is shown, not obeyed: {shown}");
    let impact = &desk.json(&["show", "1"])["facts"][2];
    assert_eq!((&impact["state"], &impact["history"][1]["why"]), (&"disputed".into(), &"support sees nine".into()));
    desk.done(&["facts", "1", "impact", "yes, 9", "--settle", "counted in the ledger"]);
    assert_eq!(desk.json(&["facts", "1", "impact"])[0]["state"], "known");
    desk.done(&["facts", "1", "impact", "--unknown"]);
    assert_eq!(desk.json(&["facts", "1", "impact"])[0]["state"], "unknown");
    assert!(desk.refused(1, &["facts", "1", "severity", "SEV-1"]).contains("andon severity"));
    assert!(desk.refused(2, &["facts", "1", "weather", "fine"]).contains("fallback-lane"));
    assert!(desk.refused(2, &["facts", "1", "impact", "yes", "--unknown"]).contains("--unknown"));
    let clocks = desk.json(&["show", "1"])["clocks"].clone();
    assert!(clocks.as_array().unwrap().iter().any(|clock| clock["name"] == "facts" && clock["state"] == "running"));
}
