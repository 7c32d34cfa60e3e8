//! `andon interlock mcp --listen --upstream`: between MCP clients and a server that speak Streamable HTTP, in either era.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use reqwest::Url;

use super::{
    gate::Gate,
    json::Json,
    message::{Broken, Kind, LONGEST, Message},
    record::Recorder,
    relay::{Relay, passed},
    reply,
    session::is_harmless,
};
use crate::{
    api::decoded_header,
    client::{Client, ClientError, Target},
    interlock::{
        lease::{Holder, LeaseKeeper},
        server::{Foreign, trusted},
    },
};

/// A request whose headers say something else than its body (MCP).
const MISMATCH: i64 = -32_020;
/// How long the last records may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a proxy does not serve.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// The socket is somebody else's, or nobody's.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// No lease.
    #[error("no lease, so nothing is served: {0}")]
    NoLease(ClientError),
    /// The upstream is no URL that can be called.
    #[error("--upstream {0:?} is no http(s) URL of an MCP server")]
    Upstream(String),
    /// The address is taken, or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The system refuses something.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Serves on `listen` what `upstream` serves, each call judged, until a signal.
///
/// # Errors
/// What keeps it from serving.
pub async fn http(
    client: Client,
    holder: Holder,
    run: String,
    listen: SocketAddr,
    upstream: &str,
) -> Result<(), NotServed> {
    if let Target::Socket(socket) = client.target() {
        trusted(socket).await?;
    }
    let wrong = || NotServed::Upstream(upstream.chars().take(200).collect());
    let upstream = Url::parse(upstream).map_err(|_| wrong())?;
    if !matches!(upstream.scheme(), "http" | "https") {
        return Err(wrong());
    }
    let lease = Arc::new(LeaseKeeper::take(client.clone(), holder.clone()).await.map_err(NotServed::NoLease)?);
    let (recorder, recording) = Recorder::start(client.clone(), &holder, &run);
    let gate = Gate { client, holder: Arc::new(holder), run: run.into(), standing: Some(lease.standing()) };
    let relay = Relay::new(gate, recorder, upstream)?;
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|why| NotServed::Listen(listen, why))?;
    eprintln!("andon: MCP on http://{}", listener.local_addr()?);
    let obeying = tokio::spawn(obey(relay.clone(), lease.clone()));
    let router = Router::new().fallback(serve).with_state(relay);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    obeying.abort();
    let _ = obeying.await;
    lease.end().await;
    let _ = tokio::time::timeout(LAST_WORDS, recording).await;
    Ok(())
}

/// Acknowledges a change once every call in flight has met it.
async fn obey(relay: Arc<Relay>, lease: Arc<LeaseKeeper>) {
    let mut standing = lease.standing();
    loop {
        let version = standing.borrow_and_update().view.version;
        relay.settled().await;
        lease.enforces(version);
        if standing.changed().await.is_err() {
            return;
        }
    }
}

/// A page in a browser may not speak to a proxy on this machine (DNS rebinding).
fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()?.host_str().map(str::to_owned));
    !host.is_some_and(|host| matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
}

async fn serve(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if is_foreign(&parts.headers) {
        return (StatusCode::FORBIDDEN, "a page of another origin may not speak to this proxy").into_response();
    }
    if parts.method != Method::POST {
        // A session's own stream, and its end: they carry no call.
        return match relay.forward(parts.method, &parts.headers, Vec::new()).await {
            Ok(response) => passed(response),
            Err(why) => (StatusCode::BAD_GATEWAY, why).into_response(),
        };
    }
    let Ok(bytes) = axum::body::to_bytes(body, LONGEST).await else {
        let why = format!("the message is longer than {LONGEST} bytes, or broke off");
        return refused(StatusCode::PAYLOAD_TOO_LARGE, reply::broken(&Broken { code: -32_700, id: None, why }));
    };
    let message = match Message::read_whole(&bytes) {
        Ok(message) => message,
        Err(broken) => return refused(StatusCode::BAD_REQUEST, reply::broken(&broken)),
    };
    if let Some(why) = mismatch(&parts.headers, &message) {
        let id = match &message.kind {
            Kind::Request { id, .. } => Some(id.clone()),
            _ => None,
        };
        return refused(StatusCode::BAD_REQUEST, reply::broken(&Broken { code: MISMATCH, id, why }));
    }
    match &message.kind {
        Kind::Request { id, method } if method == "tools/call" => relay.call(id, &message, &parts.headers).await,
        Kind::Request { id, method } => match relay.gate.may_not_begin().filter(|_| !is_harmless(method)) {
            Some(why) => {
                refused(StatusCode::OK, reply::refused(id, reply::STOPPED, &format!("stopped by andon: {why}")))
            }
            None => relay.pass(&message, &parts.headers).await,
        },
        Kind::Notification { method }
            if method == "notifications/cancelled" && relay.cancelled(&message, &parts.headers) =>
        {
            StatusCode::ACCEPTED.into_response()
        }
        Kind::Notification { .. } | Kind::Response { .. } => relay.pass(&message, &parts.headers).await,
    }
}

/// An answer in the server's stead.
pub(super) fn refused(status: StatusCode, line: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(line)).into_response()
}

/// What intermediaries read in the headers must be what the server reads in the body.
fn mismatch(headers: &HeaderMap, message: &Message) -> Option<String> {
    let (Kind::Request { method, .. } | Kind::Notification { method }) = &message.kind else { return None };
    let name = message.param("name").or_else(|| message.param("uri")).and_then(Json::as_str);
    for (header, said) in [("mcp-method", Some(method.as_str())), ("mcp-name", name)] {
        for value in headers.get_all(header) {
            let value = value.to_str().ok();
            let read = value.and_then(|value| decoded_header(value).ok());
            if read.as_deref() != said {
                return Some(format!("the header {header} says something else than the message"));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_say_something_else_are_told() {
        let message =
            Message::read(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}"#).unwrap();
        for (name, value, differs) in [
            ("mcp-name", "pay", false),
            ("mcp-name", "=?base64?cGF5?=", false),
            ("mcp-name", "look", true),
            ("mcp-name", "=?base64?!?=", true),
            ("mcp-method", "tools/call", false),
            ("mcp-method", "ping", true),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(mismatch(&headers, &message).is_some(), differs, "{name}: {value}");
        }
    }

    #[test]
    fn only_pages_of_this_machine_may_speak() {
        for (origin, foreign) in [
            ("http://localhost:6274", false),
            ("http://127.0.0.1", false),
            ("https://evil.example", true),
            ("null", true),
        ] {
            let headers = HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
            assert_eq!(is_foreign(&headers), foreign, "{origin}");
        }
        assert!(!is_foreign(&HeaderMap::new()));
    }
}
