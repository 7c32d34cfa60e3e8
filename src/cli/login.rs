//! `andon login`, `andon logout`: a session at a team's backend by the key that an SSH agent holds (TEAM.6).

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use ssh_key::PublicKey;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    backend::identity::user_name,
    client::{Client, Keys, Target, ssh_agent},
    session::Session,
};

/// `andon login`.
#[derive(Debug, Args)]
pub struct Login {
    /// Who you are, as the server's allowed_signers has you; your login name where it is not given.
    name: Option<String>,
    /// The public key to sign with, one that the agent holds; without it the agent's keys are tried in turn.
    #[arg(long, value_name = "FILE.pub")]
    key: Option<PathBuf>,
}

fn url_of(reach: &Reach) -> Result<(String, Option<PathBuf>), Failed> {
    match reach.settings.named()? {
        Some(Target::Url { url, authority, .. }) => Ok((url, authority)),
        _ => Err("no team's backend is named: set url in config.toml, or ANDON_URL. Your own needs no login".into()),
    }
}

pub async fn login(reach: &Reach, asked: &Login) -> Result<(), Failed> {
    let (url, authority) = url_of(reach)?;
    let agent = ssh_agent()?;
    let key = asked.key.as_ref().map(|file| {
        PublicKey::read_openssh_file(file).map_err(|why| format!("{}: {why}; name the .pub file", file.display()))
    });
    let key = key.transpose()?;
    let name = asked.name.clone().unwrap_or_else(|| user_name(rustix::process::getuid().as_raw()));
    let client = Client::new(Target::Url { url: url.clone(), token: None, authority })?;
    let session = client.log_in(&name, &agent, &Keys::of(key)).await?;
    reach.settings.home.prepare().map_err(|why| why.detail)?;
    Session::keep(&reach.settings.home, &url, &session)?;
    let value = json!({ "url": url, "name": session.name, "expires_at": session.expires_at });
    reach.show(&value, |_| {
        print::line(format!(
            "{} at {}, until {}",
            print::clean(&session.name),
            print::clean(&url),
            print::clock(session.expires_at)
        ))
    })
}

pub async fn logout(reach: &Reach) -> Result<(), Failed> {
    let (url, authority) = url_of(reach)?;
    if let Some(session) = Session::of(&reach.settings.home, &url) {
        let client = Client::new(Target::Url { url: url.clone(), token: Some(session.secret()), authority })?;
        // A backend that is not reached forgets it by itself in time.
        if let Err(why) = client.delete::<serde_json::Value>(path::LOGIN).await {
            eprintln!("{why}; the session ends by itself at {}", print::clock(session.expires_at));
        }
        Session::forget(&reach.settings.home, &url)?;
    }
    reach.show(&json!({ "url": url }), |_| print::line(format!("no session at {} any more", print::clean(&url))))
}
