//! One file a blob, named by the SHA-256 of its content.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
    str::FromStr,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncWriteExt, sync::mpsc};
use uuid::Uuid;

use crate::{api::StoredBlob, runbook::Secrets};

/// What is read of a blob at a time.
const PIECE: usize = 64 << 10;
/// Pieces that wait for a slow reader.
const WAITING: usize = 8;

/// The SHA-256 of a blob: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a digest is a SHA-256 in 64 hexadecimal digits, lower case".to_owned())
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// A blob that cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The sender broke off.
    #[error("what was sent broke off after {0} bytes; nothing is kept of it. Send it again")]
    BrokenOff(u64),
    /// The disk did not take it.
    #[error("it cannot be kept: {0}. Make room on the disk, or mend it, and send it again")]
    Unwritable(io::Error),
    /// Nothing of this digest is kept.
    #[error("nothing of digest {0} is kept here")]
    Unknown(Digest),
    /// The disk does not give it.
    #[error("blob {0} cannot be read: {1}")]
    Unreadable(Digest, io::Error),
}

/// The folder of blobs.
pub struct Blobs {
    folder: PathBuf,
}

/// A blob being read.
pub struct Reading {
    /// Its bytes, as they are kept.
    pub bytes: u64,
    file: fs::File,
    digest: Digest,
}

impl Blobs {
    /// The blobs in `folder`, which is made when the first one comes. What an earlier life left half received is dropped.
    pub fn in_folder(folder: PathBuf) -> Self {
        let _ = fs::remove_dir_all(folder.join("incoming"));
        Self { folder }
    }

    /// A folder beside this one.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.with_file_name(name)
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.join(&digest.0[..2]).join(&digest.0)
    }

    /// Keeps what `body` brings. Whatever its length, memory holds one piece of it.
    ///
    /// # Errors
    /// A sender that broke off, a disk that is full; nothing is kept then.
    pub async fn put<E>(&self, body: impl Stream<Item = Result<Bytes, E>>) -> Result<StoredBlob, BlobError> {
        let incoming = self.folder.join("incoming");
        private(&incoming).map_err(BlobError::Unwritable)?;
        let half = Half(incoming.join(Uuid::now_v7().to_string()));
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half.0);
        let mut file = tokio::fs::File::from_std(made.map_err(BlobError::Unwritable)?);
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let mut body = std::pin::pin!(body);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|_| BlobError::BrokenOff(bytes))?;
            hash.update(&piece);
            bytes += piece.len() as u64;
            file.write_all(&piece).await.map_err(BlobError::Unwritable)?;
        }
        file.flush().await.map_err(BlobError::Unwritable)?;
        file.sync_all().await.map_err(BlobError::Unwritable)?;
        let digest = Digest(hex::encode(hash.finalize()));
        let place = self.place(&digest);
        let settled = tokio::task::spawn_blocking({
            let (half, digest) = (half, digest.clone());
            move || settle(&half, &place, &digest)
        });
        settled.await.map_err(|why| BlobError::Unwritable(io::Error::other(why)))?.map_err(BlobError::Unwritable)?;
        Ok(StoredBlob { digest: digest.0, bytes })
    }

    /// Opens one to be read.
    ///
    /// # Errors
    /// Nothing of this digest, or a disk that cannot be read.
    pub fn open(&self, digest: &Digest) -> Result<Reading, BlobError> {
        let unreadable = |why| BlobError::Unreadable(digest.clone(), why);
        match fs::File::open(self.place(digest)) {
            Ok(file) => {
                let bytes = file.metadata().map_err(unreadable)?.len();
                Ok(Reading { bytes, file, digest: digest.clone() })
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => Err(BlobError::Unknown(digest.clone())),
            Err(why) => Err(unreadable(why)),
        }
    }
}

/// A file that is not whole yet; it goes with its sender.
struct Half(PathBuf);

impl Drop for Half {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _ = fs::remove_file(&self.0);
    }
}

fn private(folder: &std::path::Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Puts a whole file in its place, durably. One that is there already stays, unless it is not what its name says.
fn settle(half: &Half, place: &std::path::Path, digest: &Digest) -> io::Result<()> {
    if let Ok(there) = fs::File::open(place) {
        let kept = Reading { bytes: 0, file: there, digest: digest.clone() };
        if kept.copy(io::sink()).is_ok() {
            return Ok(());
        }
    }
    let folder = place.parent().unwrap_or(place);
    private(folder)?;
    fs::rename(&half.0, place)?;
    fs::File::open(folder)?.sync_all()?;
    if let Some(above) = folder.parent() {
        fs::File::open(above)?.sync_all()?;
    }
    Ok(())
}

/// Hashes what passes.
struct Hashing<'h, R> {
    from: R,
    hash: &'h mut Sha256,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.hash.update(&into[..length]);
        Ok(length)
    }
}

impl Reading {
    /// Copies it as it is, and checks it.
    ///
    /// # Errors
    /// A disk or a receiver that fails; content that is not what its digest says, after all of it was copied.
    pub fn copy(self, mut to: impl Write) -> io::Result<()> {
        let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
        let mut from = Hashing { from: self.file, hash: &mut hash };
        loop {
            match from.read(&mut piece)? {
                0 => break,
                length => to.write_all(&piece[..length])?,
            }
        }
        checked(&self.digest, hash)
    }

    /// Copies it with every secret masked, and checks it; says how many there were.
    ///
    /// # Errors
    /// As [`Reading::copy`].
    pub fn copy_masked(self, secrets: &Secrets, to: impl Write) -> io::Result<u64> {
        let mut hash = Sha256::new();
        let count = secrets.mask_stream(Hashing { from: self.file, hash: &mut hash }, to)?;
        checked(&self.digest, hash)?;
        Ok(count)
    }

    /// Its bytes as they come, masked by `secrets` where there are some; the stream ends in an error where the content is
    /// not what its digest says.
    pub fn stream(self, secrets: Option<Secrets>) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let (to, mut from) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { to: to.clone(), piece: Vec::with_capacity(PIECE) };
            let copied = match secrets {
                Some(secrets) => self.copy_masked(&secrets, &mut pieces).map(drop),
                None => self.copy(&mut pieces),
            };
            // A reader that went away needs no word.
            if let Err(why) = copied.and_then(|()| pieces.flush()) {
                let _ = to.blocking_send(Err(why));
            }
        });
        futures_util::stream::poll_fn(move |context| from.poll_recv(context))
    }
}

fn checked(digest: &Digest, hash: Sha256) -> io::Result<()> {
    let found = hex::encode(hash.finalize());
    if found == digest.0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("blob {digest} was changed on the disk: its content has the digest {found}"),
    ))
}

/// Writes into a channel, a piece at a time.
struct Pieces {
    to: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        if piece.is_empty() {
            return Ok(());
        }
        self.to.blocking_send(Ok(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
