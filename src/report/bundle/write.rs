//! Writing a bundle, a part at a time.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use zstd::stream::write::Encoder;

use super::{
    events::{Named, named},
    format::{
        Absent, BLOBS, EVENTS, FileLine, HEAD, Head, INCIDENT, MANIFEST, MANIFEST_DIGEST, MASKED, Manifest, POSTMORTEM,
        StreamHead, TELEMETRY, own, part,
    },
    outer::{Passing, seal},
};
use crate::{incident::Event, terms::FreezeId};

/// A part of events or actions is closed at so many bytes.
const PART: usize = 1 << 20;
/// Bytes of a block of a tar.
const BLOCK: u64 = 512;
/// Compression: fast, and the memory of it is small.
const LEVEL: i32 = 3;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// Files in it.
    pub files: usize,
    /// SHA-256 (hex) of `manifest.json`: note it elsewhere, and a bundle made anew is told from this one.
    pub manifest_sha256: String,
}

/// Writes one bundle: events, then actions by freeze, then blobs, then the rest.
pub struct Writer<W: Write> {
    tar: Builder<Encoder<'static, Passing<W>>>,
    head: Head,
    files: Vec<FileLine>,
    streams: BTreeMap<String, StreamHead>,
    absent: Vec<Absent>,
    part: Vec<u8>,
    folder: String,
    parts: usize,
    own: String,
    named: BTreeMap<String, Named>,
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn new(to: W, head: Head) -> io::Result<Self> {
        let mut encoder = Encoder::new(Passing::new(to), LEVEL)?;
        encoder.include_checksum(true)?;
        let mut writer = Self {
            tar: Builder::new(encoder),
            head,
            files: Vec::new(),
            streams: BTreeMap::new(),
            absent: Vec::new(),
            part: Vec::new(),
            folder: EVENTS.to_owned(),
            parts: 0,
            own: String::new(),
            named: BTreeMap::new(),
        };
        writer.own = own(&writer.head).map_err(io::Error::other)?;
        let head = pretty(&writer.head)?;
        writer.file(HEAD, &head)?;
        Ok(writer)
    }

    /// Takes an event; in order of position.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        let stream = event.stream.to_string();
        let head =
            self.streams.entry(stream.clone()).or_insert(StreamHead { stream, events: 0, seq: 0, hash: String::new() });
        head.events += 1;
        head.seq = event.seq;
        head.hash.clone_from(&event.hash);
        if self.own == event.stream.to_string() {
            let (_, data) = event.fact.parts()?;
            named(&data, &mut self.named, 0);
        }
        self.line(EVENTS, event)
    }

    /// Takes a pinned action; in order of its number, freeze by freeze.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn action(&mut self, freeze: FreezeId, kept: &impl serde::Serialize) -> io::Result<()> {
        self.line(&format!("{TELEMETRY}{freeze}/"), kept)
    }

    /// Every blob that an event of the incident names, with its bytes: each goes in, or is told as absent.
    pub fn named(&self) -> Vec<(String, u64)> {
        self.named.iter().map(|(digest, named)| (digest.clone(), named.bytes)).collect()
    }

    /// Takes a blob of `bytes` bytes, which `copy` writes; what has not its digest or its size ends the bundle.
    ///
    /// # Errors
    /// What cannot be read or written, or was changed.
    pub fn blob(
        &mut self,
        digest: &str,
        bytes: u64,
        copy: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.close()?;
        let name = format!("{BLOBS}{digest}");
        let header = header(&name, bytes)?;
        let tar = self.tar.get_mut();
        tar.write_all(header.as_bytes())?;
        let mut to = Passing::new(&mut *tar);
        copy(&mut to)?;
        let written = to.bytes;
        let (_, found) = to.finish();
        if written != bytes || hex::encode(found) != digest {
            return Err(io::Error::other(format!(
                "the blob {digest} is not what was kept: it was changed on the disk"
            )));
        }
        let over = usize::try_from(bytes % BLOCK).unwrap_or(0);
        if over > 0 {
            tar.write_all(&[0; BLOCK as usize][over..])?;
        }
        self.files.push(FileLine { name, bytes, sha256: digest.to_owned() });
        Ok(())
    }

    /// Says that a blob could not be put in.
    pub fn absent(&mut self, digest: &str, why: impl Into<String>) {
        self.absent.push(Absent { what: format!("{BLOBS}{digest}"), why: why.into() });
    }

    /// The incident as it was folded.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn incident(&mut self, incident: &impl serde::Serialize) -> io::Result<()> {
        let text = pretty(incident)?;
        self.file(INCIDENT, &text)
    }

    /// The post-mortem as far as it goes.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn postmortem(&mut self, markdown: &str) -> io::Result<()> {
        self.file(POSTMORTEM, markdown.as_bytes())
    }

    /// Where secrets are.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn masked(&mut self, places: &impl serde::Serialize) -> io::Result<()> {
        let text = pretty(places)?;
        self.file(MASKED, &text)
    }

    /// Writes the manifest, ends every layer, and seals it.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn finish(mut self) -> io::Result<(W, Written)> {
        self.close()?;
        let manifest = Manifest {
            head: self.head.clone(),
            files: std::mem::take(&mut self.files),
            streams: std::mem::take(&mut self.streams).into_values().collect(),
            absent: std::mem::take(&mut self.absent),
            checkpoints: Vec::new(),
        };
        let text = pretty(&manifest)?;
        let manifest_sha256 = hex::encode(Sha256::digest(&text));
        self.append(MANIFEST, &text)?;
        self.append(MANIFEST_DIGEST, format!("{manifest_sha256}  {MANIFEST}\n").as_bytes())?;
        let outer = self.tar.into_inner()?.finish()?;
        let bytes = outer.bytes;
        let (mut to, digest) = outer.finish();
        let seal = seal(&digest);
        to.write_all(&seal)?;
        to.flush()?;
        Ok((to, Written { bytes: bytes + seal.len() as u64, files: manifest.files.len() + 2, manifest_sha256 }))
    }

    fn line(&mut self, folder: &str, value: &impl serde::Serialize) -> io::Result<()> {
        if self.folder != folder {
            self.close()?;
            folder.clone_into(&mut self.folder);
            self.parts = 0;
        }
        serde_json::to_writer(&mut self.part, value)?;
        self.part.push(b'\n');
        if self.part.len() >= PART { self.close() } else { Ok(()) }
    }

    /// Writes the open part, where there is one.
    fn close(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        self.parts += 1;
        let name = part(&self.folder, self.parts);
        let text = std::mem::take(&mut self.part);
        self.listed(&name, &text)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.close()?;
        self.listed(name, bytes)
    }

    fn listed(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.append(name, bytes)?;
        let sha256 = hex::encode(Sha256::digest(bytes));
        self.files.push(FileLine { name: name.to_owned(), bytes: bytes.len() as u64, sha256 });
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.tar.append(&header(name, bytes.len() as u64)?, bytes)
    }
}

/// The same for every file: a bundle of the same content is the same bytes.
fn header(name: &str, bytes: u64) -> io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

fn pretty(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}
