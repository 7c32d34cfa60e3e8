//! `andon audit`: the log's chain, checked by whoever asks (EVI.4).

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    backend::log::{Log, SqliteLog},
    incident::{Event, chain},
    terms::Time,
};

/// How many events are read at a time.
const PAGE: usize = 10_000;

/// `andon audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check every event's hash and its link to the one before it.
    Verify {
        /// A log's database; this user's own where none is named.
        file: Option<PathBuf>,
    },
}

pub async fn run(reach: &Reach, asked: &Audit) -> Result<(), Failed> {
    let Audit::Verify { file } = asked;
    let file = file.clone().unwrap_or_else(|| reach.settings.home.database());
    if !file.exists() {
        return Err(format!("there is no log at {}", file.display()).into());
    }
    let log = SqliteLog::open(&file, Time::from(chrono::Utc::now())).await.map_err(|why| why.to_string())?;
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position);
        let page = log.read(after, PAGE).await.map_err(|why| why.to_string())?;
        let last = page.len() < PAGE;
        events.extend(page);
        if last {
            break;
        }
    }
    match chain::verify(&events) {
        Ok(checked) => reach.show(&json!({ "ok": true, "events": checked }), |_| {
            print::line(format!("{checked} events, every link holds"))
        }),
        Err(broken) => Err(format!("the chain is broken at {broken}").into()),
    }
}
