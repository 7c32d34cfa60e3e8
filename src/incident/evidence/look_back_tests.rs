//! The look back by cases: what is counted, what is silent, and the worst of it (EVI.7).

use serde_json::json;

use super::*;

fn at(minutes: i64) -> Time {
    Time::from_millis(1_772_460_000_000).plus(minutes * Time::MINUTE)
}

fn action(agent: &str, minute: i64, more: serde_json::Value) -> Action {
    let mut whole =
        json!({"agent": agent, "tool": "pay", "run": "r", "at": at(minute), "received_at": at(minute), "status": "ok"});
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

/// EVI.7: runs, tools, records, recipients, money and agents within the window; what was refused did nothing.
#[test]
fn everything_touched_is_counted_once() {
    let mut looking = LookingBack::over(at(0), at(30));
    for one in [
        action("a", -1, json!({"counterparty": "before"})),
        action("a", 0, json!({"counterparty": "kim", "amount": {"value": 10.0, "currency": "usd"}})),
        action("a", 5, json!({"counterparty": "kim", "amount": {"value": 30.0, "currency": "USD"}, "run": "s"})),
        action("a", 6, json!({"status": "denied", "counterparty": "refused"})),
        action(
            "b",
            7,
            json!({"class": "read", "detail": {"recipients": ["lee"], "changes": [{"record": "o1"}], "effects": ["m1"]}}),
        ),
        action("b", 31, json!({"counterparty": "after"})),
    ] {
        looking.add(&one);
    }
    let found = looking.finish(true, 0, 0);
    assert_eq!((found.actions, found.agents.len()), (3, 2));
    assert_eq!(found.recipients.listed, ["kim", "lee"]);
    assert_eq!((found.runs.count, found.records.count, found.effects.count), (2, 1, 1));
    assert_eq!(found.money, [Moved { currency: "USD".into(), count: 2, sum: 40.0, largest: 30.0 }]);
    assert_eq!((found.agents[0].acting, found.agents[1].acting), (2, 0));
}

/// EVI.7: where telemetry has gaps, the worst is assumed: the busiest rate, another recipient and the largest amount each.
#[test]
fn silence_is_assumed_to_be_the_worst() {
    let mut looking = LookingBack::over(at(0), at(180));
    for minute in 0..60 {
        looking.add(&action("a", minute, json!({"counterparty": "kim", "amount": {"value": 5.0, "currency": "EUR"}})));
    }
    let found = looking.finish(true, 3, 2);
    let [gap] = found.gaps.as_slice() else { panic!("{:?}", found.gaps) };
    assert_eq!((gap.from, gap.to, gap.lasts_s), (at(59), at(180), 7_260.0));
    // Sixty an hour at most in one clock hour, for two hours and a minute.
    assert_eq!(gap.may_be, 121);
    assert_eq!(found.worst.unseen, 126);
    assert_eq!((found.worst.actions, found.worst.recipients), (186, 127));
    assert_eq!(found.worst.money["EUR"], 300.0 + 126.0 * 5.0);
    let rows = found.rows();
    assert_eq!(rows.iter().filter(|row| row.count.is_none()).count(), 1, "what is not known is a row too");
}

/// A slow agent is not silent: its own pace is the measure.
#[test]
fn a_slow_pace_is_no_gap() {
    let mut looking = LookingBack::over(at(0), at(600));
    (0..10).for_each(|hour| looking.add(&action("a", hour * 60, json!({}))));
    assert_eq!(looking.finish(true, 0, 0).gaps, []);
    assert_eq!(LookingBack::over(at(5), at(0)).finish(false, 0, 0).worst, Worst::default());
}
