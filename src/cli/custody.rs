//! `andon store copy`, `export`, `import`, `backup`, `restore`: a log whole, from one place to another, each link checked on
//! the way (TEAM.7, EVI.4).

use std::{
    collections::BTreeMap,
    fs,
    io::{BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    backend::{
        home::Home,
        local,
        log::{Database, Moved, Store, copy, export, import},
    },
    report::ocsf,
    terms::{IncidentId, Time},
};

/// `andon store`.
#[derive(Debug, Subcommand)]
pub enum Stores {
    /// Move a team's log from one place to another, which is empty: a path, or postgres://HOST/NAME.
    Copy {
        /// Where it is.
        from: Database,
        /// Where it goes.
        to: Database,
    },
}

/// As what something is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The whole log, JSON Lines, to be imported elsewhere.
    Jsonl,
    /// Incident Findings of OCSF 1.7.0, one a line.
    Ocsf,
}

/// `andon export`.
#[derive(Debug, Args)]
pub struct Export {
    /// One incident, as ocsf; every one where none is named.
    incident: Option<IncidentId>,
    /// As what.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// The log; this user's own where none is named.
    #[arg(long, env = "ANDON_DATABASE", hide_env_values = true)]
    database: Option<Database>,
    /// The file to write; the standard output where none is named.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `andon import`.
#[derive(Debug, Args)]
pub struct Import {
    /// An export.
    file: PathBuf,
    /// Where the log goes, which is empty; this user's own place where none is named.
    #[arg(long, env = "ANDON_DATABASE", hide_env_values = true)]
    database: Option<Database>,
}

/// `andon backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// A folder that is not there yet.
    folder: PathBuf,
    /// The log; this user's own where none is named.
    #[arg(long, env = "ANDON_DATABASE", hide_env_values = true)]
    database: Option<Database>,
}

/// `andon restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// A backup.
    folder: PathBuf,
    /// Where the log goes, which is empty; this user's own place where none is named.
    #[arg(long, env = "ANDON_DATABASE", hide_env_values = true)]
    database: Option<Database>,
}

fn now() -> Time {
    Time::from(chrono::Utc::now())
}

fn own(home: &Home, named: Option<Database>) -> Database {
    named.unwrap_or_else(|| Database::Sqlite(home.database()))
}

/// A log that is there; reading makes none.
async fn there(database: &Database) -> Result<Store, Failed> {
    if let Database::Sqlite(path) = database
        && !path.exists()
    {
        return Err(format!("there is no log at {}", path.display()).into());
    }
    Ok(Store::open(database, now()).await.map_err(|why| why.to_string())?)
}

/// Nobody serves what is about to be written.
async fn nobody_serves(home: &Home) -> Result<(), Failed> {
    match local::running(home).await {
        Some(_) => Err("a backend serves this folder: stop it first with `andon serve --stop`".into()),
        None => Ok(()),
    }
}

fn told(moved: &Moved) -> String {
    let Moved { events, commands, digest, epoch } = moved;
    format!(
        "{events} events and {commands} commands, every link holds; life {epoch} of the log, digest {}",
        &digest[..16]
    )
}

pub async fn store(reach: &Reach, asked: Stores) -> Result<(), Failed> {
    let Stores::Copy { from, to } = asked;
    if from == to {
        return Err("from and to are one place".into());
    }
    let from = there(&from).await?;
    let to = Store::open(&to, now()).await.map_err(|why| why.to_string())?;
    let moved = copy(&from, &to, now()).await;
    from.close().await;
    to.close().await;
    let moved = moved?;
    reach.show(&moved, |moved| print::line(format!("copied {}", told(moved))))
}

pub async fn export_log(reach: &Reach, asked: Export) -> Result<(), Failed> {
    if asked.format == Format::Ocsf {
        return findings(reach, asked).await;
    }
    if asked.incident.is_some() {
        let why = "a log is exported whole; one incident goes as ocsf: andon export INC-7 --format ocsf";
        return Err(why.into());
    }
    let log = there(&own(&reach.settings.home, asked.database)).await?;
    let Some(file) = asked.out else {
        let mut out = BufWriter::new(std::io::stdout());
        export(&log, &mut out).await?;
        return Ok(out.flush()?);
    };
    let mut out = BufWriter::new(private(&file)?);
    let moved = export(&log, &mut out).await?;
    out.into_inner().map_err(|why| why.to_string())?.sync_all()?;
    reach.show(&moved, |moved| print::line(format!("{}: {}", print::clean(file.to_string_lossy()), told(moved))))
}

/// Incidents of the backend's state, for systems that gather findings (TEAM.7).
async fn findings(reach: &Reach, asked: Export) -> Result<(), Failed> {
    if asked.database.is_some() {
        return Err("findings are asked of a backend: leave --database out, or name it by ANDON_URL".into());
    }
    let (state, runbook) = (reach.client().await?.state(reach.world).await?, reach.runbook(None).await?);
    let world = &state.world;
    let incidents: Vec<_> = match asked.incident {
        Some(id) => match world.incidents.get(&id) {
            Some(incident) => vec![incident],
            None => return Err(format!("there is no {id}; `andon incidents` lists those there are").into()),
        },
        None => world.incidents.values().collect(),
    };
    let mut lines = String::new();
    for incident in incidents {
        let scheme = runbook.schemes.get(&incident.scheme);
        let finding = ocsf::finding(incident, world, scheme, env!("CARGO_PKG_VERSION"));
        lines.push_str(&finding.to_string());
        lines.push('\n');
    }
    match asked.out {
        Some(file) => {
            let mut out = private(&file)?;
            out.write_all(lines.as_bytes())?;
            Ok(out.sync_all()?)
        }
        None => Ok(std::io::stdout().write_all(lines.as_bytes())?),
    }
}

pub async fn import_log(reach: &Reach, asked: Import) -> Result<(), Failed> {
    let home = &reach.settings.home;
    nobody_serves(home).await?;
    home.prepare().map_err(|why| why.detail)?;
    let file = fs::File::open(&asked.file).map_err(|why| format!("{}: {why}", asked.file.display()))?;
    let place = own(home, asked.database);
    let log = Store::open(&place, now()).await.map_err(|why| why.to_string())?;
    let moved = import(&mut BufReader::new(file), &log, now()).await;
    log.close().await;
    let moved = moved?;
    reach.show(&moved, |moved| print::line(format!("imported {}", told(moved))))
}

/// What a backup holds.
#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    andon: String,
    at: Time,
    log: Moved,
    /// SHA-256 (hex) of every file, by its path in the folder.
    files: BTreeMap<String, String>,
}

const MANIFEST: &str = "manifest.json";

/// While a backend serves or not: the log as it stands, telemetry, and what is kept by its content.
pub async fn backup(reach: &Reach, asked: Backup) -> Result<(), Failed> {
    let (home, folder) = (&reach.settings.home, &asked.folder);
    let log = there(&own(home, asked.database)).await?;
    fs::create_dir(folder)
        .map_err(|why| format!("{}: {why}; name a folder that is not there yet", folder.display()))?;
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let kept = Store::open(&Database::Sqlite(folder.join("log.db")), now()).await.map_err(|why| why.to_string())?;
    let moved = copy(&log, &kept, now()).await?;
    kept.close().await;
    if home.telemetry().exists() {
        crate::backend::intake::copy_store(&home.telemetry(), &folder.join("telemetry.db")).await?;
    }
    copy_folder(&home.blobs(), &folder.join("blobs"))?;
    let manifest = Manifest {
        version: 1,
        andon: env!("CARGO_PKG_VERSION").to_owned(),
        at: now(),
        log: moved,
        files: digests(folder)?,
    };
    let mut file = private(&folder.join(MANIFEST))?;
    file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    file.sync_all()?;
    reach.show(&manifest, |manifest| {
        let place = print::clean(folder.to_string_lossy());
        print::line(format!("{place}: {}; {} files", told(&manifest.log), manifest.files.len()))
    })
}

/// A backup where nothing is, after every file was found whole.
pub async fn restore(reach: &Reach, asked: Restore) -> Result<(), Failed> {
    let (home, folder) = (&reach.settings.home, &asked.folder);
    nobody_serves(home).await?;
    let text =
        fs::read(folder.join(MANIFEST)).map_err(|why| format!("{}: {why}; is it a backup?", folder.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|why| format!("{MANIFEST} does not read: {why}"))?;
    if manifest.version != 1 {
        return Err(format!("a backup of version {}; this andon reads version 1", manifest.version).into());
    }
    let found = digests(folder)?;
    let differs = manifest.files.iter().find(|(name, digest)| found.get(*name) != Some(digest));
    if let Some((name, _)) = differs {
        return Err(format!("{} is not what was backed up: nothing was restored", print::clean(name)).into());
    }
    home.prepare().map_err(|why| why.detail)?;
    for taken in [home.telemetry(), home.blobs()] {
        if taken.exists() {
            let place = taken.display();
            return Err(format!("{place} is there already: move it aside, so that nothing is mixed or lost").into());
        }
    }
    // A backup's log is read, and never changed by it.
    let scratch = home.data.join("restore.db");
    fs::copy(folder.join("log.db"), &scratch)?;
    let moved = restored(&scratch, &own(home, asked.database)).await;
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", scratch.display()));
    }
    let moved = moved?;
    if moved.digest != manifest.log.digest {
        return Err("the backup's log is not the one that its manifest names".into());
    }
    if folder.join("telemetry.db").exists() {
        fs::copy(folder.join("telemetry.db"), home.telemetry())?;
    }
    copy_folder(&folder.join("blobs"), &home.blobs())?;
    reach.show(&moved, |moved| print::line(format!("restored {}; readers come anew", told(moved))))
}

async fn restored(from: &Path, to: &Database) -> Result<Moved, Failed> {
    let from = Store::open(&Database::Sqlite(from.to_owned()), now()).await.map_err(|why| why.to_string())?;
    let to = Store::open(to, now()).await.map_err(|why| why.to_string())?;
    let moved = copy(&from, &to, now()).await;
    from.close().await;
    to.close().await;
    Ok(moved?)
}

/// A new file that only its owner reads.
fn private(path: &Path) -> Result<fs::File, Failed> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    Ok(file.map_err(|why| format!("{}: {why}", path.display()))?)
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failed> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

/// SHA-256 of every file below `folder` but the manifest.
fn digests(folder: &Path) -> Result<BTreeMap<String, String>, Failed> {
    let (mut digests, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(&one)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name != MANIFEST {
                digests.insert(name, digest(&path)?);
            }
        }
    }
    Ok(digests)
}

fn digest(path: &Path) -> Result<String, Failed> {
    let (mut file, mut hash, mut piece) = (fs::File::open(path)?, Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}
