//! `/openapi.json`: every route, in OpenAPI 3.1, with what its body may hold. The table is held to the routers by a test.

mod table;

use std::sync::LazyLock;

use axum::{
    http::header::{CONTENT_TYPE, HeaderValue},
    response::{IntoResponse, Response},
};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use self::table::{Answer, Body, OPERATIONS, Operation};

/// The document, written once.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The document.
pub async fn show() -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.as_str()).into_response()
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    });
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let at = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(methods) = at.as_object_mut() {
            methods.insert(operation.method.to_owned(), described(operation, &mut schemas));
        }
    }
    let problem = schemas.subschema_for::<crate::api::Problem>();
    let definitions = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "andon",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The incident cockpit for AI agents. Commands carry an id of the sender's own: asked twice, they \
                answer the first result. Times are UTC. What is refused comes as problem+json, whose detail says what to do.",
        },
        "security": [{ "token": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "A token of `andon token make`, or a session of `andon login`. On the Unix socket none is needed.",
            } },
            "responses": { "problem": {
                "description": "Refused; `detail` says what to do.",
                "content": { "application/problem+json": { "schema": problem } },
            } },
        },
    })
}

fn described(operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let Operation { path, summary, query, body, answer, .. } = operation;
    let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        named.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = query.iter().map(|(name, what)| {
        json!({ "name": name, "in": "query", "required": false, "description": what, "schema": { "type": "string" } })
    });
    let answered = match answer {
        Answer::Json(schema) => json!({ "application/json": { "schema": schema(schemas) } }),
        Answer::Of(kind) => json!({ *kind: {} }),
    };
    let mut described = json!({
        "summary": summary,
        "operationId": format!("{} {path}", operation.method),
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "Done.", "content": answered },
            "default": { "$ref": "#/components/responses/problem" },
        },
    });
    let content = match body {
        Body::None => return described,
        Body::Json(schema) => json!({ "application/json": { "schema": schema(schemas) } }),
        Body::Raw(kinds) => kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect::<Map<_, _>>().into(),
    };
    described["requestBody"] = json!({ "required": true, "content": content });
    described
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every `.route(` of the routers, counted by its methods.
    fn served(router: &str) -> usize {
        let routes = router.lines().map(str::trim).filter(|line| line.starts_with(".route("));
        let methods = ["get(", "post(", "put(", "delete(", "any("];
        routes.map(|line| methods.iter().map(|method| line.matches(method).count()).sum::<usize>()).sum()
    }

    /// Protocol 6: what is served is described, and nothing else.
    #[test]
    fn every_route_is_described() {
        let routers = [
            include_str!("../router.rs"),
            include_str!("../../interlock/http.rs"),
            include_str!("../../intake/http.rs"),
        ];
        let all: BTreeSet<_> = OPERATIONS.iter().map(|operation| (operation.path, operation.method)).collect();
        assert_eq!(all.len(), OPERATIONS.len(), "one is described twice");
        assert_eq!(all.len(), routers.map(served).iter().sum::<usize>());
    }

    /// A body's schema says what is taken, and names nothing that only the backend itself asks.
    #[test]
    fn a_command_is_described_as_it_is_taken() {
        let document = document();
        let text = document.to_string();
        for there in ["declare", "on-incident", "write-draft", "restrict", "engage", "release"] {
            assert!(text.contains(&format!("\"{there}\"")), "{there}");
        }
        for not_there in ["record-page", "begin-session", "open-hold", "prove"] {
            assert!(!text.contains(&format!("\"{not_there}\"")), "{not_there}");
        }
        // Every reference leads somewhere.
        for reference in text.split("\"#/components/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(&format!("/components/{reference}")).is_some(), "{reference}");
        }
    }
}
