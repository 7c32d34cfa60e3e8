//! Opening the doors: the Unix socket for people, TCP for telemetry, gateways and teams.

use std::{
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream, UnixListener};

/// Telemetry's port when nobody asks for another.
pub const TELEMETRY_PORT: u16 = 7420;
/// How long what was sent may stay unheard of, or unread, before its connection is given up: its other end may be gone and
/// unable to say so, and whoever is only slow comes back and resumes.
const UNHEARD: Duration = Duration::from_secs(30);
/// How long a connection is idle before it is asked whether it lives, and between two times of asking.
const IDLE: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(5)];
/// How many ports after it are tried before the system picks one.
const NEXT_PORTS: u16 = 20;

/// A door that does not open.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {why}. Name another with --listen, or stop what holds it")]
    Tcp {
        /// Which address.
        address: SocketAddr,
        /// The system's word.
        why: std::io::Error,
    },
    /// Reachable from other machines, unencrypted, and nobody asked for that by name.
    #[error(
        "{address} is reachable from other machines and this listener speaks plain HTTP: tokens would cross the network readable. \
         Use --tls with a certificate, put a TLS proxy before 127.0.0.1, or ask for it by name with --plain-http"
    )]
    Plain {
        /// Which address.
        address: SocketAddr,
    },
    /// The group that a whole host's socket belongs to does not exist.
    #[error("there is no group {0:?}. Make one (groupadd {0}) and add the people to it, or name another with --group")]
    Group(String),
    /// The socket cannot be made.
    #[error("cannot open the socket {path}: {why}. Name another folder with ANDON_HOME, or mend its permissions")]
    Socket {
        /// Which path.
        path: PathBuf,
        /// The system's word.
        why: std::io::Error,
    },
}

/// The TCP listeners: those asked for, or the telemetry port, or the next free one.
///
/// # Errors
/// An address asked for that is taken, or reachable in plain without being asked for by name.
pub async fn tcp(asked: &[SocketAddr], plain_http: bool) -> Result<Vec<TcpListener>, ListenError> {
    if asked.is_empty() {
        return next_free(TELEMETRY_PORT).await.map(|listener| vec![listener]);
    }
    let mut listeners = Vec::new();
    for &address in asked {
        if !address.ip().to_canonical().is_loopback() && !plain_http {
            return Err(ListenError::Plain { address });
        }
        listeners.push(TcpListener::bind(address).await.map_err(|why| ListenError::Tcp { address, why })?);
    }
    Ok(listeners)
}

/// The listeners that speak TLS.
///
/// # Errors
/// An address that is taken.
pub async fn tls(asked: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    for &address in asked {
        listeners.push(TcpListener::bind(address).await.map_err(|why| ListenError::Tcp { address, why })?);
    }
    Ok(listeners)
}

/// Has a connection end by itself once its other end is gone without a word: a host without power, a link that is down.
pub fn ends_when_unheard(stream: &TcpStream) {
    let millis = u32::try_from(UNHEARD.as_millis()).unwrap_or(u32::MAX);
    let set = sockopt::set_tcp_user_timeout(stream, millis)
        .and_then(|()| sockopt::set_socket_keepalive(stream, true))
        .and_then(|()| sockopt::set_tcp_keepidle(stream, IDLE[0]))
        .and_then(|()| sockopt::set_tcp_keepintvl(stream, IDLE[1]));
    if let Err(why) = set {
        tracing::debug!(%why, "a connection may outlive its other end");
    }
}

/// The first free port from `first` on, on loopback; at last whatever the system gives.
async fn next_free(first: u16) -> Result<TcpListener, ListenError> {
    for port in first..=first.saturating_add(NEXT_PORTS) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                if port != first {
                    tracing::warn!(taken = first, port, "the telemetry port is taken; another one is used");
                }
                return Ok(listener);
            }
            Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(why) => return Err(ListenError::Tcp { address: (Ipv4Addr::LOCALHOST, port).into(), why }),
        }
    }
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    TcpListener::bind(any).await.map_err(|why| ListenError::Tcp { address: any, why })
}

/// The Unix socket: its user's alone, or, with `group`, that of everybody in it.
///
/// # Errors
/// A path that cannot be made, or a group that does not exist.
pub fn socket(path: &Path, group: Option<&str>) -> Result<UnixListener, ListenError> {
    let error = |why| ListenError::Socket { path: path.into(), why };
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(error(why)),
        _ => {}
    }
    let owner = match group {
        None => None,
        Some(name) => Some(uzers::get_group_by_name(name).ok_or_else(|| ListenError::Group(name.to_owned()))?),
    };
    if owner.is_some()
        && let Some(folder) = path.parent()
    {
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(error)?;
    }
    let listener = UnixListener::bind(path).map_err(error)?;
    let mode = if owner.is_some() { 0o660 } else { 0o600 };
    if let Some(owner) = owner {
        std::os::unix::fs::chown(path, None, Some(owner.gid())).map_err(error)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(error)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_gives_way_to_the_next() {
        let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = held.local_addr().unwrap().port();
        let next = next_free(port).await.unwrap().local_addr().unwrap();
        assert_ne!(next.port(), port);
        let refused = tcp(&[held.local_addr().unwrap()], false).await.unwrap_err();
        assert!(refused.to_string().contains("--listen"), "{refused}");
    }

    #[tokio::test]
    async fn plain_http_beyond_this_machine_is_asked_for_by_name() {
        let everywhere = ["0.0.0.0:0".parse().unwrap()];
        assert!(matches!(tcp(&everywhere, false).await, Err(ListenError::Plain { .. })));
        assert_eq!(tcp(&everywhere, true).await.unwrap().len(), 1);
    }
}
