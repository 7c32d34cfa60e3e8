//! The native form: one JSON object, an array, or one object a line (protocol 1).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Action, Amount, Artefact, DecodeError, Decoded, Detail, Rejected, Status, Tokens, endpoint};
use crate::terms::{ActionClass, AgentId, NanoUsd, Time, ToolName, Workflow};

/// The largest item taken, in bytes.
pub const LARGEST_ITEM: usize = 1 << 20;
/// The deepest `input` or `output` taken; leaves room for what wraps an action on its way to a screen.
const DEEPEST: usize = 64;
/// The longest id, run, counterparty and the like, in bytes.
const LONGEST_TEXT: usize = 512;

/// Decodes a body. Times that the sender left out are `received_at`.
///
/// # Errors
/// When the body as a whole is no batch; a single bad item is refused by index instead.
pub fn decode(body: &[u8], received_at: Time) -> Result<Decoded, DecodeError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut batch = Batch { received_at, decoded: Decoded::default(), index: 0 };
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(DecodeError::Empty),
        Some(b'[') => batch.array(body)?,
        Some(b'{') if one_object(body) => batch.item(body),
        Some(b'{') => batch.lines(body),
        Some(_) => return Err(DecodeError::Shape),
    }
    Ok(batch.decoded)
}

/// Whether the body is a single object: it is one a line when a second line begins an object too.
fn one_object(body: &[u8]) -> bool {
    let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.next();
    lines.next().is_none_or(|second| second[0] != b'{')
}

struct Batch {
    received_at: Time,
    decoded: Decoded,
    index: usize,
}

impl Batch {
    fn array(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        // A good batch is read once. Only a bad or a large one is taken apart, to name what is wrong.
        if body.len() <= LARGEST_ITEM
            && let Ok(wires) = serde_json::from_slice::<Vec<Wire<'_>>>(body)
        {
            self.decoded.actions.reserve(wires.len());
            for wire in wires {
                let resolved = wire.resolve(self.received_at);
                self.keep(resolved);
            }
            return Ok(());
        }
        let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|e| DecodeError::Json(e.to_string()))?;
        for item in items {
            self.item(item.get().as_bytes());
        }
        Ok(())
    }

    fn lines(&mut self, body: &[u8]) {
        for line in body.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if !line.is_empty() {
                self.item(line);
            }
        }
    }

    fn item(&mut self, item: &[u8]) {
        let resolved = if item.len() > LARGEST_ITEM {
            Err(format!(
                "the item has {} bytes; at most {LARGEST_ITEM} are taken: send large content by reference",
                item.len()
            ))
        } else {
            match serde_json::from_slice::<Wire<'_>>(item) {
                Ok(wire) => wire.resolve(self.received_at),
                Err(error) => Err(name_what_is_wrong(item, &error)),
            }
        };
        self.keep(resolved);
    }

    fn keep(&mut self, resolved: Result<Action, String>) {
        match resolved {
            Ok(action) => self.decoded.actions.push((self.index, action)),
            Err(reason) => self.decoded.rejected.push(Rejected::new(self.index, reason)),
        }
        self.index += 1;
    }
}

/// serde names the wrong type but not the field: each field is tried alone.
fn name_what_is_wrong(item: &[u8], error: &serde_json::Error) -> String {
    let Ok(fields) = serde_json::from_slice::<std::collections::BTreeMap<String, &RawValue>>(item) else {
        return if serde_json::from_slice::<serde::de::IgnoredAny>(item).is_ok() {
            "an action is a JSON object".into()
        } else {
            format!("not JSON: {error}")
        };
    };
    for (name, value) in &fields {
        let alone = format!("{{{}:{}}}", Value::from(name.as_str()), value.get());
        if let Err(wrong) = serde_json::from_str::<Wire<'_>>(&alone) {
            let wrong = wrong.to_string();
            return format!("{name}: {}", wrong.split(" at line ").next().unwrap_or(&wrong));
        }
    }
    error.to_string()
}

/// Text that is borrowed from the body unless it holds escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An item as sent; unknown fields are ignored, `null` is absence.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(default)]
    started: Option<Time>,
    #[serde(default)]
    at: Option<Time>,
    #[serde(borrow, default)]
    agent: Option<Text<'a>>,
    #[serde(borrow, default)]
    run: Option<Text<'a>>,
    #[serde(borrow, default)]
    workflow: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool: Option<Text<'a>>,
    #[serde(borrow, default)]
    endpoint: Option<Text<'a>>,
    #[serde(borrow, default)]
    class: Option<Text<'a>>,
    #[serde(default)]
    cost_usd: Option<f64>,
    #[serde(default)]
    cost_estimated: Option<bool>,
    #[serde(default)]
    status: Option<Status>,
    #[serde(default)]
    artefact: Option<Artefact>,
    #[serde(default)]
    amount: Option<Amount>,
    #[serde(borrow, default)]
    counterparty: Option<Text<'a>>,
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(default)]
    tokens: Option<Tokens>,
    #[serde(borrow, default)]
    on_behalf_of: Option<Text<'a>>,
    #[serde(default)]
    input: Option<Value>,
    #[serde(default)]
    output: Option<Value>,
    #[serde(borrow, default)]
    call_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    trace_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    span_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    parent_span_id: Option<Text<'a>>,
    #[serde(default)]
    detail: Option<Value>,
}

impl Wire<'_> {
    fn resolve(self, received_at: Time) -> Result<Action, String> {
        let agent = self.agent.as_ref().ok_or("agent is missing: say who acted")?;
        if self.tool.is_none() && self.endpoint.is_none() {
            return Err("tool and endpoint are both missing: say what was done".into());
        }
        Ok(Action {
            agent: AgentId::new(&agent.0).map_err(|e| format!("agent: {e}"))?,
            id: text("id", self.id)?,
            started: self.started,
            at: self.at.unwrap_or(received_at),
            received_at,
            run: text("run", self.run)?,
            workflow: name("workflow", self.workflow, Workflow::new)?,
            tool: name("tool", self.tool, ToolName::new)?,
            endpoint: self.endpoint.map(|given| templated(&given.0)).transpose()?,
            class: name("class", self.class, ActionClass::new)?,
            cost: self.cost_usd.map(cost).transpose()?,
            cost_estimated: self.cost_estimated.unwrap_or_default(),
            status: self.status.unwrap_or(Status::Ok),
            artefact: self.artefact,
            amount: self.amount,
            counterparty: text("counterparty", self.counterparty)?,
            model: text("model", self.model)?,
            tokens: self.tokens,
            on_behalf_of: text("on_behalf_of", self.on_behalf_of)?,
            input: shallow("input", self.input)?,
            output: shallow("output", self.output)?,
            call_id: text("call_id", self.call_id)?,
            trace_id: text("trace_id", self.trace_id)?,
            span_id: text("span_id", self.span_id)?,
            parent_span_id: text("parent_span_id", self.parent_span_id)?,
            detail: detail(self.detail)?,
        })
    }
}

fn text(field: &str, given: Option<Text<'_>>) -> Result<Option<String>, String> {
    match given {
        Some(Text(text)) if text.len() > LONGEST_TEXT => {
            Err(format!("{field}: {} bytes; at most {LONGEST_TEXT} are taken", text.len()))
        }
        given => Ok(given.map(|Text(text)| text.into_owned()).filter(|text| !text.is_empty())),
    }
}

fn name<T, E: std::fmt::Display>(
    field: &str,
    given: Option<Text<'_>>,
    make: fn(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    given.map(|Text(text)| make(&text).map_err(|e| format!("{field}: {e}"))).transpose()
}

fn templated(given: &str) -> Result<String, String> {
    let template = endpoint::template(given);
    if template.is_empty() { Err("endpoint: an endpoint needs a name".into()) } else { Ok(template.into_owned()) }
}

fn cost(usd: f64) -> Result<NanoUsd, String> {
    NanoUsd::from_usd(usd)
        .ok_or_else(|| format!("cost_usd: {usd} is no cost: it is finite, not negative and under 9.2 billion USD"))
}

fn shallow(field: &str, value: Option<Value>) -> Result<Option<Value>, String> {
    match value {
        Some(value) if deeper_than(&value, DEEPEST) => {
            Err(format!("{field}: nested deeper than {DEEPEST}: send it as a string"))
        }
        value => Ok(value),
    }
}

/// EVI.2: what evidence needs besides; one that tells nothing is none.
fn detail(given: Option<Value>) -> Result<Option<Box<Detail>>, String> {
    let Some(value) = shallow("detail", given)? else { return Ok(None) };
    let detail: Detail = serde_json::from_value(value).map_err(|error| format!("detail: {error}"))?;
    Ok((detail != Detail::default()).then(|| Box::new(detail)))
}

/// Whether a value nests deeper than `levels`.
pub(super) fn deeper_than(value: &Value, levels: usize) -> bool {
    let inside = |value: &Value| levels == 0 || deeper_than(value, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(inside),
        Value::Object(fields) => fields.values().any(inside),
        _ => false,
    }
}

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;
