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

/// SEV.5, SEV.6, SEV.8, TEN.2: severity is advised from factors with reasons, set by a person, and names who is missing;
/// the phase and the next step are told; what is begun too early is warned of.
#[test]
fn severity_from_factors_and_the_next_step_by_command() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.folder.path().join("config/runbook")).unwrap();
    let table = "[[workflow]]\nid='refunds'\nowner='kim'\nagreed='2026-10-02'\ndefault={sev4='SEV-3'}\n\
                 cases=[{when='a refund is paid twice',level={sev4='SEV-1'}}]";
    desk.file("config/runbook/workflows.toml", table);
    let said = desk.done(&["declare", "refunds paid twice", "--workflow", "refunds"]);
    assert!(said.contains("SEV-1: a refund is paid twice"), "the agreed examples are shown: {said}");
    let shown = desk.json(&["show", "1"]);
    assert_eq!((&shown["severity"], &shown["phase"]["phase"]), (&"SEV-3".into(), &"contain".into()));
    assert_eq!(shown["missing_roles"][0], "commander");

    let advice = desk.json(&["severity", "1", "--factor", "money=moved", "--factor", "exposure=inside"]);
    assert_eq!((&advice["level"], &advice["now"]), (&"SEV-1".into(), &"SEV-3".into()));
    assert_eq!((&advice["reasons"][0]["factor"], &advice["reasons"][0]["from"]), (&"money".into(), &"person".into()));
    let words = desk.done(&["severity", "1"]);
    for part in ["SEV-1 is advised", "money moved that should not have", "not weighed yet: impact", "agreed: kim"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(desk.refused(1, &["severity", "1", "--factor", "looks=bad"]).contains("reversibility"));
    assert!(desk.refused(2, &["severity", "1", "SEV-1"]).contains("--why"), "a level needs its reason");
    desk.done(&["severity", "1", "SEV-1", "--why", "money left"]);
    let status = desk.json(&["status"]);
    assert_eq!(status["phases"]["INC-1"]["command"], "andon halt --incident INC-1");
    assert!(desk.done(&["status"]).contains("contain: stop what does harm"));
    let clocks = desk.json(&["show", "1"])["clocks"].clone();
    assert!(clocks.as_array().unwrap().iter().any(|clock| clock["name"] == "command"), "the level brings its clock");

    let early = desk.andon(&["rollback", "open", "1", "document", "page one"]);
    assert!(early.status.success(), "warned of, never blocked");
    assert!(String::from_utf8_lossy(&early.stderr).contains("contain first"), "{early:?}");
    assert!(desk.done(&["log", "1"]).contains("rollback was begun before containment"));
    assert!(desk.done(&["show", "1"]).contains("nobody is commander, severity-owner"));
    desk.done(&["declare", "mails", "--workflow", "mails"]);
    assert!(desk.done(&["doctor"]).contains("workflow mails: lacks a severity table"));
}

/// TEN.1, TEN.2, SEV.5, DEC.1, EVI.8: in a split the next step stands over the clocks; facts are answered, factors weighed, the
/// move decided and what is affected entered by keys.
#[test]
fn the_first_minutes_by_keys() {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-3"]);
    let mut seat = crate::cockpit::Seat::open(desk.folder.path(), 44, 30, &["--pane", "checklist", "INC-1"]);
    seat.sees("contain ! stop what does harm");
    seat.types("F");
    seat.sees("First facts of INC-1");
    seat.types("\trefunds\r");
    let fact = |at: usize| desk.json(&["facts", "1"])[at]["state"].clone();
    seat.until("the workflow is known", |_| fact(0) == "known");
    seat.types("V");
    seat.sees("Weigh INC-1");
    seat.types("\r");
    seat.until("a factor is weighed", |_| !desk.json(&["severity", "1"])["reasons"].as_array().unwrap().is_empty());
    seat.types("A");
    seat.sees("Affected by INC-1");
    seat.types("\trows of orders\tmany\r");
    seat.sees("is no number");
    seat.types("\u{15}41\r");
    seat.until("it is in the register", |_| desk.json(&["affected", "1"])[0]["count"] == 41);
    seat.types("B");
    seat.sees("Decide INC-1");
    seat.types("\tnothing else is known\r");
    seat.until("it is decided", |_| !desk.json(&["show", "1"])["decision"]["made"].as_array().unwrap().is_empty());
    desk.done(&["contained", "1", "--why", "unplugged"]);
    seat.sees("preserve f freeze the evidence");
}

/// TEN.3: the operating unit of an agent on one screen: what it is declared to be, what it used, and what restrains it.
#[test]
fn the_whole_operating_unit_of_an_agent() {
    let desk = Desk::new();
    let agents = desk
        .file("agents.toml", "[[agent]]\nid = \"refund-bot\"\nowner = \"payments\"\ninventory = [\"stripe.refund\"]\n");
    desk.done(&["agents", "declare", &agents]);
    let acted = serde_json::json!({"agent": "refund-bot", "tool": "stripe.refund", "class": "external-api-call",
        "model": "gpt-4o-2024-08-06", "endpoint": "POST api.stripe.com/v1/refunds", "workflow": "refunds",
        "detail": {"release": "r41", "prompt": "refunds", "prompt_version": "p7", "agent_version": "2.1",
                   "retrieval": {"sources": [{"uri": "kb://refund-policy"}]}, "hand_off": {"to": "clerk-bot"}}});
    desk.reports(&[acted.to_string()]);
    desk.done(&["halt", "--agent", "refund-bot", "--mode", "approval", "--why", "looks wrong"]);
    let shown = desk.done(&["agents", "show", "refund-bot"]);
    for part in [
        "owner payments",
        "stripe.refund (external-api-call) ×1",
        "gpt-4o-2024-08-06",
        "r41",
        "refunds p7",
        "2.1",
        "kb://refund-policy",
        "api.stripe.com",
        "clerk-bot",
        "under SW-1 approval",
    ] {
        assert!(shown.contains(part), "{part} is missing from\n{shown}");
    }
    let unit = desk.json(&["agents", "show", "refund-bot"]);
    assert_eq!(unit["switches"][0]["id"], "SW-1");
    assert!(unit["used"].as_array().unwrap().iter().any(|one| one["part"] == "hand-off"), "{unit}");
}
