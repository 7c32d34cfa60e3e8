//! A body as an OTLP request.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;

use super::Encoding;
use crate::telemetry::DecodeError;

/// Reads a decompressed body. An empty protobuf body is a request without spans.
///
/// # Errors
/// When the body is no ExportTraceServiceRequest in that encoding.
pub fn read(body: &[u8], encoding: Encoding) -> Result<ExportTraceServiceRequest, DecodeError> {
    match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(body).map_err(|e| DecodeError::Protobuf(e.to_string())),
        Encoding::Json if body.trim_ascii().is_empty() => {
            Err(DecodeError::Otlp("the body is empty; a request without spans is {}".into()))
        }
        // An array would read as a message whose fields are given in order.
        Encoding::Json if body.trim_ascii_start().first() != Some(&b'{') => {
            Err(DecodeError::Otlp("expected an object with resourceSpans".into()))
        }
        Encoding::Json => serde_json::from_slice(body).or_else(|_| tolerant(body)),
    }
}

/// A second reading for what the OTLP/JSON mapping allows and the crate's types refuse.
fn tolerant(body: &[u8]) -> Result<ExportTraceServiceRequest, DecodeError> {
    let wrong = |e: serde_json::Error| DecodeError::Otlp(e.to_string());
    let mut request: Value = serde_json::from_slice(body).map_err(wrong)?;
    normalise(&mut request);
    serde_json::from_value(request).map_err(wrong)
}

/// Drops `null` fields, doubles that are no numbers, and unknown fields of values; enum names become their numbers.
fn normalise(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(normalise);
        }
        Value::Object(fields) => {
            fields.retain(|name, field| match name.as_str() {
                _ if field.is_null() => false,
                "doubleValue" => field.as_f64().is_some() || numeric(field),
                "value" => {
                    if let Value::Object(any) = field {
                        any.retain(|name, _| KINDS.contains(&name.as_str()));
                    }
                    true
                }
                _ => true,
            });
            for (name, field) in fields.iter_mut() {
                match (name.as_str(), &*field) {
                    ("kind", Value::String(word)) => *field = Value::from(position(&SPAN_KINDS, word)),
                    ("code", Value::String(word)) => *field = Value::from(position(&STATUS_CODES, word)),
                    ("doubleValue", Value::String(word)) => {
                        *field = word.parse::<f64>().ok().filter(|n| n.is_finite()).map_or(Value::Null, Value::from);
                    }
                    _ => normalise(field),
                }
            }
        }
        _ => {}
    }
}

fn numeric(field: &Value) -> bool {
    field.as_str().is_some_and(|word| word.parse::<f64>().is_ok_and(f64::is_finite))
}

/// The kinds of an OTLP value.
const KINDS: [&str; 7] =
    ["stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"];
const SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

fn position(words: &[&str], word: &str) -> usize {
    words.iter().position(|known| *known == word).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(body: &str) -> Result<ExportTraceServiceRequest, DecodeError> {
        read(body.as_bytes(), Encoding::Json)
    }

    #[test]
    fn what_real_clients_send_is_read() {
        let span = r#"{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","kind":"SPAN_KIND_SERVER","name":"x","new":{},"status":{"code":"STATUS_CODE_ERROR"},"events":null,"attributes":[{"key":"n","value":{"doubleValue":"NaN"}},{"key":"d","value":{"doubleValue":"1.5"}},{"key":"i","value":{"intValue":"7"}},{"key":"u","value":{"fancyValue":1}},{"key":"z","value":null}]}"#;
        let body = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":null}},"scopeSpans":[{{"scope":null,"spans":[{span}]}}]}}]}}"#
        );
        let request = json(&body).unwrap();
        let span = &request.resource_spans[0].scope_spans[0].spans[0];
        assert_eq!((span.kind, span.status.as_ref().unwrap().code, span.attributes.len()), (2, 2, 5));
        assert_eq!(json("{}").unwrap(), ExportTraceServiceRequest::default());
        assert_eq!(read(b"", Encoding::Protobuf).unwrap(), ExportTraceServiceRequest::default());
    }

    #[test]
    fn what_is_no_request_is_refused_in_words() {
        for body in ["", " ", "[]", "7", "{\"resourceSpans\":7}", "{\"resourceSpans\":[", "hello"] {
            assert!(matches!(json(body), Err(DecodeError::Otlp(_))), "{body}");
        }
        assert!(matches!(read(b"hello", Encoding::Protobuf), Err(DecodeError::Protobuf(_))));
        let deep = format!("{{\"resourceSpans\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(json(&deep).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..300), json: bool) {
            let _ = read(&body, if json { Encoding::Json } else { Encoding::Protobuf });
        }
    }
}
