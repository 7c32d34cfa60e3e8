//! Whom one asks: a socket that somebody else put there must not be able to say “go on” (protocol 3).

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tokio::net::UnixStream;

/// A socket that is served by somebody this user does not trust.
#[derive(Debug, thiserror::Error)]
pub enum Foreign {
    /// Nobody answers there.
    #[error("no backend answers at {}: {why}. Start one with `andon serve`, or name one with ANDON_URL", place.display())]
    Silent {
        /// Where.
        place: PathBuf,
        /// The system's word.
        why: std::io::Error,
    },
    /// The other end belongs to another user.
    #[error(
        "the backend at {} runs as user {uid}, who is neither you, nor root, nor the owner of its folder: it is not \
         asked, and nothing is started. Look who put it there",
        place.display()
    )]
    Stranger {
        /// Where.
        place: PathBuf,
        /// Whose.
        uid: u32,
    },
}

/// Makes sure that the server of `socket` is this user, root, or whoever owns the folder where root let it serve.
///
/// # Errors
/// When nobody answers, or a stranger does.
pub async fn trusted(socket: &Path) -> Result<(), Foreign> {
    let silent = |why| Foreign::Silent { place: socket.to_owned(), why };
    let stream = UnixStream::connect(socket).await.map_err(silent)?;
    let uid = stream.peer_cred().map_err(silent)?.uid();
    let own = rustix::process::getuid().as_raw();
    if may_serve(uid, own, folder_of_root(socket)) {
        return Ok(());
    }
    Err(Foreign::Stranger { place: socket.to_owned(), uid })
}

/// The owner of the socket's folder, where only root could have made that folder.
fn folder_of_root(socket: &Path) -> Option<u32> {
    let folder = socket.parent()?;
    let above = folder.parent()?.metadata().ok()?;
    let only_roots = above.uid() == 0 && above.mode() & 0o022 == 0;
    only_roots.then(|| folder.metadata().ok().map(|folder| folder.uid())).flatten()
}

fn may_serve(server: u32, own: u32, folder: Option<u32>) -> bool {
    server == own || server == 0 || folder == Some(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_serves_nobody() {
        for (server, own, folder, may) in [
            (1000, 1000, None, true),
            (0, 1000, None, true),
            (998, 1000, Some(998), true),
            (998, 1000, None, false),
            (1001, 1000, Some(998), false),
        ] {
            assert_eq!(may_serve(server, own, folder), may, "{server} {own} {folder:?}");
        }
    }

    #[tokio::test]
    async fn ones_own_socket_is_trusted_and_a_missing_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("s");
        let _listener = tokio::net::UnixListener::bind(&place).unwrap();
        trusted(&place).await.unwrap();
        let why = trusted(&folder.path().join("none")).await.unwrap_err().to_string();
        assert!(why.contains("andon serve"), "{why}");
    }
}
