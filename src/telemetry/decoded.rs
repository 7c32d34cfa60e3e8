//! What decoding a body gives: actions, and the items that were refused by name.

use super::Action;

/// One refused item: its neighbours are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Index in the request, from 0.
    pub index: usize,
    /// What is wrong and what to do; may quote the sender: print it through `Printable`.
    pub reason: String,
}

impl Rejected {
    /// Refuses item `index`; the reason is cut where a sender made it long.
    pub fn new(index: usize, reason: impl Into<String>) -> Self {
        let reason: String = reason.into();
        let cut = reason.char_indices().nth(LONGEST_REASON).map_or(reason.len(), |(at, _)| at);
        Self { index, reason: reason[..cut].to_owned() }
    }
}

/// Characters of a reason that are answered.
const LONGEST_REASON: usize = 300;

/// A decoded batch, in the request's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// Good items with their index in the request.
    pub actions: Vec<(usize, Action)>,
    /// Bad ones.
    pub rejected: Vec<Rejected>,
}

/// A body that cannot be read at all: nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing was sent.
    #[error("the body is empty: send one action as JSON, an array of actions, or one action a line (NDJSON)")]
    Empty,
    /// Not JSON where JSON was announced.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// Neither an object nor an array.
    #[error("the body is neither a JSON object, an array of objects, nor one object a line")]
    Shape,
    /// Not an OTLP request.
    #[error("the body is not an OTLP ExportTraceServiceRequest in protobuf: {0}")]
    Protobuf(String),
    /// JSON, but not an OTLP request.
    #[error("the body is not an OTLP ExportTraceServiceRequest in JSON: {0}")]
    Otlp(String),
}
