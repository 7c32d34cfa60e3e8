//! `andon evidence export`, `verify` and `trace` (EVI.4, EVI.6).

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    report::bundle::{Report, verify as check},
    telemetry::trace::{Trace, lines},
    terms::IncidentId,
};

/// Columns of a terminal that does not tell.
const WIDTH: usize = 100;

/// `andon evidence export`.
#[derive(Debug, Args)]
pub struct Export {
    /// INC-7.
    incident: IncidentId,
    /// Where to; a file that is not there yet. Only you can read it: it holds secrets as they are.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// `andon evidence verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// A bundle.
    file: PathBuf,
    /// The manifest's SHA-256 as it was noted when the bundle was made.
    #[arg(long, value_name = "SHA256")]
    manifest: Option<String>,
}

/// `andon evidence trace`.
#[derive(Debug, Args)]
pub struct Traced {
    /// INC-7.
    incident: IncidentId,
    /// Only this run, and what other agents did in its traces.
    #[arg(long)]
    run: Option<String>,
    /// Columns to use.
    #[arg(long, value_name = "N")]
    width: Option<usize>,
}

pub async fn export(reach: &Reach, asked: Export) -> Result<(), Failed> {
    let Export { incident, out } = asked;
    if std::fs::symlink_metadata(&out).is_ok() {
        return Err(format!("{} is there already; name another file", out.display()).into());
    }
    let mut name = out.file_name().ok_or("--out names a file")?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = Part(out.with_file_name(name));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&part.0);
    let file = file.map_err(|why| format!("cannot write {}: {why}", part.0.display()))?;
    let client = reach.client().await?;
    let mut to = tokio::fs::File::from_std(file);
    client.fetch(&reach.at(path::bundle(incident)), &mut to).await?;
    to.sync_all().await?;
    let report = checked(&part.0).await?;
    if let Some(broken) = &report.broken {
        return Err(format!("what came does not check, and is not kept: {broken}. Ask again").into());
    }
    // Never over a file that came meanwhile.
    std::fs::hard_link(&part.0, &out).map_err(|why| format!("cannot write {}: {why}", out.display()))?;
    drop(part);
    reach.show(&report, |report| {
        told(report)?;
        let digest = report.manifest_sha256.as_deref().unwrap_or_default();
        print::line(format!(
            "{} is written. Note this elsewhere: manifest sha256 {digest}",
            print::clean(out.display().to_string())
        ))
    })
}

/// Removed when it is not needed any more, however that came.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Nothing can be done about one that stays.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn checked(file: &Path) -> Result<Report, Failed> {
    let opened = File::open(file).map_err(|why| format!("cannot read {}: {why}", file.display()))?;
    let meta = opened.metadata()?;
    if !meta.is_file() {
        return Err(format!("{} is no plain file; give the bundle itself", file.display()).into());
    }
    let length = meta.len();
    let checking = tokio::task::spawn_blocking(move || check(opened, length));
    checking.await.map_err(|why| Failed(format!("it was not checked: {why}")))
}

/// Needs no backend, and starts none.
pub async fn verify(reach: &Reach, asked: Verify) -> Result<(), Failed> {
    let report = checked(&asked.file).await?;
    reach.show(&report, told)?;
    if let Some(broken) = &report.broken {
        return Err(format!("it does not hold: {}", print::clean(broken.to_string())).into());
    }
    match (&asked.manifest, &report.manifest_sha256) {
        (Some(noted), Some(found)) if !noted.eq_ignore_ascii_case(found) => {
            Err(format!("it holds in itself, and is another bundle than the one noted: its manifest is {found}").into())
        }
        _ => Ok(()),
    }
}

fn told(report: &Report) -> Result<(), Failed> {
    if let Some(head) = &report.head {
        let (by, at) = (print::clean(&head.by), print::clock(head.exported_at));
        print::line(format!("{} as of position {}, made {at} by {by}", head.incident, head.as_of))?;
    }
    let word = if report.ok { "holds" } else { "checked before the break" };
    print::line(format!(
        "{word}: {} files, {} events in {} streams, {} pinned actions, {} blobs",
        report.files,
        report.events,
        report.streams.len(),
        report.actions,
        report.blobs
    ))?;
    if report.links_elsewhere > 0 {
        print::line(format!("{} events of shared streams belong to others and are not in it", report.links_elsewhere))?;
    }
    for absent in &report.absent {
        print::line(print::clean(format!("absent: {}: {}", absent.what, absent.why)).as_str())?;
    }
    for short in &report.short {
        print::line(print::clean(format!("short: {short}")).as_str())?;
    }
    if report.ok {
        print::line("not signed: that it holds shows that nothing was changed since it was made, not who made it")?;
    }
    Ok(())
}

pub async fn trace(reach: &Reach, asked: Traced) -> Result<(), Failed> {
    let Traced { incident, run, width } = asked;
    let trace: Trace = reach.client().await?.get(&path::trace(incident, run.as_deref(), reach.world)).await?;
    reach.show(&trace, |trace| {
        let width = width.or_else(columns).unwrap_or(WIDTH);
        lines(trace, width).iter().try_for_each(|line| print::line(&line.text))
    })
}

/// As wide as the terminal is.
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
