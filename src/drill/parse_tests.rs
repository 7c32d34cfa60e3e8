//! What reads as a recording, and what is said of what does not.

use proptest::prelude::*;

use super::*;

const HEADER: &str = r#"{"andon_recording":1,"title":"T","starts":"2026-03-02T14:00:00Z"}"#;

/// DRL.1: a file of plain actions is a recording; its zero is its first action.
#[test]
fn plain_actions_are_a_recording() {
    let text = "{\"agent\":\"b\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:05Z\"}\n\n{\"agent\":\"a\",\"tool\":\"x\",\"at\":\"2026-03-02T14:00:01Z\"}\n";
    let recording = Recording::parse(text).unwrap();
    assert_eq!(recording.moments.len(), 2);
    assert_eq!(recording.starts.to_string(), "2026-03-02T14:00:01.000Z");
    assert!(matches!(&recording.moments[0].item, Item::Action(action) if action.agent.as_str() == "a"));
}

/// DRL.1: a stretch of quiet hours becomes history before the start, the same each time.
#[test]
fn quiet_hours_become_history() {
    let quiet = r#"{"quiet":{"agent":"a","hours":25,"calls_per_hour":4,"usd_per_call":0.01,"tool":"x"}}"#;
    let action = r#"{"agent":"a","tool":"x","at":"2026-03-02T14:00:01Z"}"#;
    let text = format!("{HEADER}\n{quiet}\n{action}");
    let recording = Recording::parse(&text).unwrap();
    assert_eq!(recording.history.len(), 100);
    assert_eq!(recording.history[0].at.to_string(), "2026-03-01T13:00:00.000Z");
    assert!(recording.history.iter().all(|action| action.at < recording.starts));
    assert_eq!(Recording::parse(&text), Ok(recording));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let good = r#"{"agent":"a","tool":"x","at":"2026-03-02T14:00:01Z"}"#;
    for (text, words) in [
        (String::new(), "holds no action"),
        (HEADER.to_owned(), "holds no action"),
        (format!("{HEADER}\n{good}\nnot json"), "line 3 of the recording: is no JSON"),
        (format!("{HEADER}\n[1]"), "line 2 of the recording: is no JSON object"),
        (format!("{HEADER}\n{{\"agent\":\"a\",\"tool\":\"x\"}}"), "needs its time"),
        (format!("{HEADER}\n{{\"mark\":\"thunder\",\"at\":\"2026-03-02T14:00:01Z\",\"text\":\"x\"}}"), "not a mark"),
        (format!("{HEADER}\n{{\"quiet\":{{\"agent\":\"a\",\"hours\":0,\"calls_per_hour\":1}}}}"), "1 to 168 hours"),
        (format!("{HEADER}\n{{\"quiet\":{{\"agent\":\"a\",\"hours\":1,\"calls_per_hour\":0}}}}"), "1 to 100000 calls"),
        (format!("{HEADER}\n{}", good.replace("}", ",\"harm\":{\"record\":1}}")), "in harm: unknown field"),
        (format!("{HEADER}\n{}", good.replace("}", ",\"harm\":{\"records\":-1}}")), "in harm: invalid value"),
        (format!("{HEADER}\n{}", good.replace("}", ",\"harm\":{\"people\":9000000000000}}")), "more than one line"),
        (format!("{HEADER}\n{}", good.replace("}", ",\"harm\":{\"money_usd\":-2}}")), "not negative"),
        (format!("{HEADER}\n{}", good.replace("}", ",\"harm\":[1]}")), "an object is meant"),
        (
            format!("{HEADER}\n{}", good.replace("14:00:01", "13:00:01").replace("}", ",\"harm\":{\"records\":1}}")),
            "history and harms nothing",
        ),
        (
            format!("{HEADER}\n{{\"mark\":\"report\",\"at\":\"2026-03-02T14:00:01Z\",\"text\":\"x\",\"deaf\":true}}"),
            "only a page is deaf",
        ),
        (format!("{HEADER}\n{{\"repeat\":{{\"times\":2,\"every_s\":1}}}}"), "needs what is repeated"),
        (format!("{HEADER}\n{{\"repeat\":{{\"times\":0,\"every_s\":1}},\"action\":{good}}}"), "1 to 100000 actions"),
        (format!("{HEADER}\n{{\"repeat\":{{\"times\":2,\"every_s\":0}},\"action\":{good}}}"), "every 0.001"),
        (format!("{}\n{good}", HEADER.replace("}", ",\"speed\":5000}")), "0.1 to 1000"),
        (format!("{}\n{good}", HEADER.replace("}", ",\"targets\":{\"halts\":30}}")), "halt_s"),
        (format!("{}\n{good}", HEADER.replace("}", ",\"conduct\":{\"b\":{}}}")), "conduct names b"),
        (
            format!(
                "{}\n{good}",
                HEADER.replace("}", ",\"hints\":[{\"at\":\"2026-03-01T00:00:00Z\",\"text\":\"x\"}]}")
            ),
            "before the start",
        ),
        ("{\"quiet\":{\"agent\":\"a\",\"hours\":1,\"calls_per_hour\":1}}".to_owned(), "needs a header"),
        (HEADER.replace(":1,", ":2,"), "version 2"),
        (HEADER.replace("\"title\":\"T\",", ""), "missing field `title`"),
        (format!("{good}\n{{\"agent\":\"\",\"at\":\"2026-03-02T14:00:01Z\"}}"), "line 2 of the recording"),
    ] {
        let said = Recording::parse(&text).unwrap_err().to_string();
        assert!(said.contains(words), "{said:?} does not say {words:?}");
    }
}

/// DRL.1: what each action harms, how agents behave, what the facilitator is told; an even burst is one line.
#[test]
fn harm_conduct_targets_and_bursts_are_read() {
    let header = r#"{"andon_recording":1,"title":"T","starts":"2026-03-02T14:00:00Z","speed":30,"targets":{"halt_s":30},"hints":[{"at":"2026-03-02T14:02:00Z","text":"ask who pays"}],"conduct":{"a":{"ignores_stop":true,"cut_at":["x"]}}}"#;
    let burst = r#"{"repeat":{"times":3,"every_s":0.5,"first":7},"action":{"agent":"a","tool":"x","at":"2026-03-02T14:00:01Z","started":"2026-03-02T14:00:00Z","run":"r-{n}","harm":{"records":2,"money_usd":0.5}}}"#;
    let page = r#"{"mark":"page","at":"2026-03-02T14:00:01.600Z","text":"nobody hears it","deaf":true,"set":true}"#;
    let recording = Recording::parse(&format!("{header}\n{burst}\n{page}")).unwrap();
    assert_eq!(recording.speed(), 30.0);
    assert_eq!(recording.targets, BTreeMap::from([(Target::Halt, 30)]));
    assert_eq!(recording.hints[0].text, "ask who pays");
    assert!(recording.conduct_of(&AgentId::new("a").unwrap()).ignores_stop);
    assert_eq!(recording.conduct_of(&AgentId::new("b").unwrap()), Conduct::default());
    let runs: Vec<_> = recording.actions().map(|action| (action.run.clone().unwrap(), action.at.to_string())).collect();
    assert_eq!(runs[2], ("r-9".to_owned(), "2026-03-02T14:00:02.000Z".to_owned()));
    assert!(recording.actions().all(|action| action.started.is_some_and(|began| action.at.since(began) == 1_000)));
    assert_eq!(recording.harm().records, 6);
    assert_eq!(recording.harm().money_usd.usd(), 1.5);
    assert!(matches!(&recording.moments[2].item, Item::Mark(mark) if mark.deaf));
}

/// Lines of a recording, good and bad.
fn lines() -> impl Strategy<Value = String> {
    let time = "2026-03-0[12]T1[0-9]:00:0[0-9](\\.[0-9]{1,3})?Z";
    let action = (time, "[ab]", "[a-z.]{1,6}", any::<Option<u16>>(), any::<Option<f32>>(), ".{0,6}").prop_map(
        |(at, agent, tool, records, amount, text)| {
            let mut value = serde_json::json!({"at": at, "agent": agent, "tool": tool, "output": {"text": text},
                "endpoint": format!("GET x.example/{text}/7"), "cost_usd": f64::from(records.unwrap_or(3)) / 700.0,
                "detail": {"recipients": [text]}, "counterparty": text, "run": text});
            if let Some(records) = records {
                value["harm"] = serde_json::json!({"records": records, "money_usd": f64::from(records) / 100.0});
            }
            if let Some(amount) = amount {
                value["amount"] = serde_json::json!({"value": amount, "currency": "EUR"});
            }
            value
        },
    );
    let mark = (time, prop::sample::select(MarkKind::ALL), ".{0,6}", any::<bool>(), any::<u32>()).prop_map(
        |(at, mark, text, set, people)| {
            let deaf = mark == MarkKind::Page && set;
            serde_json::json!({"at": at, "mark": mark, "text": text, "set": set, "deaf": deaf, "harm": {"people": people}})
        },
    );
    let repeat = (1..5u32, action.clone())
        .prop_map(|(times, action)| serde_json::json!({"repeat": {"times": times, "every_s": 0.25}, "action": action}));
    prop_oneof![
        6 => action.prop_map(|value| value.to_string()),
        2 => mark.prop_map(|value| value.to_string()),
        1 => repeat.prop_map(|value| value.to_string()),
        1 => (1..3u32, 1..4u32).prop_map(|(hours, calls)| {
            format!(r#"{{"quiet":{{"agent":"a","hours":{hours},"calls_per_hour":{calls},"usd_per_call":0.07,"endpoint":"x"}}}}"#)
        }),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), hours in any::<u32>(), calls in any::<u32>()) {
        let _ = Recording::parse(&text);
        let _ = Recording::parse(&format!("{HEADER}\n{text}"));
        if hours.checked_mul(calls).is_none_or(|all| all > 5_000) {
            let quiet = format!(r#"{{"quiet":{{"agent":"a","hours":{hours},"calls_per_hour":{calls}}}}}"#);
            let _ = Recording::parse(&format!("{HEADER}\n{quiet}"));
        }
    }

    /// DRL.1: whatever reads is written so that it reads back equal; what does not is refused with its line.
    #[test]
    fn what_is_written_reads_back_equal(
        lines in proptest::collection::vec(lines(), 1..12), headed in any::<bool>(), cut in any::<Option<u16>>(),
    ) {
        let mut text = lines.join("\n");
        if headed {
            text = format!("{}\n{text}", HEADER.replace("}", r#","speed":0.5,"targets":{"facts_s":9},"conduct":{"a":{"ignores_draft":true}},"agents":[{"id":"a"}]}"#));
        }
        if let Some(cut) = cut {
            text = text.chars().take(usize::from(cut) % (text.chars().count() + 1)).collect();
        }
        match Recording::parse(&text) {
            Ok(recording) => {
                let written = recording.write().unwrap();
                prop_assert_eq!(Recording::parse(&written), Ok(recording));
            }
            Err(RecordingError::Empty) => {}
            Err(RecordingError::Line { line, .. }) => prop_assert!((1..=text.lines().count()).contains(&line)),
        }
    }
}
