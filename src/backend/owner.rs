//! Whose a TCP connection on this machine is, by the kernel's word.
//!
//! One question over netlink (`sock_diag(7)`) costs microseconds; the table in `/proc` costs more with every connection
//! there is, and ten thousand that come at once would each read all the others.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use rustix::{
    fd::OwnedFd,
    net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink},
};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// A message's head.
const HEAD: usize = 16;
/// Where the answer says the uid, and the inode after it.
const UID: usize = HEAD + 64;

/// The uid of whoever holds the socket `local` → `remote` on this machine; `Ok(None)` when nobody does.
///
/// # Errors
/// A system that cannot be asked so.
pub fn of(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<u32>> {
    let kernel =
        net::socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    let (from, to) = (local.ip().to_canonical(), remote.ip().to_canonical());
    // A socket that speaks IPv6 may hold an IPv4 connection.
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        if let Some(owner) = ask(&kernel, family, (from, local.port()), (to, remote.port()))? {
            return Ok(Some(owner));
        }
    }
    Ok(None)
}

fn ask(
    kernel: &OwnedFd,
    family: AddressFamily,
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
) -> io::Result<Option<u32>> {
    let (Some(from), Some(to)) = (address(family, local.0), address(family, remote.0)) else { return Ok(None) };
    let mut asked = Vec::with_capacity(72);
    asked.extend(72u32.to_ne_bytes());
    asked.extend(BY_FAMILY.to_ne_bytes());
    asked.extend(REQUEST.to_ne_bytes());
    asked.extend([0; 8]);
    asked.extend([u8::try_from(family.as_raw()).unwrap_or_default(), TCP, 0, 0]);
    // Every state; the kernel looks one socket up, so it does not matter.
    asked.extend(u32::MAX.to_ne_bytes());
    asked.extend(local.1.to_be_bytes());
    asked.extend(remote.1.to_be_bytes());
    asked.extend(from);
    asked.extend(to);
    asked.extend([0; 4]);
    // No cookie: whichever socket has these addresses.
    asked.extend([0xff; 8]);
    net::send(kernel, &asked, SendFlags::empty())?;
    let mut answer = [0; 512];
    let (_, length) = net::recv(kernel, &mut answer[..], RecvFlags::empty())?;
    read(&answer[..length.min(512)], local.1, remote.1)
}

fn address(family: AddressFamily, ip: IpAddr) -> Option<[u8; 16]> {
    match (family, ip) {
        (AddressFamily::INET, IpAddr::V4(ip)) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&ip.octets());
            Some(bytes)
        }
        (AddressFamily::INET6, IpAddr::V4(ip)) => Some(ip.to_ipv6_mapped().octets()),
        (AddressFamily::INET6, IpAddr::V6(ip)) => Some(ip.octets()),
        _ => None,
    }
}

/// What the kernel answered: an owner, nobody, or that it cannot be asked.
fn read(answer: &[u8], local: u16, remote: u16) -> io::Result<Option<u32>> {
    let odd = || io::Error::other("the kernel's answer about a socket does not read");
    let word = |at: usize| {
        let bytes = answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_ne_bytes).ok_or_else(odd)
    };
    let half = |at: usize| answer.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).ok_or_else(odd);
    match u16::from_ne_bytes(half(4)?) {
        BY_FAMILY => {
            // Never another socket than the one that was asked for.
            if (u16::from_be_bytes(half(HEAD + 4)?), u16::from_be_bytes(half(HEAD + 6)?)) != (local, remote) {
                return Ok(None);
            }
            let (uid, inode) = (word(UID)?, word(UID + 4)?);
            // Sockets that nobody holds any more (TIME_WAIT) have no inode, and uid 0.
            Ok((inode != 0).then_some(uid))
        }
        // NLMSG_ERROR: ENOENT is nobody.
        2 => match word(HEAD)?.cast_signed() {
            -2 => Ok(None),
            code => Err(io::Error::from_raw_os_error(-code)),
        },
        _ => Err(odd()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// The kernel answers for the one socket, over either family, as long as somebody holds it.
    #[test]
    fn a_socket_is_its_holders() {
        let me = rustix::process::getuid().as_raw();
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(bind) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, peer) = listener.accept().unwrap();
            let us = server.local_addr().unwrap();
            assert_eq!(of(peer, us).unwrap(), Some(me), "{bind}");
            assert_eq!(of(us, us).unwrap(), None, "another pair of ports");
            drop(client);
            assert_eq!(of(peer, us).unwrap(), None, "closed, it is nobody's");
        }
        if let Ok(listener) = TcpListener::bind("[::]:0") {
            let _client = TcpStream::connect(("127.0.0.1", listener.local_addr().unwrap().port())).unwrap();
            let (server, peer) = listener.accept().unwrap();
            assert_eq!(of(peer, server.local_addr().unwrap()).unwrap(), Some(me), "mapped");
        }
    }

    #[test]
    fn only_a_whole_answer_about_the_socket_counts() {
        let answer = |uid: u32, inode: u32| {
            let mut bytes = vec![0; HEAD + 72];
            bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
            bytes[HEAD + 4..HEAD + 6].copy_from_slice(&7u16.to_be_bytes());
            bytes[HEAD + 6..HEAD + 8].copy_from_slice(&8u16.to_be_bytes());
            bytes[UID..UID + 4].copy_from_slice(&uid.to_ne_bytes());
            bytes[UID + 4..UID + 8].copy_from_slice(&inode.to_ne_bytes());
            bytes
        };
        assert_eq!(read(&answer(1000, 5), 7, 8).unwrap(), Some(1000));
        assert_eq!(read(&answer(0, 0), 7, 8).unwrap(), None, "TIME_WAIT is nobody's, not root's");
        assert_eq!(read(&answer(1000, 5), 8, 7).unwrap(), None, "another socket");
        for length in [0, 5, HEAD, UID] {
            assert!(read(&answer(1000, 5)[..length], 7, 8).is_err(), "{length}");
        }
    }
}
