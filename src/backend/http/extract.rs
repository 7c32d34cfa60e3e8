//! Reading requests: every part that does not read is refused with what is wrong and what was expected.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{request::Parts, uri::Uri},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{api::Problem, backend::identity::Identity, terms::DrillId};

/// The longest body of a command, in bytes: a draft of 1 MiB, however much of it JSON escapes.
pub const LONGEST_COMMAND: usize = 8 << 20;

/// Who asks; the door put it there.
impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::stranger))
    }
}

/// A JSON body that reads as `T`.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Serialize, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = body(request, LONGEST_COMMAND).await?;
        read(&bytes).map(Self)
    }
}

/// A whole body of at most `longest` bytes.
///
/// # Errors
/// 413 when it is longer, 400 when it breaks off.
pub async fn body(request: Request, longest: usize) -> Result<Bytes, Problem> {
    axum::body::to_bytes(request.into_body(), longest).await.map_err(|why| {
        let too_long = std::error::Error::source(&why).is_some_and(|why| why.to_string().contains("length limit"));
        if too_long {
            Problem::new(
                413,
                "too-large",
                "The body is too large",
                format!("at most {longest} bytes are taken here; send less at once"),
            )
        } else {
            Problem::invalid(400, "the body broke off before its end; send it again")
        }
    })
}

/// Reads JSON, naming the field that is wrong.
///
/// # Errors
/// 400 for what is no JSON, 422 for JSON of another shape.
pub fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::invalid(400, "the body is empty; send JSON"));
    }
    let sent: Value = serde_json::from_slice(bytes).map_err(|why| Problem::invalid(400, why.to_string()))?;
    shaped(sent)
}

/// Reads a JSON value, naming the field that is wrong.
///
/// # Errors
/// 422 for another shape.
pub fn shaped<T: DeserializeOwned + Serialize>(sent: Value) -> Result<T, Problem> {
    let value = serde_path_to_error::deserialize::<_, T>(&sent).map_err(|wrong| {
        let path = wrong.path().to_string();
        let place = if path == "." || path == "?" { String::new() } else { format!("`{path}`: ") };
        Problem::invalid(422, format!("{place}{}", wrong.into_inner()))
    })?;
    let understood = serde_json::to_value(&value).unwrap_or_default();
    match list_for_object(&sent, &understood) {
        None => Ok(value),
        Some(path) => {
            let path = path.trim_end_matches('.');
            let place = if path.is_empty() { "the body".to_owned() } else { format!("`{path}`") };
            Err(Problem::invalid(422, format!("{place}: a list stands where an object is meant")))
        }
    }
}

/// Where a list was read as an object: serde takes `[]` for one with every field left out, and an empty scope is
/// everything.
fn list_for_object(sent: &Value, understood: &Value) -> Option<String> {
    match (sent, understood) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Array(sent), Value::Array(understood)) => sent
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(index, (sent, understood))| Some(format!("{index}.{}", list_for_object(sent, understood)?))),
        (Value::Object(sent), Value::Object(understood)) => sent.iter().find_map(|(name, sent)| {
            let path = list_for_object(sent, understood.get(name)?)?;
            Some(format!("{name}.{path}"))
        }),
        _ => None,
    }
}

/// The one id in the path: `/v1/incidents/INC-7`.
pub struct Id<T>(pub T);

impl<T, S> FromRequestParts<S> for Id<T>
where
    T: FromStr<Err: Display>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::unknown("the path does not read as UTF-8"))?;
        let text = params.iter().next().map(|(_, text)| text).unwrap_or_default();
        text.parse().map(Self).map_err(|why: T::Err| Problem::unknown(why.to_string()))
    }
}

/// The world asked about: `?world=DRILL-3`; `None` is the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InWorld(pub Option<DrillId>);

impl<S: Sync> FromRequestParts<S> for InWorld {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        world_of(&parts.uri).map(Self)
    }
}

/// The world a URI asks about.
///
/// # Errors
/// 422 for what is no drill's id.
pub fn world_of(uri: &Uri) -> Result<Option<DrillId>, Problem> {
    match parameter(uri, "world") {
        None => Ok(None),
        Some(text) if text.is_empty() || text == "real" => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|why| Problem::invalid(422, format!("`world`: {why}, or absent for the real world"))),
    }
}

/// One parameter of a URI's query, decoded; the first where it stands twice.
pub fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    query.0.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Every value of a parameter that may come several times.
pub fn parameters(uri: &Uri, name: &str) -> Vec<String> {
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let query = query.map(|query| query.0).unwrap_or_default();
    query.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
}

/// One parameter, typed.
///
/// # Errors
/// 422 when it does not read.
pub fn typed_parameter<T: FromStr<Err: Display>>(uri: &Uri, name: &str) -> Result<Option<T>, Problem> {
    parameter(uri, name)
        .map(|text| text.parse().map_err(|why: T::Err| Problem::invalid(422, format!("`{name}`: {why}"))))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::Ask, incident::Engage, terms::DrillId};

    #[test]
    fn what_is_wrong_is_named_by_field() {
        let read = |text: &str| read::<Ask<Engage>>(text.as_bytes()).unwrap_err();
        for (text, status, word) in [
            ("", 400, "empty"),
            ("{", 400, "EOF"),
            ("\u{1}", 400, "expected value"),
            ("[]", 422, "invalid"),
            (r#"{"id":"x","command":{}}"#, 422, "`id`"),
            (
                r#"{"id":"019aa0e0-0000-7000-8000-000000000000","command":{"scope":{"agent":7}}}"#,
                422,
                "`command.scope.agent`",
            ),
            (r#"{"id":"019aa0e0-0000-7000-8000-000000000000","command":{"mode":"stop"}}"#, 422, "halt, read-only"),
            (r#"{"id":"019aa0e0-0000-7000-8000-000000000000","command":{}} {}"#, 400, "trailing"),
            (r#"{"id":"019aa0e0-0000-7000-8000-000000000000","command":[]}"#, 422, "`command`: a list"),
            (r#"{"id":"019aa0e0-0000-7000-8000-000000000000","command":{"scope":[]}}"#, 422, "`command.scope`: a list"),
            (r#"["019aa0e0-0000-7000-8000-000000000000",{}]"#, 422, "a list"),
        ] {
            let problem = read(text);
            assert_eq!(problem.status, status, "{text}");
            assert!(problem.detail.contains(word), "{text}: {}", problem.detail);
        }
    }

    #[test]
    fn the_world_is_the_real_one_unless_named() {
        let world = |uri: &str| world_of(&uri.parse().unwrap());
        assert_eq!(world("/v1/state").unwrap(), None);
        assert_eq!(world("/v1/state?world=").unwrap(), None);
        assert_eq!(world("/v1/state?a=b&world=drill-3").unwrap(), Some(DrillId(3)));
        assert_eq!(world("/v1/state?world=%00").unwrap_err().status, 422);
    }
}
