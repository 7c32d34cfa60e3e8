//! Whatever is sent to whatever route: an answer with a reason, never a bug, and the backend goes on.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{read, rig};

/// Words the routes know, so that some of what is sent comes close to being right.
const WORDS: [&str; 24] = [
    "id", "command", "type", "agent", "agents", "scope", "mode", "halt", "title", "severity", "SEV-1", "why", "switch",
    "SW-1", "incident", "INC-1", "ask", "note", "text", "release", "engage", "expected", "name", "role",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
        Just(json!(Uuid::from_u128(7))),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..5).prop_map(Value::from_iter),
        ]
    })
}

#[tokio::test]
async fn nothing_that_is_sent_hits_a_bug() {
    let rig = rig().await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let paths = [
        "/v1/commands",
        "/v1/incidents",
        "/v1/incidents/INC-1/commands",
        "/v1/switches",
        "/v1/switches/SW-1/release",
        "/v1/switches/SW-1/annotate",
        "/v1/firings/TW-1/ack",
        "/v1/agents",
        "/v1/tokens",
        "/v1/interlock/check",
        "/v1/interlock/lease",
        "/v1/interlock/authz",
        "/ofrep/v1/evaluate/flags",
        "/v1/actions",
        "/v1/traces",
    ];
    for round in 0..40 {
        for path in paths {
            let value = value().new_tree(&mut runner).unwrap().current();
            let asked = json!({"id": Uuid::now_v7(), "command": value});
            let mut body = serde_json::to_vec(if round % 2 == 0 { &asked } else { &value }).unwrap();
            if round % 5 == 4 {
                body.truncate(body.len() / 2);
            }
            let request = rig.ask(Method::POST, path).header("content-type", "application/json").body(body.clone());
            let answer = read(request).await;
            let sent = String::from_utf8_lossy(&body).into_owned();
            assert!(answer.status.as_u16() < 500, "{path} {sent} {answer:?}");
        }
    }
    for path in ["/v1/state", "/v1/incidents", "/v1/switches", "/v1/firings", "/v1/agents", "/v1/tokens"] {
        rig.get(path).await.good();
    }
    // A list never passes for an object: an empty one would halt everything.
    let before = rig.get("/v1/switches").await.good().as_array().unwrap().len();
    for command in [json!([]), json!({"scope": []}), json!([[], "halt"])] {
        rig.command("/v1/switches", command).await.problem(422);
    }
    assert_eq!(rig.get("/v1/switches").await.good().as_array().unwrap().len(), before);
}
