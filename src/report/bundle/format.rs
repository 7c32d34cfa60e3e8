//! What stands in a bundle, and under which names.

use serde::{Deserialize, Serialize};

use crate::{
    incident::{Stream, Topic},
    terms::{DrillId, IncidentId, Time},
};

/// The word by which a bundle is known.
pub const FORMAT: &str = "andon-evidence";
/// The format that this version writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// The first file: what this is.
pub(super) const HEAD: &str = "bundle.json";
/// The last but one: every file before it.
pub(super) const MANIFEST: &str = "manifest.json";
/// The last: the manifest's digest, as `sha256sum -c` reads it.
pub(super) const MANIFEST_DIGEST: &str = "manifest.sha256";
/// Events, in parts.
pub(super) const EVENTS: &str = "events/";
/// Pinned actions, in parts below their freeze.
pub(super) const TELEMETRY: &str = "telemetry/";
/// Files and outputs by their digest.
pub(super) const BLOBS: &str = "blobs/";
/// The incident as the backend folded it.
pub(super) const INCIDENT: &str = "incident.json";
/// The post-mortem as far as it goes.
pub(super) const POSTMORTEM: &str = "postmortem.md";
/// Where secrets are.
pub(super) const MASKED: &str = "masked.json";

/// The longest line of events or actions.
pub(super) const LONGEST_LINE: u64 = 32 << 20;
/// The longest file that is read whole: head, manifest and the like.
pub(super) const LONGEST_WHOLE: u64 = 64 << 20;
/// Files of a bundle.
pub(super) const MOST_FILES: usize = 200_000;

/// `bundle.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Whose evidence.
    pub incident: IncidentId,
    /// The drill whose world it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    /// The position of the log up to which it goes.
    pub as_of: u64,
    /// When it was made.
    pub exported_at: Time,
    /// By whom.
    pub by: String,
    /// The andon that made it.
    pub andon: String,
}

/// One file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 (hex).
    pub sha256: String,
}

/// The newest event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamHead {
    /// Its name.
    pub stream: String,
    /// Events that are in the bundle.
    pub events: u64,
    /// The newest one's place.
    pub seq: u64,
    /// The newest one's hash.
    pub hash: String,
}

/// Something that belongs to the incident and could not be put in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What `bundle.json` says, once more.
    #[serde(flatten)]
    pub head: Head,
    /// Every file before this one, in order.
    pub files: Vec<FileLine>,
    /// Where each stream ends.
    pub streams: Vec<StreamHead>,
    /// What could not be put in.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// Room for signed checkpoints over the chain; this version writes none.
    #[serde(default)]
    pub checkpoints: Vec<serde_json::Value>,
}

/// `events/000001.jsonl`.
pub(super) fn part(folder: &str, number: usize) -> String {
    format!("{folder}{number:06}.jsonl")
}

/// What a file is, by its name; `None` for a name that no bundle has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Head,
    Events,
    Telemetry(String),
    Blob(String),
    Whole,
    Manifest,
    ManifestDigest,
}

pub(super) fn place(name: &str) -> Option<Place> {
    let numbered = |part: &str| {
        let digits = part.strip_suffix(".jsonl").unwrap_or_default();
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match name {
        HEAD => return Some(Place::Head),
        INCIDENT | POSTMORTEM | MASKED => return Some(Place::Whole),
        MANIFEST => return Some(Place::Manifest),
        MANIFEST_DIGEST => return Some(Place::ManifestDigest),
        _ => {}
    }
    if let Some(part) = name.strip_prefix(EVENTS) {
        return numbered(part).then_some(Place::Events);
    }
    if let Some((freeze, part)) = name.strip_prefix(TELEMETRY).and_then(|rest| rest.split_once('/')) {
        let id = freeze.parse::<crate::terms::FreezeId>().ok()?;
        return (numbered(part) && id.to_string() == freeze).then(|| Place::Telemetry(freeze.to_owned()));
    }
    let digest = name.strip_prefix(BLOBS)?;
    is_digest(digest).then(|| Place::Blob(digest.to_owned()))
}

pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The name of the incident's own stream.
///
/// # Errors
/// A drill that is none.
pub(super) fn own(head: &Head) -> Result<String, String> {
    let drill = head.drill.as_deref().map(str::parse::<DrillId>).transpose();
    let drill = drill.map_err(|_| "its drill is none".to_owned())?;
    Ok(Stream::new(drill, Topic::Incident(head.incident)).to_string())
}
