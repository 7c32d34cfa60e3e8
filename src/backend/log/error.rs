//! What can go wrong with the log, and what to do about it (law 10).

use std::path::PathBuf;

/// A log that cannot be opened, read or written. The words say what to do.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The folder or file cannot be made or opened.
    #[error(
        "cannot open the log {path}: {why}. Give andon a folder it may write with ANDON_HOME, or mend its permissions"
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// Written by a newer version.
    #[error(
        "the log {path} was written by a newer andon (migration {version}); nothing was touched. Run that version, or name another folder with ANDON_HOME"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The migration this version does not know.
        version: i64,
    },
    /// Not a database, or a damaged one.
    #[error(
        "the log {path} is damaged ({why}); nothing was changed. Copy it aside, then restore a backup or move it away to begin anew"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No room left.
    #[error("the disk is full: nothing was recorded and nothing was lost. Free some space and ask again")]
    Full,
    /// The disk fails to read or to keep what is written.
    #[error(
        "the disk under the log fails ({0}): nothing of this request was recorded. Look at the machine's own log (dmesg), then ask again"
    )]
    Disk(String),
    /// A command of the batch was recorded before, under the same author and id.
    #[error("a command with this id was recorded before")]
    Repeated,
    /// Another node appended since the batch was decided: it is decided again.
    #[error("another node was faster")]
    Behind,
    /// The log ends before what this node has seen of it: a failover lost its tail.
    #[error(
        "the database holds less of the log than this node has seen: a failover lost its end. Start andon again; it goes on from what is there"
    )]
    Shorter,
    /// Anything else the database says.
    #[error("the log cannot be used now: {0}. Nothing of this request was recorded; ask again")]
    Database(String),
    /// An event that does not read as one.
    #[error("event {position} of the log does not read ({why}). Run `andon audit verify`")]
    Unreadable {
        /// Where.
        position: u64,
        /// What is wrong.
        why: String,
    },
}

impl LogError {
    /// Sorts a database error of the log at `path`.
    pub(super) fn sort(path: &std::path::Path, error: sqlx::Error) -> Self {
        let why = error.to_string();
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("13") => Self::Full,
            // SQLITE_IOERR, with its kinds in the higher bits.
            Some(code) if code.parse::<u32>().is_ok_and(|code| code & 0xff == 10) => Self::Disk(why),
            Some("1555") if why.contains("commands.") => Self::Repeated,
            Some("11" | "26" | "267" | "523" | "779") => Self::Damaged { path: path.into(), why },
            Some("14" | "8" | "264" | "520" | "776" | "1032" | "1288" | "1544") => {
                Self::Open { path: path.into(), why }
            }
            _ => Self::Database(why),
        }
    }
}
