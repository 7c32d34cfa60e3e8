//! `andon token`.

use clap::Subcommand;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{Accepted, MakeToken, TokenMade, path},
    incident,
    terms::{AgentId, TokenId},
};

/// `andon token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make one; its secret is shown once.
    Make {
        /// What it is for.
        name: String,
        /// operator, viewer, automation, gateway or agent.
        #[arg(long)]
        role: incident::Role,
        /// The agent an agent's token is bound to.
        #[arg(long)]
        agent: Option<AgentId>,
    },
    /// List them, without their secrets.
    List,
    /// Revoke one.
    Revoke {
        /// TOK-1.
        token: TokenId,
    },
}

pub async fn run(reach: &Reach, asked: Token) -> Result<(), Failed> {
    let client = reach.client().await?;
    match asked {
        Token::Make { name, role, agent } => {
            let made: TokenMade = client.post(path::TOKENS, &MakeToken { name, role, agent }).await?;
            reach.show(&made, |made| {
                eprintln!("{} — keep this secret now, it is not shown again:", made.id);
                print::line(&made.secret)
            })
        }
        Token::List => {
            let tokens: Vec<incident::Token> = client.get(path::TOKENS).await?;
            reach.show(&tokens, |tokens| {
                let rows: Vec<Vec<String>> = tokens
                    .iter()
                    .map(|token| {
                        let state =
                            token.revoked_at.map_or("valid".to_owned(), |at| format!("revoked {}", print::clock(at)));
                        let agent = token.agent.as_ref().map(ToString::to_string).unwrap_or_default();
                        vec![
                            token.id.to_string(),
                            token.role.to_string(),
                            agent,
                            token.name.clone(),
                            token.made_by.to_string(),
                            state,
                        ]
                    })
                    .collect();
                print::table(&["ID", "ROLE", "AGENT", "FOR", "MADE BY", "STATE"], &rows)
            })
        }
        Token::Revoke { token } => {
            let accepted: Accepted = client.delete(&format!("{}/{token}", path::TOKENS)).await?;
            reach.told(&accepted, |kinds| format!("{token}: {kinds}"))
        }
    }
}
