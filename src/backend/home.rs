//! Where the local backend keeps its files: one folder, private to its user (protocol 5).

use std::{
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::api::Problem;

/// The longest path a Unix socket can have on every system we run on, with room for its ending zero.
const LONGEST_SOCKET: usize = 100;

/// Where a whole host's backend answers; `ANDON_SYSTEM_SOCKET` names another place.
pub const SYSTEM_SOCKET: &str = "/run/andon/andon.sock";

/// The folders, as configuration resolved them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The one folder that holds everything, where `ANDON_HOME` named it; a backend started for it is told.
    pub root: Option<PathBuf>,
    /// The log, the lock and the socket.
    pub data: PathBuf,
    /// Log files.
    pub logs: PathBuf,
    /// A short private folder for the socket when the data folder's path is too long: `$XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
}

impl Home {
    /// Everything under one folder, as `ANDON_HOME` asks.
    pub fn under(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { data: root.join("data"), logs: root.join("logs"), runtime: None, root: Some(root) }
    }

    /// The log's database.
    pub fn database(&self) -> PathBuf {
        self.data.join("andon.db")
    }

    /// Raw telemetry.
    pub fn telemetry(&self) -> PathBuf {
        self.database().with_file_name("telemetry.db")
    }

    /// What is kept by its content.
    pub fn blobs(&self) -> PathBuf {
        self.data.join("blobs")
    }

    /// Who was heard, for the interlock's next life.
    pub fn heard(&self) -> PathBuf {
        self.data.join("heard.json")
    }

    /// Who may log in by SSH key.
    pub fn signers(&self) -> PathBuf {
        self.data.join("allowed_signers")
    }

    /// The lock file, which names the running backend.
    pub fn lock(&self) -> PathBuf {
        self.data.join("backend.lock")
    }

    /// The backend's own log file.
    pub fn log_file(&self) -> PathBuf {
        self.logs.join("backend.log")
    }

    /// The Unix socket. A path too long for the system gets a short hashed name elsewhere.
    pub fn socket(&self) -> PathBuf {
        let plain = self.data.join("andon.sock");
        if plain.as_os_str().len() <= LONGEST_SOCKET {
            return plain;
        }
        let digest = hex::encode(Sha256::digest(self.data.as_os_str().as_encoded_bytes()));
        self.short_folder().join(format!("andon-{}.sock", &digest[..16]))
    }

    fn short_folder(&self) -> PathBuf {
        let short = |folder: &&PathBuf| folder.as_os_str().len() + 32 <= LONGEST_SOCKET;
        self.runtime
            .as_ref()
            .filter(short)
            .cloned()
            .unwrap_or_else(|| std::env::temp_dir().join(format!("andon-{}", rustix::process::getuid().as_raw())))
    }

    /// Makes the folders, private to the user.
    ///
    /// # Errors
    /// Folders that cannot be made or written, or a socket folder that is somebody else's.
    pub fn prepare(&self) -> Result<(), Problem> {
        for folder in [&self.data, &self.logs] {
            make_private(folder).map_err(|why| {
                let place = folder.display();
                Problem::unavailable(format!(
                    "cannot write in {place}: {why}. Give andon a folder it may write with ANDON_HOME, or mend its permissions"
                ))
            })?;
        }
        let socket = self.socket();
        let Some(folder) = socket.parent().filter(|folder| *folder != self.data) else { return Ok(()) };
        make_private(folder).and_then(|()| is_ours_alone(folder)).map_err(|why| {
            let place = folder.display();
            Problem::unavailable(format!(
                "cannot keep the socket in {place}: {why}. Name a shorter folder with ANDON_HOME"
            ))
        })
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn is_ours_alone(folder: &Path) -> io::Result<()> {
    let meta = std::fs::symlink_metadata(folder)?;
    let ours = meta.is_dir() && meta.uid() == rustix::process::getuid().as_raw() && meta.mode() & 0o022 == 0;
    if ours { Ok(()) } else { Err(io::Error::other("it is not a folder that only you can write")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_is_never_too_long() {
        let short = Home::under("/home/dana/.andon");
        assert_eq!(short.socket(), Path::new("/home/dana/.andon/data/andon.sock"));
        let deep = "/very/long".repeat(20);
        for runtime in [None, Some("/run/user/1000".into()), Some(deep.clone().into())] {
            let long = Home { runtime, ..Home::under(&deep) };
            assert!(long.socket().as_os_str().len() <= LONGEST_SOCKET, "{:?}", long.socket());
            assert_ne!(long.socket(), Home::under(format!("{deep}/other")).socket(), "one socket per data folder");
        }
    }

    #[test]
    fn a_home_that_cannot_be_written_says_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let why = Home::under(file).prepare().unwrap_err();
        assert!(why.detail.contains("ANDON_HOME"), "{why}");
        Home::under(root.path()).prepare().unwrap();
        let mode = std::fs::metadata(root.path().join("data")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
