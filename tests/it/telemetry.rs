//! Telemetry as agents send it: native actions, and the real Python OpenTelemetry SDK (DET.14).

use std::{process::Stdio, time::Duration};

use andon::{incident::Command, terms::Author};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{Rig, read, rig, rig_in};

/// Waits until a page says so, for ten seconds at most.
async fn until(rig: &Rig, path: &str, what: &str, says: impl Fn(&Value) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let answer = rig.get(path).await;
        if says(&answer.body) {
            return answer.body;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: {}", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn report(rig: &Rig, body: Value) -> Value {
    read(rig.ask_tcp(Method::POST, "/v1/actions", None).json(&body)).await.good().clone()
}

/// DET.5, DET.14: an action on loopback, without any setting up, is judged before it is answered.
#[tokio::test]
async fn det_14_an_action_is_judged_before_it_is_answered() {
    let rig = rig().await;
    let answer = report(&rig, json!([{"agent": "refund-bot", "tool": "stripe.payout"}, {"tool": "x"}])).await;
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(1), &json!(1)));
    let firings = rig.get("/v1/firings").await;
    let firing = &firings.good()[0];
    assert_eq!((&firing["tripwire"], &firing["agent"]), (&json!("authorisation"), &json!("refund-bot")));
    let shown = rig.get("/v1/actions?agent=refund-bot").await;
    let kept =
        until(&rig, "/v1/actions?agent=refund-bot", "the stored action", |body| body[0]["tool"] == "stripe.payout");
    assert!(shown.status == 200 && kept.await[0]["received_at"].is_string());
    read(rig.ask_tcp(Method::GET, "/v1/actions", None)).await.problem(401);
    let told =
        until(&rig, "/v1/state", "live figures", |state| state["live"]["agents"]["refund-bot"]["calls_window"] == 1);
    assert_eq!(told.await["live"]["telemetry"]["accepted"], 1);
}

/// DET.10: baselines and windows survive a restart.
#[tokio::test]
async fn windows_survive_a_restart() {
    let first = rig().await;
    report(
        &first,
        json!([{"agent": "a", "tool": "t", "cost_usd": 0.25}, {"agent": "a", "tool": "t", "cost_usd": 0.5}]),
    )
    .await;
    let Rig { running, folder, .. } = first;
    running.stop().await;
    let again = rig_in(folder).await;
    let told =
        until(&again, "/v1/state", "the window", |state| state["live"]["agents"]["a"]["calls_window"] == 2).await;
    assert_eq!(told["live"]["agents"]["a"]["spend_window_usd"], 0.75);
    assert_eq!(again.get("/v1/firings").await.good().as_array().unwrap().len(), 1, "the firing is not told twice");
}

/// Law 8: a drill's telemetry stays in its world.
#[tokio::test]
async fn a_drills_actions_stay_in_the_drill() {
    let rig = rig().await;
    rig.post("/v1/actions?world=DRILL-1", json!({"agent": "a", "tool": "t"})).await.problem(404);
    let drill = Command::StartDrill {
        name: "n".into(),
        title: "t".into(),
        seed: 1,
        speed: 1.0,
        course: Box::default(),
        armed: Box::default(),
    };
    rig.running.backend.core.submit(None, Uuid::now_v7(), Author::Person("dana".into()), drill).await.unwrap();
    rig.post("/v1/actions?world=DRILL-1", json!({"agent": "a", "tool": "t"})).await.good();
    assert_eq!(rig.get("/v1/firings?world=DRILL-1").await.good().as_array().unwrap().len(), 1);
    assert_eq!(rig.get("/v1/firings").await.good(), &json!([]));
    assert_eq!(rig.get("/v1/actions").await.good(), &json!([]));
}

const SEND: &str = r#"
import os
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

exporter = OTLPSpanExporter(endpoint=os.environ["ENDPOINT"], compression=Compression.Gzip,
                            headers={"authorization": "Bearer " + os.environ["TOKEN"]})
provider = TracerProvider(resource=Resource.create({"service.name": "billing"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("test")
agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refund-bot", "gen_ai.conversation.id": "run-81"}
with tracer.start_as_current_span("invoke_agent refund-bot", attributes=agent):
    with tracer.start_as_current_span("chat m", attributes={
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "vendor", "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 3, "operation.cost": 0.25}):
        pass
    with tracer.start_as_current_span("execute_tool Stripe.Payout", attributes={
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "Stripe.Payout",
            "gen_ai.tool.call.id": "call-1", "gen_ai.tool.call.arguments": '{"order": "A-17"}'}):
        pass
assert provider.force_flush(), "flushed"
provider.shutdown()
"#;

/// DET.14: the real SDK, gzip and protobuf, with an agent's own token.
#[tokio::test]
async fn det_14_the_python_sdk_reports_spans() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup/opentelemetry.sh");
    let python = tokio::process::Command::new(script).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(python.status.success(), "tests/setup/opentelemetry.sh installs the SDK");
    let python = String::from_utf8(python.stdout).unwrap();
    let rig = rig().await;
    let token = rig.token("sdk", "agent", Some("refund-bot")).await;
    let sent = tokio::process::Command::new(python.trim())
        .args(["-c", SEND])
        .env("ENDPOINT", format!("{}/v1/traces", rig.base()))
        .env("TOKEN", token)
        .kill_on_drop(true)
        .output();
    let sent = tokio::time::timeout(Duration::from_secs(60), sent).await.unwrap().unwrap();
    assert!(sent.status.success() && sent.stderr.is_empty(), "{}", String::from_utf8_lossy(&sent.stderr));
    let kept = until(&rig, "/v1/actions?agent=refund-bot", "both actions", |kept| kept[1].is_object()).await;
    let find =
        |field: &str, value: &str| kept.as_array().unwrap().iter().find(|one| one[field] == value).cloned().unwrap();
    let (chat, tool) = (find("endpoint", "chat vendor/m"), find("tool", "stripe.payout"));
    assert_eq!(
        (&chat["cost_usd"], &chat["tokens"]["input"], &chat["run"]),
        (&json!(0.25), &json!(12), &json!("run-81"))
    );
    assert_eq!((&tool["input"]["order"], &tool["run"]), (&json!("A-17"), &json!("run-81")));
}
