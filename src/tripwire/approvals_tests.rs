//! Approvals that are none, by a table (DET.13).

use std::sync::Arc;

use imbl::OrdMap;
use serde_json::json;

use super::*;
use crate::{
    incident::containment::{Call, Hold, HoldDecision, HoldState},
    telemetry::Action,
    terms::{Author, HoldId, Time},
};

fn at(seconds: i64) -> Time {
    Time::from_millis(1_795_183_200_000).plus(seconds * Time::SECOND)
}

/// A call of `bot` that began to wait at 0.
fn hold(id: u32, state: HoldState) -> Hold {
    serde_json::from_value(json!({
        "id": HoldId(id), "state": state, "agent": "bot", "tool": "pay", "digest": format!("digest-{id}"),
        "reason": "held", "opened_at": at(0), "left_ms": 900_000, "since": at(0), "rule": "big",
    }))
    .unwrap()
}

fn decided(id: u32, by: &str, seconds: i64, approved: bool, looked_s: Option<f64>) -> Hold {
    let state = if approved { HoldState::Approved } else { HoldState::Denied };
    let by = Author::Person(by.into());
    let decided = Some(HoldDecision { at: at(seconds), by, approved, why: None, saw: None, looked_s });
    Hold { decided, ..hold(id, state) }
}

fn of(holds: impl IntoIterator<Item = Hold>) -> OrdMap<HoldId, Arc<Hold>> {
    holds.into_iter().map(|hold| (hold.id, Arc::new(hold))).collect()
}

/// What fired, as detail and note.
fn fired(approvals: &Approvals) -> Vec<(String, String)> {
    let told = approvals.changes(at(60)).into_iter().filter_map(|change| match change {
        FiringChange::Opened { key, note, .. } => Some((key.detail, note.unwrap_or_default())),
        _ => None,
    });
    told.collect()
}

fn begun() -> Approvals {
    let mut approvals = Approvals::default();
    approvals.see(&OrdMap::new(), 30.0, at(0));
    approvals
}

/// DET.13: approved in less time than a review takes; what the client says cannot stretch the time it was there.
#[test]
fn an_approval_without_looking_is_told() {
    for (holds, stamped) in [
        (vec![decided(1, "dana", 29, true, None)], true),
        (vec![decided(1, "dana", 30, true, None)], false),
        (vec![decided(1, "dana", 60, true, Some(29.9))], true),
        (vec![decided(1, "dana", 60, true, Some(30.0))], false),
        (vec![decided(1, "dana", 10, true, Some(900.0))], true),
        (vec![decided(1, "dana", 5, false, None)], false),
        (vec![decided(1, "dana", 59, true, Some(59.0)), decided(2, "dana", 59, true, Some(59.0))], true),
        (vec![decided(1, "dana", 60, true, Some(60.0)), decided(2, "dana", 60, true, Some(60.0))], false),
        (vec![decided(1, "dana", 59, true, None), decided(2, "lee", 59, true, None)], false),
        (vec![hold(1, HoldState::Waiting)], false),
    ] {
        let mut approvals = begun();
        approvals.see(&of(holds.clone()), 30.0, at(60));
        let told = fired(&approvals);
        assert_eq!(!told.is_empty(), stamped, "{holds:?}");
        assert!(
            told.iter().all(|(detail, note)| detail == "approval rubber-stamped" && note.contains("--mode approval"))
        );
        approvals.see(&of(holds), 30.0, at(61));
        assert!(approvals.changes(at(61)).len() <= 2, "a decision is judged once");
    }
    let mut after_a_restart = Approvals::default();
    after_a_restart.see(&of([decided(1, "dana", 1, true, None)]), 30.0, at(60));
    assert_eq!(fired(&after_a_restart), [], "judged by the process before");
}

/// DET.13: an action that did not wait for its approval, or went on without one.
#[test]
fn an_action_that_did_not_wait_is_told() {
    let ran = |seconds: i64| -> Action {
        serde_json::from_value(
            json!({"at": at(seconds), "received_at": at(seconds), "agent": "bot", "tool": "pay", "status": "ok"}),
        )
        .unwrap()
    };
    for (state, wrong) in [
        (HoldState::Waiting, Some("approval unenforced")),
        (HoldState::Denied, Some("approval bypassed")),
        (HoldState::Expired, Some("approval bypassed")),
        (HoldState::Abandoned, Some("approval bypassed")),
        (HoldState::Used, None),
        (HoldState::Lifted, None),
    ] {
        let mut approvals = begun();
        approvals.see(&of([hold(1, state)]), 30.0, at(10));
        approvals.ran(&ran(20), &["another".into()]);
        approvals.ran(&ran(-20), &["digest-1".into()]);
        assert_eq!(fired(&approvals), [], "{state}: another call, and one before it waited");
        approvals.ran(&ran(20), &["digest-1".into()]);
        let told = fired(&approvals);
        assert_eq!(told.first().map(|(detail, _)| detail.as_str()), wrong, "{state}");
        assert!(
            told.iter().all(|(_, note)| note.contains("HOLD-1") && note.contains("andon halt --agent bot")),
            "{told:?}"
        );
    }
    let mut approvals = begun();
    let newer = Hold { digest: "digest-1".into(), ..hold(2, HoldState::Used) };
    approvals.see(&of([hold(1, HoldState::Denied), newer]), 30.0, at(10));
    approvals.ran(&ran(20), &["digest-1".into()]);
    assert_eq!(fired(&approvals), [], "asked again, and approved then");
    let late = Hold {
        opened_at: at(-90_000),
        call: Call { agent: "old".parse().ok(), ..Call::default() },
        ..hold(1, HoldState::Denied)
    };
    approvals.see(&of([late]), 30.0, at(10));
    assert!(!approvals.concerns(&"old".parse().unwrap()), "a day is looked back");
}

/// DET.12: an approval lets one action by its rules, by its digest, or by its tool where telemetry says no more.
#[test]
fn an_approval_is_for_one_action() {
    let used = |id: u32, rule: &str, ended: i64| Hold {
        digest: "same".into(),
        rule: Some(rule.into()),
        ended_at: Some(at(ended)),
        ..hold(id, HoldState::Used)
    };
    let ran = |input: serde_json::Value| -> Action {
        let action =
            json!({"at": at(20), "received_at": at(20), "agent": "bot", "tool": "pay", "status": "ok", "input": input});
        serde_json::from_value(action).unwrap()
    };
    for input in [json!({"a": 1}), json!(null)] {
        let mut approvals = begun();
        let holds = of([used(1, "big", 5), used(2, "payee", 5), used(3, "big", 9), hold(4, HoldState::Denied)]);
        approvals.see(&holds, 30.0, at(10));
        let other = Action { tool: "look".parse().ok(), ..ran(input.clone()) };
        assert_eq!(approvals.approved(&other, &["other".into()]), [""; 0]);
        let mut approved = || {
            let mut rules = approvals.approved(&ran(input.clone()), &["same".into()]);
            rules.sort_unstable();
            rules
        };
        assert_eq!(approved(), ["big", "payee"], "one call used both");
        assert_eq!(approved(), ["big"]);
        assert_eq!(approved(), [""; 0], "each is for one");
        approvals.see(&holds, 30.0, at(11));
        assert_eq!(approvals.approved(&ran(input), &["same".into()]), [""; 0]);
    }
}

/// DET.13: a forged ticket; its firing counts, closes, and is what `FiringKey::approval` names.
#[test]
fn a_forged_ticket_is_told_once_and_counted() {
    let mut approvals = begun();
    let bot = "bot".parse().unwrap();
    for second in 0..3 {
        approvals.forged(&bot, HoldId(7), "there is no such ticket", at(second));
    }
    let changes = approvals.changes(at(3));
    let [FiringChange::Opened { key, note, .. }, FiringChange::Counted { count: 3, .. }] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!((key.tripwire, key.approval()), (Tripwire::Breach, Some(Wrong::Forged)));
    assert!(note.as_ref().unwrap().starts_with("HOLD-7 was shown: there is no such ticket · advised:"), "{note:?}");
    approvals.told(&changes, at(3));
    assert_eq!(approvals.changes(at(9)), []);
    assert!(matches!(approvals.changes(at(2 + 3_600))[..], [FiringChange::Closed { .. }]));
}
