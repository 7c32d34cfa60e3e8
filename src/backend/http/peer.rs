//! The other end of a connection, learnt once when it is accepted.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};

use super::line::{Doorway, Line, Link};
use crate::backend::identity::{Identity, owns_connection};

/// The other end, and the connection to it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Who that is.
    pub who: Who,
    /// The connection, for a route that takes it over.
    pub line: Line,
}

/// Who is at the other end, as far as the system tells.
#[derive(Debug, Clone)]
pub enum Who {
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
        peer: Option<SocketAddr>,
        /// Ours.
        us: Option<SocketAddr>,
        /// Whether the backend's own user holds the other end; asked once, while the connection lives.
        own: Arc<OnceLock<bool>>,
    },
}

impl Peer {
    /// Somebody who came by a way that is no socket of this system: nobody without a token, and no route takes it over.
    pub fn from_afar(peer: SocketAddr, us: SocketAddr) -> Self {
        let own = Arc::new(OnceLock::from(false));
        Self { who: Who::Tcp { peer: Some(peer), us: Some(us), own }, line: Line::gone() }
    }

    /// Whether the other end is on this machine and the user `uid` holds it.
    pub fn is_owned_by(&self, uid: u32) -> bool {
        let Who::Tcp { peer, us, own } = &self.who else { return false };
        *own.get_or_init(|| peer.zip(*us).is_some_and(|(peer, us)| owns_connection(uid, peer, us)))
    }

    /// Where it comes from, as far as that tells one from another.
    pub fn address(&self) -> String {
        match &self.who {
            Who::Tcp { peer: Some(peer), .. } => peer.ip().to_canonical().to_string(),
            _ => String::new(),
        }
    }

    /// Whether the request came in on a loopback address, where a browser on this machine could send it.
    pub fn is_loopback(&self) -> bool {
        let Who::Tcp { us, .. } = &self.who else { return false };
        us.is_none_or(|us| us.ip().to_canonical().is_loopback())
    }
}

impl Connected<IncomingStream<'_, Doorway>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Self {
        let line = stream.io().clone();
        let who = line.look(|link| match link {
            Link::Unix(socket) => {
                let credentials = socket.peer_cred().ok().map(|peer| (peer.uid(), peer.pid()));
                Who::Socket { credentials, person: Arc::default() }
            }
            Link::Tcp(socket) => {
                // Otherwise a second frame or answer waits 40 ms for the other end to acknowledge the first.
                if let Err(why) = socket.set_nodelay(true) {
                    tracing::debug!(%why, "a connection goes on with delays");
                }
                Who::Tcp { peer: socket.peer_addr().ok(), us: socket.local_addr().ok(), own: Arc::default() }
            }
            Link::Front(guest) => {
                // Whoever comes by the network's way is nobody without a token, from wherever.
                let own = Arc::new(OnceLock::from(false));
                Who::Tcp { peer: Some(guest.peer), us: Some(guest.us), own }
            }
        });
        let nobody = || Who::Socket { credentials: None, person: Arc::default() };
        Self { who: who.unwrap_or_else(nobody), line }
    }
}
