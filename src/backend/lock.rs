//! One backend per data folder: an exclusive lock held for life, in a file that says where it answers (protocol 5).
//! Readers read the file and ask the socket; they never guess.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::terms::Time;

/// What the lock file says of the running backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// Its process.
    pub pid: u32,
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Where it listens over TCP; the first takes telemetry.
    pub tcp: Vec<String>,
    /// Its addresses that speak TLS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<String>,
    /// Its version.
    pub version: String,
    /// Its own log file; absent when it runs in the foreground.
    #[serde(default)]
    pub log_file: Option<PathBuf>,
    /// When it began.
    pub started_at: Time,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another backend serves this folder.
    #[error("a backend serves {folder} already{who}. Use it, or stop it with `andon serve --stop`")]
    Held {
        /// Which folder.
        folder: PathBuf,
        /// ` (pid 7, socket …)`, or empty while it is starting.
        who: String,
    },
    /// The file cannot be made or locked.
    #[error("cannot lock {path}: {why}. Give andon a folder it may write with ANDON_HOME, or mend its permissions")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        why: std::io::Error,
    },
}

/// The lock, held until dropped. The file stays: removing it would let two hold “the” lock.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock without waiting.
    ///
    /// # Errors
    /// Somebody else holds it, and who; or the file cannot be made.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let io = |why| LockError::Io { path: path.into(), why };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let who = read(path).map(|info| format!(" (pid {}, {})", info.pid, info.socket.display()));
                return Err(LockError::Held {
                    folder: path.parent().unwrap_or(path).into(),
                    who: who.unwrap_or_default(),
                });
            }
            Err(why) => return Err(io(why.into())),
        }
        let lock = Self { file, path: path.into() };
        // What a killed backend left says nothing any more.
        lock.file.set_len(0).map_err(io)?;
        Ok(lock)
    }

    /// Says where the backend answers, now that it does.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn announce(&mut self, info: &LockInfo) -> Result<(), LockError> {
        let io = |why| LockError::Io { path: self.path.clone(), why };
        let text = serde_json::to_vec_pretty(info).map_err(|why| io(why.into()))?;
        self.file.rewind().map_err(io)?;
        self.file.set_len(0).map_err(io)?;
        self.file.write_all(&text).and_then(|()| self.file.sync_all()).map_err(io)
    }

    /// Holds it for what is left of this process: until the system has closed all files of it.
    pub fn until_exit(self) {
        let _ = self.file.set_len(0);
        std::mem::forget(self);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Best effort: a stale word is harmless, readers ask the socket.
        let _ = self.file.set_len(0);
        // A child that was forked this moment has the file open still.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// What the lock file says; `None` when nobody announced anything. It may be a killed backend's last word.
pub fn read(path: &Path) -> Option<LockInfo> {
    let mut text = String::new();
    File::open(path).ok()?.take(64 * 1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether somebody holds the lock right now, announced or not.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let held = matches!(flock(&file, FlockOperation::NonBlockingLockShared), Err(rustix::io::Errno::WOULDBLOCK));
    let _ = flock(&file, FlockOperation::Unlock);
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_the_lock_and_the_loser_learns_who() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backend.lock");
        assert!(!is_held(&path));
        let mut first = Lock::take(&path).unwrap();
        assert!(is_held(&path) && read(&path).is_none(), "held, not announced");
        let info = LockInfo {
            tls: Vec::new(),
            pid: 7,
            socket: "/run/andon.sock".into(),
            tcp: vec!["127.0.0.1:7420".into()],
            version: "0.1.0".into(),
            log_file: None,
            started_at: Time::from_millis(1),
        };
        first.announce(&info).unwrap();
        assert_eq!(read(&path), Some(info));
        let refused = Lock::take(&path).unwrap_err().to_string();
        assert!(refused.contains("pid 7") && refused.contains("serve --stop"), "{refused}");
        // As a child has it between its fork and its program.
        let copied = first.file.try_clone().unwrap();
        drop(first);
        assert!(!is_held(&path) && read(&path).is_none());
        drop(copied);
        // The last word of a killed backend is not believed.
        std::fs::write(&path, "{ half a").unwrap();
        assert_eq!(read(&path), None);
        assert!(Lock::take(&path).is_ok());
    }
}
