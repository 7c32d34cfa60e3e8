//! Team rules by a table of small cases, and against a naive twin that keeps every call (DET.11).

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    engine_tests::{act, plan},
    recall::{CALLS, PARTIES, RUNS},
    *,
};
use crate::{
    incident::AgentDeclaration,
    runbook::{Rules, Runbook, TripwirePlan},
    telemetry::{Action, Amount, Status},
};

pub(super) fn rules(text: &str) -> TripwirePlan {
    let texts = BTreeMap::from([("rules.toml".to_owned(), text.to_owned())]);
    Runbook::from_texts(&texts).unwrap().tripwires
}

/// An engine with these rules, where `bot` may use `pay` (also as `mcp__pay`) and `look`, in workflow `refunds`.
fn engine(text: &str) -> Engine {
    let mut engine = Engine::new(TripwirePlan { cold_calls: None, cold_cost_usd: None, ..rules(text) });
    let inventory = json!([{"tool": "pay", "class": "external-api-call", "aliases": ["mcp__pay"]}, "look"]);
    let declared = json!({"id": "bot", "inventory": inventory, "workflow": "refunds"});
    engine.declare(&serde_json::from_value::<AgentDeclaration>(declared).unwrap());
    engine
}

/// An action of `bot` with `pay`, and `more`.
fn call(minute: i64, more: Value) -> Action {
    let mut whole = serde_json::to_value(act("bot", minute, 0.0)).unwrap();
    let fields = whole.as_object_mut().unwrap();
    fields.remove("cost_usd");
    fields.insert("tool".into(), "pay".into());
    for (key, value) in more.as_object().unwrap() {
        fields.insert(key.clone(), value.clone());
    }
    serde_json::from_value(whole).unwrap()
}

/// What fired for rules: details and notes of what opened, and how often what was open was met again.
fn fired(engine: &mut Engine, actions: impl IntoIterator<Item = Action>) -> Vec<String> {
    let mut told = Vec::new();
    for action in actions {
        let mut changes = Vec::new();
        engine.judge(&action, &mut changes);
        for change in changes {
            match change {
                FiringChange::Opened { key, note, .. } if key.tripwire == Tripwire::Rule => {
                    told.push(format!("{}: {}", key.detail, note.unwrap_or_default()));
                }
                FiringChange::Counted { key, count, .. } if key.tripwire == Tripwire::Rule => {
                    told.push(format!("{} ×{count}", key.detail));
                }
                _ => {}
            }
        }
    }
    told
}

/// DET.11: an amount by its currency, as stated or as the input holds it.
#[test]
fn an_amount_over_its_limit_fires() {
    let rule = "[[rule]]\nname = 'big'\nclass = 'external-api-call'\namount = { USD = 500.0, EUR = 400.0 }\n\
                input = { amount = '/charge/cents', unit = 0.01, currency = '/cur' }\n";
    let money = |value: f64, currency: &str| json!({"amount": {"value": value, "currency": currency}});
    for (more, said) in [
        (money(500.0, "USD"), None),
        (money(500.01, "USD"), Some("500.01 USD over 500.00")),
        (money(-500.01, "usd"), Some("500.01 usd over 500.00")),
        (money(401.0, "EUR"), Some("401.00 EUR over 400.00")),
        (money(1.0, "JPY"), Some("1.00 JPY, a currency without a limit")),
        (json!({}), None),
        (json!({"input": {"charge": {"cents": 50_000}, "cur": "USD"}}), None),
        (json!({"input": {"charge": {"cents": 50_001}, "cur": "USD"}}), Some("500.01 USD over 500.00")),
        (json!({"input": {"charge": {"cents": "50001"}, "cur": "USD"}}), Some("500.01 USD over 500.00")),
        (json!({"input": {"charge": {"cents": 40_001}}}), Some("400.01 over 400.00")),
        (json!({"input": {"charge": {"cents": "5e6 "}, "cur": 7}}), Some("50000.00 7, a currency without a limit")),
        (json!({"input": {"charge": {"cents": {"v": 1}}}}), Some("the amount {\"v\":1} is no number")),
        (json!({"input": {"charge": {"cents": "NaN"}, "cur": "USD"}}), Some("NaN USD over 500.00")),
        (json!({"input": {"charge": {}}}), None),
        (
            json!({"amount": {"value": 1.0, "currency": "USD"}, "input": {"charge": {"cents": 60_000}}}),
            Some("600.00 USD over 500.00"),
        ),
    ] {
        let told = fired(&mut engine(rule), [call(0, more.clone())]);
        assert_eq!(told, said.map(|said| format!("big: {said}")).into_iter().collect::<Vec<_>>(), "{more}");
    }
}

/// DET.12: what a person approved does not fire, and is learned all the same.
#[test]
fn an_approved_call_fires_no_rule_it_was_let_by() {
    let mut engine =
        engine("[[rule]]\nname = 'many'\ncalls_per_run = 1\n[[rule]]\nname = 'big'\namount = { USD = 1.0 }\n");
    let big = call(0, json!({"run": "r", "amount": {"value": 2.0, "currency": "USD"}}));
    let mut changes = Vec::new();
    engine.judge_approved(&big, &["big".into()], &mut changes);
    assert_eq!(changes.len(), 0);
    assert_eq!(fired(&mut engine, [big]), ["many: 2 such calls in run r", "big: 2.00 USD over 1.00"]);
}

/// DET.11: every part of the filter must fit; aliases and the declared class and workflow count.
#[test]
fn a_rule_looks_at_what_it_names() {
    let money = json!({"amount": {"value": 2.0, "currency": "USD"}});
    let with = |more: Value| {
        let mut whole = money.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    for (only, more, fires) in [
        ("", json!({}), true),
        ("tool = 'pay'", json!({}), true),
        ("tool = 'PAY'", json!({"tool": "mcp__pay"}), true),
        ("tool = 'mcp__pay'", json!({}), true),
        ("tool = 'look'", json!({}), false),
        ("tool = 'look'", json!({"tool": "look"}), true),
        ("agent = 'bot'", json!({}), true),
        ("agent = 'Bot'", json!({}), false),
        ("class = 'external-api-call'", json!({"class": "read"}), true),
        ("class = 'document'", json!({"class": "document"}), true),
        ("class = 'document'", json!({}), false),
        ("workflow = 'refunds'", json!({"workflow": "other"}), true),
        ("workflow = 'other'", json!({"workflow": "other"}), true),
        ("workflow = 'other'", json!({}), false),
        ("tool = 'pay'\nagent = 'bot'\nworkflow = 'other'", json!({}), false),
        ("tool = 'pay'", json!({"status": "denied"}), false),
        ("tool = 'pay'", json!({"status": "error"}), true),
    ] {
        let rule = format!("[[rule]]\nname = 'r'\namount = {{ USD = 1.0 }}\n{only}\n");
        let told = fired(&mut engine(&rule), [call(0, with(more.clone()))]);
        assert_eq!(!told.is_empty(), fires, "{only} {more}");
    }
}

/// DET.11: a real case that none of the four catches — a payment seconds after a poisoned bill, to somebody new.
#[test]
fn somebody_never_dealt_with_fires_after_the_grace() {
    let rule = "[[rule]]\nname = 'new payee'\ntool = 'pay'\nnew_counterparty = { grace_h = 24 }\ninput = { counterparty = '/to' }\n";
    let mut engine = engine(rule);
    let to = |minute, who: &str| call(minute, json!({"counterparty": who}));
    assert_eq!(fired(&mut engine, [to(0, "acct-1"), to(60, "acct-2"), to(24 * 60 - 1, "acct-3")]), [""; 0]);
    assert_eq!(fired(&mut engine, [to(24 * 60, "acct-1"), call(24 * 60, json!({}))]), [""; 0]);
    let told = fired(&mut engine, [to(24 * 60, "acct-\u{202e}9"), to(24 * 60 + 1, "acct-\u{202e}9")]);
    assert_eq!(told, ["new payee: acct-‹U+202E›9 was never dealt with before"], "once, and as seen");
    assert_eq!(fired(&mut engine, [call(24 * 60 + 2, json!({"input": {"to": "acct-2"}}))]), [""; 0]);
    let told = fired(&mut engine, [call(24 * 60 + 2, json!({"input": {"to": 77}})), to(24 * 60 + 3, "acct-8")]);
    assert_eq!(told, ["new payee ×2", "new payee ×3"]);
    let none = "[[rule]]\nname = 'r'\nnew_counterparty = { grace_h = 0 }\n";
    assert_eq!(fired(&mut self::engine(none), [to(0, "acct-1"), to(1, "acct-1")]).len(), 1, "no grace: the first, too");
}

/// DET.11: a limit on calls in one run; a call outside every run is in none.
#[test]
fn calls_in_one_run_are_counted() {
    let mut engine = engine("[[rule]]\nname = 'many'\ntool = 'pay'\ncalls_per_run = 2\n");
    let of = |run: Option<&str>| call(0, json!({ "run": run }));
    assert_eq!(fired(&mut engine, [Some("a"), Some("a"), Some("b"), None, None, None].map(of)), [""; 0]);
    assert_eq!(fired(&mut engine, [Some("a"), Some("a")].map(of)), ["many: 3 such calls in run a", "many ×2"]);
    let others = (0..RUNS).map(|run| of(Some(&format!("r{run}"))));
    assert_eq!(fired(&mut engine, others), [""; 0]);
    assert_eq!(fired(&mut engine, [Some("b"), Some("b")].map(of)), [""; 0], "a run so long ago is forgotten");
}

/// DET.11: the same tool with the same input, however its keys are ordered.
#[test]
fn the_same_call_again_and_again_is_a_loop() {
    let rule = "[[rule]]\nname = 'loop'\nloop = { times = 3, minutes = 10 }\n";
    let with = |minute, input: Value| call(minute, json!({ "input": input }));
    let same = |minute| with(minute, json!({"a": 1, "b": [1, 2]}));
    let text = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut one = engine(rule);
    let told = fired(&mut one, [same(0), with(1, text(r#"{"b":[1,2],"a":1}"#)), same(2), same(3)]);
    assert_eq!(told, ["loop: pay with the same input 3 times in 10 minutes", "loop ×2"]);
    for (actions, fires, what) in [
        ([same(0), same(1), same(10)], false, "the first has left the ten minutes"),
        ([same(0), same(5), same(9)], true, "within ten minutes"),
        ([same(0), same(1), with(2, json!({"a": 1, "b": [2, 1]}))], false, "another input"),
        ([same(0), same(1), Action { tool: "look".parse().ok(), ..same(2) }], false, "another tool"),
        ([same(0), same(1), Action { tool: "mcp__pay".parse().ok(), ..same(2) }], true, "by another name"),
        ([same(0), same(1), call(2, json!({}))], false, "an input that nobody states"),
        ([same(0), same(1), Action { status: Status::Denied, ..same(2) }], false, "denied"),
        ([same(0), same(1), Action { status: Status::Error, ..same(2) }], true, "retries that fail"),
    ] {
        assert_eq!(!fired(&mut engine(rule), actions).is_empty(), fires, "{what}");
    }
    let undeclared = (0..3).map(|minute| Action { agent: "x".parse().unwrap(), ..same(minute) });
    assert_eq!(fired(&mut engine(rule), undeclared).len(), 1, "an agent nobody declared loops too");
}

/// Protocol 2: late actions are judged by team rules; what has no believable time counts in no loop.
#[test]
fn late_actions_meet_rules() {
    let rule =
        "[[rule]]\nname = 'loop'\nloop = { times = 3, minutes = 10 }\n[[rule]]\nname = 'big'\namount = { USD = 1.0 }\n";
    let mut engine = engine(rule);
    let again = |minute| call(minute, json!({"input": {"a": 1}}));
    assert_eq!(fired(&mut engine, [again(600), again(100), again(101), again(102)]).len(), 1, "late by eight hours");
    let weeks = 8 * 24 * 60;
    let told = fired(&mut engine, [again(600 + weeks), again(3), again(4), again(5)]);
    assert_eq!(told, [""; 0], "over seven days late");
    let big = Action { amount: Some(Amount { value: 2.0, currency: "USD".into() }), ..again(6) };
    assert_eq!(fired(&mut engine, [big]), ["big: 2.00 USD over 1.00"], "money is money whenever it moved");
}

/// A rule pages again an hour after it was last met, by event time, and not before.
#[test]
fn a_rules_firing_closes_after_an_hour() {
    let mut engine = engine("[[rule]]\nname = 'big'\namount = { USD = 1.0 }\n");
    let big = |minute| call(minute, json!({"amount": {"value": 2.0, "currency": "USD"}}));
    assert_eq!(fired(&mut engine, [big(0), big(59)]), ["big: 2.00 USD over 1.00", "big ×2"]);
    assert_eq!(fired(&mut engine, [big(59 + 60)]), ["big: 2.00 USD over 1.00"]);
}

/// What rules remember survives a restart, is dropped with its rule, and begins anew where a name means another kind.
#[test]
fn what_rules_remember_is_bounded_and_kept() {
    let text = "[[rule]]\nname = 'loop'\nloop = { times = 2, minutes = 1000 }\n[[rule]]\nname = 'payee'\nnew_counterparty = { grace_h = 0 }\n\
                [[rule]]\nname = 'many'\ncalls_per_run = 100000\n";
    let mut one = engine(text);
    let busy =
        (0..5_000).map(|n| call(n / 60, json!({"run": format!("r{n}"), "counterparty": n.to_string(), "input": n})));
    fired(&mut one, busy);
    let kept = one.snapshot().unwrap();
    let state: Value = serde_json::from_slice(&kept).unwrap();
    let recall = &state["agents"]["bot"]["recall"];
    let len = |place: usize, pointer: &str| recall[place]["of"].pointer(pointer).unwrap().as_array().unwrap().len();
    assert_eq!((len(0, "/calls"), len(1, "/parties/known"), len(2, "/runs")), (CALLS.1, PARTIES, RUNS));
    let mut two = engine(text);
    two.restore(&kept).unwrap();
    assert_eq!(fired(&mut two, [call(90, json!({"input": 4_999}))]).len(), 1, "the loop goes on after a restart");
    let mut three = engine("[[rule]]\nname = 'loop'\ncalls_per_run = 1\n");
    three.restore(&kept).unwrap();
    let state: Value = serde_json::from_slice(&three.snapshot().unwrap()).unwrap();
    assert_eq!(state["agents"]["bot"]["recall"].as_array().unwrap().len(), 1, "rules that are gone are forgotten");
    let of = |run: &str| call(90, json!({ "run": run }));
    assert_eq!(fired(&mut three, [of("x"), of("x")]).len(), 1);
    let mut old = state;
    old["agents"]["bot"].as_object_mut().unwrap().remove("recall");
    engine(text).restore(&serde_json::to_vec(&old).unwrap()).expect("a snapshot from before there were rules");
}

/// A call as the twin keeps it.
#[derive(Debug, Clone)]
struct Seen {
    minute: i64,
    input: u8,
    run: u8,
    party: u8,
}

#[derive(Debug, Clone)]
enum Step {
    Call(Seen),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let forward = prop_oneof![6 => 0..3i64, 2 => -30..0i64, 1 => -400..-60i64, 1 => 60..900i64];
    let seen =
        (forward, 0..3u8, 0..4u8, 0..6u8).prop_map(|(minute, input, run, party)| Seen { minute, input, run, party });
    prop::collection::vec(prop_oneof![20 => seen.prop_map(Step::Call), 1 => Just(Step::Restart)], 1..120)
}

/// From scratch over all calls so far, the newest last: loop, many, payee.
fn twin(seen: &[Seen], times: usize, minutes: i64, most: usize, grace_h: i64) -> [bool; 3] {
    let now = seen.last().unwrap();
    let remembered = &seen[seen.len().saturating_sub((times * CALLS.0).max(CALLS.1) + 1)..];
    let again = remembered
        .iter()
        .filter(|one| one.input == now.input && one.minute > now.minute - minutes && one.minute <= now.minute);
    let calls = seen.iter().filter(|one| one.run == now.run).count();
    let before = &seen[..seen.len() - 1];
    let since = before.iter().map(|one| one.minute).min().unwrap_or(now.minute);
    let settled = now.minute - since >= grace_h * 60;
    [again.count() >= times, calls > most, settled && before.iter().all(|one| one.party != now.party)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// DET.11: bounded memory says what a memory of everything says.
    #[test]
    fn rules_and_their_naive_twin_say_the_same(
        steps in steps(), times in 2usize..6, minutes in 1i64..40, most in 1usize..9, grace_h in 0i64..5,
    ) {
        let text = format!(
            "[[rule]]\nname = 'loop'\nloop = {{ times = {times}, minutes = {minutes} }}\n\
             [[rule]]\nname = 'many'\ncalls_per_run = {most}\n\
             [[rule]]\nname = 'payee'\nnew_counterparty = {{ grace_h = {grace_h} }}\n"
        );
        let (mut real, mut seen, mut newest) = (engine(&text), Vec::<Seen>::new(), 10_000);
        for step in steps {
            let Step::Call(mut one) = step else {
                let kept = real.snapshot().unwrap();
                real = engine(&text);
                real.restore(&kept).unwrap();
                continue;
            };
            one.minute += newest;
            newest = newest.max(one.minute);
            let action = call(one.minute, json!({"input": one.input, "run": one.run.to_string(), "counterparty": one.party.to_string()}));
            seen.push(one);
            let mut changes = Vec::new();
            real.judge(&action, &mut changes);
            let met = |name: &str| changes.iter().any(|change| match change {
                FiringChange::Opened { key, .. } | FiringChange::Counted { key, .. } => key.detail == name,
                FiringChange::Closed { .. } => false,
            });
            prop_assert_eq!(["loop", "many", "payee"].map(met), twin(&seen, times, minutes, most, grace_h));
        }
    }
}

/// Without rules nothing changes: what ships fires as before.
#[test]
fn no_rules_no_memory() {
    let mut engine = Engine::new(plan());
    assert_eq!(engine.plan.rules, Arc::new(Rules::default()));
    fired(&mut engine, (0..9).map(|minute| call(minute, json!({"input": 1, "run": "a", "counterparty": "b"}))));
    let state: Value = serde_json::from_slice(&engine.snapshot().unwrap()).unwrap();
    assert_eq!(state["agents"]["bot"]["recall"], json!([]));
}
