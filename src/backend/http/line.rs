//! A connection that a route may take over: once the answer's head is written, the socket leaves HTTP (law 5).

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::mpsc,
};

use crate::backend::{front::Guest, listen::ends_when_unheard};

/// A socket.
#[derive(Debug)]
pub enum Link {
    /// Over TCP.
    Tcp(TcpStream),
    /// On the Unix socket.
    Unix(UnixStream),
    /// Over TLS, decrypted.
    Front(Guest),
}

/// Who takes a socket over.
type Taker = Box<dyn FnOnce(Link) + Send>;

enum State {
    Ours(Link, Option<Taker>),
    Gone,
}

/// One connection, shared by the server that speaks HTTP on it and the route that may want it.
#[derive(Clone)]
pub struct Line(Arc<Mutex<State>>);

impl fmt::Debug for Line {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Line")
    }
}

impl From<Link> for Line {
    fn from(link: Link) -> Self {
        Self(Arc::new(Mutex::new(State::Ours(link, None))))
    }
}

impl Line {
    /// One that nobody can take over, or look at.
    pub(super) fn gone() -> Self {
        Self(Arc::new(Mutex::new(State::Gone)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the socket to `taker` as soon as everything written so far has left; HTTP sees the connection end then.
    pub fn hand_over(&self, taker: impl FnOnce(Link) + Send + 'static) {
        if let State::Ours(_, waiting) = &mut *self.state() {
            *waiting = Some(Box::new(taker));
        }
    }

    /// What the socket tells about itself; nothing once it is taken over.
    pub fn look<T>(&self, at: impl FnOnce(&Link) -> T) -> Option<T> {
        match &*self.state() {
            State::Ours(link, _) => Some(at(link)),
            State::Gone => None,
        }
    }

    fn with(
        &self,
        tcp: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<usize>>,
        unix: impl FnOnce(Pin<&mut UnixStream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &mut *self.state() {
            State::Ours(Link::Tcp(socket), _) => tcp(Pin::new(socket)),
            State::Ours(Link::Unix(socket), _) => unix(Pin::new(socket)),
            State::Ours(Link::Front(guest), _) => unix(Pin::new(&mut guest.socket)),
            State::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self.state() {
            State::Ours(Link::Tcp(socket), _) => Pin::new(socket).poll_read(cx, buffer),
            State::Ours(Link::Unix(socket), _) => Pin::new(socket).poll_read(cx, buffer),
            State::Ours(Link::Front(guest), _) => Pin::new(&mut guest.socket).poll_read(cx, buffer),
            State::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // One of the two runs: each has its own context.
        let mut other = Context::from_waker(cx.waker());
        self.with(|tcp| tcp.poll_write(cx, bytes), |unix| unix.poll_write(&mut other, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut other = Context::from_waker(cx.waker());
        self.with(|tcp| tcp.poll_write_vectored(cx, parts), |unix| unix.poll_write_vectored(&mut other, parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        match &mut *state {
            State::Gone => return Poll::Ready(Ok(())),
            State::Ours(Link::Tcp(socket), _) => ready!(Pin::new(socket).poll_flush(cx))?,
            State::Ours(Link::Unix(socket), _) => ready!(Pin::new(socket).poll_flush(cx))?,
            State::Ours(Link::Front(guest), _) => ready!(Pin::new(&mut guest.socket).poll_flush(cx))?,
        }
        if matches!(&*state, State::Ours(_, Some(_)))
            && let State::Ours(link, Some(taker)) = std::mem::replace(&mut *state, State::Gone)
        {
            drop(state);
            taker(link);
            // Nothing else tells HTTP that its connection has ended.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.state() {
            State::Ours(Link::Tcp(socket), _) => Pin::new(socket).poll_shutdown(cx),
            State::Ours(Link::Unix(socket), _) => Pin::new(socket).poll_shutdown(cx),
            State::Ours(Link::Front(guest), _) => Pin::new(&mut guest.socket).poll_shutdown(cx),
            State::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// A listener whose connections can be taken over.
#[derive(Debug)]
pub enum Doorway {
    /// Over TCP.
    Tcp(TcpListener),
    /// On the Unix socket.
    Unix(UnixListener),
    /// Over TLS: what the front lets in.
    Front(mpsc::Receiver<Guest>),
}

impl Listener for Doorway {
    type Io = Line;
    type Addr = ();

    async fn accept(&mut self) -> (Line, ()) {
        // axum's own accept waits out a lack of files and goes on.
        let link = match self {
            Self::Tcp(listener) => {
                let (stream, _) = Listener::accept(listener).await;
                ends_when_unheard(&stream);
                Link::Tcp(stream)
            }
            Self::Unix(listener) => Link::Unix(Listener::accept(listener).await.0),
            Self::Front(guests) => match guests.recv().await {
                Some(guest) => Link::Front(guest),
                // The front is gone with the backend.
                None => std::future::pending().await,
            },
        };
        (link.into(), ())
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
