//! One subscriber's socket, and what of the last frame it has not taken yet. Nothing here waits.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::Shutdown,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use mio::{Interest, Registry, Token};

use crate::backend::http::Link;

/// What the system keeps for one who does not read: some frames, no more.
const KEPT: usize = 1 << 15;
/// Reads of what a subscriber says, who has nothing to say, before it goes.
const READS: usize = 16;

/// A socket that nothing waits for.
#[derive(Debug)]
pub enum Socket {
    Tcp(mio::net::TcpStream),
    Unix(mio::net::UnixStream),
}

impl Socket {
    /// Taken out of the hands of the runtime.
    pub fn of(link: Link) -> io::Result<Self> {
        let socket = match link {
            Link::Tcp(socket) => Self::Tcp(mio::net::TcpStream::from_std(socket.into_std()?)),
            Link::Unix(socket) => Self::Unix(mio::net::UnixStream::from_std(socket.into_std()?)),
            Link::Front(guest) => Self::Unix(mio::net::UnixStream::from_std(guest.socket.into_std()?)),
        };
        match &socket {
            Self::Tcp(socket) => rustix::net::sockopt::set_socket_send_buffer_size(socket, KEPT)?,
            Self::Unix(socket) => rustix::net::sockopt::set_socket_send_buffer_size(socket, KEPT)?,
        }
        Ok(socket)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(bytes),
            Self::Unix(socket) => socket.read(bytes),
        }
    }
}

/// Whether a subscriber stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stays,
    Goes,
}

/// One subscriber.
#[derive(Debug)]
pub struct Seat {
    /// Whom it hears the same as, and its place among them.
    pub group: usize,
    pub place: usize,
    socket: Socket,
    /// What it has not taken yet, and since when.
    rest: Bytes,
    since: Option<Instant>,
    /// There was something newer meanwhile.
    behind: bool,
}

impl Seat {
    pub fn new(socket: Socket, group: usize, place: usize) -> Self {
        Self { group, place, socket, rest: Bytes::new(), since: None, behind: false }
    }

    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match &mut self.socket {
            Socket::Tcp(socket) => registry.register(socket, token, both),
            Socket::Unix(socket) => registry.register(socket, token, both),
        }
    }

    /// A socket that is closed next is forgotten by the system in any case.
    pub fn deregister(&mut self, registry: &Registry) {
        let done = match &mut self.socket {
            Socket::Tcp(socket) => registry.deregister(socket),
            Socket::Unix(socket) => registry.deregister(socket),
        };
        if let Err(why) = done {
            tracing::debug!(%why, "a subscriber was not watched");
        }
    }

    /// A new frame. Who still reads an older one hears the newest after it, not each between.
    pub fn tell(&mut self, frame: &Bytes) -> Fate {
        if !self.rest.is_empty() {
            self.behind = true;
            return Fate::Stays;
        }
        self.write(frame, 0)
    }

    /// Writes what is left of `frame` from `from` on.
    fn write(&mut self, frame: &Bytes, mut from: usize) -> Fate {
        while from < frame.len() {
            match self.socket.write(&frame[from..]) {
                Ok(0) => return Fate::Goes,
                Ok(written) => from += written,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    self.rest = frame.slice(from..);
                    self.since = Some(self.since.unwrap_or_else(Instant::now));
                    return Fate::Stays;
                }
                Err(_) => return Fate::Goes,
            }
        }
        self.rest = Bytes::new();
        self.since = None;
        Fate::Stays
    }

    /// It takes more; `newest` is what it should know.
    pub fn go_on(&mut self, newest: &Bytes) -> Fate {
        if self.rest.is_empty() {
            return Fate::Stays;
        }
        let rest = std::mem::take(&mut self.rest);
        let before = rest.remaining();
        let fate = self.write(&rest, 0);
        if self.rest.len() < before && !self.rest.is_empty() {
            // It reads, slowly.
            self.since = Some(Instant::now());
        }
        if fate == Fate::Stays && self.rest.is_empty() && std::mem::take(&mut self.behind) {
            return self.write(newest, 0);
        }
        fate
    }

    /// It says something, or hangs up.
    pub fn listen(&mut self) -> Fate {
        let mut heard = [0; 512];
        for _ in 0..READS {
            match self.socket.read(&mut heard) {
                Ok(0) => return Fate::Goes,
                Ok(_) => {}
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => return Fate::Stays,
                Err(_) => return Fate::Goes,
            }
        }
        Fate::Goes
    }

    /// A comment, so that silence means something; who took nothing for as long as `patience` goes.
    pub fn beat(&mut self, chunked: bool, now: Instant, patience: Duration) -> Fate {
        match self.since {
            Some(since) if now.saturating_duration_since(since) >= patience => Fate::Goes,
            Some(_) => Fate::Stays,
            None => self.tell(&Bytes::from_static(if chunked { b"3\r\n:\n\n\r\n" } else { b":\n\n" })),
        }
    }

    /// The end of the stream, told where there is room for it.
    pub fn end(&mut self, chunked: bool) {
        if chunked && self.rest.is_empty() {
            let _ = self.socket.write(b"0\r\n\r\n");
        }
        let _ = match &self.socket {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Both),
            Socket::Unix(socket) => socket.shutdown(Shutdown::Both),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat() -> (Seat, mio::net::UnixStream) {
        let (ours, theirs) = mio::net::UnixStream::pair().unwrap();
        (Seat::new(Socket::Unix(ours), 0, 0), theirs)
    }

    /// Everything that can be read now.
    fn read(socket: &mut mio::net::UnixStream) -> Vec<u8> {
        let (mut all, mut some) = (Vec::new(), [0; 4096]);
        while let Ok(read @ 1..) = socket.read(&mut some) {
            all.extend_from_slice(&some[..read]);
        }
        all
    }

    /// Law 5: who does not read is told nothing more, and goes after a while; who reads again hears the newest, whole.
    #[test]
    fn who_does_not_read_goes() {
        let (mut seat, mut reader) = seat();
        let frame = |mark: u8| Bytes::from(vec![mark; 50_000]);
        let mut told = 0;
        while seat.rest.is_empty() {
            assert_eq!(seat.tell(&frame(b'a')), Fate::Stays);
            told += 50_000;
        }
        assert_eq!(seat.tell(&frame(b'b')), Fate::Stays);
        assert_eq!(seat.tell(&frame(b'c')), Fate::Stays);
        let (now, patience) = (Instant::now(), Duration::from_secs(10));
        assert_eq!(seat.beat(true, now, patience), Fate::Stays);
        assert_eq!(seat.beat(true, now + patience, patience), Fate::Goes);

        let mut heard = read(&mut reader);
        while !seat.rest.is_empty() {
            assert_eq!(seat.go_on(&frame(b'c')), Fate::Stays);
            heard.extend(read(&mut reader));
        }
        assert_eq!(heard.len(), told + 50_000);
        assert!(heard[..told].iter().all(|byte| *byte == b'a') && heard[told..].iter().all(|byte| *byte == b'c'));
        assert_eq!(seat.beat(false, now + patience, patience), Fate::Stays);
        assert_eq!(read(&mut reader), b":\n\n");
    }

    /// A subscriber has nothing to say: it hangs up, or it goes.
    #[test]
    fn who_talks_without_end_goes() {
        let (mut seat, mut reader) = seat();
        assert_eq!(seat.listen(), Fate::Stays);
        reader.write_all(b"GET / HTTP/1.1").unwrap();
        assert_eq!(seat.listen(), Fate::Stays);
        reader.write_all(&[b'x'; 512 * READS]).unwrap();
        assert_eq!(seat.listen(), Fate::Goes);
        drop(reader);
        assert_eq!(seat.tell(&Bytes::from_static(b"gone")), Fate::Goes);
    }
}
