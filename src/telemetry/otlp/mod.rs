//! OTLP traces (protocol 1): spans by the GenAI and MCP conventions, old names and new, become actions.
//!
//! A request is read (`request`), each span is understood through one table of attribute names (`attributes`, `span`),
//! spans are joined with their ancestors over time (`join`), and the answer goes back in the request's form (`answer`).

mod answer;
mod attributes;
mod detail;
mod join;
mod request;
mod span;

pub use answer::{Encoding, failure, success};
pub use join::{Joined, Origin, Pushed, SpanJoiner};
pub use request::read;
pub use span::{Draft, Kind, Span, SpanKey, Spans, ToolCall, spans};
