//! Calls judged before they run (DET.12), by a table, and against the engine that judges what ran.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{rules_tests::rules, *};
use crate::{
    incident::AgentDeclaration,
    runbook::BeforeStage::{self, *},
    terms::{AgentId, Time, ToolName},
};

fn declared() -> AgentDeclaration {
    let inventory = json!([{"tool": "pay", "class": "external-api-call", "aliases": ["mcp__pay"]}]);
    serde_json::from_value(json!({"id": "bot", "inventory": inventory, "workflow": "refunds"})).unwrap()
}

fn before(text: &str) -> Before {
    Before::new(rules(text).rules)
}

/// A call to ask for, `second`s on.
#[derive(Clone)]
struct Call {
    agent: AgentId,
    tool: Option<ToolName>,
    run: Option<String>,
    input: Option<Value>,
    second: i64,
}

fn call(tool: &str, input: Value) -> Call {
    let input = Some(input).filter(|input| !input.is_null());
    Call { agent: "bot".parse().unwrap(), tool: tool.parse().ok(), run: Some("r".into()), input, second: 0 }
}

impl Call {
    fn asked<'a>(&'a self, declared: Option<&'a AgentDeclaration>) -> AskedCall<'a> {
        AskedCall {
            agent: &self.agent,
            declared,
            tool: self.tool.as_ref(),
            class: None,
            workflow: None,
            run: self.run.as_deref(),
            input: self.input.as_ref(),
            at: at(self.second),
        }
    }
}

fn at(second: i64) -> Time {
    Time::from_millis(1_772_460_300_000).plus(second * Time::SECOND)
}

fn said(before: &Before, call: &Call) -> Vec<(String, BeforeStage, String)> {
    let declared = declared();
    let found = before.objections(&call.asked(Some(&declared)));
    found.into_iter().map(|objection| (objection.name, objection.stage, objection.note)).collect()
}

/// DET.5, DET.12: authorisation before the act, at each stage; off says nothing.
#[test]
fn tools_outside_the_inventory_are_objected_to() {
    for stage in BeforeStage::ALL {
        let before = before(&format!("[before]\nauthorisation = '{stage}'\n"));
        let outside = said(&before, &call("shell.run", json!(null)));
        let expected = ("authorisation".to_owned(), *stage, "shell.run is not in its inventory".to_owned());
        assert_eq!(outside, if *stage == Off { vec![] } else { vec![expected] });
        for inside in ["pay", "mcp__pay", "PAY"] {
            assert_eq!(said(&before, &call(inside, json!(null))), [], "{inside}");
        }
        let stranger = before.objections(&call("pay", json!(null)).asked(None));
        assert_eq!(stranger.len(), usize::from(*stage != Off), "an agent nobody declared");
        assert_eq!(said(&before, &Call { tool: None, ..call("", json!(null)) }), [], "no tool is named");
    }
}

/// DET.11, DET.12: what a rule cannot read off a call that has not run counts against it; the strictest comes first.
#[test]
fn a_call_that_does_not_say_is_not_let_by() {
    let before = before(
        "[[rule]]\nname = 'big'\ntool = 'pay'\namount = { USD = 500.0 }\ninput = { amount = '/a' }\nbefore = 'enforce-hold'\n\
         [[rule]]\nname = 'huge'\ntool = 'pay'\namount = { USD = 900.0 }\ninput = { amount = '/a' }\nbefore = 'enforce-deny'\n\
         [[rule]]\nname = 'after'\ntool = 'pay'\namount = { USD = 1.0 }\n",
    );
    for (input, names) in [
        (json!({"a": 500}), vec![]),
        (json!({"a": 501}), vec!["big"]),
        (json!({"a": 901}), vec!["huge", "big"]),
        (json!({"a": "901"}), vec!["huge", "big"]),
        (json!({}), vec!["huge", "big"]),
        (json!({"a": null}), vec!["huge", "big"]),
        (json!(null), vec!["huge", "big"]),
    ] {
        let found = said(&before, &call("mcp__pay", input.clone()));
        assert_eq!(found.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), names, "{input}");
    }
    assert_eq!(said(&before, &call("look", json!({"a": 901}))), [], "another tool");
}

/// DET.11, DET.12: loops and runs go on from what was let through; what was refused teaches nothing.
#[test]
fn only_what_was_let_through_counts() {
    let text = "[[rule]]\nname = 'loop'\nloop = { times = 3, minutes = 1 }\nbefore = 'enforce-deny'\n\
                [[rule]]\nname = 'many'\ncalls_per_run = 4\nbefore = 'enforce-hold'\n";
    let mut before = before(text);
    let declared = declared();
    let mut same = call("pay", json!({"x": 1}));
    for _ in 0..2 {
        assert_eq!(said(&before, &same), []);
        before.let_through(&same.asked(Some(&declared)));
    }
    for _ in 0..9 {
        assert_eq!(said(&before, &same).first().map(|(name, ..)| name.as_str()), Some("loop"), "asked, and refused");
    }
    same.second = 60;
    assert_eq!(said(&before, &same), [], "a minute later it is none");
    before.let_through(&same.asked(Some(&declared)));
    same.input = Some(json!({"x": 2}));
    before.let_through(&same.asked(Some(&declared)));
    assert_eq!(said(&before, &call("pay", json!(null)))[0].2, "5 such calls in run r");
    same.run = Some("other".into());
    assert_eq!(said(&before, &same), []);
}

/// DET.11, DET.12: whom executed actions dealt with is known, here and after a restart of the backend.
#[test]
fn known_counterparties_come_from_what_ran() {
    let text = "[[rule]]\nname = 'payee'\ntool = 'pay'\nnew_counterparty = { grace_h = 0 }\ninput = { counterparty = '/to' }\nbefore = 'warn'\n";
    let (plan, declared) = (rules(text), declared());
    let mut before = Before::new(plan.rules.clone());
    let to = |who: &str| call("pay", json!({ "to": who }));
    assert_eq!(said(&before, &to("a"))[0].2, "a was never dealt with before");
    before.let_through(&to("a").asked(Some(&declared)));
    assert_eq!(said(&before, &to("a")).len(), 1, "asking is not dealing");
    let ran = |status: &str| {
        let action = json!({"at": at(0), "received_at": at(0), "agent": "bot", "tool": "pay", "status": status, "input": {"to": "a"}});
        serde_json::from_value::<crate::telemetry::Action>(action).unwrap()
    };
    before.saw(&ran("denied"), Some(&declared));
    assert_eq!(said(&before, &to("a")).len(), 1, "denied");
    before.saw(&ran("ok"), Some(&declared));
    assert_eq!(said(&before, &to("a")), []);
    let mut engine = Engine::new(plan.clone());
    engine.judge(&ran("ok"), &mut Vec::new());
    let mut again = Before::new(plan.rules);
    again.recall(engine.recall());
    assert_eq!((said(&again, &to("a")).len(), said(&again, &to("b")).len()), (0, 1));
}

/// DET.12: shadow is only counted; from warn on it is a firing that opens once, counts, and closes after an hour.
#[test]
fn objections_are_counted_and_fire_from_warn_on() {
    for stage in [Shadow, Warn, EnforceHold, EnforceDeny] {
        let mut before = before(&format!("[before]\nauthorisation = '{stage}'\n"));
        let declared = declared();
        let wrong = call("shell.run", json!(null));
        for (second, tool) in [(0, "shell.run"), (0, "pay"), (1, "shell.run")] {
            let call = Call { second, ..call(tool, json!(null)) };
            let found = before.objections(&call.asked(Some(&declared)));
            before.count(&call.asked(Some(&declared)), &found);
        }
        let tally = before.tallies().remove(0);
        assert_eq!((tally.judged, tally.met, tally.last.unwrap().at), (3, 2, at(1)), "{stage}");
        let changes = before.changes(at(2));
        if stage == Shadow {
            assert_eq!(changes, [], "shadow is only counted");
            continue;
        }
        assert_eq!(before.changes(at(2)), changes, "told again until it is recorded");
        let [FiringChange::Opened { key, note, .. }, FiringChange::Counted { count: 2, .. }] = &changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!((key.asked(), key.tripwire), (Some("authorisation"), Tripwire::Authorisation));
        assert!(note.as_ref().unwrap().ends_with("before it ran: shell.run is not in its inventory"), "{note:?}");
        before.told(&changes, at(2));
        assert_eq!(before.changes(at(3)), []);
        let found = before.objections(&wrong.asked(Some(&declared)));
        before.count(&wrong.asked(Some(&declared)), &found);
        assert_eq!(before.changes(at(2)), [], "repeats at most once a second");
        assert_eq!(before.changes(at(3)).len(), 1);
        let closing = before.changes(at(1 + 3_600));
        assert!(
            matches!(closing.last(), Some(FiringChange::Closed { at: closed, .. }) if *closed == at(3_601)),
            "{closing:?}"
        );
        before.told(&closing, at(3_601));
        assert_eq!(before.changes(at(9_999)), []);
    }
}

/// Without a stage nothing is judged, and a crowd of made-up agents takes no room without end.
#[test]
fn nothing_is_judged_where_nobody_asks_for_it() {
    let off = Arc::new(crate::runbook::Rules::default());
    assert!(!off.judge_before());
    let mut before = before("[[rule]]\nname = 'many'\ncalls_per_run = 1\nbefore = 'warn'\n");
    for number in 0..20_000 {
        let call = Call { agent: format!("agent-{number}").parse().unwrap(), ..call("pay", json!(null)) };
        before.let_through(&call.asked(None));
    }
    let last = Call { agent: "agent-19999".parse().unwrap(), ..call("pay", json!(null)) };
    assert_eq!(before.objections(&last.asked(None)), [], "no past is known of one too many");
    let first = Call { agent: "agent-0".parse().unwrap(), ..last };
    assert_eq!(before.objections(&first.asked(None)).len(), 1);
}
