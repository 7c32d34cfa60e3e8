//! Reaching this user's own backend, started as tmux starts its server when nobody serves yet (protocol 5).

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    net::UnixStream,
    time::{Instant, sleep},
};

use super::{
    home::Home,
    lock::{self, LockInfo},
};
use crate::api::Problem;

/// How long a backend may take until it answers: a large log is folded first.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// The log file begins anew beyond this size; the one before is kept.
const LONGEST_LOG: u64 = 16 << 20;
/// How much of the log file an error shows.
const TAIL: u64 = 2_000;

/// Why no local backend answers.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folders cannot be made.
    #[error(transparent)]
    Home(#[from] Problem),
    /// The program cannot be run.
    #[error("cannot start the backend ({program}): {why}. Start one yourself with `andon serve`")]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// The system's word.
        why: std::io::Error,
    },
    /// It ended at once.
    #[error("the backend did not start: {said}\nIts log file: {log_file}")]
    Ended {
        /// Its last words.
        said: String,
        /// Where they stand.
        log_file: PathBuf,
    },
    /// It did not answer in time.
    #[error(
        "the backend does not answer after {PATIENCE:?}. See its log file {log_file}, or run `andon serve` to watch it start"
    )]
    Silent {
        /// Where it writes.
        log_file: PathBuf,
    },
}

/// The backend that serves `home`, if one answers now.
pub async fn running(home: &Home) -> Option<LockInfo> {
    let info = lock::read(&home.lock())?;
    UnixStream::connect(&info.socket).await.ok()?;
    Some(info)
}

/// Waits until nobody serves `home` any more and its files are closed; false where that takes long.
pub async fn ended(home: &Home) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while lock::is_held(&home.lock()) {
        if Instant::now() > deadline {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}

/// The backend that serves `home`; where none does, `program serve --daemon` is started. Of several that start at once
/// one stays, and all get that one.
///
/// # Errors
/// Why none could be started, in its own words.
pub async fn ensure_running(home: &Home, program: &Path) -> Result<LockInfo, LocalError> {
    if let Some(info) = running(home).await {
        return Ok(info);
    }
    home.prepare()?;
    let log_file = home.log_file();
    let start = || spawn(program, home).map_err(|why| LocalError::Spawn { program: program.into(), why });
    let (mut child, mut began) = start()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(info) = running(home).await {
            return Ok(info);
        }
        match child.try_wait() {
            Ok(Some(status)) if !status.success() => {
                return Err(LocalError::Ended { said: tail(&log_file, began), log_file });
            }
            // One that lost the race ends well: the winner will answer, unless it was one that was ending.
            Ok(Some(_)) if !lock::is_held(&home.lock()) => (child, began) = start()?,
            _ => {}
        }
        if Instant::now() > deadline {
            return Err(LocalError::Silent { log_file });
        }
        sleep(LOOK).await;
    }
}

/// Starts it with its words going to the log file; tells where in the file they begin.
fn spawn(program: &Path, home: &Home) -> std::io::Result<(Child, u64)> {
    let log_file = &home.log_file();
    if fs::metadata(log_file).is_ok_and(|meta| meta.len() > LONGEST_LOG) {
        fs::rename(log_file, log_file.with_extension("log.old"))?;
    }
    let log = OpenOptions::new().create(true).append(true).open(log_file)?;
    let began = log.metadata()?.len();
    let mut command = Command::new(program);
    if let Some(root) = &home.root {
        command.env("ANDON_HOME", root);
    }
    let child =
        command.args(["serve", "--daemon"]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    Ok((child, began))
}

fn tail(log_file: &Path, began: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log_file)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(began.max(length.saturating_sub(TAIL))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().ok().filter(|said| !said.is_empty()).unwrap_or_else(|| "it said nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_backend_that_does_not_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::under(folder.path());
        assert!(running(&home).await.is_none());
        // `false` is a program that fails, and says nothing.
        let ended = ensure_running(&home, Path::new("/bin/false")).await.unwrap_err();
        assert!(matches!(&ended, LocalError::Ended { .. }), "{ended}");
        let missing = ensure_running(&home, Path::new("/nonexistent/andon")).await.unwrap_err();
        assert!(missing.to_string().contains("andon serve"), "{missing}");
        let blocked = Home::under("/proc/nothing");
        assert!(matches!(ensure_running(&blocked, Path::new("/bin/true")).await, Err(LocalError::Home(_))));
    }
}
