//! `andon audit`: the log's chain and its checkpoints, checked by whoever asks (EVI.4).

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use ssh_key::PublicKey;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    backend::log::{Checkpoint, Database, Log, Roots, Store},
    client::{Keys, sign_with_agent, ssh_agent},
    incident::chain::Links,
    terms::Time,
};

/// How many events are read at a time.
const PAGE: usize = 10_000;
/// The namespace of a checkpoint's signature.
const NAMESPACE: &str = "checkpoint@andon.dev";

/// `andon audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check every event's hash and its link to the one before it; with a checkpoint, that the log still holds all of it.
    Verify {
        /// A log's database; this user's own where none is named.
        #[arg(env = "ANDON_DATABASE", hide_env_values = true)]
        database: Option<Database>,
        /// A checkpoint of it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Write where the log ends and the root over all of it, signed with the key that your SSH agent holds.
    Checkpoint {
        /// The file to write; its signature goes beside it, with the ending .sig.
        file: PathBuf,
        /// A log's database; this user's own where none is named.
        #[arg(long, env = "ANDON_DATABASE", hide_env_values = true)]
        database: Option<Database>,
        /// The public key to sign with, one that the agent holds; its first one where none is named.
        #[arg(long, value_name = "FILE.pub")]
        key: Option<PathBuf>,
        /// Write it without a signature.
        #[arg(long, conflicts_with = "key")]
        unsigned: bool,
    },
}

fn now() -> Time {
    Time::from(chrono::Utc::now())
}

async fn open(reach: &Reach, database: Option<Database>) -> Result<Store, Failed> {
    let database = database.unwrap_or_else(|| Database::Sqlite(reach.settings.home.database()));
    if let Database::Sqlite(file) = &database
        && !file.exists()
    {
        return Err(format!("there is no log at {}", file.display()).into());
    }
    Ok(Store::open(&database, now()).await.map_err(|why| why.to_string())?)
}

/// Walks a log to `last`, link by link.
async fn walk(log: &Store, last: u64) -> Result<(Links, Roots), Failed> {
    let (mut links, mut roots, mut after) = (Links::default(), Roots::default(), 0);
    loop {
        let page = log.read(after, PAGE).await.map_err(|why| why.to_string())?;
        for event in &page {
            links.follow(event).map_err(|broken| format!("the chain is broken at {broken}"))?;
            if event.position <= last {
                roots.follow(event);
            }
        }
        match page.last() {
            Some(event) => after = event.position,
            None => return Ok((links, roots)),
        }
    }
}

pub async fn run(reach: &Reach, asked: Audit) -> Result<(), Failed> {
    match asked {
        Audit::Verify { database, checkpoint } => verify(reach, database, checkpoint).await,
        Audit::Checkpoint { file, database, key, unsigned } => {
            let log = open(reach, database).await?;
            let (_, roots) = walk(&log, u64::MAX).await?;
            let checkpoint = roots.checkpoint(now());
            write(reach, &checkpoint, &file, key, unsigned).await
        }
    }
}

async fn verify(reach: &Reach, database: Option<Database>, checkpoint: Option<PathBuf>) -> Result<(), Failed> {
    let signed = checkpoint.map(|file| -> Result<Checkpoint, Failed> {
        let text = std::fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
        Ok(text.parse::<Checkpoint>().map_err(|why| format!("{}: {why}", file.display()))?)
    });
    let signed = signed.transpose()?;
    let log = open(reach, database).await?;
    let (links, roots) = walk(&log, signed.as_ref().map_or(u64::MAX, |signed| signed.position)).await?;
    if let Some(signed) = &signed {
        let found = roots.checkpoint(signed.at);
        if found.events < signed.events {
            let (has, had) = (found.events, signed.events);
            return Err(
                format!("the log's end is missing: {has} of the {had} events that the checkpoint counts").into()
            );
        }
        if found.root != signed.root {
            return Err("the log is another than the one of the checkpoint: their roots differ".into());
        }
    }
    let checked = links.checked();
    let value = json!({ "ok": true, "events": checked, "checkpoint": signed.as_ref().map(|signed| signed.position) });
    reach.show(&value, |_| {
        let holds =
            signed.map(|it| format!("; all {} events of the checkpoint are there", it.events)).unwrap_or_default();
        print::line(format!("{checked} events, every link holds{holds}"))
    })
}

async fn write(
    reach: &Reach,
    checkpoint: &Checkpoint,
    file: &std::path::Path,
    key: Option<PathBuf>,
    unsigned: bool,
) -> Result<(), Failed> {
    let text = checkpoint.to_string();
    let signature = if unsigned {
        None
    } else {
        let agent = ssh_agent().map_err(|why| format!("{why}; or write it --unsigned"))?;
        let only = key.map(|file| {
            PublicKey::read_openssh_file(&file).map_err(|why| format!("{}: {why}; name the .pub file", file.display()))
        });
        let keys = Keys::of(only.transpose()?);
        let asked = text.clone();
        let signing = move || sign_with_agent(&agent, &keys, 0, NAMESPACE, asked.as_bytes());
        let signed = tokio::task::spawn_blocking(signing).await.map_err(|why| why.to_string())??;
        Some(signed.ok_or("the SSH agent holds no such key")?)
    };
    std::fs::write(file, &text).map_err(|why| format!("{}: {why}", file.display()))?;
    let beside = PathBuf::from(format!("{}.sig", file.display()));
    if let Some(signature) = &signature {
        std::fs::write(&beside, signature).map_err(|why| format!("{}: {why}", beside.display()))?;
    }
    let Checkpoint { epoch, position, events, root, .. } = checkpoint;
    let value = json!({ "file": file, "signed": signature.is_some(), "epoch": epoch, "position": position, "events": events, "root": root });
    reach.show(&value, |_| {
        print::line(format!("{events} events to position {position}, root {}", &root[..16]))?;
        if signature.is_none() {
            return Ok(());
        }
        let place = print::clean(file.to_string_lossy());
        print::line(format!(
            "anybody checks the signature: ssh-keygen -Y verify -f allowed_signers -I NAME -n {NAMESPACE} -s {place}.sig < {place}"
        ))
    })
}
