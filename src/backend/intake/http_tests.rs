use std::{io::Write, sync::atomic::Ordering};

use axum::middleware::{Next, from_fn};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::{
    backend::{
        intake::{
            HotStore, Source,
            twins::{Remembering, actions, intake, now, until},
        },
        rights::Standing,
    },
    incident::{Event, Fact, Stream, Topic},
    terms::Author,
    tripwire::FiringChange,
};

/// The routes on a port of their own; `x-agent` is the agent whose token is used, else a gateway's.
struct Served {
    url: String,
    client: reqwest::Client,
    writer: Remembering,
    intake: Intake,
}

async fn serve() -> Served {
    let writer = Remembering::default();
    let intake = intake(&writer, HotStore::in_memory()).await;
    let door = |mut request: Request, next: Next| async move {
        let agent = request.headers().get("x-agent").map(|name| AgentId::new(name.to_str().unwrap()).unwrap());
        let standing = if agent.is_some() { Standing::Agent } else { Standing::Operator };
        let author = Author::Automation("gateway".into());
        request.extensions_mut().insert(Identity { author, standing, agent, ..Identity::stranger() });
        next.run(request).await
    };
    let router: Router = router(Intakes::new(intake.clone())).layer(from_fn(door));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    crate::tls::ready();
    Served { url, client: reqwest::Client::new(), writer, intake }
}

impl Served {
    fn post(&self, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.url)).header("content-type", kind).body(body)
    }

    async fn actions(&self, body: &Value) -> Value {
        let answer = self.post(path::ACTIONS, "application/json", body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn det_14_a_batch_is_taken_whole_and_bad_items_are_named() {
    let served = serve().await;
    let answer = served
        .actions(&json!([{"agent": "a", "tool": "t", "id": "1"}, {"agent": "a"}, {"agent": "a", "tool": "u"}]))
        .await;
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(2), &json!(0)));
    assert_eq!(answer["rejected"][0]["index"], 1);
    let answer = served.actions(&json!({"agent": "a", "tool": "t", "id": "1"})).await;
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(0), &json!(1)));
    let counts = served.intake.counts();
    assert_eq!((counts.accepted, counts.rejected, counts.duplicate), (2, 1, 1));
    let shown = served.client.get(format!("{}{}?agent=a&limit=1", served.url, path::ACTIONS)).send().await.unwrap();
    let shown: Value = serde_json::from_slice(&shown.bytes().await.unwrap()).unwrap();
    assert_eq!((&shown[0]["seq"], &shown[0]["tool"], shown.as_array().unwrap().len()), (&json!(2), &json!("u"), 1));
}

#[tokio::test]
async fn lines_and_gzip_are_taken_and_other_forms_refused_in_words() {
    let served = serve().await;
    let line = json!({"agent": "a", "tool": "t"}).to_string();
    let packed = served.post(path::ACTIONS, "application/x-ndjson", gzip(format!("{line}\n{line}\n").as_bytes()));
    assert_eq!(packed.header("content-encoding", "gzip").send().await.unwrap().status(), 200);
    assert_eq!(served.intake.counts().accepted, 2);
    for (kind, coding, body, status) in [
        ("application/json", "identity", Vec::new(), 400),
        ("application/json", "identity", b"[".to_vec(), 400),
        ("application/json", "gzip", b"no gzip".to_vec(), 400),
        ("application/json", "br", line.clone().into_bytes(), 415),
        ("application/x-www-form-urlencoded", "identity", line.clone().into_bytes(), 415),
        ("application/json", "gzip", gzip(&vec![b' '; body::LARGEST + 1]), 413),
    ] {
        let answer = served.post(path::ACTIONS, kind, body).header("content-encoding", coding).send().await.unwrap();
        assert_eq!(answer.status(), status, "{kind} {coding}");
        let problem: Problem = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(!problem.detail.is_empty());
    }
}

#[tokio::test]
async fn an_agents_token_reports_for_itself_only() {
    let served = serve().await;
    let body = json!([{"agent": "bot", "tool": "t"}, {"agent": "other", "tool": "t"}]).to_string();
    let answer = served.post(path::ACTIONS, "application/json", body).header("x-agent", "bot").send().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(1), &json!(1)));
    assert!(answer["rejected"][0]["reason"].as_str().unwrap().contains("reports for bot, not for other"));
    let read = served.client.get(format!("{}{}", served.url, path::ACTIONS)).header("x-agent", "bot");
    assert_eq!(read.send().await.unwrap().status(), 403);
}

fn trace(agent: &str) -> String {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "execute_tool bad",
         "endTimeUnixNano": "1795183200000000000", "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
            {"key": "gen_ai.agent.name", "value": {"stringValue": agent}}]},
        {"traceId": "", "spanId": "", "name": "broken"}]}]}]})
    .to_string()
}

#[tokio::test]
async fn otlp_is_answered_in_its_own_form() {
    let served = serve().await;
    let answer = served.post(path::TRACES, "application/json", trace("bot")).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(served.writer.fired.lock().unwrap().len(), 1, "the firing is in the log before the answer");
    let request = otlp::read(trace("bot").as_bytes(), Encoding::Json).unwrap().encode_to_vec();
    let packed = served.post(path::TRACES, "application/x-protobuf", gzip(&request)).header("content-encoding", "gzip");
    let answer = packed.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    let partial = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert_eq!((served.intake.counts().accepted, served.intake.counts().duplicate), (1, 1), "a retry counts once");
    assert_eq!(served.post(path::TRACES, "application/json", "{}").send().await.unwrap().text().await.unwrap(), "{}");
    let empty = served.post(path::TRACES, "application/x-protobuf", "").send().await.unwrap();
    assert_eq!((empty.status().as_u16(), empty.bytes().await.unwrap().len()), (200, 0));
    assert_eq!(served.post(path::TRACES, "text/plain", "{}").send().await.unwrap().status(), 415);
    let bad = served.post(path::TRACES, "application/x-protobuf", "hello").send().await.unwrap();
    assert_eq!(
        (bad.status().as_u16(), bad.headers()["content-type"].to_str().unwrap()),
        (400, "application/x-protobuf")
    );
    let bad = served.post(path::TRACES, "application/json", "[").send().await.unwrap();
    assert!(bad.text().await.unwrap().contains("\"code\":3"));
}

#[tokio::test]
async fn firings_wait_for_a_sick_log_in_order_and_are_recorded_once() {
    let served = serve().await;
    served.writer.sick.store(true, Ordering::Relaxed);
    let source = Source { name: "s".into(), agent: None };
    let (intake, judged) = (served.intake.clone(), actions("a", &["again", "bad", "again", "again"]));
    let taken = tokio::spawn(async move { intake.actions(judged, &source, 1).await });
    until("a first attempt", || !served.writer.commands.lock().unwrap().is_empty()).await;
    served.writer.sick.store(false, Ordering::Relaxed);
    assert_eq!(taken.await.unwrap().unwrap().accepted, 4);
    let fired = || served.writer.fired.lock().unwrap().clone();
    until("the repeats, once", || fired().len() == 2).await;
    assert!(matches!(fired()[0], FiringChange::Opened { .. }));
    assert!(matches!(fired()[1], FiringChange::Counted { count: 4, .. }), "{:?}", fired());
    let commands = served.writer.commands.lock().unwrap().clone();
    assert_eq!(commands[0], commands[1], "the same id is asked again");
}

fn event(fact: Fact, topic: Topic) -> std::sync::Arc<Event> {
    std::sync::Arc::new(Event {
        position: 1,
        epoch: 1,
        stream: Stream::new(None, topic),
        seq: 1,
        id: uuid::Uuid::nil(),
        fact,
        recorded_at: now(),
        occurred_at: now(),
        by: Author::Person("dana".into()),
        drill: false,
        data_hash: String::new(),
        prev: String::new(),
        hash: String::new(),
    })
}

#[tokio::test]
async fn an_alias_becomes_the_inventorys_name_and_a_breach_is_told() {
    let served = serve().await;
    let agent = json!({"id": "escaped", "inventory": [{"tool": "stripe.payout", "aliases": ["mcp__stripe__payout"]}]});
    let declared = Fact::AgentDeclared(serde_json::from_value(agent).unwrap());
    served.writer.published.send(event(declared, Topic::Agents)).unwrap();
    served.actions(&json!({"agent": "escaped", "tool": "MCP__Stripe__payout", "cost_usd": 0.5})).await;
    assert_eq!(served.intake.store().last(None, 1).await.unwrap()[0].action.what(), "stripe.payout");
    assert_eq!(served.writer.fired.lock().unwrap().len(), 1);
    until("the figures", || served.intake.live().spend_per_minute.last() == Some(&0.5)).await;
    assert_eq!(served.intake.live().agents["escaped"].last_seen, Some(now()));
}

#[tokio::test]
async fn a_full_queue_answers_503_and_counts_it() {
    let served = serve().await;
    served.writer.sick.store(true, Ordering::Relaxed);
    let source = Source { name: "s".into(), agent: None };
    // The engine waits for the log; requests pile up until a whole round of them finds no room.
    let mut waiting = Vec::new();
    for round in 1.. {
        let before = served.intake.counts().busy;
        for number in 0..500 {
            let (intake, source) = (served.intake.clone(), source.clone());
            let judged = actions(&format!("a{round}-{number}"), &["bad"]);
            waiting.push(tokio::spawn(async move { intake.actions(judged, &source, 1).await }));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if served.intake.counts().busy == before + 500 {
            break;
        }
        assert!(round < 50, "the queue grows without end");
    }
    let answer = served.post(path::ACTIONS, "application/json", r#"{"agent":"a","tool":"t"}"#).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    let sent = waiting.len() as u64;
    served.writer.sick.store(false, Ordering::Relaxed);
    let (mut taken, mut busy) = (0, 0);
    for task in waiting {
        match task.await.unwrap() {
            Ok(verdict) => taken += verdict.accepted,
            Err(problem) => busy += u64::from(problem.status == 503),
        }
    }
    assert_eq!(taken + busy, sent);
    until("every firing of what was taken", || served.writer.fired.lock().unwrap().len() as u64 >= taken).await;
}
