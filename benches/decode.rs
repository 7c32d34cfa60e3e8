//! Telemetry decoding against its floors (performance.md): native actions against serde_json's borrowed reading, OTLP
//! spans against prost's decode alone.

use andon::{
    telemetry::{
        Prices, native,
        otlp::{self, Encoding, Origin, SpanJoiner},
    },
    terms::Time,
};
use divan::{Bencher, counter::ItemsCount};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};

/// Items of a batch.
const BATCH: usize = 100;

fn main() {
    divan::main();
}

fn now() -> Time {
    Time::from_millis(1_795_183_200_000)
}

fn actions() -> Vec<u8> {
    let item = |n: usize| {
        json!({"id": format!("a-{n}"), "at": "2026-11-20T14:05:41.120Z", "agent": "refund-bot", "run": "run-81",
            "tool": "stripe.payout", "endpoint": "POST api.stripe.com/v1/payouts", "class": "external-api-call",
            "cost_usd": 0.0123, "status": "ok"})
    };
    Value::Array((0..BATCH).map(item).collect()).to_string().into_bytes()
}

fn spans() -> Vec<u8> {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |n: usize| {
        json!({"traceId": format!("{:032x}", n + 1), "spanId": format!("{:016x}", n + 1), "name": "execute_tool pay",
            "startTimeUnixNano": "1795183200000000000", "endTimeUnixNano": "1795183201000000000", "attributes": [
                attribute("gen_ai.operation.name", "execute_tool"), attribute("gen_ai.tool.name", "stripe.payout"),
                attribute("gen_ai.agent.id", "refund-bot"), attribute("gen_ai.conversation.id", "run-81"),
                attribute("gen_ai.tool.call.id", "call-1")]})
    };
    let spans: Vec<Value> = (0..BATCH).map(span).collect();
    let request = json!({"resourceSpans": [{"resource": {"attributes": [attribute("service.name", "svc")]},
        "scopeSpans": [{"spans": spans}]}]});
    otlp::read(request.to_string().as_bytes(), Encoding::Json).expect("a request").encode_to_vec()
}

#[divan::bench]
fn native_actions(bencher: Bencher<'_, '_>) {
    let body = actions();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| native::decode(divan::black_box(&body), now()).expect("a batch"));
}

/// The fields alone, borrowed: what reading this JSON costs at least.
#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Floor<'a> {
    id: &'a str,
    at: &'a str,
    agent: &'a str,
    run: &'a str,
    tool: &'a str,
    endpoint: &'a str,
    class: &'a str,
    cost_usd: f64,
    status: &'a str,
}

#[divan::bench]
fn native_floor(bencher: Bencher<'_, '_>) {
    let body = actions();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench(|| serde_json::from_slice::<Vec<Floor<'_>>>(divan::black_box(&body)).expect("a batch").len());
}

#[divan::bench]
fn otlp_spans(bencher: Bencher<'_, '_>) {
    let body = spans();
    let (prices, origin) = (Prices::default(), Origin { source: "bench".into(), bound: None });
    bencher.counter(ItemsCount::new(BATCH)).with_inputs(SpanJoiner::default).bench_refs(|joiner| {
        let request = otlp::read(divan::black_box(&body), Encoding::Protobuf).expect("a request");
        joiner.push(otlp::spans(&request, &prices, now()), &origin, now()).actions.len()
    });
}

#[divan::bench]
fn otlp_floor(bencher: Bencher<'_, '_>) {
    let body = spans();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench(|| ExportTraceServiceRequest::decode(divan::black_box(body.as_slice())).expect("a request"));
}
