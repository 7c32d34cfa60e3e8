//! What the backend says of its routes is so (protocol 6).

use std::{io::Write, process::Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{rig, setup};

/// Protocol 6: every operation of `/openapi.json` is served, and refuses what its schema does not have in problem+json.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_is_described_is_served() {
    let rig = rig().await;
    let document = rig.get("/openapi.json").await.good().clone();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 60);
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let at = path.replace("{id}", "999").replace(['{', '}'], "");
            let streams = methods[method].pointer("/responses/200/content/text~1event-stream").is_some();
            if (method, path.as_str()) == (&"post".to_owned(), "/v1/stop") || streams {
                continue;
            }
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer = rig.ask(method.clone(), &at).json(&json!({"odd": [1]})).send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            assert!(status < 500 && status != 405, "{method} {at}: {status} {text}");
            assert!(!text.contains("nothing is served"), "{method} {at}: {text}");
            if status >= 400 && !at.starts_with("/ofrep") && at != "/ack" {
                let problem: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {at}: {text}"));
                assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{method} {at}: {text}");
            }
        }
    }
}

/// Protocol 6: the document is OpenAPI 3.1 to a reader of others, and answers are what it says of them.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_is_said_of_them() {
    let python = setup("openapi.sh").await;
    let rig = rig().await;
    let mut lines = vec![rig.get("/openapi.json").await.good().to_string()];
    let mut answered = |method: &str, path: &str, answer: &Value| {
        lines.push(json!({ "method": method, "path": path, "answer": answer }).to_string());
    };
    let posts = [
        ("/v1/incidents", "/v1/incidents", json!({ "title": "refunds twice", "severity": "SEV-2" })),
        ("/v1/incidents/INC-1/commands", "/v1/incidents/{id}/commands", json!({ "type": "note", "text": "seen" })),
        ("/v1/switches", "/v1/switches", json!({ "scope": { "agent": "refund-bot" }, "mode": "approval" })),
    ];
    for (at, path, command) in posts {
        answered("post", path, rig.post(at, json!({ "id": Uuid::now_v7(), "command": command })).await.good());
    }
    let action =
        json!({ "id": "a-1", "at": "2026-01-01T00:00:00Z", "agent": "refund-bot", "run": "night", "tool": "refund" });
    let posts = [
        ("/v1/interlock/check", json!({ "agent": "refund-bot", "tool": "refund", "input": { "order": 7 } })),
        ("/v1/interlock/check", json!({ "agent": "other" })),
        ("/v1/interlock/lease", json!({ "agent": "refund-bot", "instance": "one" })),
        ("/v1/switches/preview", json!({ "mode": "read-only" })),
        ("/v1/tokens", json!({ "name": "ci", "role": "viewer" })),
        ("/v1/actions", json!([action, { "agent": "" }])),
        ("/v1/login/challenge", Value::Null),
    ];
    for (path, body) in posts {
        answered("post", path, rig.post(path, body).await.good());
    }
    let gets = [
        ("/v1/incidents/INC-1/events", "/v1/incidents/{id}/events"),
        ("/v1/switches", "/v1/switches"),
        ("/v1/switches/SW-1", "/v1/switches/{id}"),
        ("/v1/holds", "/v1/holds"),
        ("/v1/holds/HOLD-1", "/v1/holds/{id}"),
        ("/v1/firings", "/v1/firings"),
        ("/v1/tokens", "/v1/tokens"),
        ("/v1/hooks", "/v1/hooks"),
        ("/v1/runbook", "/v1/runbook"),
        ("/v1/drills/recordings", "/v1/drills/recordings"),
    ];
    for (at, path) in gets {
        answered("get", path, rig.get(at).await.good());
    }
    // One that is not what is said: it is seen, and nothing else is.
    answered("post", "/v1/interlock/check", &json!({ "decision": "perhaps", "version": 1 }));

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/openapi_check.py");
    let mut reader =
        std::process::Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    reader.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let said = String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap();
    let wrong: Vec<&str> = said.lines().collect();
    assert!(matches!(wrong[..], [one] if one.contains("perhaps")), "{said}");
}
