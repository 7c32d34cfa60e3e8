//! The door every request passes: no browsers, no foreign hosts, then who it is, then whether the table lets them.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    extract::world_of,
    peer::{Peer, Who},
    problem,
    reply::sees,
};
use crate::{
    api::{self, Problem},
    backend::{
        app::Backend,
        identity::{self, Identity},
        login::Signed,
        rights,
    },
};

/// Lets a request in with its [`Identity`], or answers what is wrong.
pub async fn door(
    State(backend): State<Arc<Backend>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&backend, &peer, &request) {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        // A gateway passes 401 on to its caller, who would log in again: nothing it can do opens this door.
        Err(problem) if is_under(request.uri().path(), api::path::AUTHZ) => {
            let mut response = Problem::forbidden(problem.detail).into_response();
            response.headers_mut().insert("x-andon-decision", HeaderValue::from_static("deny"));
            response
        }
        Err(problem) if is_under(request.uri().path(), "/ofrep") => problem::answer_ofrep(&problem),
        Err(problem) => problem.into_response(),
    }
}

fn admit(backend: &Backend, peer: &Peer, request: &Request) -> Result<Identity, Problem> {
    let headers = request.headers();
    let path = request.uri().path();
    let forwarded = is_under(path, api::path::AUTHZ);
    let secret = secret_of(headers, forwarded)?;
    // A gateway passes on the headers of the call it asks about; with its own token they are no browser's.
    if !(forwarded && secret.is_some()) {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        // The button behind a page's link is a browser's, on a page of ours.
        let own = path == api::path::ACK && origin.is_some_and(|origin| backend.links.is_own(origin));
        if !own {
            refuse_browsers(headers)?;
        }
        if peer.is_loopback() {
            refuse_foreign_hosts(headers, &backend.hosts)?;
        }
    }
    let identity = match (secret, &peer.who) {
        (Some(secret), _) => match backend.logins.by_secret(&backend.core.worlds(), secret, (backend.clock)()) {
            Some(person) => person,
            None => identity::by_secret(&backend.core.worlds(), secret)?,
        },
        (None, Who::Socket { credentials, person }) => on_socket(backend, *credentials, person)?,
        (None, Who::Tcp { .. }) if peer.is_owned_by(backend.uid) => Identity::loopback(),
        (None, Who::Tcp { .. }) => Identity::stranger(),
    };
    // A connection's identity is asked once; what its roles allow may change under it.
    let identity = identity.within(&backend.runbook.load().access);
    let identity = Identity { signed: signed(headers)?.map(Arc::new), ..identity };
    backend.limits.count(&identity, &peer.address(), path)?;
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
    identity.demand(rights::of_path(writes, path))?;
    let world = world_of(request.uri());
    if let Ok(Some(drill)) = world
        && backend.is_cut(drill, &identity.author)
    {
        return Err(Problem::unavailable(format!("the wire to {drill} is cut")));
    }
    // Whatever is served of an incident, an answer to who does not see it is that there is none (TEAM.9). What is asked of it
    // is judged where it is read: an override lets somebody in.
    let incident = path.strip_prefix(api::path::INCIDENTS).and_then(|rest| rest.strip_prefix('/'));
    let id = incident.and_then(|rest| rest.split('/').next()).and_then(|id| id.parse().ok());
    if let Some(id) = id.filter(|_| !path.ends_with("/commands")) {
        sees(backend, &identity, world?, id)?;
    }
    Ok(identity)
}

fn is_under(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The secret a request carries. Of what a gateway forwards, only what is ours counts: the rest is the caller's own.
fn secret_of(headers: &HeaderMap, forwarded: bool) -> Result<Option<&str>, Problem> {
    let odd = || Problem::invalid(400, "the Authorization header does not read: send `Authorization: Bearer andon_…`");
    let bearer = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => match value.to_str().ok().and_then(|text| text.split_once(' ')) {
            Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Some(secret.trim()),
            _ if forwarded => None,
            _ => return Err(odd()),
        },
    };
    let key = match headers.get("x-api-key") {
        None => None,
        Some(value) if forwarded => value.to_str().ok(),
        Some(value) => Some(value.to_str().map_err(|_| odd())?.trim()),
    };
    let ours = |secret: &&str| !forwarded || secret.starts_with("andon_");
    Ok(key.filter(ours).or(bearer.filter(ours)))
}

/// What was signed of this request, where anything was (protocol 4).
fn signed(headers: &HeaderMap) -> Result<Option<Signed>, Problem> {
    let text = |name: &str| {
        let Some(value) = headers.get(name) else { return Ok(None) };
        let bytes = STANDARD.decode(value.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        bytes.map(Some).ok_or_else(|| Problem::invalid(400, format!("the header {name} is no text in base64")))
    };
    let (challenge, signature) = (text(api::CHALLENGE_HEADER)?, text(api::SIGNATURE_HEADER)?);
    Ok(challenge.zip(signature).map(|(challenge, signature)| Signed { challenge, signature }))
}

fn refuse_browsers(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Problem::forbidden(
            "requests with an Origin header come from web pages and are refused; ask from a program, without it",
        ));
    }
    Ok(())
}

/// A page whose name was made to resolve to this machine still sends its own name.
fn refuse_foreign_hosts(headers: &HeaderMap, hosts: &[String]) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let local = name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(name));
    if local {
        return Ok(());
    }
    Err(Problem::forbidden(
        "the Host header names another machine; ask 127.0.0.1, localhost, or a name this backend was told with --host",
    ))
}

/// The socket's mode keeps others out already; this holds where somebody loosened it.
fn on_socket(
    backend: &Backend,
    credentials: Option<(u32, Option<i32>)>,
    person: &OnceLock<Identity>,
) -> Result<Identity, Problem> {
    match credentials {
        Some((uid, pid)) if backend.shared || uid == backend.uid || uid == 0 => {
            Ok(person.get_or_init(|| identity::of_socket_peer(uid, pid)).clone())
        }
        Some(_) => Err(Problem::forbidden(
            "this backend serves one user, and you are another; use your own, or a shared one with ANDON_URL",
        )),
        None => Ok(Identity::stranger()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).try_into().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn foreign_hosts_are_refused() {
        let hosts = vec!["andon.example".to_owned()];
        for good in ["localhost:7420", "127.0.0.1", "127.8.8.8:1", "[::1]:7420", "[::1]", "ANDON.example", "LOCALHOST"]
        {
            assert!(refuse_foreign_hosts(&with(&[("host", good)]), &hosts).is_ok(), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:7420",
            "192.0.2.1",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[",
        ] {
            assert!(refuse_foreign_hosts(&with(&[("host", bad)]), &hosts).is_err(), "{bad}");
        }
        assert!(refuse_foreign_hosts(&HeaderMap::new(), &hosts).is_err());
        assert!(refuse_browsers(&with(&[("origin", "null")])).is_err());
    }

    #[test]
    fn secrets_come_as_bearer_or_key() {
        let secret = |pairs: &[(&'static str, &str)], forwarded| {
            secret_of(&with(pairs), forwarded).map(|secret| secret.map(str::to_owned))
        };
        assert_eq!(secret(&[], false).unwrap(), None);
        assert_eq!(secret(&[("authorization", "bearer andon_1")], false).unwrap().as_deref(), Some("andon_1"));
        assert_eq!(secret(&[("x-api-key", "andon_2")], false).unwrap().as_deref(), Some("andon_2"));
        assert_eq!(secret(&[("authorization", "Basic eA==")], false).unwrap_err().status, 400);
        // What a gateway forwards is its caller's.
        assert_eq!(secret(&[("authorization", "Bearer sk_other")], true).unwrap(), None);
        assert_eq!(secret(&[("authorization", "Basic eA==")], true).unwrap(), None);
        let both = [("authorization", "Bearer sk_other"), ("x-api-key", "andon_3")];
        assert_eq!(secret(&both, true).unwrap().as_deref(), Some("andon_3"));
    }
}
