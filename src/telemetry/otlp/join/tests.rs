use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::{
    runbook::Price,
    telemetry::{
        Prices, Status,
        otlp::{Encoding, read, spans},
    },
    terms::NanoUsd,
};

fn now() -> Time {
    Time::from_millis(1_795_183_300_000)
}

/// A span in OTLP/JSON; `id` and `parent` are numbers, 0 is none; milliseconds `from`–`to` after 2026-11-20T14:00.
fn span(id: u64, parent: u64, attributes: &Value) -> Value {
    let attributes: Vec<Value> = attributes
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
                Value::Number(number) => json!({"intValue": number.to_string()}),
                value => json!({"stringValue": value}),
            };
            json!({"key": key, "value": value})
        })
        .collect();
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    json!({"traceId": format!("{:032x}", 7), "spanId": format!("{id:016x}"), "parentSpanId": parent, "name": "x",
        "startTimeUnixNano": "1795183200000000000", "endTimeUnixNano": "1795183201000000000", "attributes": attributes})
}

fn request(service: Option<&str>, spans: &[Value]) -> ExportTraceServiceRequest {
    let attributes: Vec<Value> =
        service.iter().map(|name| json!({"key": "service.name", "value": {"stringValue": name}})).collect();
    let body = json!({"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]}]});
    read(body.to_string().as_bytes(), Encoding::Json).unwrap()
}

fn understood(service: Option<&str>, batch: &[Value]) -> Spans {
    let prices = Prices::new(&[("m-1".to_owned(), Price { input: 1.0, output: 2.0 })].into());
    spans(&request(service, batch), &prices, now())
}

fn origin(bound: Option<&str>) -> Origin {
    Origin { source: "test".into(), bound: bound.map(|agent| AgentId::new(agent).unwrap()) }
}

fn names(pushed: &Pushed) -> Vec<(&str, &str)> {
    pushed.actions.iter().map(|joined| (joined.action.agent.as_str(), joined.action.what())).collect()
}

fn tool(name: &str) -> Value {
    json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
}

fn agent(name: &str) -> Value {
    json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, "gen_ai.conversation.id": "run-1",
        "gen_ai.usage.input_tokens": 99})
}

#[test]
fn det_14_a_model_call_has_its_endpoint_tokens_and_cost() {
    let stated = json!({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m-1",
        "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.output_tokens": 500, "operation.cost": 0.5});
    let mut estimated = stated.clone();
    estimated["operation.cost"] = json!(-1.0);
    estimated["gen_ai.response.model"] = json!("m-1-2026");
    let mut joiner = SpanJoiner::default();
    let pushed =
        joiner.push(understood(Some("svc"), &[span(1, 0, &stated), span(2, 0, &estimated)]), &origin(None), now());
    assert_eq!(names(&pushed), [("svc", "chat openai/m-1"), ("svc", "chat openai/m-1")]);
    let (first, second) = (&pushed.actions[0].action, &pushed.actions[1].action);
    assert_eq!((first.cost, first.cost_estimated), (NanoUsd::from_usd(0.5), false));
    assert_eq!((second.cost, second.cost_estimated), (NanoUsd::from_usd(0.002), true));
    assert_eq!(second.model.as_deref(), Some("m-1-2026"));
    assert_eq!(first.tokens.unwrap().input, 1000);
    assert_eq!(first.at.to_string(), "2026-11-20T14:00:01.000Z");
    assert_eq!(first.id.as_deref(), Some("00000000000000000000000000000007/0000000000000001"));
}

#[test]
fn a_child_waits_for_the_parent_that_names_its_agent() {
    let mut joiner = SpanJoiner::default();
    let from = origin(None);
    let pushed = joiner.push(understood(Some("svc"), &[span(3, 2, &tool("Pay"))]), &from, now());
    assert_eq!((names(&pushed), pushed.waiting), (vec![], 1));
    let pushed = joiner.push(understood(Some("svc"), &[span(2, 1, &json!({}))]), &from, now().plus(2_000));
    assert_eq!(names(&pushed), []);
    let pushed = joiner.push(understood(Some("svc"), &[span(1, 0, &agent("bot"))]), &from, now().plus(4_000));
    assert_eq!(names(&pushed), [("bot", "pay")]);
    assert_eq!(pushed.actions[0].action.run.as_deref(), Some("run-1"));
    assert_eq!(joiner.drain(now().plus(60_000)).actions, []);
    assert!(joiner.forest.awaited() == 0 && joiner.waiting.is_empty());
}

#[test]
fn after_ten_seconds_the_service_is_the_agent() {
    let mut joiner = SpanJoiner::default();
    joiner.push(understood(Some("svc"), &[span(3, 2, &tool("pay"))]), &origin(None), now());
    joiner.push(understood(None, &[span(4, 2, &tool("pay"))]), &origin(None), now());
    assert_eq!(joiner.due(), Some(now().plus(WAIT)));
    assert_eq!(joiner.drain(now().plus(WAIT - 1)).actions, []);
    assert_eq!(names(&joiner.drain(now().plus(WAIT))), [("svc", "pay")]);
    assert_eq!((joiner.unresolved(), joiner.due()), (1, None));
    let late = joiner.push(understood(Some("svc"), &[span(2, 0, &agent("bot"))]), &origin(None), now().plus(WAIT));
    assert_eq!(names(&late), []);
    let nobody = joiner.push(understood(None, &[span(9, 0, &tool("pay"))]), &origin(None), now());
    assert!(nobody.rejected[0].reason.starts_with("no agent"));
}

#[test]
fn usage_summed_on_a_parent_is_not_counted_again() {
    let chat = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "gen_ai.usage.input_tokens": 5});
    let mut joiner = SpanJoiner::default();
    let batch = [span(3, 2, &chat), span(2, 1, &chat), span(1, 0, &agent("bot"))];
    let pushed = joiner.push(understood(None, &batch), &origin(None), now());
    assert_eq!((names(&pushed), pushed.repeated), (vec![("bot", "chat unknown/m-1")], 1));
    assert_eq!(pushed.actions[0].action.span_id.as_deref(), Some("0000000000000003"));
}

#[test]
fn the_spans_of_one_tool_call_are_one() {
    let mcp = json!({"mcp.method.name": "tools/call", "gen_ai.tool.name": "pay"});
    let mut with_id = tool("pay");
    with_id["gen_ai.tool.call.id"] = json!("call-1");
    let from = origin(None);
    // The framework's span, MCP's client span below it and the server's below that.
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let all = [span(4, 3, &mcp), span(3, 2, &mcp), span(2, 1, &with_id), span(1, 0, &agent("bot"))];
        let mut joiner = SpanJoiner::default();
        let mut told: Vec<String> = Vec::new();
        for index in order {
            let pushed = joiner.push(understood(Some("svc"), &all[index..=index]), &from, now());
            told.extend(names(&pushed).iter().map(|(agent, tool)| format!("{agent} {tool}")));
        }
        assert_eq!(told, ["bot pay"], "{order:?}");
    }
    // The same call told by a second span elsewhere in the trace.
    let mut joiner = SpanJoiner::default();
    let batch = [span(2, 0, &with_id), span(9, 0, &with_id)];
    assert_eq!(joiner.push(understood(Some("svc"), &batch), &from, now()).actions.len(), 1);
    // A tool that calls an agent that calls the same tool again is two calls.
    let batch =
        [span(1, 0, &agent("bot")), span(2, 1, &tool("ask")), span(3, 2, &agent("sub")), span(4, 3, &tool("ask"))];
    let pushed = SpanJoiner::default().push(understood(None, &batch), &from, now());
    assert_eq!(names(&pushed), [("bot", "ask"), ("sub", "ask")]);
}

#[test]
fn a_bound_source_speaks_only_for_its_agent_and_touches_no_other_spans() {
    let mut joiner = SpanJoiner::default();
    let batch = [span(3, 2, &tool("pay")), span(2, 0, &agent("other")), span(5, 4, &tool("look"))];
    let pushed = joiner.push(understood(Some("svc"), &batch), &origin(Some("bot")), now());
    assert_eq!(names(&pushed), [("bot", "pay"), ("bot", "look")]);
    assert!(pushed.rejected[0].reason.contains("speaks for bot, not for other"), "{:?}", pushed.rejected);
    let pushed = joiner.push(understood(Some("svc"), &[span(7, 5, &tool("pay"))]), &origin(None), now());
    assert_eq!(pushed.waiting, 1, "the bound source's span 5 is no ancestor of another's");
}

#[test]
fn old_names_artefacts_and_failures_are_understood() {
    let batch = [
        span(
            1,
            0,
            &json!({"openinference.span.kind": "TOOL", "tool.name": "mail", "agent.name": "a",
            "input.value": "{\"to\":\"x\"}", "andon.artefact.kind": "email", "andon.artefact.visible_to": "customer",
            "andon.artefact.review.seconds": 4, "andon.amount.value": 12.5, "error.type": "timeout"}),
        ),
        span(2, 0, &json!({"traceloop.span.kind": "tool", "traceloop.entity.name": "Find", "agent_name": "a"})),
        span(
            3,
            0,
            &json!({"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "kb", "gen_ai.agent.id": "a"}),
        ),
        span(4, 0, &json!({"mcp.method.name": "initialize", "gen_ai.agent.id": "a"})),
        span(0, 0, &tool("x")),
    ];
    let pushed = SpanJoiner::default().push(understood(None, &batch), &origin(None), now());
    assert_eq!(names(&pushed), [("a", "mail"), ("a", "find"), ("a", "retrieval kb")]);
    let mail = &pushed.actions[0].action;
    assert_eq!((mail.status, mail.input.clone()), (Status::Error, Some(json!({"to": "x"}))));
    assert_eq!(mail.artefact.as_ref().unwrap().review.as_ref().unwrap().seconds, Some(4.0));
    assert_eq!(mail.amount.as_ref().unwrap().value, 12.5);
    assert_eq!(pushed.rejected[0].index, 4);
}

/// A wait is not cut short by a crowd that has every older span forgotten.
#[test]
fn whoever_waits_for_a_forgotten_span_is_completed_when_it_comes() {
    let mut joiner = SpanJoiner::default();
    for (child, parent) in [(1, 2), (3, 4)] {
        joiner.push(understood(Some("svc"), &[span(child, parent, &tool("pay"))]), &origin(None), now());
    }
    for batch in 0..70u64 {
        let crowd: Vec<Value> = (0..1000).map(|n| span(1_000 * (batch + 1) + n, 0, &json!({}))).collect();
        joiner.push(understood(Some("svc"), &crowd), &origin(None), now());
    }
    assert_eq!((joiner.forest.len(), joiner.orphans.len()), (forest::REMEMBERED, 2));
    let pushed = joiner.push(understood(Some("svc"), &[span(2, 0, &agent("bot"))]), &origin(None), now());
    assert_eq!(names(&pushed), [("bot", "pay")]);
    assert_eq!(names(&joiner.drain(now().plus(WAIT))), [("svc", "pay")]);
    assert!(joiner.orphans.is_empty() && joiner.waiting.is_empty());
}

#[test]
fn memory_stays_bounded_and_circles_end() {
    let mut joiner = SpanJoiner::default();
    let circle = [span(1, 2, &tool("a")), span(2, 1, &tool("b")), span(3, 3, &tool("c"))];
    assert_eq!(joiner.push(understood(Some("s"), &circle), &origin(None), now()).actions.len(), 3);
    for batch in 0..20u64 {
        let many: Vec<Value> =
            (0..1000).map(|n| span(10_000 + batch * 2000 + n, 1_000_000 + batch, &tool("t"))).collect();
        joiner.push(understood(Some("s"), &many), &origin(None), now());
    }
    assert_eq!(joiner.waiting.len(), WAITING);
    assert!(joiner.forest.len() <= forest::REMEMBERED);
    assert_eq!(joiner.drain(now().plus(WAIT)).actions.len(), WAITING);
    assert!(joiner.forest.awaited() == 0 && joiner.orphans.is_empty());
}

fn some_request() -> ExportTraceServiceRequest {
    let mut call = tool("pay");
    call["gen_ai.tool.call.arguments"] = json!("{\"a\":[1,2,{\"b\":null}]}");
    request(Some("svc"), &[span(2, 1, &call), span(1, 0, &agent("bot"))])
}

proptest! {
    #[test]
    fn a_damaged_request_never_panics(at in 0usize..2000, byte: u8, cut in 0usize..2000, json: bool) {
        let encoding = if json { Encoding::Json } else { Encoding::Protobuf };
        let request = some_request();
        let mut body = if json { serde_json::to_vec(&request).unwrap() } else { request.encode_to_vec() };
        let at = at % body.len();
        body[at] = byte;
        if cut % 3 == 0 {
            body.truncate(cut);
        }
        if let Ok(request) = read(&body, encoding) {
            let mut joiner = SpanJoiner::default();
            joiner.push(spans(&request, &Prices::default(), now()), &origin(None), now());
            joiner.drain(now().plus(WAIT));
            prop_assert!(joiner.waiting.is_empty());
        }
    }

    /// Whatever the order of arrival, each span is told once and by the right agent.
    #[test]
    fn the_order_of_arrival_changes_nothing(order in Just((0usize..6).collect::<Vec<_>>()).prop_shuffle()) {
        let all = [span(1, 0, &agent("a")), span(2, 1, &json!({})), span(3, 2, &tool("t1")), span(4, 2, &tool("t2")),
            span(5, 1, &agent("b")), span(6, 5, &tool("t1"))];
        let mut joiner = SpanJoiner::default();
        let mut told = Vec::new();
        for index in order {
            let pushed = joiner.push(understood(Some("svc"), &all[index..=index]), &origin(None), now());
            told.extend(names(&pushed).iter().map(|(agent, what)| format!("{agent} {what}")));
        }
        told.sort();
        prop_assert_eq!(told, ["a t1", "a t2", "b t1"]);
    }
}

#[test]
fn both_encodings_tell_the_same() {
    let request = some_request();
    let json = read(&serde_json::to_vec(&request).unwrap(), Encoding::Json).unwrap();
    assert_eq!(read(&request.encode_to_vec(), Encoding::Protobuf).unwrap(), json);
}

/// EVI.2, EVI.3: what the conventions carry beyond what is judged is kept with the action, for evidence.
#[test]
fn what_only_evidence_needs_is_kept() {
    let chat = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.agent.id": "a",
        "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.request.temperature": 0.2, "gen_ai.request.seed": 7,
        "gen_ai.system_instructions": "[{\"type\":\"text\",\"content\":\"Refund once.\"}]",
        "gen_ai.conversation.id": "conv-5", "gen_ai.response.finish_reasons": "[\"length\"]",
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[]}]", "andon.truncated": "true",
        "gen_ai.agent.version": "7.1",
    });
    let look_up = json!({
        "gen_ai.operation.name": "retrieval", "gen_ai.agent.id": "a", "gen_ai.retrieval.query.text": "refund policy",
        "gen_ai.retrieval.documents": "[{\"id\":\"doc-1\",\"score\":0.9,\"uri\":\"https://kb/1\"},{\"id\":\"doc-2\"}]",
    });
    let pay = json!({
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay", "gen_ai.agent.id": "a",
        "andon.effects": "[\"po_1\"]", "andon.recipients": "kim@example.com", "andon.hand_off.from": "triage",
        "andon.changes": "{\"record\":\"order 5\",\"before\":1,\"after\":2}",
    });
    let batch =
        understood(None, &[span(1, 0, &chat), span(2, 0, &look_up), span(3, 0, &pay), span(4, 0, &tool("bare"))]);
    let pushed = SpanJoiner::default().push(batch, &origin(Some("a")), now());
    let details: Vec<_> = pushed.actions.iter().map(|joined| joined.action.detail.as_deref()).collect();
    let [Some(chat), Some(look_up), Some(pay), None] = details[..] else { panic!("{details:?}") };
    assert_eq!(chat.requested_model.as_deref(), Some("gpt-4o"));
    assert_eq!(chat.sampling.keys().collect::<Vec<_>>(), ["seed", "temperature"]);
    assert_eq!(chat.instructions.as_ref().unwrap()[0]["content"], "Refund once.");
    assert_eq!((chat.truncated, chat.finish[0].as_str()), (Some(true), "length"));
    assert_eq!((chat.conversation.as_deref(), chat.agent_version.as_deref()), (Some("conv-5"), Some("7.1")));
    let retrieval = look_up.retrieval.as_ref().unwrap();
    assert_eq!(retrieval.query.as_deref(), Some("refund policy"));
    assert_eq!(retrieval.sources[0].uri.as_deref(), Some("https://kb/1"));
    assert_eq!((retrieval.sources.len(), retrieval.sources[0].score), (2, Some(0.9)));
    assert_eq!((pay.effects[0].as_str(), pay.recipients[0].as_str()), ("po_1", "kim@example.com"));
    assert_eq!(pay.hand_off.as_ref().unwrap().from.as_deref(), Some("triage"));
    assert_eq!((pay.changes[0].record.as_str(), &pay.changes[0].after), ("order 5", &Some(json!(2))));
}
