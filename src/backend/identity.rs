//! Who is asking (protocol 4): a person by the socket's peer uid, a token by its hash, or the backend's own user on
//! loopback. Owns no rights: [`super::rights`] has them. Secrets and headers are never logged.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    ancestry::{self, Descent},
    login::Signed,
    owner,
    rights::{Right, Standing, may},
};
use crate::{
    api::Problem,
    incident::{
        Role, Token, Worlds,
        containment::{Mode, Scope},
        session::SessionBegun,
    },
    runbook::{Access, Grants},
    terms::{AgentId, Author, TokenId},
};

/// Who is asking, as the request was authenticated. Handlers find it in the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As author of what they do.
    pub author: Author,
    /// As what they stand before the table.
    pub standing: Standing,
    /// The agent that an agent's token is bound to.
    pub agent: Option<AgentId>,
    /// The token used, if any.
    pub token: Option<TokenId>,
    /// The session used, if any.
    pub session: Option<Arc<SessionBegun>>,
    /// What they signed of this very request.
    pub signed: Option<Arc<Signed>>,
    /// What a team's roles leave a person; absent is whatever the table says.
    pub grants: Option<Arc<Grants>>,
}

impl Identity {
    /// A person, by login name.
    pub fn person(name: impl Into<String>) -> Self {
        Self::of(Author::Person(name.into()), Standing::Operator)
    }

    /// The backend's own user on loopback, without a token.
    pub fn loopback() -> Self {
        Self::of(Author::Automation("loopback".into()), Standing::Loopback)
    }

    /// Nobody we know.
    pub fn stranger() -> Self {
        Self::of(Author::Automation("stranger".into()), Standing::Stranger)
    }

    /// What was started under an agent; without a name it speaks for nobody.
    fn descendant(agent: Option<AgentId>) -> Self {
        let name = agent.as_ref().map_or_else(|| "unnamed".to_owned(), ToString::to_string);
        Self { agent, ..Self::of(Author::Agent(name), Standing::Agent) }
    }

    fn of(author: Author, standing: Standing) -> Self {
        Self { author, standing, agent: None, token: None, session: None, signed: None, grants: None }
    }

    fn bearer(token: &Token) -> Self {
        let author = match (token.role, &token.agent) {
            (Role::Agent, Some(agent)) => Author::Agent(agent.to_string()),
            (Role::Agent | Role::Gateway | Role::Automation, _) => Author::Automation(token.name.clone()),
            (Role::Operator | Role::Viewer, _) => Author::Person(token.name.clone()),
        };
        Self { agent: token.agent.clone(), token: Some(token.id), ..Self::of(author, token.role.into()) }
    }

    /// Whether the table lets them.
    pub fn may(&self, right: Right) -> bool {
        may(self.standing, right) && self.grants.as_ref().is_none_or(|grants| grants.allow(right))
    }

    /// The same, as a team's roles have it: they only take away, and only from people.
    pub fn within(self, access: &Access) -> Self {
        let grants = match (&self.author, self.standing) {
            (Author::Person(name), Standing::Operator) => access.of(name).map(Arc::new),
            _ => None,
        };
        Self { grants, ..self }
    }

    /// Refuses a switch that a person's roles do not reach.
    ///
    /// # Errors
    /// 403, with what to do.
    pub fn demand_switch(&self, scope: &Scope, mode: Mode) -> Result<(), Problem> {
        if self.grants.as_ref().is_none_or(|grants| grants.allow_switch(scope, mode)) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "your roles do not reach {mode} of {scope}: access.toml of the runbook says which switches they may engage. Name one of those, or ask somebody who may"
        )))
    }

    /// Whether they may report, check or lease for `agent`: an agent's token only for itself.
    pub fn speaks_for(&self, agent: &AgentId) -> bool {
        match self.standing {
            Standing::Agent => self.agent.as_ref() == Some(agent),
            standing => may(standing, Right::Check),
        }
    }

    /// The authenticated source of telemetry and checks, a short text that stays the same between requests.
    pub fn source(&self) -> String {
        match self.token {
            Some(token) => token.to_string(),
            None => self.author.to_string(),
        }
    }

    /// Refuses what the table refuses, and says what to do.
    ///
    /// # Errors
    /// 401 for strangers, 403 for everyone else.
    pub fn demand(&self, right: Right) -> Result<(), Problem> {
        if self.may(right) { Ok(()) } else { Err(self.refusal(right)) }
    }

    fn refusal(&self, right: Right) -> Problem {
        if self.standing == Standing::Stranger {
            return Problem::new(
                401,
                "unauthenticated",
                "Nobody we know",
                "a token is needed here: send `Authorization: Bearer andon_…`; an operator makes one with `andon token make NAME`",
            );
        }
        if self.standing == Standing::Loopback {
            return Problem::new(
                401,
                "unauthenticated",
                "A token is needed here",
                format!(
                    "without a token, loopback may report, check and lease, and nothing else ({right}). \
                     Use the Unix socket, or a token from `andon token make NAME`"
                ),
            );
        }
        let standing = self.standing;
        if may(standing, right) {
            return Problem::forbidden(format!(
                "none of your roles may do that ({right}); access.toml of the runbook says who may"
            ));
        }
        Problem::forbidden(match right {
            Right::Internal => "only the backend itself records that".to_owned(),
            _ => format!(
                "the role {standing} may not do that ({right}). Ask an operator to do it, or to make a token with the role"
            ),
        })
    }
}

/// SHA-256 (hex) of a token's secret, as the log keeps it.
pub fn hash_of(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A fresh secret: `andon_` and 256 random bits.
///
/// # Errors
/// A system without randomness.
pub fn fresh_secret() -> Result<String, Problem> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|why| Problem::unavailable(format!("the system gives no random bytes ({why}); ask again")))?;
    Ok(format!("andon_{}", hex::encode(bytes)))
}

/// Who carries `secret`: every live token is compared, in the same time whichever it is.
///
/// # Errors
/// 401 when nobody does, or the token was revoked.
pub fn by_secret(worlds: &Worlds, secret: &str) -> Result<Identity, Problem> {
    let hash = hash_of(secret);
    let mut found = None;
    for token in worlds.tokens.values() {
        if same(token.hash.as_bytes(), hash.as_bytes()) && token.revoked_at.is_none() {
            found = Some(token);
        }
    }
    found.map(Identity::bearer).ok_or_else(|| {
        Problem::new(
            401,
            "unauthenticated",
            "The token is not known",
            "this token is unknown, was revoked, or its session is over; `andon login` begins a session, `andon token make NAME` makes a token",
        )
    })
}

/// Equality that does not tell by its time where two digests differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Who is behind a socket's peer: a person, behind sudo by the login uid; or the agent under whose runner or proxy it was
/// started. One that cannot be looked at may do what anybody of this user may without being known.
pub fn of_socket_peer(uid: u32, pid: Option<i32>) -> Identity {
    match pid.map(ancestry::of) {
        Some(Descent::Agent(agent)) => return Identity::descendant(agent),
        Some(Descent::Unknown) => return Identity::loopback(),
        Some(Descent::Free) | None => {}
    }
    let login = if uid == 0 { pid.and_then(login_uid) } else { None };
    Identity::person(user_name(login.unwrap_or(uid)))
}

/// Who logged in, for a process that became root since; absent where the kernel does not say.
fn login_uid(pid: i32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// A uid's login name; `uid-1000` where the system knows none.
pub fn user_name(uid: u32) -> String {
    uzers::get_user_by_uid(uid).map_or_else(|| format!("uid-{uid}"), |user| user.name().to_string_lossy().into_owned())
}

/// Whether the TCP connection `peer` → `us` belongs to a process of `uid` on this machine.
///
/// Must be asked while the connection lives. Elsewhere than on Linux nobody can say, so nobody is trusted.
pub fn owns_connection(uid: u32, peer: SocketAddr, us: SocketAddr) -> bool {
    if !peer.ip().to_canonical().is_loopback() {
        return false;
    }
    // Where the kernel cannot be asked about one socket (a sandbox, an old one), its table of all tells.
    owner::of(peer, us).unwrap_or_else(|_| listed_owner(peer, us)) == Some(uid)
}

/// The same from the kernel's table of every socket.
fn listed_owner(peer: SocketAddr, us: SocketAddr) -> Option<u32> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = std::fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| listed(line, peer, us))
    })
}

/// The owner's uid, when `line` of the kernel's table is the socket `peer` → `us` and a process still holds it.
fn listed(line: &str, peer: SocketAddr, us: SocketAddr) -> Option<u32> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let held = |socket: SocketAddr, wanted: SocketAddr| {
        socket.port() == wanted.port() && socket.ip().to_canonical() == wanted.ip().to_canonical()
    };
    if !held(local, peer) || !held(remote, us) {
        return None;
    }
    // state, queues, timer, retransmits, uid, timeout, inode. Sockets nobody holds any more (TIME_WAIT) have inode 0, uid 0.
    let mut rest = fields.skip(4);
    let uid = rest.next()?.parse().ok()?;
    let inode: u64 = rest.nth(1)?.parse().ok()?;
    (inode != 0).then_some(uid)
}

/// `0100007F:1CFC`: each 32-bit word in the machine's own byte order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut bytes = [0u8; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            IpAddr::from(bytes)
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::terms::Time;

    fn token(id: u32, role: Role, agent: Option<&str>, secret: &str) -> Token {
        Token {
            id: TokenId(id),
            name: format!("token {id}"),
            role,
            agent: agent.map(|agent| AgentId::new(agent).unwrap()),
            hash: hash_of(secret),
            made_at: Time::default(),
            made_by: Author::Person("dana".into()),
            revoked_at: None,
        }
    }

    #[test]
    fn a_connection_is_its_owners_and_only_while_it_lives() {
        let me = rustix::process::getuid().as_raw();
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(bind) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, peer) = listener.accept().unwrap();
            let us = server.local_addr().unwrap();
            assert!(owns_connection(me, peer, us), "{bind}");
            assert_eq!(listed_owner(peer, us), Some(me), "{bind}");
            assert!(!owns_connection(me + 1, peer, us));
            assert!(!owns_connection(me, us, us), "another pair of ports");
            drop(client);
            drop(server);
            assert!(!owns_connection(me, peer, us), "a closed connection belongs to nobody");
        }
        assert!(!owns_connection(me, "192.0.2.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()));
    }

    #[test]
    fn the_kernels_table_is_read_to_the_letter() {
        let line =
            "   0: 0100007F:8A5C 0100007F:1CFC 01 00000000:00000000 00:00000000 00000000  1000        0 54321 1 0";
        let peer = "127.0.0.1:35420".parse().unwrap();
        let us = "127.0.0.1:7420".parse().unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(listed(line, peer, us), Some(1000));
            assert_eq!(listed(line, us, peer), None);
            assert_eq!(listed(&line.replace("54321", "0"), peer, us), None, "TIME_WAIT is nobody's");
            let mapped = "1: 0000000000000000FFFF00000100007F:8A5C 0000000000000000FFFF00000100007F:1CFC 01 0:0 0:0 0 1000 0 9 1";
            assert_eq!(listed(mapped, peer, us), Some(1000));
        }
        for bad in ["", "sl local", "0: zz:1 zz:2", "0: 0100007F:8A5C 0100007F:1CFC 01"] {
            assert_eq!(listed(bad, peer, us), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_finds_its_token_until_it_is_revoked() {
        let mut worlds = Worlds::default();
        let secret = fresh_secret().unwrap();
        assert!(secret.len() == 70 && secret.starts_with("andon_"));
        worlds.tokens.insert(TokenId(1), token(1, Role::Agent, Some("refund-bot"), &secret));
        worlds.tokens.insert(TokenId(2), token(2, Role::Viewer, None, "andon_other"));

        let agent = by_secret(&worlds, &secret).unwrap();
        assert_eq!(agent.author, Author::Agent("refund-bot".into()));
        assert!(agent.speaks_for(&AgentId::new("refund-bot").unwrap()));
        assert!(!agent.speaks_for(&AgentId::new("other-bot").unwrap()), "bound to its id");
        assert_eq!(agent.demand(Right::Release).unwrap_err().status, 403);
        assert!(!by_secret(&worlds, "andon_other").unwrap().speaks_for(&AgentId::new("a").unwrap()));

        for wrong in ["", "andon_", "andon_nothing", &hash_of(&secret)] {
            assert_eq!(by_secret(&worlds, wrong).unwrap_err().status, 401, "{wrong}");
        }
        worlds.tokens.get_mut(&TokenId(1)).unwrap().revoked_at = Some(Time::default());
        assert_eq!(by_secret(&worlds, &secret).unwrap_err().status, 401);
    }

    #[test]
    fn a_person_is_named_by_the_system() {
        let me = rustix::process::getuid().as_raw();
        let identity = of_socket_peer(me, None);
        assert!(identity.author.is_person() && !identity.author.name().is_empty());
        assert_eq!(user_name(3_999_999_999), "uid-3999999999");
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(of_socket_peer(me, Some(own)).author.is_person());
        // One that went before it could be looked at, or that asks from where it cannot be.
        assert_eq!(of_socket_peer(me, Some(0)), Identity::loopback());
        let unnamed = Identity::descendant(None);
        assert!(!unnamed.speaks_for(&AgentId::new("refund-bot").unwrap()) && !unnamed.may(Right::Release));
    }
}
