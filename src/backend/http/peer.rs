//! The other end of a connection, learnt once when it is accepted.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::net::{TcpListener, UnixListener};

use crate::backend::identity::{Identity, owns_connection};

/// Who is at the other end, as far as the system tells.
#[derive(Debug, Clone)]
pub enum Peer {
    /// On the Unix socket, by the kernel's word; nothing where it gives none.
    Socket {
        /// The user and the process.
        credentials: Option<(u32, Option<i32>)>,
        /// Their name, asked of the system once a connection.
        person: Arc<OnceLock<Identity>>,
    },
    /// Over TCP.
    Tcp {
        /// Its address.
        peer: SocketAddr,
        /// Ours.
        us: Option<SocketAddr>,
        /// Whether the backend's own user holds the other end; asked once, while the connection lives.
        own: Arc<OnceLock<bool>>,
    },
}

impl Peer {
    /// Whether the other end is on this machine and the user `uid` holds it.
    pub fn is_owned_by(&self, uid: u32) -> bool {
        match self {
            Self::Socket { .. } => false,
            Self::Tcp { peer, us, own } => *own.get_or_init(|| us.is_some_and(|us| owns_connection(uid, *peer, us))),
        }
    }

    /// Whether the request came in on a loopback address, where a browser on this machine could send it.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Socket { .. } => false,
            Self::Tcp { us, .. } => us.is_none_or(|us| us.ip().to_canonical().is_loopback()),
        }
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred().ok().map(|peer| (peer.uid(), peer.pid()));
        Self::Socket { credentials, person: Arc::default() }
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        let us = stream.io().local_addr().ok();
        // Otherwise a second frame or answer waits 40 ms for the other end to acknowledge the first.
        if let Err(why) = stream.io().set_nodelay(true) {
            tracing::debug!(%why, "a connection goes on with delays");
        }
        Self::Tcp { peer: *stream.remote_addr(), us, own: Arc::default() }
    }
}
