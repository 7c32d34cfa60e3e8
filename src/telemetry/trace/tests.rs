use proptest::prelude::*;
use serde_json::json;

use super::{super::native, *};
use crate::{telemetry::Action, terms::Time};

fn plain(text: &str) -> String {
    text.to_owned()
}

fn actions(list: serde_json::Value) -> Vec<Action> {
    let lines: Vec<String> = list.as_array().unwrap().iter().map(ToString::to_string).collect();
    let decoded = native::decode(lines.join("\n").as_bytes(), Time::from_millis(1_000_000)).unwrap();
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    decoded.actions.into_iter().map(|(_, action)| action).collect()
}

fn traced(list: serde_json::Value, most: usize) -> Trace {
    let actions = actions(list);
    trace(actions.iter().enumerate().map(|(at, action)| (at as u64 + 1, action)), &plain, most)
}

fn at(second: u32) -> String {
    format!("1970-01-01T00:{:02}:{:02}Z", second / 60, second % 60)
}

fn story() -> serde_json::Value {
    json!([
        {"agent":"triage","run":"r1","endpoint":"chat openai/gpt-4o","model":"gpt-4o-2024-08-06","tokens":{"input":9,"output":3},
         "at":at(10),"cost_usd":0.25,"input":"refund 81, says the mail","trace_id":"t","span_id":"a"},
        {"agent":"triage","run":"r1","tool":"kb.search","at":at(11),"class":"read","trace_id":"t","span_id":"b","parent_span_id":"a",
         "detail":{"retrieval":{"query":"refund rules","sources":[{"uri":"kb://old-policy","score":0.91},{"id":"kb-2"}]}}},
        {"agent":"triage","run":"r1","tool":"delegate","at":at(12),"detail":{"hand_off":{"from":"triage","to":"payer","contract":"pay at most 20"}}},
        {"agent":"payer","run":"r2","tool":"stripe.payout","class":"external-api-call","at":at(20),"cost_usd":0.05,
         "amount":{"value":120.0,"currency":"USD"},"counterparty":"acct-9"},
        {"agent":"payer","run":"r2","tool":"mail.send","class":"customer-communication","at":at(21),"status":"denied",
         "artefact":{"kind":"email","visible_to":"customer"}}
    ])
}

/// EVI.6: from what was put in to what came of it: spans nest, a hand-off leads to the other agent's run, costs add up,
/// look-ups show their ranked sources, and what was stopped is no consequence.
#[test]
fn a_path_reads_from_input_to_consequence() {
    let trace = traced(story(), 100);
    let told: Vec<String> = lines(&trace, 80).into_iter().map(|line| line.text).collect();
    let expected = [
        ("run r1 · triage", "$0.30"),
        ("  asks gpt-4o-2024-08-06", "$0.25"),
        ("    in  refund 81, says the mail", ""),
        ("    looks up \"refund rules\": 2 found", ""),
        ("      1 0.91 kb://old-policy", ""),
        ("      2 kb-2", ""),
        ("  hands to payer", "$0.05"),
        ("    contract pay at most 20", ""),
        ("    run r2 · payer", "$0.05"),
        ("      calls stripe.payout", "$0.05"),
        ("        ! 120 USD to acct-9", ""),
        ("      calls mail.send was stopped", ""),
    ];
    assert!(told[0].starts_with("5 actions · 1 consequences · 11.0s · $0.30"), "{}", told[0]);
    assert_eq!(told.len(), expected.len() + 1, "{told:#?}");
    for (line, (begins, ends)) in told[1..].iter().zip(expected) {
        assert!(line.starts_with(begins) && line.ends_with(ends), "{line:?} is not {begins:?} … {ends:?}");
    }
    assert!(trace.rows.iter().filter(|row| row.leads).all(|row| row.step.what != "mail.send"));
}

/// EVI.6: a loop is one row, and where there are too many rows those that lead to a consequence stay.
#[test]
fn a_loop_is_one_row_and_the_path_stays() {
    let loops: Vec<_> = (0..500)
        .map(|n| json!({"agent":"a","run":"r","tool":"crm.read","class":"read","at":at(n),"cost_usd":0.01}))
        .collect();
    let trace = traced(json!(loops), 100);
    assert_eq!(trace.rows.len(), 2);
    assert_eq!((trace.rows[1].times, trace.rows[1].total.usd()), (500, 5.0));

    let mut many: Vec<_> =
        (0..500).map(|n| json!({"agent":"a","run":"r","tool":format!("tool{n}"),"class":"read","at":at(n)})).collect();
    many.push(json!({"agent":"a","run":"r","tool":"wipe","class":"database-write","at":at(600)}));
    let trace = traced(json!(many), 50);
    assert_eq!((trace.rows.len(), trace.left_out), (50, 452));
    assert_eq!(trace.rows.last().unwrap().step.what, "wipe");
    assert!(lines(&trace, 44).iter().any(|line| line.text.contains("452 rows left out")));
}

/// EVI.6: spans that are above one another, and hand-offs there and back, lose no step.
#[test]
fn a_circle_loses_nothing() {
    let trace = traced(
        json!([
            {"agent":"a","run":"r","tool":"x","at":at(1),"trace_id":"t","span_id":"1","parent_span_id":"2","detail":{"hand_off":{"to":"b"}}},
            {"agent":"b","run":"r","tool":"y","at":at(1),"trace_id":"t","span_id":"2","parent_span_id":"1","detail":{"hand_off":{"to":"a"}}},
            {"agent":"b","run":"q","tool":"z","at":at(1),"trace_id":"t","span_id":"3","parent_span_id":"3","detail":{"hand_off":{"to":"a"}}}
        ]),
        100,
    );
    for tool in ["x", "y", "z"] {
        assert_eq!(trace.rows.iter().filter(|row| row.step.what == tool).count(), 1, "{tool}");
    }
}

/// EVI.6: a hundred thousand steps, each under the one before it, need no stack and are told with their cap.
#[test]
fn a_hundred_thousand_steps_deep() {
    let one =
        actions(json!([{"agent":"a","run":"r","tool":"t","class":"code-or-deployment","at":at(1),"trace_id":"t"}]))
            .remove(0);
    let mut gathering = Gathering::default();
    for n in 0..100_000u64 {
        let mut action = one.clone();
        action.span_id = Some(n.to_string());
        action.parent_span_id = n.checked_sub(1).map(|above| above.to_string());
        gathering.add(n, &action, &plain);
    }
    let trace = gathering.finish(2_000);
    assert_eq!((trace.rows.len(), trace.left_out, trace.actions), (2_000, 98_001, 100_000));
    assert!(lines(&trace, 44).iter().all(|line| line.text.chars().count() <= 44));
}

proptest! {
    /// EVI.6: hostile text is made printable and no line is wider than asked; every action stands in one row.
    #[test]
    fn any_actions_read_at_any_width(
        steps in prop::collection::vec((any::<String>(), 0u8..6, 0u8..6, 0u32..50, 0u8..3), 0..40),
        width in 10usize..120,
    ) {
        let one = actions(json!([{"agent":"a","tool":"t","at":at(1)}])).remove(0);
        let actions: Vec<Action> = steps.iter().map(|(text, span, parent, when, agent)| {
            let mut action = one.clone();
            action.agent = ["a", "b", "c"][usize::from(*agent)].parse().unwrap();
            action.at = Time::from_millis(i64::from(*when) * 1000);
            action.input = Some(json!({"said": text}));
            action.output = Some(json!(text));
            action.run = Some(text.clone());
            action.span_id = Some(span.to_string());
            action.parent_span_id = Some(parent.to_string());
            action
        }).collect();
        let trace = trace(actions.iter().enumerate().map(|(at, action)| (at as u64, action)), &plain, 10_000);
        let told: u64 = trace.rows.iter().filter(|row| row.step.kind != Kind::Run).map(|row| row.times).sum();
        prop_assert_eq!(told, actions.len() as u64);
        for line in lines(&trace, width) {
            prop_assert!(!line.text.chars().any(char::is_control));
            prop_assert!(crate::terms::Printable::line(&line.text).width() <= width, "{:?}", line.text);
        }
    }
}
