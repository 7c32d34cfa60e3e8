//! Tokens and sessions.

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Role, Topic,
        session::{SessionBegun, SessionEnded},
    },
    terms::{AgentId, TokenId},
};

pub(super) fn make(case: &Case<'_>, name: &str, role: Role, agent: Option<&AgentId>, hash: &str) -> Decided {
    case.person("make a token")?;
    real_only(case)?;
    let name = checks::title(name).map_err(|_| invalid("a token needs a name: what it is for"))?;
    match (role, agent) {
        (Role::Agent, None) => return Err(invalid("an agent's token is bound to one agent: name it")),
        (Role::Agent, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(invalid(format!("a token for {role} is bound to no agent: leave it out"))),
    }
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid("a token is kept as the SHA-256 of its secret, in hex"));
    }
    let token = case.worlds.tokens.keys().next_back().map_or(TokenId(1), |id| id.next());
    let fact = Fact::TokenMade { token, name, role, agent: agent.cloned(), hash: hash.to_ascii_lowercase() };
    Ok(vec![case.fact(Topic::Access, fact)])
}

pub(super) fn revoke(case: &Case<'_>, id: TokenId) -> Decided {
    case.person("revoke a token")?;
    real_only(case)?;
    match case.worlds.tokens.get(&id) {
        None => Err(unknown(format!("there is no {id}; `andon token list` shows them"))),
        Some(token) if token.revoked_at.is_some() => Ok(Vec::new()),
        Some(_) => Ok(vec![case.fact(Topic::Access, Fact::TokenRevoked { token: id })]),
    }
}

/// TEAM.6: a challenge opens one session, whichever backend it was answered at.
pub(super) fn begin(case: &Case<'_>, begun: &SessionBegun) -> Decided {
    case.person("log in")?;
    real_only(case)?;
    let sessions = &case.worlds.sessions;
    if sessions.answered(&begun.challenge) {
        return Err(conflict("this challenge was answered already: ask for another one"));
    }
    if begun.until <= case.context.now {
        return Err(invalid("a session ends after it begins"));
    }
    Ok(vec![case.fact(Topic::Access, Fact::SessionBegun(Box::new(begun.clone())))])
}

pub(super) fn end(case: &Case<'_>, ended: &SessionEnded) -> Decided {
    match case.worlds.sessions.get(&ended.hash, case.context.now) {
        None => Ok(Vec::new()),
        Some(_) => Ok(vec![case.fact(Topic::Access, Fact::SessionEnded(ended.clone()))]),
    }
}

fn real_only(case: &Case<'_>) -> Result<(), crate::incident::Refusal> {
    if case.context.drill.is_some() {
        return Err(conflict("tokens are real: ask outside the drill"));
    }
    Ok(())
}
