//! Which runbook comes into force when a backend begins (GOV.1).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::core::Core;
use crate::{
    api::Problem,
    incident::{
        Command,
        upkeep::{TakeRunbook, Upkeep},
    },
    runbook::Book,
    terms::Author,
};

/// Takes the folder's texts where they are new to the log. What somebody brought into force since then stays, on the
/// shipped texts of this version.
pub async fn begin(core: &Core, folder: &Book) -> Result<(), Problem> {
    let Some(own) = wanted(&core.worlds().upkeep, folder) else { return Ok(()) };
    let command = Command::TakeRunbook(Box::new(TakeRunbook { own }));
    match core.submit(None, Uuid::now_v7(), Author::Andon("runbook".into()), command).await {
        // Texts that came by the wire and that this version cannot read: the folder's hold until somebody mends them.
        Err(why) if why.status == 422 => {
            tracing::error!(%why, "the runbook in force does not read; the one of the folder holds");
            Ok(())
        }
        answer => answer.map(drop),
    }
}

fn wanted(upkeep: &Upkeep, folder: &Book) -> Option<BTreeMap<String, String>> {
    let known = |digest: &str| upkeep.versions.values().any(|version| version.digest == digest);
    if known(&folder.digest) && upkeep.now().is_some() {
        return None;
    }
    match upkeep.now() {
        Some(now) if folder.own.is_empty() => {
            let own = now.own_texts();
            // The same own texts on other shipped ones make another book.
            let changed = Book::of(&own).map_or(true, |book| !known(&book.digest));
            changed.then_some(own)
        }
        _ => Some(folder.own_texts()),
    }
}
