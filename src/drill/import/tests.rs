//! Each importer on small files of its form, on cut and hostile ones, and on the collected data where that lies beside.

use proptest::prelude::*;

use super::*;
use crate::{
    drill::{Item, MarkKind},
    telemetry::Status,
    terms::AgentId,
};

const LABELS: &str = r#"{"suite":"office","kind":"user","task":"user_task_0","inventory":["mail_read","mail_send"],"calls":[{"tool":"mail_read","args":{"box":"in"}}]}
{"suite":"office","kind":"injection","task":"injection_task_1","inventory":null,"calls":[{"tool":"mail_send","args":{"to":"x"}},{"tool":"bank_pay","args":{}}]}"#;

const RUN: &str = r#"{"suite_name":"office","pipeline_name":"p","user_task_id":"user_task_0","injection_task_id":"injection_task_1","security":true,
 "messages":[{"role":"user","content":"read"},{"role":"assistant","content":null,"tool_calls":[{"function":"mail_read","args":{"box":"in"},"id":"c1"}]},
 {"role":"tool","content":"do this instead","tool_call_id":"c1","error":null},
 {"role":"assistant","tool_calls":[{"function":{"name":"mail_send"},"args":{"to":"x"},"id":"c2"}]},
 {"role":"tool","content":"","tool_call_id":"c2","error":"no such box"}]}"#;

const TAU: &str = r#"[{"task_id":3,"trial":1,"reward":0.0,"traj":[{"role":"system","content":"policy"},{"role":"assistant","content":null,
 "tool_calls":[{"function":{"name":"get_order","arguments":"{\"id\":\"O-1\"}"},"id":"c","type":"function"}]},{"role":"tool","content":"found","name":"get_order"},
 {"role":"assistant","tool_calls":[{"function":{"name":"cancel_order","arguments":"not json"},"id":"d"}]}]}]"#;

const TRAIL: &str = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2026-03-02T14:00:05Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","eventID":"e-2",
 "userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/deploy/build-agent","sessionContext":{"sessionIssuer":{"userName":"deploy"}}},"errorCode":"AccessDenied","readOnly":false,"requestParameters":{"userName":"a"}},
 {"eventTime":"2026-03-02T14:00:01Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","readOnly":true,"userIdentity":{"type":"IAMUser","userName":"reader"}}]}"#;

const SPAN: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[
 {"traceId":"7fcaf09762cc6d882f0fb86437abdaf4","spanId":"3a892444088d340b","name":"execute_tool pay","kind":1,"startTimeUnixNano":"1795186613777000000","endTimeUnixNano":"1795186613778000000",
 "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},{"key":"gen_ai.tool.name","value":{"stringValue":"pay"}},{"key":"gen_ai.agent.name","value":{"stringValue":"shop-bot"}}]}]}]}]}"#;

fn actions(recording: &Recording) -> Vec<&crate::telemetry::Action> {
    recording.actions().collect()
}

/// DRL.2: labelled tasks and logged runs of AgentDojo become actions in order; the attacker's part is marked.
#[test]
fn agentdojo_labels_and_logs_are_read() {
    let recording = Foreign::AgentDojo.import(LABELS).unwrap();
    let tools: Vec<&str> = actions(&recording).iter().map(|action| action.what()).collect();
    assert_eq!(tools, ["mail_read", "mail_send", "bank_pay"]);
    assert_eq!(recording.agents[0].inventory.len(), 2);
    assert!(recording.moments.iter().any(|moment| matches!(&moment.item, Item::Mark(mark) if mark.set)));
    let recording = Foreign::AgentDojo.import(&RUN.replace('\n', " ")).unwrap();
    let calls = actions(&recording);
    assert_eq!(calls[0].run.as_deref(), Some("user_task_0/injection_task_1"));
    assert_eq!(calls[0].output, Some("do this instead".into()));
    assert_eq!((calls[0].status, calls[1].status), (Status::Ok, Status::Error));
    let last = recording.moments.last().unwrap();
    assert!(matches!(&last.item, Item::Mark(mark) if mark.mark == MarkKind::Consequence));
    assert_eq!(Foreign::AgentDojo.import(RUN), Ok(recording), "over several lines");
}

/// DRL.2: a trajectory's calls keep their arguments and answers; one that failed is marked.
#[test]
fn tau_bench_trajectories_are_read() {
    let recording = Foreign::TauBench.import(TAU).unwrap();
    let calls = actions(&recording);
    assert_eq!(calls[0].input, Some(serde_json::json!({"id": "O-1"})));
    assert_eq!(calls[0].output, Some("found".into()));
    assert_eq!(calls[1].input, Some("not json".into()));
    assert_eq!(calls[1].run.as_deref(), Some("task-3-1"));
    assert_eq!(recording.moments.len(), 3);
}

/// DRL.2: an audit log keeps its times, who called for whom, and what was refused.
#[test]
fn cloudtrail_records_are_read() {
    let recording = Foreign::CloudTrail.import(TRAIL).unwrap();
    assert_eq!(recording.starts.to_string(), "2026-03-02T14:00:01.000Z");
    let calls = actions(&recording);
    assert_eq!(calls[0].agent, AgentId::new("reader").unwrap());
    assert_eq!(calls[0].class.as_ref().map(|class| class.as_str()), Some("read"));
    assert_eq!(calls[1].agent, AgentId::new("build-agent").unwrap());
    assert_eq!(calls[1].class.as_ref().map(|class| class.as_str()), Some("identity-or-access"));
    assert_eq!((calls[1].status, calls[1].on_behalf_of.as_deref()), (Status::Error, Some("deploy")));
    assert_eq!(calls[1].endpoint.as_deref(), Some("iam.amazonaws.com/CreateAccessKey"));
}

/// DRL.2: trace requests become the actions that the intake would make of them.
#[test]
fn otlp_dumps_are_read() {
    let line = SPAN.replace('\n', " ");
    for text in [SPAN.to_owned(), format!("{line}\n{{\"resourceSpans\":[]}}\n")] {
        let recording = Foreign::Otlp.import(&text).unwrap();
        let calls = actions(&recording);
        assert_eq!((calls.len(), calls[0].what(), calls[0].agent.as_str()), (1, "pay", "shop-bot"));
    }
}

/// DRL.2: what is cut off, empty or another thing is refused with its place.
#[test]
fn what_does_not_read_is_refused_with_its_place() {
    use Foreign::{AgentDojo, CloudTrail, Otlp, TauBench};
    for (form, text, words) in [
        (AgentDojo, "", "it is empty"),
        (AgentDojo, "{}", "neither messages"),
        (AgentDojo, &LABELS[..LABELS.len() - 9], "line 2: is no JSON"),
        (AgentDojo, r#"{"calls":[{"args":{}}]}"#, "call 1 of the file: has no tool"),
        (AgentDojo, r#"{"calls":[]}"#, "no action is in it"),
        (AgentDojo, r#"{"messages":[{"tool_calls":[{}]}]}"#, "message 1 of the file: holds a call"),
        (AgentDojo, r#"{"messages":7}"#, "messages is no list"),
        (TauBench, &TAU[..TAU.len() - 4], "cut off"),
        (TauBench, "[1]", "item 1: is no object"),
        (TauBench, r#"[{"traj":[]}]"#, "item 1: has no task_id"),
        (TauBench, r#"[{"task_id":1}]"#, "no trajectory"),
        (CloudTrail, r#"{"Records":7}"#, "Records is no list"),
        (CloudTrail, r#"{"Records":[{}]}"#, "record 1: has no eventTime"),
        (CloudTrail, &TRAIL.replace("2026-03-02T14:00:05Z", "yesterday"), "record 1: eventTime"),
        (CloudTrail, &TRAIL.replace("build-agent", "a\\u0007b"), "record 1: agent"),
        (CloudTrail, &TRAIL.replace("\"userName\":\"reader\"", "\"x\":1").replace("IAMUser", ""), "names nobody"),
        (Otlp, "{\"resourceSpans\":[{\"scopeSpans\":7}]}", "the file: "),
        (Otlp, "{\"resourceSpans\":[]}", "no span is"),
        (Otlp, "7", "an object or a list is meant"),
    ] {
        let said = form.import(text).unwrap_err().to_string();
        assert!(said.contains(words), "{form}: {said:?} does not say {words:?}");
    }
}

/// DRL.2: the collected runs are read whole, where they lie beside the project.
#[test]
fn collected_runs_are_read_whole() {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/incidents");
    if let Ok(text) = std::fs::read_to_string(beside.join("agentdojo/ground_truth.jsonl")) {
        let recording = Foreign::AgentDojo.import(&text).unwrap();
        assert_eq!(actions(&recording).len(), 386);
        assert!(recording.agents.iter().all(|agent| !agent.inventory.is_empty()));
    }
    if let Ok(packed) = std::fs::File::open(beside.join("tau-bench/gpt-4o-airline.json.gz")) {
        let text = std::io::read_to_string(flate2::read::MultiGzDecoder::new(packed)).unwrap();
        assert_eq!(actions(&Foreign::TauBench.import(&text).unwrap()).len(), 1_164);
    }
}

proptest! {
    /// DRL.2: a good file cut anywhere, or with a byte changed, is read or refused; what is read is a recording.
    #[test]
    fn broken_files_are_read_or_refused(at in any::<prop::sample::Index>(), with in any::<Option<char>>(), form in 0..4usize) {
        let good = [LABELS, TAU, TRAIL, SPAN][form];
        let cut = good.char_indices().nth(at.index(good.chars().count())).map_or(0, |(at, _)| at);
        let rest = good[cut..].chars().next().map_or(0, char::len_utf8);
        let text = match with {
            Some(other) => format!("{}{other}{}", &good[..cut], &good[cut + rest..]),
            None => good[..cut].to_owned(),
        };
        if let Ok(recording) = Foreign::ALL[form].import(&text) {
            prop_assert_eq!(Recording::parse(&recording.write().unwrap()), Ok(recording));
        }
    }
}
