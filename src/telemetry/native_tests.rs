use proptest::prelude::*;
use serde_json::json;

use super::*;

fn now() -> Time {
    "2026-11-20T14:05:42.000Z".parse().unwrap()
}

fn full() -> Value {
    json!({
        "id": "a-1", "started": "2026-11-20T14:05:40.000Z", "at": "2026-11-20T14:05:41.120Z", "agent": "refund-bot",
        "run": "run-81", "workflow": "refunds", "tool": "Stripe.Payout",
        "endpoint": "POST https://api.stripe.com/v1/payouts/8123", "class": "external-api-call", "cost_usd": 0.0123,
        "status": "error",
        "artefact": {"kind": "email", "visible_to": "customer", "review": {"by": "dana", "seconds": 4}},
        "amount": {"value": 120.0, "currency": "USD"}, "counterparty": "acct-9", "model": "m-1",
        "tokens": {"input": 512, "output": 90}, "on_behalf_of": "user-7", "input": {"to": ["x"]}, "output": "done",
        "trace_id": "00", "span_id": "01", "parent_span_id": "02", "something_new": [1, {"a": null}]
    })
}

fn reasons(body: &str) -> Vec<(usize, String)> {
    let decoded = decode(body.as_bytes(), now()).unwrap();
    decoded.rejected.into_iter().map(|rejected| (rejected.index, rejected.reason)).collect()
}

#[test]
fn det_14_a_native_action_keeps_every_field() {
    let decoded = decode(full().to_string().as_bytes(), now()).unwrap();
    assert_eq!(decoded.rejected, []);
    let (0, action) = &decoded.actions[0] else { panic!("the index is 0") };
    assert_eq!(action.tool.as_ref().unwrap().as_str(), "stripe.payout");
    assert_eq!(action.endpoint.as_deref(), Some("POST api.stripe.com/v1/payouts/{}"));
    assert_eq!(action.at.to_string(), "2026-11-20T14:05:41.120Z");
    assert_eq!(action.received_at, now());
    assert_eq!(action.cost, NanoUsd::from_usd(0.0123));
    assert_eq!(action.status, Status::Error);
    assert_eq!(action.artefact.as_ref().unwrap().review.as_ref().unwrap().seconds, Some(4.0));
    let again = serde_json::to_vec(action).unwrap();
    assert_eq!(decode(&again, now()).unwrap().actions[0].1, *action);
    assert_eq!(serde_json::from_slice::<Action>(&again).unwrap(), *action);
}

#[test]
fn an_object_an_array_and_lines_are_the_same() {
    let one = json!({"agent": "a", "tool": "t"});
    let pretty = serde_json::to_string_pretty(&full()).unwrap();
    for (body, count) in [
        (one.to_string(), 1),
        (format!("\u{feff} \n{pretty}\n"), 1),
        (format!("[{one},{one}]"), 2),
        (format!("{one}\r\n\n{one}\n"), 2),
        ("[]".into(), 0),
    ] {
        let decoded = decode(body.as_bytes(), now()).unwrap();
        assert_eq!((decoded.actions.len(), decoded.rejected.len()), (count, 0), "{body}");
    }
    let action = decode(one.to_string().as_bytes(), now()).unwrap().actions.remove(0).1;
    assert_eq!((action.at, action.status, action.started), (now(), Status::Ok, None));
}

#[test]
fn a_bad_item_is_named_and_its_neighbours_kept() {
    let good = json!({"agent": "a", "tool": "t"});
    let bad = json!([good, {"agent": "a"}, good, {"tool": "t"}, 7, {"agent": "a", "tool": "t", "cost_usd": "1"}, good]);
    let expected = ["tool and endpoint", "agent is missing", "JSON object", "cost_usd: invalid type: string"];
    let lines: String = bad.as_array().unwrap().iter().map(|item| format!("{item}\n")).collect();
    for body in [bad.to_string(), lines] {
        let found = reasons(&body);
        assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 3, 4, 5]);
        for ((_, reason), expected) in found.iter().zip(expected) {
            assert!(reason.contains(expected), "{reason} says {expected}");
        }
        assert_eq!(decode(body.as_bytes(), now()).unwrap().actions.len(), 3);
    }
}

#[test]
fn wrong_values_are_named_by_field() {
    for (field, value, says) in [
        ("agent", json!(""), "agent: an agent needs a name"),
        ("tool", json!("a\u{1}"), "control character"),
        ("cost_usd", json!(-1), "cost_usd: -1 is no cost"),
        ("cost_usd", json!(1e12), "cost_usd: "),
        ("at", json!("yesterday"), "at: "),
        ("status", json!("fine"), "ok, error, denied"),
        ("tokens", json!({"input": -1}), "tokens: "),
        ("amount", json!({"value": 1}), "amount: missing field `currency`"),
        ("artefact", json!([]), "artefact: "),
        ("id", json!("x".repeat(600)), "id: 600 bytes"),
        ("endpoint", json!(" "), "endpoint: "),
    ] {
        let mut item = json!({"agent": "a", "tool": "t"});
        item[field] = value;
        let found = reasons(&item.to_string());
        assert!(found[0].1.contains(says), "{field}: {found:?}");
    }
    let twice = r#"{"agent":"a","tool":"t","agent":"b"}"#;
    assert!(reasons(twice)[0].1.contains("duplicate field `agent`"));
}

#[test]
fn size_and_depth_are_capped_per_item() {
    let good = json!({"agent": "a", "tool": "t"});
    let big = json!({"agent": "a", "tool": "t", "input": "x".repeat(LARGEST_ITEM)});
    let found = reasons(&format!("[{big},{good}]"));
    assert!(found[0].0 == 0 && found[0].1.contains("at most 1048576"), "{found:?}");
    for depth in [100, 100_000] {
        let deep = format!(r#"{{"agent":"a","tool":"t","input":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let found = reasons(&format!("[{deep},{good}]"));
        assert_eq!((found.len(), found[0].0), (1, 0), "{found:?}");
    }
}

#[test]
fn a_body_that_is_no_batch_is_refused_whole() {
    assert_eq!(decode(b" \n", now()), Err(DecodeError::Empty));
    assert_eq!(decode(b"hello", now()), Err(DecodeError::Shape));
    assert!(matches!(decode(b"[{\"agent\":\"a\"", now()), Err(DecodeError::Json(_))));
}

proptest! {
    #[test]
    fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&body, now());
    }

    #[test]
    fn a_damaged_batch_never_panics(at in 0usize..1000, byte: u8, cut in 0usize..1000, lines: bool) {
        let item = full().to_string();
        let mut body = if lines { format!("{item}\n{item}") } else { format!("[{item},{item}]") }.into_bytes();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(cut.max(1).min(body.len()));
        if let Ok(decoded) = decode(&body, now()) {
            prop_assert!(decoded.actions.len() + decoded.rejected.len() <= 3);
        }
    }

    #[test]
    fn whatever_is_taken_reads_back(agent in "[a-zA-Z0-9 _-]{1,20}", tool in any::<String>(), cost in 0.0f64..1e6) {
        let body = json!({"agent": agent, "tool": tool, "cost_usd": cost}).to_string();
        for (_, action) in decode(body.as_bytes(), now()).unwrap().actions {
            let again = decode(&serde_json::to_vec(&action).unwrap(), now()).unwrap();
            prop_assert_eq!(&again.actions[0].1, &action);
        }
    }
}

/// EVI.2: `detail` is kept as sent; what does not fit is refused by name, what is not known is passed over.
#[test]
fn detail_is_kept_or_refused_by_name() {
    let with = |detail: Value| json!({"agent": "a", "tool": "t", "detail": detail}).to_string();
    let given = json!({"prompt_version": "14", "new": 1, "retrieval": {"query": "q", "sources": [{"uri": "u"}]}});
    let decoded = decode(with(given).as_bytes(), now()).unwrap();
    let detail = decoded.actions[0].1.detail.as_deref().unwrap();
    assert_eq!(detail.prompt_version.as_deref(), Some("14"));
    assert_eq!(detail.retrieval.as_ref().unwrap().sources[0].uri.as_deref(), Some("u"));
    assert_eq!(decode(with(json!({})).as_bytes(), now()).unwrap().actions[0].1.detail, None);
    assert!(reasons(&with(json!({"files": 5})))[0].1.starts_with("detail: "));
    let deep = (0..80).fold(json!(1), |inner, _| json!([inner]));
    assert!(reasons(&with(json!({"tools": deep})))[0].1.contains("nested deeper"));
}
