//! Sessions that `andon login` was given: a file of its owner alone, by the backend's URL.

use std::{collections::BTreeMap, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{api::LoggedIn, backend::home::Home, client::Secret, terms::Time};

/// One session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    secret: String,
    /// As whom.
    pub name: String,
    /// When it ends.
    pub expires_at: Time,
}

fn file(home: &Home) -> PathBuf {
    home.data.join("sessions.json")
}

fn all(home: &Home) -> BTreeMap<String, Session> {
    // One that does not read holds nothing that logging in again would not bring back.
    std::fs::read(file(home)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

impl Session {
    /// The one for a backend, if there is one; whether it still holds the backend says.
    pub fn of(home: &Home, url: &str) -> Option<Self> {
        all(home).remove(url)
    }

    /// What is shown to the backend.
    pub fn secret(&self) -> Secret {
        Secret::new(self.secret.clone())
    }

    /// Keeps a new one.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep(home: &Home, url: &str, session: &LoggedIn) -> std::io::Result<()> {
        let LoggedIn { secret, name, expires_at } = session.clone();
        let mut sessions = all(home);
        sessions.insert(url.to_owned(), Self { secret, name, expires_at });
        write(home, &sessions)
    }

    /// Forgets the one for a backend.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn forget(home: &Home, url: &str) -> std::io::Result<()> {
        let mut sessions = all(home);
        if sessions.remove(url).is_none() {
            return Ok(());
        }
        write(home, &sessions)
    }
}

fn write(home: &Home, sessions: &BTreeMap<String, Session>) -> std::io::Result<()> {
    let (place, beside) = (file(home), file(home).with_extension("new"));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&serde_json::to_vec(sessions)?)?;
    std::fs::rename(beside, place)
}
