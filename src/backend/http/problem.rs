//! Problems as answers: RFC 9457, with what clients need to come back.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::api::Problem;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        answer_problem(&self)
    }
}

/// The answer that a problem is.
pub fn answer_problem(problem: &Problem) -> Response {
    answer(problem, serde_json::to_vec(problem).unwrap_or_default())
}

/// The same to an OpenFeature client: its providers read an error's code and details.
pub fn answer_ofrep(problem: &Problem) -> Response {
    let mut body = serde_json::to_value(problem).unwrap_or_default();
    body["errorCode"] = "GENERAL".into();
    body["errorDetails"] = problem.detail.as_str().into();
    answer(problem, body.to_string().into_bytes())
}

fn answer(problem: &Problem, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"andon\""));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}
