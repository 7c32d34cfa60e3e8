//! Answers in the request's own form.

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use serde_json::json;

/// How a request was written; its answer is written the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Encoding {
    /// From a Content-Type header, parameters aside; `None` for any other type.
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    /// As a Content-Type header.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// The body of a 200: empty on full success, partial success where spans were refused or `message` warns.
pub fn success(encoding: Encoding, rejected: usize, message: &str) -> Vec<u8> {
    let partial = (rejected > 0 || !message.is_empty()).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: message.to_owned(),
    });
    match (encoding, partial) {
        (Encoding::Protobuf, partial_success) => ExportTraceServiceResponse { partial_success }.encode_to_vec(),
        // The crate's types would write `{"partialSuccess":null}` and the count as a number.
        (Encoding::Json, None) => b"{}".to_vec(),
        (Encoding::Json, Some(partial)) => json!({"partialSuccess": {
            "rejectedSpans": partial.rejected_spans.to_string(), "errorMessage": partial.error_message}})
        .to_string()
        .into_bytes(),
    }
}

/// `google.rpc.Status`, the two fields that matter.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The body of an error: a `google.rpc.Status` whose code follows the HTTP status.
pub fn failure(encoding: Encoding, http: u16, message: &str) -> Vec<u8> {
    let code = match http {
        401 => 16,
        403 => 7,
        404 => 5,
        413 | 429 => 8,
        503 => 14,
        500..=599 => 13,
        _ => 3,
    };
    let status = Status { code, message: message.to_owned() };
    match encoding {
        Encoding::Protobuf => status.encode_to_vec(),
        Encoding::Json => json!({"code": status.code, "message": status.message}).to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_take_the_requests_form() {
        assert_eq!(success(Encoding::Protobuf, 0, ""), b"");
        assert_eq!(success(Encoding::Json, 0, ""), b"{}");
        assert_eq!(
            success(Encoding::Json, 2, "no agent"),
            br#"{"partialSuccess":{"errorMessage":"no agent","rejectedSpans":"2"}}"#
        );
        let partial = ExportTraceServiceResponse::decode(&*success(Encoding::Protobuf, 2, "no agent")).unwrap();
        assert_eq!(partial.partial_success.unwrap().rejected_spans, 2);
        let status = Status::decode(&*failure(Encoding::Protobuf, 400, "bad")).unwrap();
        assert_eq!((status.code, status.message.as_str()), (3, "bad"));
        assert_eq!(failure(Encoding::Json, 503, "busy"), br#"{"code":14,"message":"busy"}"#);
        assert_eq!(Encoding::of("Application/JSON; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(Encoding::of("text/plain"), None);
    }
}
