//! `andon evidence add` and `show`: files and outputs of commands, kept by their content (EVI.3).

use std::{
    fs,
    io::Seek,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use clap::Args;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use uuid::Uuid;

use super::{
    incidents,
    print::{self, Failed},
    reach::Reach,
    when,
};
use crate::{
    api::{StoredBlob, path},
    incident::{
        IncidentCommand,
        evidence::{Blob, Item, ItemState, Origin, SetEvidence, Source},
    },
    terms::IncidentId,
};

/// What a command may write at most.
const LONGEST_OUTPUT: u64 = 4 << 30;
/// Between two looks at a command that runs.
const LOOK: Duration = Duration::from_millis(200);

/// `andon evidence add`.
#[derive(Debug, Args)]
pub struct Add {
    /// INC-7.
    incident: IncidentId,
    /// An item by its short name: `andon evidence list INC` names them.
    item: String,
    /// A file.
    #[arg(long, value_name = "FILE", required_unless_present = "command", conflicts_with = "command")]
    file: Option<PathBuf>,
    /// A command for /bin/sh, whose output is kept.
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// How long the command may take.
    #[arg(long, value_name = "D", default_value = "10m", value_parser = when::duration, requires = "command")]
    timeout: i64,
    /// What it shows the item to be: held, confirmed, disproved.
    #[arg(long, value_name = "STATE")]
    state: Option<ItemState>,
    /// Why, or what it says.
    #[arg(long)]
    why: Option<String>,
}

/// `andon evidence show`.
#[derive(Debug, Args)]
pub struct Show {
    /// INC-7.
    incident: IncidentId,
    /// An item by its short name.
    item: String,
    /// Which of its files, from 1; the newest where none is said.
    #[arg(long, value_name = "N")]
    number: Option<usize>,
    /// Write it to a file instead, as it is, with its secrets; only you can read that file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn add(reach: &Reach, asked: Add) -> Result<(), Failed> {
    let view = incidents::view(reach, asked.incident).await?;
    let item = known(&view.incident.evidence.items, &asked.item, asked.incident)?;
    let (kept, name, origin, exit) = match (&asked.file, &asked.command) {
        (Some(file), _) => (of_file(reach, file).await?, named(file), Origin::File, None),
        (None, Some(command)) => {
            eprintln!("running: {}", print::clean(command));
            let (kept, exit) = of_command(reach, command, asked.timeout).await?;
            (kept, command.split_whitespace().collect::<Vec<_>>().join(" "), Origin::Command, exit)
        }
        (None, None) => return Err("say what to keep: --file FILE or --command COMMAND".into()),
    };
    // What a person found before stays found.
    let state = asked.state.unwrap_or(if item.state.is_held() { item.state } else { ItemState::Held });
    let StoredBlob { digest, bytes } = kept;
    let name = name.chars().take(200).collect();
    let why = asked.why.or_else(|| exit.filter(|exit| *exit != 0).map(|exit| format!("the command ended with {exit}")));
    let source = Some(Source::Blob(Blob { digest: digest.clone(), bytes, name, origin, exit }));
    let set = SetEvidence { item: asked.item.clone(), state, why, expires_at: None, source };
    reach.ask(asked.incident, IncidentCommand::SetEvidence(set)).await?;
    if reach.json {
        return Ok(());
    }
    print::line(format!("{}: {bytes} bytes, sha256 {digest}", asked.item))
}

fn known<'i>(items: &'i [Item], wanted: &str, incident: IncidentId) -> Result<&'i Item, Failed> {
    let found = items.iter().find(|item| item.plan.id == wanted);
    found.ok_or_else(|| {
        let hint = crate::runbook::nearest(wanted, items.iter().map(|item| item.plan.id.as_str()));
        let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
        let wanted = print::clean(wanted);
        Failed(format!(
            "{incident} has no item of evidence {wanted}{hint}; `andon evidence list {incident}` names them"
        ))
    })
}

fn named(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// Whether two looks saw one file, unchanged.
fn same(before: &fs::Metadata, after: &fs::Metadata) -> bool {
    let look = |file: &fs::Metadata| {
        (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec())
    };
    look(before) == look(after)
}

/// Keeps a file; nothing is recorded of one that changed meanwhile.
async fn of_file(reach: &Reach, path: &Path) -> Result<StoredBlob, Failed> {
    let place = print::clean(path.to_string_lossy());
    let unreadable = |why: std::io::Error| Failed(format!("{place} cannot be read: {why}"));
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let before = file.metadata().await.map_err(unreadable)?;
    if !before.is_file() {
        return Err(format!("{place} is no file; pack a folder into one first: tar cf copy.tar {place}").into());
    }
    let again = file.try_clone().await.map_err(unreadable)?;
    let kept = reach.client().await?.keep(file).await?;
    let after = again.metadata().await.map_err(unreadable)?;
    let there = fs::metadata(path).ok();
    if !same(&before, &after) || !there.is_some_and(|there| same(&before, &there)) || kept.bytes != before.len() {
        return Err(format!(
            "{place} changed while it was read, and nothing is recorded: copy it first, and add the copy"
        )
        .into());
    }
    Ok(kept)
}

/// Runs a command that was shown, and keeps what it wrote; how it ended too.
pub(super) async fn of_command(
    reach: &Reach,
    command: &str,
    timeout: i64,
) -> Result<(StoredBlob, Option<i32>), Failed> {
    // Nameless from here on: it goes with this process, however that ends.
    let place = std::env::temp_dir().join(format!("andon-{}", Uuid::new_v4()));
    let mut output = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&place)?;
    fs::remove_file(&place)?;
    let mut child = tokio::process::Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|why| Failed(format!("/bin/sh does not start: {why}")))?;
    let group = child.id().and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
    let until = tokio::time::Instant::now() + Duration::from_millis(timeout.unsigned_abs());
    let ended = loop {
        tokio::select! {
            ended = child.wait() => break Ok(ended?),
            () = tokio::time::sleep(LOOK) => {}
        }
        if tokio::time::Instant::now() > until {
            break Err(format!("it did not end in {} s", timeout / 1_000));
        }
        if output.metadata()?.len() > LONGEST_OUTPUT {
            break Err(format!("it wrote more than {} GiB", LONGEST_OUTPUT >> 30));
        }
    };
    // Whatever it left behind would go on writing.
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let status = ended.map_err(|why| Failed(format!("{why}, was killed, and nothing is recorded")))?;
    output.rewind()?;
    Ok((reach.client().await?.keep(tokio::fs::File::from_std(output)).await?, status.code()))
}

pub async fn show(reach: &Reach, asked: Show) -> Result<(), Failed> {
    let view = incidents::view(reach, asked.incident).await?;
    let item = known(&view.incident.evidence.items, &asked.item, asked.incident)?;
    if reach.json {
        return print::json(item);
    }
    let blobs = item.sources.iter().filter_map(|source| match source {
        Source::Blob(blob) => Some(blob),
        _ => None,
    });
    let blobs: Vec<&Blob> = blobs.collect();
    let wanted = asked.number.unwrap_or(blobs.len());
    let Some(blob) = wanted.checked_sub(1).and_then(|at| blobs.get(at)) else {
        if blobs.is_empty() {
            return describe(item);
        }
        return Err(format!("{} has {} files, and no number {wanted}", asked.item, blobs.len()).into());
    };
    let place = reach.at(path::blob(asked.incident, &blob.digest));
    match &asked.out {
        Some(out) => whole(reach, &place, blob, out).await,
        None => {
            describe(item)?;
            masked(reach, &place).await
        }
    }
}

/// Where an item stands, and what shows it.
fn describe(item: &Item) -> Result<(), Failed> {
    let why = item.why.as_deref().map(|why| format!(" — {why}")).unwrap_or_default();
    print::line(print::clean(format!("{} ({}): {}{why}", item.plan.title, item.plan.id, item.state)).as_str())?;
    let mut number = 0;
    for source in &item.sources {
        let text = match source {
            Source::Blob(Blob { digest, bytes, name, origin, exit }) => {
                number += 1;
                let exit = exit.map(|exit| format!(", ended with {exit}")).unwrap_or_default();
                format!("{number}. {origin} {name}{exit}: {bytes} bytes, sha256 {digest}")
            }
            Source::Freeze { freeze, count, .. } => format!("{count} actions of {freeze}"),
            Source::Action { seq } => format!("action {seq}"),
            Source::Record { what } => format!("the incident's record: {what}"),
        };
        print::line(print::clean(text).as_str())?;
    }
    Ok(())
}

/// Prints a blob with its secrets masked, line by line, as it comes.
pub(super) async fn masked(reach: &Reach, place: &str) -> Result<(), Failed> {
    let (near, mut far) = tokio::io::duplex(64 << 10);
    let client = reach.client().await?;
    let fetching = async move {
        let fetched = client.fetch(place, &mut far).await;
        drop(far);
        fetched
    };
    let printing = async {
        let (mut from, mut text) = (BufReader::new(near), Vec::new());
        loop {
            text.clear();
            // A line without an end is cut, so that memory holds no more than a piece of it.
            let mut bounded = tokio::io::AsyncReadExt::take(&mut from, 64 << 10);
            if bounded.read_until(b'\n', &mut text).await? == 0 {
                return Ok::<(), Failed>(());
            }
            print::line(print::clean(String::from_utf8_lossy(&text).trim_end_matches(['\n', '\r'])).as_str())?;
        }
    };
    let (fetched, printed) = tokio::join!(fetching, printing);
    printed?;
    fetched?;
    Ok(())
}

/// Writes a blob to a new file as it is, checked.
async fn whole(reach: &Reach, place: &str, blob: &Blob, out: &Path) -> Result<(), Failed> {
    let shown = print::clean(out.to_string_lossy());
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let made = made.map_err(|why| Failed(format!("{shown} cannot be made: {why}")))?;
    let mut file = tokio::fs::File::from_std(made);
    let raw = format!("{place}{}raw=true", if place.contains('?') { '&' } else { '?' });
    let fetched = reach.client().await?.fetch(&raw, &mut file).await;
    let right = matches!(&fetched, Ok(came) if came.digest == blob.digest);
    if !right {
        let _ = fs::remove_file(out);
        fetched?;
        return Err(format!("what came is not {}; nothing is written", blob.digest).into());
    }
    file.shutdown().await?;
    print::line(format!("{shown}: {} bytes, sha256 {}", blob.bytes, blob.digest))
}
