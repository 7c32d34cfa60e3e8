//! The outermost layer: bytes counted and hashed as they pass, and the seal behind them.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

/// A zstd skippable frame: readers of zstd pass over it.
const MAGIC: [u8; 4] = 0x184D_2A5Eu32.to_le_bytes();
/// What stands in it before the digest.
const WORD: [u8; 8] = *b"andonev1";
/// Bytes of the whole seal.
pub(super) const SEAL: u64 = 4 + 4 + 8 + 32;

/// The seal over a digest.
pub(super) fn seal(digest: &[u8]) -> Vec<u8> {
    let mut seal = Vec::with_capacity(48);
    seal.extend(MAGIC);
    seal.extend(40u32.to_le_bytes());
    seal.extend(WORD);
    seal.extend(digest);
    seal
}

/// Counts and hashes what passes.
pub(super) struct Passing<T> {
    inner: T,
    hash: Sha256,
    pub bytes: u64,
}

impl<T> Passing<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// What it was around, and the digest of what passed.
    pub(super) fn finish(self) -> (T, [u8; 32]) {
        (self.inner, self.hash.finalize().into())
    }
}

impl<W: Write> Write for Passing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.pass(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.pass(&into[..read]);
        Ok(read)
    }
}
