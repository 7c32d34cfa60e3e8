//! One action as the trace tells it: short enough that a hundred thousand stay small.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Mask;
use crate::{
    telemetry::{Action, HandOff, Status, Tokens},
    terms::{AgentId, NanoUsd, Time, words},
};

/// Characters kept of an input, an output or a query.
const WORDS: usize = 160;
/// Characters kept of a name or an address.
const NAME: usize = 120;
/// Sources kept of a look-up.
const SOURCES: usize = 5;
/// Consequences kept of an action.
const EFFECTS: usize = 5;

words! {
    /// What kind of step it is.
    Kind, "a kind of step" {
        /// A run: everything an agent did within it.
        Run = "run",
        /// A model was asked.
        Model = "model",
        /// Something was looked up.
        Retrieval = "retrieval",
        /// A tool was called.
        Tool = "tool",
        /// Work was handed to another agent.
        HandOff = "hand-off",
    }
}

/// A source that a look-up found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its address or id; agent-written.
    pub what: String,
    /// How well it fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// What was looked up, and what came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Looked {
    /// The query; agent-written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How many sources came.
    pub found: usize,
    /// The first of them, in their rank.
    pub sources: Vec<Source>,
}

/// One step. Every text is agent-written, cut and masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The action's number in the store; the first of a run, or of several alike.
    pub seq: u64,
    /// What kind.
    pub kind: Kind,
    /// When it began.
    pub started: Time,
    /// When it ended.
    pub at: Time,
    /// Who.
    pub agent: AgentId,
    /// Within which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Tool, endpoint, or the run.
    pub what: String,
    /// How it ended.
    pub status: Status,
    /// What it cost by itself.
    #[serde(default, rename = "cost_usd", skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// Tokens used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Which model answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What went in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
    /// To whom it handed over, and with what words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<HandOff>,
    /// What it left in the world.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<String>,
}

/// The spans that nest an action; kept only while the tree is built.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans {
    pub trace: Option<String>,
    pub span: Option<String>,
    pub parent: Option<String>,
}

pub(super) fn spans(action: &Action) -> Spans {
    Spans { trace: action.trace_id.clone(), span: action.span_id.clone(), parent: action.parent_span_id.clone() }
}

/// What an action is in the trace. Text is masked whole before it is cut, so that no cut hides a secret's beginning.
pub(super) fn step(seq: u64, action: &Action, mask: Mask<'_>) -> Step {
    let detail = action.detail.as_deref();
    let clean = |text: &str, most: usize| cut(&mask(cap(text)), most);
    let looked = detail.and_then(|detail| detail.retrieval.as_ref()).map(|retrieval| Looked {
        query: retrieval.query.as_deref().map(|query| clean(query, WORDS)),
        found: retrieval.sources.len(),
        sources: retrieval
            .sources
            .iter()
            .take(SOURCES)
            .map(|found| Source {
                what: clean(found.uri.as_deref().or(found.id.as_deref()).unwrap_or("?"), NAME),
                score: found.score,
            })
            .collect(),
    });
    let hand_off = detail.and_then(|detail| detail.hand_off.as_ref()).map(|hand| {
        let clean = |text: &Option<String>| text.as_deref().map(|text| clean(text, NAME));
        HandOff {
            from: clean(&hand.from),
            to: clean(&hand.to),
            contract: clean(&hand.contract),
            verdict: clean(&hand.verdict),
        }
    });
    let is_model = action.tool.is_none() && (action.model.is_some() || action.tokens.is_some());
    let kind = match () {
        () if hand_off.as_ref().is_some_and(|hand| hand.to.is_some()) => Kind::HandOff,
        () if looked.is_some() => Kind::Retrieval,
        () if is_model => Kind::Model,
        () => Kind::Tool,
    };
    let value = |value: &Option<Value>| value.as_ref().map(|value| clean(&said(value), WORDS));
    Step {
        seq,
        kind,
        started: action.started.unwrap_or(action.at).min(action.at),
        at: action.at,
        agent: action.agent.clone(),
        run: action.run.as_deref().map(|run| cut(run, NAME)),
        what: clean(action.what(), NAME),
        status: action.status,
        cost: action.cost,
        tokens: action.tokens,
        model: action.model.as_deref().map(|model| clean(model, NAME)),
        input: value(&action.input),
        output: value(&action.output),
        looked,
        hand_off,
        consequences: consequences(action, &clean),
    }
}

/// What it left in the world: nothing where it was stopped or failed, or only looked.
fn consequences(action: &Action, clean: &dyn Fn(&str, usize) -> String) -> Vec<String> {
    if action.status != Status::Ok || action.class.as_ref().is_some_and(|class| class.as_str() == "read") {
        return Vec::new();
    }
    let mut left = Vec::new();
    if let Some(amount) = &action.amount {
        let to = action.counterparty.as_deref().map(|who| format!(" to {who}")).unwrap_or_default();
        left.push(clean(&format!("{} {}{to}", amount.value, amount.currency), NAME));
    }
    if let Some(artefact) = &action.artefact {
        let seen = artefact.visible_to.as_deref().map(|who| format!(" seen by {who}")).unwrap_or_default();
        let review = if artefact.review.is_some() { "" } else { ", not reviewed" };
        left.push(clean(&format!("{}{seen}{review}", artefact.kind), NAME));
    }
    if let Some(detail) = action.detail.as_deref() {
        left.extend(
            detail.changes.iter().take(EFFECTS).map(|change| clean(&format!("changed {}", change.record), NAME)),
        );
        if !detail.recipients.is_empty() {
            left.push(clean(
                &format!("received by {}", detail.recipients.iter().take(3).cloned().collect::<Vec<_>>().join(", ")),
                NAME,
            ));
        }
        left.extend(detail.effects.iter().take(EFFECTS).map(|effect| clean(effect, NAME)));
    }
    // A class that acts is a consequence even where the sender told nothing of what it left.
    if left.is_empty()
        && let Some(class) = &action.class
    {
        left.push(clean(class.as_str(), NAME));
    }
    left.truncate(EFFECTS);
    left
}

/// A value as one would read it: the words of a text, or compact JSON; bounded before it is written out.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => cap(text).to_owned(),
        other => cap(&other.to_string()).to_owned(),
    }
}

/// The first part of a long text: what is masked is bounded too.
fn cap(text: &str) -> &str {
    const LONGEST: usize = 4096;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
