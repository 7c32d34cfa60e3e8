//! Checking a bundle, offline and in a stream: the first broken link by name, and what could still be checked.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, BufRead, BufReader, Read},
};

use serde::{Deserialize, Serialize};
use tar::{Archive, Entry, EntryType};
use zstd::stream::read::Decoder;

use super::{
    events::Events,
    format::{
        Absent, FORMAT, FileLine, HEAD, Head, LONGEST_LINE, LONGEST_WHOLE, MANIFEST, MOST_FILES, Manifest, Place,
        StreamHead, VERSION, own, place,
    },
    outer::{Passing, SEAL, seal},
    telemetry::Telemetry,
};

/// The largest window a bundle may ask its reader to keep, as a power of two: 16 MiB.
const WINDOW: u32 = 24;
/// The furthest that a zstd frame can be blown up: a block of 128 KiB in four bytes.
const RATIO: u64 = 40_000;

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Something that is not in the bundle, and that the bundle itself says so of.
pub type Absence = Absent;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Everything holds.
    pub ok: bool,
    /// The first broken link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Break>,
    /// What it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// SHA-256 (hex) of its manifest, to be compared with the one that was noted when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// Files that were read whole.
    pub files: u64,
    /// Events whose hashes and links hold.
    pub events: u64,
    /// Pinned actions that were read.
    pub actions: u64,
    /// Files and outputs that are what their names say.
    pub blobs: u64,
    /// Where each stream ends.
    pub streams: Vec<StreamHead>,
    /// Links between events that are in the bundle and events that belong to others: not checked here.
    pub links_elsewhere: u64,
    /// What the bundle says could not be put in.
    pub absent: Vec<Absence>,
    /// Losses that the log tells.
    pub short: Vec<String>,
    /// The seal around everything holds: not one byte of the file differs.
    pub sealed: bool,
    /// The manifest was reached, and every file before it was compared with it.
    pub complete: bool,
}

type Wrong = (String, String);

/// Checks a bundle of `length` bytes. What is wrong with it is in the report.
pub fn verify(from: impl Read, length: u64) -> Report {
    let mut checking = Checking { report: Report { bytes: length, ..Report::default() }, ..Checking::default() };
    match checking.outer(from, length) {
        Ok(()) => {}
        Err((place, what)) => checking.wrong(place, what),
    }
    checking.finish()
}

#[derive(Default)]
struct Checking {
    report: Report,
    events: Events,
    telemetry: Telemetry,
    files: Vec<FileLine>,
    names: BTreeSet<String>,
    stage: u8,
    budget: u64,
    manifest: Option<(Manifest, String)>,
    ended: bool,
}

impl Checking {
    fn wrong(&mut self, place: String, what: String) {
        self.report.broken.get_or_insert(Break { place, what });
    }

    fn outer(&mut self, mut from: impl Read, length: u64) -> Result<(), Wrong> {
        let here = |what: &str| ("the file".to_owned(), what.to_owned());
        let Some(inside) = length.checked_sub(SEAL) else { return Err(here("it is too short to be a bundle")) };
        self.budget = inside.saturating_mul(RATIO).saturating_add(LONGEST_WHOLE);
        let passing = Passing::new(from.by_ref().take(inside));
        let mut decoder = Decoder::with_buffer(BufReader::new(passing)).map_err(|why| damaged(&why))?;
        decoder.window_log_max(WINDOW).map_err(|why| damaged(&why))?;
        let mut decoder = decoder.single_frame();
        let inner = self.inner(&mut decoder);
        if let Err((place, what)) = inner {
            self.wrong(place, what);
        }
        // Whatever was found, the seal is over every byte.
        let mut rest = decoder.finish();
        let beyond = io::copy(&mut rest, &mut io::sink()).unwrap_or(0);
        let (_, digest) = rest.into_inner().finish();
        let mut found = Vec::new();
        let read = from.take(SEAL + 1).read_to_end(&mut found);
        self.report.sealed = read.is_ok() && found == seal(&digest);
        if self.manifest.is_some() && beyond > 0 {
            return Err(here("bytes stand behind its end"));
        }
        Ok(())
    }

    fn inner(&mut self, decoder: &mut impl Read) -> Result<(), Wrong> {
        let mut archive = Archive::new(&mut *decoder);
        // Raw: no entry may rename, link, or be sparse; nothing but what stands in the header is believed.
        let entries = archive.entries().map_err(|why| damaged(&why))?.raw(true);
        for entry in entries {
            let entry = entry.map_err(|why| damaged(&why))?;
            if self.ended {
                return Err((name_of(&entry), "it stands behind the end of the bundle".into()));
            }
            self.file(entry)?;
        }
        // A tar ends in two blocks of zeros, of which the reader may leave the second.
        let mut behind = Vec::new();
        decoder.take(2048).read_to_end(&mut behind).map_err(|why| damaged(&why))?;
        if behind.len() > 1024 || behind.iter().any(|byte| *byte != 0) {
            return Err(("the file".into(), "something stands behind the end of its contents".into()));
        }
        Ok(())
    }

    fn file<R: Read>(&mut self, entry: Entry<'_, R>) -> Result<(), Wrong> {
        let name = name_of(&entry);
        let here = |what: &str| (name.clone(), what.to_owned());
        if entry.header().entry_type() != EntryType::Regular {
            return Err(here("it is no plain file: a bundle has no links, folders or other things"));
        }
        let Some(place) = place(&name) else { return Err(here("no bundle has a file of this name")) };
        if self.names.len() >= MOST_FILES || !self.names.insert(name.clone()) {
            return Err(here("it stands in the bundle twice, or there are too many files"));
        }
        let size = entry.header().size().map_err(|_| here("its size does not read"))?;
        self.budget = self.budget.checked_sub(size).ok_or_else(|| here("it is larger than the file can hold"))?;
        self.order(&place, &name)?;
        let most = match &place {
            Place::Blob(digest) => {
                let named = self.events.blobs.get(digest);
                named.ok_or_else(|| here("no event of the incident names it"))?.bytes
            }
            Place::Events | Place::Telemetry(_) => u64::MAX,
            _ => LONGEST_WHOLE,
        };
        if size > most {
            return Err(here("it is larger than it can be"));
        }
        let mut content = Passing::new(entry);
        let told = self.content(&place, &mut content, &name);
        // The rest of it is hashed whatever was wrong inside, so that later files are still found.
        io::copy(&mut content, &mut io::sink()).map_err(|why| cut_short(&name, &why))?;
        if content.bytes != size {
            return Err(here("it is cut short"));
        }
        let (_, digest) = content.finish();
        let sha256 = hex::encode(digest);
        told?;
        match place {
            Place::Blob(digest) if digest != sha256 => return Err(here("its content was changed")),
            Place::Blob(_) => self.report.blobs += 1,
            Place::Manifest => {
                if let Some((_, found)) = &mut self.manifest {
                    sha256.clone_into(found);
                }
                self.report.manifest_sha256 = Some(sha256);
                return self.compare();
            }
            Place::ManifestDigest => return Ok(()),
            _ => {}
        }
        self.report.files += 1;
        self.files.push(FileLine { name, bytes: size, sha256 });
        Ok(())
    }

    /// Head, events, telemetry, blobs, the rest, manifest, its digest: nothing stands before what it is checked by.
    fn order(&mut self, place: &Place, name: &str) -> Result<(), Wrong> {
        let stage = match place {
            Place::Head => 1,
            Place::Events => 2,
            Place::Telemetry(_) => 3,
            Place::Blob(_) => 4,
            Place::Whole => 5,
            Place::Manifest => 6,
            Place::ManifestDigest => 7,
        };
        let fits = match self.stage {
            0 => stage == 1,
            6 => stage == 7,
            before => stage >= before && stage > 1 && (stage != 7),
        };
        if !fits {
            return Err((name.to_owned(), "it does not stand where a bundle has it".into()));
        }
        if self.stage <= 3 && stage > 3 {
            self.telemetry.finish(&self.events.pinned)?;
        }
        self.stage = stage;
        Ok(())
    }

    fn content<R: Read>(&mut self, place: &Place, content: &mut R, name: &str) -> Result<(), Wrong> {
        let here = |what: String| (name.to_owned(), what);
        match place {
            Place::Head => {
                let text = whole(content, name)?;
                let head: Head =
                    serde_json::from_slice(&text).map_err(|why| here(format!("it does not read: {why}")))?;
                if head.format != FORMAT || head.version == 0 || head.version > VERSION {
                    return Err(here(format!(
                        "format {} of {:?}: this andon reads up to {VERSION}",
                        head.version, head.format
                    )));
                }
                self.events.own = own(&head).map_err(here)?;
                self.events.as_of = head.as_of;
                self.report.head = Some(head);
                Ok(())
            }
            Place::Events => each_line(content, name, |line| self.events.follow(line)),
            Place::Telemetry(freeze) => {
                self.telemetry.begin(freeze, &self.events.pinned)?;
                each_line(content, name, |line| self.telemetry.follow(line))
            }
            Place::Blob(_) | Place::Whole => Ok(()),
            Place::Manifest => {
                let text = whole(content, name)?;
                let manifest = serde_json::from_slice(&text).map_err(|why| here(format!("it does not read: {why}")))?;
                self.manifest = Some((manifest, String::new()));
                Ok(())
            }
            Place::ManifestDigest => {
                let text = whole(content, name)?;
                let digest = self.report.manifest_sha256.clone().unwrap_or_default();
                self.ended = true;
                if text == format!("{digest}  {MANIFEST}\n").as_bytes() {
                    Ok(())
                } else {
                    Err(here("it is not the digest of the manifest: one of the two was changed".into()))
                }
            }
        }
    }

    /// What was read against what the manifest says.
    fn compare(&mut self) -> Result<(), Wrong> {
        let Some((manifest, _)) = &self.manifest else { return Ok(()) };
        if Some(&manifest.head) != self.report.head.as_ref() {
            return Err((MANIFEST.into(), format!("it is not about what {HEAD} says")));
        }
        for (at, listed) in manifest.files.iter().enumerate() {
            let Some(found) = self.files.get(at).filter(|found| found.name == listed.name) else {
                let there = self.files.iter().any(|found| found.name == listed.name);
                let what = if there { "it does not stand where the manifest has it" } else { "it is missing" };
                return Err((listed.name.clone(), what.into()));
            };
            if found != listed {
                return Err((listed.name.clone(), "its content was changed: it is not what the manifest says".into()));
            }
        }
        if let Some(extra) = self.files.get(manifest.files.len()) {
            return Err((extra.name.clone(), "the manifest does not list it".into()));
        }
        let streams = self.streams();
        for (found, listed) in streams.iter().zip(&manifest.streams) {
            if found != listed {
                return Err((listed.stream.clone(), "it does not end where the manifest says".into()));
            }
        }
        if streams.len() != manifest.streams.len() {
            return Err((MANIFEST.into(), "streams are missing, or there are more than it lists".into()));
        }
        self.report.absent.clone_from(&manifest.absent);
        for digest in self.events.blobs.keys() {
            let name = format!("{}{digest}", super::format::BLOBS);
            let told = manifest.absent.iter().any(|absent| absent.what == name);
            if !told && !self.names.contains(&name) {
                return Err((name, "an event of the incident names it, and it is missing".into()));
            }
        }
        self.report.complete = true;
        Ok(())
    }

    fn streams(&self) -> Vec<StreamHead> {
        let heads = self.events.streams.iter().map(|(stream, link)| StreamHead {
            stream: stream.clone(),
            events: link.events,
            seq: link.seq,
            hash: link.hash.clone(),
        });
        heads.collect()
    }

    fn finish(mut self) -> Report {
        if self.report.broken.is_none() && !self.ended {
            self.wrong("the file".into(), format!("it is cut short: {MANIFEST} was not reached"));
        }
        if self.report.broken.is_none() && !self.report.sealed {
            self.wrong("the file".into(), "a byte of its packing was changed; all that is packed in it holds".into());
        }
        self.report.events = self.events.count;
        self.report.actions = self.telemetry.actions;
        self.report.streams = self.streams();
        self.report.links_elsewhere = self.events.streams.values().map(|link| link.elsewhere).sum();
        self.report.short = std::mem::take(&mut self.telemetry.short);
        self.report.ok = self.report.broken.is_none() && self.report.complete && self.report.sealed;
        self.report
    }
}

fn damaged(why: &io::Error) -> Wrong {
    ("the file".into(), format!("it is damaged or cut short, and cannot be read on: {why}"))
}

fn cut_short(name: &str, why: &io::Error) -> Wrong {
    (name.to_owned(), format!("the file is damaged or cut short within it: {why}"))
}

fn name_of<R: Read>(entry: &Entry<'_, R>) -> String {
    String::from_utf8_lossy(&entry.path_bytes()).chars().take(120).collect()
}

/// A small file, whole; its size was bounded before.
fn whole<R: Read>(content: &mut R, name: &str) -> Result<Vec<u8>, Wrong> {
    let mut text = Vec::new();
    content.take(LONGEST_WHOLE).read_to_end(&mut text).map_err(|why| cut_short(name, &why))?;
    Ok(text)
}

/// Every line; one that is too long is refused before it is kept.
fn each_line<R: Read>(
    content: &mut R,
    name: &str,
    mut follow: impl FnMut(&str) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut content = BufReader::new(content);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = content.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if read.map_err(|why| cut_short(name, &why))? == 0 {
            return Ok(());
        }
        let here = |what: &str| (name.to_owned(), what.to_owned());
        let Some((b'\n', text)) = line.split_last() else { return Err(here("a line of it is too long, or cut short")) };
        let text = std::str::from_utf8(text).map_err(|_| here("a line of it is no text"))?;
        follow(text)?;
    }
}
