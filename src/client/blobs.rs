//! Files on their way to a backend and back, a piece at a time; hashed on this side too (EVI.3).

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use reqwest::Method;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use super::{Client, ClientError};
use crate::api::{StoredBlob, path};

/// What is read of a file at a time.
const PIECE: usize = 64 << 10;

/// What passed, counted and hashed.
#[derive(Default)]
struct Passed {
    hash: Sha256,
    bytes: u64,
}

impl Passed {
    fn blob(self) -> StoredBlob {
        StoredBlob { digest: hex::encode(self.hash.finalize()), bytes: self.bytes }
    }
}

impl Client {
    /// Sends `file` to be kept, whatever its length.
    ///
    /// # Errors
    /// A refusal, no answer, or a backend that received something else than was read here.
    pub async fn keep(&self, file: impl AsyncRead + Send + 'static) -> Result<StoredBlob, ClientError> {
        let passed = Arc::new(Mutex::new(Passed::default()));
        let counting = passed.clone();
        let pieces = ReaderStream::with_capacity(file, PIECE).inspect(move |piece| {
            if let Ok(piece) = piece {
                let mut passed = counting.lock().unwrap_or_else(PoisonError::into_inner);
                passed.hash.update(piece);
                passed.bytes += piece.len() as u64;
            }
        });
        let request = self.request(Method::POST, path::BLOBS).body(reqwest::Body::wrap_stream(pieces));
        let response = self.send(request).await.map_err(|why| self.unreachable(&*why))?;
        let response = self.checked(response).await?;
        let kept: StoredBlob = response.json().await.map_err(|why| self.garbled(why))?;
        let sent = std::mem::take(&mut *passed.lock().unwrap_or_else(PoisonError::into_inner)).blob();
        if sent == kept { Ok(kept) } else { Err(self.garbled("it kept something else than was sent")) }
    }

    /// Copies what `path` answers into `to`, whatever its length; says what came.
    ///
    /// # Errors
    /// A refusal, an answer that breaks off (as it does where a blob was changed on the disk), or a full disk here.
    pub async fn fetch(&self, path: &str, to: &mut (impl AsyncWrite + Unpin)) -> Result<StoredBlob, ClientError> {
        let response = self.send(self.request(Method::GET, path)).await.map_err(|why| self.unreachable(&*why))?;
        let mut response = self.checked(response).await?;
        let mut passed = Passed::default();
        let unwritable = |why: std::io::Error| ClientError::Unusable(format!("it cannot be written here: {why}"));
        let broken = |why| {
            ClientError::Unusable(format!(
                "it broke off: {why}. The backend's own log says whether it was changed on its disk"
            ))
        };
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            passed.hash.update(&piece);
            passed.bytes += piece.len() as u64;
            to.write_all(&piece).await.map_err(unwritable)?;
        }
        to.flush().await.map_err(unwritable)?;
        Ok(passed.blob())
    }
}
