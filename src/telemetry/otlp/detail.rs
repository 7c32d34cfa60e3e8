//! What a span tells that only evidence needs (EVI.2).

use std::collections::BTreeMap;

use serde_json::Value;

use super::attributes::{Attributes, Field};
use crate::telemetry::{Approval, Change, Detail, Found, HandOff, Retrieval, Score};

/// Sources of a look-up, and changed records, that are kept.
const MANY: usize = 1_000;
/// The longest single text, in bytes.
const LONGEST: usize = 4 << 10;

/// Sampling parameters by their attribute.
const SAMPLING: [(&str, Field); 8] = [
    ("temperature", Field::Temperature),
    ("top_p", Field::TopP),
    ("top_k", Field::TopK),
    ("max_tokens", Field::MaxTokens),
    ("seed", Field::Seed),
    ("frequency_penalty", Field::FrequencyPenalty),
    ("presence_penalty", Field::PresencePenalty),
    ("stop_sequences", Field::StopSequences),
];

/// Everything of `known` that only evidence needs; `release` is what the resource says of all its spans.
pub(super) fn of(known: &Attributes<'_>, release: Option<&str>) -> Option<Detail> {
    if !known.is_detailed() && release.is_none() {
        return None;
    }
    let detail = Detail {
        conversation: text(known, Field::Run),
        agent_version: text(known, Field::AgentVersion),
        prompt: text(known, Field::Prompt),
        prompt_version: text(known, Field::PromptVersion),
        instructions: known.json(Field::Instructions),
        sampling: sampling(known),
        tools: known.json(Field::ToolDefinitions),
        finish: known.texts(Field::Finish),
        truncated: known.truth(Field::Truncated),
        retrieval: retrieval(known),
        files: known.texts(Field::Files),
        changes: changes(known),
        triggered_by: text(known, Field::TriggeredBy),
        hand_off: hand_off(known),
        approval: approval(known),
        release: text(known, Field::Release).or_else(|| release.map(str::to_owned)),
        effects: known.texts(Field::Effects),
        recipients: known.texts(Field::Recipients),
        scores: score(known).into_iter().collect(),
        retries: known.count(Field::Retries),
        review_note: text(known, Field::ReviewNote),
        requested_model: None,
    };
    (detail != Detail::default()).then_some(detail)
}

fn text(known: &Attributes<'_>, field: Field) -> Option<String> {
    let text = known.text(field)?;
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Some(text[..end].to_owned())
}

fn sampling(known: &Attributes<'_>) -> BTreeMap<String, Value> {
    let mut sampling: BTreeMap<String, Value> = match known.json(Field::Invocation) {
        Some(Value::Object(given)) => given.into_iter().take(MANY).collect(),
        _ => BTreeMap::new(),
    };
    for (name, field) in SAMPLING {
        if let Some(value) = known.json(field) {
            sampling.insert(name.to_owned(), value);
        }
    }
    sampling
}

fn retrieval(known: &Attributes<'_>) -> Option<Retrieval> {
    let found = |value: &Value| {
        let text = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_str()).map(str::to_owned);
        Found {
            id: text(&["id"]),
            uri: text(&["uri", "url", "source"]),
            score: value.get("score").and_then(Value::as_f64),
        }
    };
    let sources: Vec<Found> = match known.json(Field::Documents) {
        Some(Value::Array(list)) => list.iter().take(MANY).map(found).collect(),
        _ => Vec::new(),
    };
    let query = text(known, Field::Query);
    (query.is_some() || !sources.is_empty()).then_some(Retrieval { query, sources })
}

fn changes(known: &Attributes<'_>) -> Vec<Change> {
    let change = |value: &Value| serde_json::from_value::<Change>(value.clone()).ok();
    match known.json(Field::Changes) {
        Some(Value::Array(list)) => list.iter().take(MANY).filter_map(change).collect(),
        Some(one @ Value::Object(_)) => change(&one).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn hand_off(known: &Attributes<'_>) -> Option<HandOff> {
    let told = HandOff {
        from: text(known, Field::HandOffFrom),
        to: text(known, Field::HandOffTo),
        contract: text(known, Field::HandOffContract),
        verdict: text(known, Field::HandOffVerdict),
    };
    (told != HandOff::default()).then_some(told)
}

fn approval(known: &Attributes<'_>) -> Option<Approval> {
    let told = Approval {
        policy: text(known, Field::ApprovalPolicy),
        by: text(known, Field::ApprovalBy),
        decision: text(known, Field::ApprovalDecision),
        saw: text(known, Field::ApprovalSaw),
    };
    (told != Approval::default()).then_some(told)
}

fn score(known: &Attributes<'_>) -> Option<Score> {
    let name = text(known, Field::ScoreName)?;
    Some(Score { name, value: known.number(Field::ScoreValue), label: text(known, Field::ScoreLabel) })
}
