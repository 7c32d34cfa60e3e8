//! One span understood: who, under whom, and what of it is an action.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1 as proto};

use super::{
    attributes::{Attributes, Field},
    detail,
};
use crate::{
    telemetry::{Action, Amount, Artefact, Prices, Rejected, Review, Status, Tokens, endpoint},
    terms::{ActionClass, AgentId, NanoUsd, Time, ToolName, Workflow},
};

/// A span's place: its trace and its own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanKey {
    /// The trace.
    pub trace: u128,
    /// The span within it.
    pub span: u64,
}

/// What a span is to the interlock and the tripwires.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Only what others stand under: a workflow, a request.
    Context,
    /// An agent's invocation: a call below it is another call, even of the same tool.
    Agent,
    /// A call of a model; counted unless another one stands below it.
    Model(Box<Draft>),
    /// A call of a tool; the same call may be told by several spans.
    Tool(Box<Draft>),
    /// Anything else an agent did: a retrieval, a write to memory.
    Other(Box<Draft>),
}

/// An action whose agent is not known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    action: Action,
    call: Option<Arc<ToolCall>>,
}

/// What tells whether two spans are of the same tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub tool: ToolName,
    /// The call's id, where the span has one.
    pub id: Option<String>,
    /// Whether the span is MCP's own, on the wire to or in the server.
    pub mcp: bool,
}

impl ToolCall {
    /// Whether a span and one above it tell the same call: MCP's spans repeat the framework's, and ids must not differ.
    pub fn same(&self, other: &Self) -> bool {
        let ids_differ = self.id.is_some() && other.id.is_some() && self.id != other.id;
        self.tool == other.tool && (self.mcp || other.mcp) && !ids_differ
    }
}

/// Stands in a draft until its agent is known; never leaves one.
static NOBODY: LazyLock<AgentId> = LazyLock::new(|| AgentId::new("nobody").expect("a fixed name is a name"));

impl Draft {
    /// Completes it with what its ancestors said.
    pub fn by(self, agent: AgentId, run: Option<&str>, workflow: Option<&Workflow>) -> Action {
        let mut action = self.action;
        action.agent = agent;
        action.run = action.run.or_else(|| run.map(str::to_owned)).or_else(|| action.trace_id.clone());
        action.workflow = action.workflow.or_else(|| workflow.cloned());
        action
    }

    /// The tool call it is, if it is one.
    pub fn call(&self) -> Option<&Arc<ToolCall>> {
        self.call.as_ref()
    }

    /// From when to when it ran.
    pub fn interval(&self) -> (Time, Time) {
        (self.action.started.unwrap_or(self.action.at), self.action.at)
    }
}

/// A span, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Its index among the request's spans.
    pub index: usize,
    /// Its place.
    pub key: SpanKey,
    /// Under which span of the same trace.
    pub parent: Option<SpanKey>,
    /// The agent it names itself.
    pub agent: Option<AgentId>,
    /// The agent its process is, or its service's name.
    pub fallback: Option<AgentId>,
    /// The run it names.
    pub run: Option<Arc<str>>,
    /// The workflow it names.
    pub workflow: Option<Workflow>,
    /// What it is.
    pub kind: Kind,
}

/// A request's spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spans {
    /// The good ones, in order.
    pub spans: Vec<Span>,
    /// The bad ones.
    pub rejected: Vec<Rejected>,
}

/// What the resource says of all its spans.
struct About {
    /// The agent its process is, or its service's name.
    agent: Option<AgentId>,
    /// The release that runs.
    release: Option<String>,
}

/// Understands every span of a request.
pub fn spans(request: &ExportTraceServiceRequest, prices: &Prices, received_at: Time) -> Spans {
    let mut out = Spans::default();
    let mut index = 0;
    for resource in &request.resource_spans {
        let about = resource.resource.as_ref().map_or(&[][..], |about| &about.attributes);
        let about = Attributes::new(about);
        let about = About {
            agent: agent(&about).or_else(|| named(&about, Field::Service, AgentId::new)),
            release: about.text(Field::Release).map(|text| bounded(text.into_owned())),
        };
        for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            match understand(span, index, &about, prices, received_at) {
                Ok(span) => out.spans.push(span),
                Err(reason) => out.rejected.push(Rejected::new(index, reason)),
            }
            index += 1;
        }
    }
    out
}

fn named<T, E>(attributes: &Attributes<'_>, field: Field, make: fn(&str) -> Result<T, E>) -> Option<T> {
    make(&attributes.text(field)?).ok()
}

/// Agents go by id, else by name.
fn agent(attributes: &Attributes<'_>) -> Option<AgentId> {
    named(attributes, Field::AgentId, AgentId::new).or_else(|| named(attributes, Field::AgentName, AgentId::new))
}

fn understand(
    span: &proto::Span,
    index: usize,
    about: &About,
    prices: &Prices,
    received_at: Time,
) -> Result<Span, String> {
    let trace = <[u8; 16]>::try_from(&*span.trace_id).map(u128::from_be_bytes).unwrap_or(0);
    let id = id(&span.span_id);
    if trace == 0 || id == 0 {
        return Err("trace_id must be 16 bytes and span_id 8, neither all zeroes".into());
    }
    let known = Attributes::new(&span.attributes);
    let parent = id_or_none(&span.parent_span_id).filter(|parent| *parent != id);
    Ok(Span {
        index,
        key: SpanKey { trace, span: id },
        parent: parent.map(|span| SpanKey { trace, span }),
        agent: agent(&known),
        fallback: about.agent.clone(),
        run: known.text(Field::Run).map(|run| run.as_ref().into()),
        workflow: named(&known, Field::Workflow, Workflow::new),
        kind: kind(span, &known, about.release.as_deref(), prices, received_at),
    })
}

fn id(bytes: &[u8]) -> u64 {
    <[u8; 8]>::try_from(bytes).map(u64::from_be_bytes).unwrap_or(0)
}

fn id_or_none(bytes: &[u8]) -> Option<u64> {
    Some(id(bytes)).filter(|id| *id != 0)
}

fn kind(span: &proto::Span, known: &Attributes<'_>, release: Option<&str>, prices: &Prices, received_at: Time) -> Kind {
    let lower = |field| known.text(field).map(|text| text.to_ascii_lowercase()).unwrap_or_default();
    let operation = lower(Field::Operation);
    let mcp = lower(Field::McpMethod);
    let (inference, traceloop) = (lower(Field::OpenInference), lower(Field::Traceloop));
    let draft = || Box::new(Draft { action: common(span, known, release, received_at), call: None });
    if operation == "execute_tool" || mcp == "tools/call" || inference == "tool" || traceloop == "tool" {
        return match tool(span, known) {
            Some(name) => Kind::Tool(tool_call(draft(), name, !mcp.is_empty(), known)),
            None => Kind::Context,
        };
    }
    match operation.as_str() {
        "chat" | "generate_content" | "text_completion" | "completion" | "embeddings" | "responses" => {
            return Kind::Model(model_call(draft(), known, prices));
        }
        "retrieval" | "search_memory" => return Kind::Other(other(draft(), &operation, known, "read")),
        "create_memory"
        | "update_memory"
        | "upsert_memory"
        | "delete_memory"
        | "create_memory_store"
        | "delete_memory_store" => {
            return Kind::Other(other(draft(), &operation, known, "knowledge-base-write"));
        }
        "invoke_agent" | "create_agent" => return Kind::Agent,
        _ => {}
    }
    match (inference.as_str(), mcp.as_str()) {
        ("llm" | "embedding", _) => Kind::Model(model_call(draft(), known, prices)),
        ("retriever", _) => Kind::Other(other(draft(), "retrieval", known, "read")),
        ("agent", _) => Kind::Agent,
        (_, "resources/read") => Kind::Other(other(draft(), "resources/read", known, "read")),
        _ if traceloop == "agent" => Kind::Agent,
        _ => Kind::Context,
    }
}

/// A tool's name: stated, else what stands behind the operation in the span's name.
fn tool(span: &proto::Span, known: &Attributes<'_>) -> Option<ToolName> {
    let stated = known.text(Field::Tool).or_else(|| known.text(Field::Entity));
    let named = || {
        let name = span.name.trim();
        ["execute_tool ", "tools/call ", "running tool: "]
            .iter()
            .find_map(|head| name.strip_prefix(head))
            .unwrap_or(name)
    };
    ToolName::new(stated.as_deref().unwrap_or_else(|| named())).ok()
}

fn tool_call(mut draft: Box<Draft>, tool: ToolName, mcp: bool, known: &Attributes<'_>) -> Box<Draft> {
    let action = &mut draft.action;
    action.tool = Some(tool.clone());
    action.cost = known.number(Field::Cost).and_then(NanoUsd::from_usd);
    action.call_id = known.text(Field::CallId).map(Cow::into_owned);
    action.input = known.json(Field::Arguments);
    action.output = known.json(Field::Result);
    draft.call = Some(Arc::new(ToolCall { tool, id: draft.action.call_id.clone(), mcp }));
    draft
}

fn model_call(mut draft: Box<Draft>, known: &Attributes<'_>, prices: &Prices) -> Box<Draft> {
    let provider = known.text(Field::Provider).unwrap_or("unknown".into());
    let (asked, answered) = (known.text(Field::RequestModel), known.text(Field::ResponseModel));
    // The name that was asked for stays when the vendor rolls the version behind it.
    let model = asked.as_deref().or(answered.as_deref()).unwrap_or("unknown");
    let action = &mut draft.action;
    action.endpoint = Some(bounded(format!("chat {provider}/{model}")));
    if let (Some(asked), Some(answered)) = (asked.as_deref(), answered.as_deref())
        && asked != answered
    {
        action.detail.get_or_insert_default().requested_model = Some(bounded(asked.to_owned()));
    }
    action.model = answered.as_deref().or(asked.as_deref()).map(|model| bounded(model.to_owned()));
    let (input, output) = (known.count(Field::InputTokens), known.count(Field::OutputTokens));
    if input.is_some() || output.is_some() {
        action.tokens = Some(Tokens { input: input.unwrap_or(0), output: output.unwrap_or(0) });
    }
    action.cost = known.number(Field::Cost).and_then(NanoUsd::from_usd);
    if action.cost.is_none()
        && let Some(tokens) = action.tokens
    {
        let price = |model: &Option<Cow<'_, str>>| prices.cost(model.as_deref()?, tokens);
        action.cost = price(&answered).or_else(|| price(&asked));
        action.cost_estimated = action.cost.is_some();
    }
    action.input = known.json(Field::InputMessages).or_else(|| known.json(Field::Arguments));
    action.output = known.json(Field::OutputMessages).or_else(|| known.json(Field::Result));
    draft
}

fn other(mut draft: Box<Draft>, operation: &str, known: &Attributes<'_>, class: &str) -> Box<Draft> {
    let target = known.text(Field::McpResource).or_else(|| known.text(Field::DataSource)).unwrap_or_default();
    let action = &mut draft.action;
    action.endpoint = Some(bounded(format!("{operation} {}", endpoint::template(&target)).trim_end().to_owned()));
    action.class = action.class.take().or_else(|| ActionClass::new(class).ok());
    action.cost = known.number(Field::Cost).and_then(NanoUsd::from_usd);
    action.input = known.json(Field::Arguments);
    action.output = known.json(Field::Result);
    if operation == "resources/read" && !target.is_empty() {
        action.detail.get_or_insert_default().files.push(bounded(target.into_owned()));
    }
    draft
}

/// At most 256 bytes.
fn bounded(mut text: String) -> String {
    let mut end = text.len().min(256);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// What every action of a span has; its agent is set once it is known.
fn common(span: &proto::Span, known: &Attributes<'_>, release: Option<&str>, received_at: Time) -> Action {
    let time = |nanos: u64| (nanos > 0).then(|| Time::from_millis((nanos / 1_000_000).cast_signed()));
    let started = time(span.start_time_unix_nano);
    let text = |field| known.text(field).map(|text| bounded(text.into_owned()));
    let failed = span.status.as_ref().is_some_and(|status| status.code == proto::status::StatusCode::Error as i32)
        || known.text(Field::ErrorType).is_some();
    let told = known.text(Field::Status).and_then(|word| word.parse().ok());
    let (trace, id) = (hex(&span.trace_id), hex(&span.span_id));
    Action {
        id: Some([trace.as_str(), "/", &id].concat()),
        started,
        at: time(span.end_time_unix_nano).or(started).unwrap_or(received_at),
        received_at,
        agent: NOBODY.clone(),
        run: text(Field::Run),
        workflow: named(known, Field::Workflow, Workflow::new),
        tool: None,
        endpoint: None,
        class: named(known, Field::Class, ActionClass::new),
        cost: None,
        cost_estimated: false,
        status: told.unwrap_or(if failed { Status::Error } else { Status::Ok }),
        artefact: text(Field::ArtefactKind).map(|kind| Artefact {
            kind,
            visible_to: text(Field::ArtefactVisibleTo),
            review: review(known),
        }),
        amount: known
            .number(Field::AmountValue)
            .map(|value| Amount { value, currency: text(Field::AmountCurrency).unwrap_or_else(|| "USD".into()) }),
        counterparty: text(Field::Counterparty),
        model: None,
        tokens: None,
        on_behalf_of: text(Field::OnBehalfOf),
        input: None,
        output: None,
        call_id: None,
        parent_span_id: id_or_none(&span.parent_span_id).map(|id| format!("{id:016x}")),
        detail: detail::of(known, release).map(Box::new),
        trace_id: Some(trace),
        span_id: Some(id),
    }
}

/// In hexadecimal, as ids are written; at most 16 bytes.
fn hex(bytes: &[u8]) -> String {
    let (mut text, bytes) = ([0; 32], &bytes[..bytes.len().min(16)]);
    let text = &mut text[..2 * bytes.len()];
    let _ = hex::encode_to_slice(bytes, text);
    String::from_utf8_lossy(text).into_owned()
}

fn review(known: &Attributes<'_>) -> Option<Review> {
    let by = known.text(Field::ReviewBy).map(Cow::into_owned);
    let seconds = known.number(Field::ReviewSeconds);
    (by.is_some() || seconds.is_some()).then_some(Review { by, seconds })
}
