//! What the backend says of its routes is so (protocol 6).

use serde_json::{Value, json};

use crate::rig::rig;

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
