//! One table of attribute names: the GenAI conventions renamed theirs often, and frameworks have their own.

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use serde_json::{Map, Number, Value};

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident = $($name:literal)|+;)+) => {
        /// What an attribute tells; each may go by several names, the first known one wins.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($(#[$doc])* $field),+ }

        const FIELDS: usize = [$(Field::$field),+].len();

        /// Which field a name tells, and how good a name it is (lower is better).
        fn lookup(name: &str) -> Option<(Field, u8)> {
            let (field, names): (Field, &[&str]) = match name {
                $($($name)|+ => (Field::$field, &[$($name),+]),)+
                _ => return None,
            };
            let rank = names.iter().position(|known| *known == name)?;
            Some((field, u8::try_from(rank).unwrap_or(u8::MAX)))
        }

        #[cfg(test)]
        const NAMES: &[(&str, Field)] = &[$($(($name, Field::$field)),+),+];
    };
}

fields! {
    /// What kind of operation a span is.
    Operation = "gen_ai.operation.name" | "llm.request.type";
    /// The span kind of OpenInference.
    OpenInference = "openinference.span.kind";
    /// The span kind of OpenLLMetry.
    Traceloop = "traceloop.span.kind";
    /// The MCP method.
    McpMethod = "mcp.method.name";
    /// The MCP resource.
    McpResource = "mcp.resource.uri";
    AgentId = "gen_ai.agent.id" | "agent.id";
    AgentName = "gen_ai.agent.name" | "agent.name" | "agent_name";
    Run = "gen_ai.conversation.id" | "session.id" | "langfuse.session.id" | "gen_ai.thread.id";
    Workflow = "gen_ai.workflow.name" | "workflow.name" | "traceloop.workflow.name";
    Provider = "gen_ai.provider.name" | "gen_ai.system" | "llm.provider" | "llm.system";
    RequestModel = "gen_ai.request.model" | "llm.model_name" | "embedding.model_name" | "llm.request.model";
    ResponseModel = "gen_ai.response.model" | "llm.response.model";
    InputTokens = "gen_ai.usage.input_tokens" | "gen_ai.usage.prompt_tokens" | "llm.token_count.prompt"
        | "llm.usage.prompt_tokens";
    OutputTokens = "gen_ai.usage.output_tokens" | "gen_ai.usage.completion_tokens" | "llm.token_count.completion"
        | "llm.usage.completion_tokens";
    Cost = "operation.cost" | "llm.cost.total" | "gen_ai.usage.cost" | "gen_ai.cost.total_cost";
    Tool = "gen_ai.tool.name" | "tool.name" | "mcp.tool.name";
    CallId = "gen_ai.tool.call.id" | "tool_call.id" | "tool.id";
    Entity = "traceloop.entity.name";
    Arguments = "gen_ai.tool.call.arguments" | "tool_arguments" | "tool.parameters" | "input.value"
        | "traceloop.entity.input";
    Result = "gen_ai.tool.call.result" | "tool_response" | "output.value" | "traceloop.entity.output";
    InputMessages = "gen_ai.input.messages" | "gen_ai.prompt";
    OutputMessages = "gen_ai.output.messages" | "gen_ai.completion";
    DataSource = "gen_ai.data_source.id";
    ErrorType = "error.type";
    OnBehalfOf = "enduser.id" | "user.id";
    Service = "service.name";
    // What the conventions have no name for: andon's own.
    Class = "andon.class";
    Status = "andon.status";
    ArtefactKind = "andon.artefact.kind";
    ArtefactVisibleTo = "andon.artefact.visible_to";
    ReviewBy = "andon.artefact.review.by";
    ReviewSeconds = "andon.artefact.review.seconds";
    AmountValue = "andon.amount.value";
    AmountCurrency = "andon.amount.currency";
    Counterparty = "andon.counterparty";
    // What only evidence needs (EVI.2): from here on.
    Instructions = "gen_ai.system_instructions";
    AgentVersion = "gen_ai.agent.version" | "agent.version";
    Prompt = "gen_ai.prompt.name" | "langfuse.observation.prompt.name";
    PromptVersion = "gen_ai.prompt.version" | "llm.prompt_template.version" | "langfuse.observation.prompt.version";
    Temperature = "gen_ai.request.temperature";
    TopP = "gen_ai.request.top_p";
    TopK = "gen_ai.request.top_k";
    MaxTokens = "gen_ai.request.max_tokens";
    Seed = "gen_ai.request.seed";
    FrequencyPenalty = "gen_ai.request.frequency_penalty";
    PresencePenalty = "gen_ai.request.presence_penalty";
    StopSequences = "gen_ai.request.stop_sequences";
    Invocation = "llm.invocation_parameters";
    ToolDefinitions = "gen_ai.tool.definitions";
    Finish = "gen_ai.response.finish_reasons";
    Truncated = "andon.truncated";
    Query = "gen_ai.retrieval.query.text";
    Documents = "gen_ai.retrieval.documents";
    ScoreName = "gen_ai.evaluation.name";
    ScoreValue = "gen_ai.evaluation.score.value";
    ScoreLabel = "gen_ai.evaluation.score.label";
    Retries = "http.request.resend_count" | "andon.retries";
    Files = "andon.files";
    Changes = "andon.changes";
    TriggeredBy = "andon.triggered_by";
    HandOffFrom = "andon.hand_off.from";
    HandOffTo = "andon.hand_off.to";
    HandOffContract = "andon.hand_off.contract";
    HandOffVerdict = "andon.hand_off.verdict";
    ApprovalPolicy = "andon.approval.policy";
    ApprovalBy = "andon.approval.by";
    ApprovalDecision = "andon.approval.decision";
    ApprovalSaw = "andon.approval.saw";
    Release = "andon.release" | "service.version";
    Effects = "andon.effects";
    Recipients = "andon.recipients";
    ReviewNote = "andon.artefact.review.note";
}

/// A span's (or resource's) known attributes, found in one pass.
pub(super) struct Attributes<'a> {
    found: [Option<(u8, &'a Any)>; FIELDS],
    detailed: bool,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(attributes: &'a [KeyValue]) -> Self {
        let mut found = [None; FIELDS];
        let mut detailed = false;
        for attribute in attributes {
            let Some(any) = attribute.value.as_ref().and_then(|value| value.value.as_ref()) else { continue };
            let Some((field, rank)) = lookup(&attribute.key) else { continue };
            detailed |= field as usize >= Field::Instructions as usize;
            let slot: &mut Option<(u8, &Any)> = &mut found[field as usize];
            if slot.is_none_or(|(best, _)| rank < best) {
                *slot = Some((rank, any));
            }
        }
        Self { found, detailed }
    }

    /// Whether it tells anything that only evidence needs.
    pub(super) fn is_detailed(&self) -> bool {
        self.detailed
    }

    fn any(&self, field: Field) -> Option<&'a Any> {
        self.found[field as usize].map(|(_, any)| any)
    }

    /// As text; numbers are written out; empty text is absence.
    pub(super) fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        match self.any(field)? {
            Any::StringValue(text) => Some(Cow::Borrowed(text.trim())).filter(|text| !text.is_empty()),
            Any::IntValue(number) => Some(number.to_string().into()),
            Any::DoubleValue(number) => Some(number.to_string().into()),
            Any::BoolValue(truth) => Some(truth.to_string().into()),
            _ => None,
        }
    }

    /// As a finite number, also from text.
    pub(super) fn number(&self, field: Field) -> Option<f64> {
        let number = match self.any(field)? {
            Any::IntValue(number) => *number as f64,
            Any::DoubleValue(number) => *number,
            Any::StringValue(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// As a count.
    pub(super) fn count(&self, field: Field) -> Option<u64> {
        match self.any(field)? {
            Any::IntValue(number) => u64::try_from(*number).ok(),
            _ => self.number(field).filter(|number| *number >= 0.0).map(|number| number as u64),
        }
    }

    /// As a list of texts: an array, text that holds one, or one text; bounded.
    pub(super) fn texts(&self, field: Field) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            other => Some(other.to_string()),
        };
        match self.json(field) {
            Some(Value::Array(list)) => list.iter().filter_map(text).take(MANY).collect(),
            Some(one) => text(&one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// As true or false, also from text.
    pub(super) fn truth(&self, field: Field) -> Option<bool> {
        match self.any(field)? {
            Any::BoolValue(truth) => Some(*truth),
            _ => self.text(field)?.parse().ok(),
        }
    }

    /// As JSON: structured values as they are, text that holds JSON parsed; cut beyond [`LARGEST_CONTENT`].
    pub(super) fn json(&self, field: Field) -> Option<Value> {
        match self.any(field)? {
            Any::StringValue(text) if text.len() > LARGEST_CONTENT => {
                let mut end = LARGEST_CONTENT;
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                Some(serde_json::json!({"cut": &text[..end], "bytes": text.len()}))
            }
            Any::StringValue(text) if text.starts_with(['{', '[']) => {
                let parsed = serde_json::from_str(text).ok();
                let parsed = parsed.filter(|value| !crate::telemetry::native::deeper_than(value, DEEPEST));
                Some(parsed.unwrap_or_else(|| Value::from(text.as_str())))
            }
            any => Some(json(any, DEEPEST)),
        }
    }
}

/// The largest input or output kept with an action, in bytes.
const LARGEST_CONTENT: usize = 64 << 10;
/// Entries of a list that are kept.
const MANY: usize = 1_000;
/// The deepest structured value kept.
const DEEPEST: usize = 60;

fn json(any: &Any, levels: usize) -> Value {
    let inner = |value: Option<&AnyValue>| match value.and_then(|value| value.value.as_ref()) {
        Some(any) if levels > 0 => json(any, levels - 1),
        _ => Value::Null,
    };
    match any {
        Any::StringValue(text) => Value::from(text.as_str()),
        Any::BoolValue(truth) => Value::from(*truth),
        Any::IntValue(number) => Value::from(*number),
        Any::DoubleValue(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Any::BytesValue(bytes) => Value::from(hex::encode(&bytes[..bytes.len().min(LARGEST_CONTENT)])),
        Any::ArrayValue(array) => array.values.iter().map(|value| inner(Some(value))).collect(),
        Any::KvlistValue(list) => {
            let fields: Map<String, Value> =
                list.values.iter().map(|field| (field.key.clone(), inner(field.value.as_ref()))).collect();
            Value::Object(fields)
        }
        Any::StringValueStrindex(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: Any) -> KeyValue {
        KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
    }

    #[test]
    fn every_name_is_told_apart_and_the_newest_wins() {
        for (index, (name, field)) in NAMES.iter().enumerate() {
            assert_eq!(lookup(name).map(|(field, _)| field), Some(*field), "{name}");
            assert!(!NAMES[..index].iter().any(|(other, _)| other == name), "{name} stands twice");
        }
        let old = attribute("gen_ai.usage.prompt_tokens", Any::IntValue(5));
        let new = attribute("gen_ai.usage.input_tokens", Any::IntValue(7));
        for both in [[old.clone(), new.clone()], [new, old]] {
            assert_eq!(Attributes::new(&both).count(Field::InputTokens), Some(7));
        }
    }

    #[test]
    fn values_are_read_as_what_they_tell() {
        let attributes = [
            attribute("operation.cost", Any::StringValue("0.25".into())),
            attribute("gen_ai.tool.call.arguments", Any::StringValue("{\"a\":[1]}".into())),
            attribute("gen_ai.tool.call.result", Any::StringValue("x".repeat(100_000))),
            attribute("gen_ai.usage.input_tokens", Any::IntValue(-1)),
            attribute("gen_ai.agent.id", Any::StringValue("  ".into())),
        ];
        let found = Attributes::new(&attributes);
        assert_eq!(found.number(Field::Cost), Some(0.25));
        assert_eq!(found.json(Field::Arguments).unwrap()["a"][0], 1);
        assert_eq!(found.json(Field::Result).unwrap()["bytes"], 100_000);
        assert_eq!(found.count(Field::InputTokens), None);
        assert_eq!(found.text(Field::AgentId), None);
        let nan = [attribute("operation.cost", Any::DoubleValue(f64::NAN))];
        assert_eq!(Attributes::new(&nan).number(Field::Cost), None);
    }
}
