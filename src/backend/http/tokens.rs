//! `/v1/tokens`: made, listed, revoked. A secret is answered once, when it is made; only its hash is kept.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::{
    extract::{Id, Json},
    reply::{Reply, ask},
};
use crate::{
    api::{Accepted, MakeToken, Problem, TokenMade},
    backend::{
        app::Backend,
        identity::{self, Identity},
    },
    incident::{Command, Fact, Token},
    terms::TokenId,
};

/// Every token, without its hash.
pub async fn list(State(backend): State<Arc<Backend>>) -> axum::Json<Vec<Token>> {
    axum::Json(backend.core.worlds().tokens.values().cloned().collect())
}

/// Makes one.
pub async fn make(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Json(MakeToken { name, role, agent }): Json<MakeToken>,
) -> Reply<TokenMade> {
    if let Err(why) = name_reads(&name) {
        return Err(Problem::invalid(422, format!("`name`: {why}; call it `wall` or `ci-refunds`")));
    }
    let secret = identity::fresh_secret()?;
    let command = Command::MakeToken { name, role, agent, hash: identity::hash_of(&secret) };
    let accepted = ask(&backend, &identity, None, Uuid::now_v7(), command).await?;
    let made = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::TokenMade { token, .. } => Some(*token),
        _ => None,
    });
    match made {
        Some(id) => Ok(axum::Json(TokenMade { id, secret })),
        None => Err(Problem::unavailable("no token was made; ask again")),
    }
}

/// Revokes one; it is refused from the next request on.
pub async fn revoke(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Id(token): Id<TokenId>,
) -> Reply<Accepted> {
    ask(&backend, &identity, None, Uuid::now_v7(), Command::RevokeToken { token }).await
}

/// A token's name becomes an author's: it must not read as another kind of author, nor spoil a line.
fn name_reads(name: &str) -> Result<(), &'static str> {
    if name.trim().is_empty() {
        Err("a token needs a name")
    } else if name.chars().count() > 64 {
        Err("at most 64 characters")
    } else if name.contains(':') || name.chars().any(char::is_control) {
        Err("colons and control characters are not taken")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokens_name_cannot_pass_for_another_author() {
        for bad in ["", "  ", "andon:tripwires", "agent:refund-bot", "a\u{1b}[2J", &"x".repeat(65)] {
            assert!(name_reads(bad).is_err(), "{bad:?}");
        }
        assert!(name_reads("ci-refunds").is_ok());
    }
}
