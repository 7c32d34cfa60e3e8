//! `andon interlock mcp` between the JavaScript SDK and public servers that know nothing of andon.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    mcp::{Led, client_file, decide, engage, proxy, waits},
    rig::{Rig, rig, until},
};

/// The folder with the SDK and the servers.
async fn packages() -> String {
    crate::rig::setup("mcp-js.sh").await
}

async fn client(rig: &Rig, server: &[&str]) -> Led {
    let packages = packages().await;
    let mut command = Command::new("node");
    command.env("NODE_PATH", &packages).arg(client_file("mcp_client.cjs")).args(proxy(rig)).arg("node");
    command.arg(format!("{packages}/.bin/{}", server[0])).args(&server[1..]);
    Led::start(&mut command)
}

fn text(answer: &Value) -> &str {
    answer["answer"]["content"][0]["text"].as_str().unwrap_or_default()
}

/// Progress, structured results and sampling pass; a halt stops the call, and what the server would have a model do.
#[tokio::test(flavor = "multi_thread")]
async fn everything_passes_until_a_halt() {
    let rig = rig().await;
    let mut client = client(&rig, &["mcp-server-everything"]).await;
    assert_eq!(client.hear()["ready"], true);
    let tools = client.ask(json!({"list": true}));
    assert!(tools["answer"].as_array().unwrap().iter().any(|tool| tool == "get-sum"), "{tools}");
    let sum = client.ask(json!({"call": "get-sum", "arguments": {"a": 40, "b": 2}}));
    assert!(text(&sum).contains("42"), "{sum}");
    let weather = client.ask(json!({"call": "get-structured-content", "arguments": {"location": "Chicago"}}));
    assert!(weather["answer"]["structuredContent"].is_object(), "{weather}");
    let long = client.ask(json!({"call": "trigger-long-running-operation", "arguments": {"duration": 1, "steps": 4}}));
    // The last step and the result may come in one breath: the SDK then resolves the call first.
    assert!((3..=4).contains(&long["progress"].as_array().unwrap().len()), "{long}");
    let sampled = client.ask(json!({"call": "trigger-sampling-request", "arguments": {"prompt": "hello"}}));
    assert!(sampled.to_string().contains("sampled"), "{sampled}");
    // Held, approved, gone; and given up by the SDK's own timeout.
    engage(&rig, json!({"mode": "approval", "scope": {"tool": "echo"}})).await;
    client.begin(json!({"call": "echo", "arguments": {"message": "hi"}}));
    decide(&rig, &waits(&rig).await, true).await;
    assert!(text(&client.hear()).contains("hi"));
    let late = client.ask(json!({"call": "echo", "arguments": {"message": "late"}, "within": 1}));
    assert!(late["raised"].as_str().unwrap().contains("timed out"), "{late}");
    until("it is dropped", async || rig.get("/v1/holds").await.good() == &json!([])).await;
    client.begin(json!({"call": "trigger-long-running-operation", "arguments": {"duration": 60, "steps": 600}}));
    until("it is seen", async || !rig.get("/v1/agents").await.good().as_array().unwrap().is_empty()).await;
    engage(&rig, json!({"scope": {"agent": "till-bot"}, "why": "enough"})).await;
    let stopped = client.hear();
    assert!(stopped["answer"]["isError"] == true && text(&stopped).contains("enough"), "{stopped}");
}

/// One tool of a file server is stopped, the others go on, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_server_reads_and_does_not_write() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    std::fs::write(place.join("note"), "paid twice").unwrap();
    engage(&rig, json!({"scope": {"tool": "write_file"}, "why": "look only"})).await;
    let mut client = client(&rig, &["mcp-server-filesystem", &place.display().to_string()]).await;
    assert_eq!(client.hear()["ready"], true);
    let read = client.ask(json!({"call": "read_text_file", "arguments": {"path": place.join("note")}}));
    assert_eq!(text(&read), "paid twice", "{read}");
    let target = place.join("new");
    let wrote = client.ask(json!({"call": "write_file", "arguments": {"path": target, "content": "x"}}));
    assert!(wrote["answer"]["isError"] == true && text(&wrote).contains("look only"), "{wrote}");
    assert!(!target.exists());
}
