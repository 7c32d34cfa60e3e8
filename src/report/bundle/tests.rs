use std::io::{Read, Write};

use proptest::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::*;
use crate::{
    incident::{
        Event, Fact, NewEvent, Stream, Topic,
        chain::{GENESIS, Place, seal},
        evidence::{
            Blob, EvidenceFrozen, EvidenceItemSet, ItemState, Manifest as Counts, Occasion, Origin, Predicate, Source,
        },
    },
    terms::{Author, FreezeId, IncidentId, Time},
};

const BLOB: &[u8] = b"authorization: Bearer abcdefghijklmnop\n";

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn actions() -> Vec<serde_json::Value> {
    (1..=3)
        .map(|n| json!({"at": "2026-11-20T14:05:41.120Z", "agent": "a", "tool": "t", "cost_usd": 0.1 * f64::from(n)}))
        .collect()
}

/// A small incident: a note, a freeze of three actions, a blob; and a switch of another stream.
fn events() -> Vec<Event> {
    let mut hash = Sha256::new();
    for action in actions() {
        hash.update(serde_json_canonicalizer::to_vec(&action).unwrap());
        hash.update(b"\n");
    }
    let manifest = Counts { count: 3, digest: hex::encode(hash.finalize()), read_to: 9, ..Counts::default() };
    let frozen = EvidenceFrozen {
        freeze: FreezeId(1),
        occasion: Occasion::Asked,
        pin: "p".into(),
        predicate: Predicate::default(),
        manifest,
        beside: None,
    };
    let blob =
        Blob { digest: digest(BLOB), bytes: BLOB.len() as u64, name: "log".into(), origin: Origin::File, exit: None };
    let set = EvidenceItemSet {
        item: "tool-calls".into(),
        state: ItemState::Held,
        why: None,
        expires_at: None,
        source: Some(Source::Blob(blob)),
    };
    let own = Topic::Incident(IncidentId(1));
    let facts = [
        (own, Fact::NoteAdded { text: "first \u{202e} note".into() }),
        (Topic::Holds, Fact::NoteAdded { text: "of another stream".into() }),
        (own, Fact::EvidenceFrozen(frozen)),
        (own, Fact::EvidenceItemSet(set)),
    ];
    let mut heads: std::collections::HashMap<Topic, (u64, String)> = std::collections::HashMap::new();
    let mut events = Vec::new();
    for (position, (topic, fact)) in (1u64..).zip(facts) {
        let (seq, prev) = heads.get(&topic).cloned().unwrap_or((if topic == own { 0 } else { 6 }, GENESIS.to_owned()));
        let stream = Stream::new(None, topic);
        let new = NewEvent { stream, occurred_at: Time::from_millis(5), by: Author::Person("dana".into()), fact };
        let id = Uuid::from_u128(u128::from(position));
        let place = Place { position, epoch: 1, seq: seq + 1, id, recorded_at: Time::from_millis(6), prev };
        let event = seal(new, place).unwrap();
        heads.insert(topic, (event.seq, event.hash.clone()));
        events.push(event);
    }
    events
}

fn head() -> Head {
    Head {
        format: FORMAT.into(),
        version: VERSION,
        incident: IncidentId(1),
        drill: None,
        as_of: 4,
        exported_at: Time::from_millis(9),
        by: "dana".into(),
        andon: "0.1.0".into(),
    }
}

fn with(change: impl FnOnce(&mut Vec<Event>, &mut Vec<serde_json::Value>)) -> Vec<u8> {
    let (mut events, mut actions) = (events(), actions());
    change(&mut events, &mut actions);
    let mut writer = Writer::new(Vec::new(), head()).unwrap();
    events.iter().for_each(|event| writer.event(event).unwrap());
    for (at, action) in actions.iter_mut().enumerate() {
        action["seq"] = json!(at + 1);
        writer.action(FreezeId(1), action).unwrap();
    }
    writer.blob(&digest(BLOB), BLOB.len() as u64, |to| to.write_all(BLOB)).unwrap();
    writer.postmortem("# So far").unwrap();
    let (bytes, written) = writer.finish().unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    bytes
}

fn checked(bytes: &[u8]) -> Report {
    verify(bytes, bytes.len() as u64)
}

fn broken(bytes: &[u8]) -> String {
    let report = checked(bytes);
    assert!(!report.ok);
    report.broken.expect("a broken link").to_string()
}

/// EVI.4: what was written checks; the same content is the same bytes; foreign readers pass over the seal.
#[test]
fn a_bundle_checks() {
    let bytes = with(|_, _| {});
    let report = checked(&bytes);
    assert_eq!(report.broken, None);
    assert!(report.ok && report.sealed && report.complete);
    assert_eq!((report.events, report.actions, report.blobs, report.links_elsewhere), (4, 3, 1, 6));
    assert_eq!(bytes, with(|_, _| {}));
    let mut tar = Vec::new();
    zstd::stream::read::Decoder::new(&bytes[..]).unwrap().read_to_end(&mut tar).unwrap();
    let names: Vec<String> = tar::Archive::new(&tar[..])
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names.first().map(String::as_str), Some("bundle.json"));
    assert_eq!(names.last().map(String::as_str), Some("manifest.sha256"));
}

/// EVI.4: not one changed byte, anywhere in the file, verifies; nor does any shorter or longer file; nothing panics.
#[test]
fn no_changed_byte_verifies() {
    let bytes = with(|_, _| {});
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!checked(&changed).ok, "byte {at}");
    }
    for length in 0..bytes.len() {
        assert!(!checked(&bytes[..length]).ok, "cut to {length}");
    }
    let longer = [&bytes[..], &[0][..]].concat();
    assert!(!checked(&longer).ok);
    assert!(broken(&bytes[..bytes.len() / 2]).starts_with("the file"), "{}", broken(&bytes[..bytes.len() / 2]));
}

/// EVI.4: a bundle made anew around a change still shows it: the chain, the freeze's digest, the blob's name.
#[test]
fn a_forged_bundle_names_its_first_broken_link() {
    type Change = fn(&mut Vec<Event>, &mut Vec<serde_json::Value>);
    let cases: [(Change, &str); 8] = [
        (
            |events, _| events[0].fact = Fact::NoteAdded { text: "other".into() },
            "incident/INC-1 event 1: its data was changed",
        ),
        (|events, _| events[2].by = Author::Person("lee".into()), "incident/INC-1 event 2: its envelope was changed"),
        (|events, _| drop(events.remove(0)), "incident/INC-1 event 2: an event before it is missing"),
        (|events, _| events[3].prev = GENESIS.into(), "incident/INC-1 event 3: its envelope was changed"),
        (|events, _| events[1].position = 1, "holds event 7: its position"),
        (|_, actions| actions[1]["cost_usd"] = json!(9), "telemetry of FRZ-1: an action was changed"),
        (|_, actions| drop(actions.pop()), "telemetry of FRZ-1: 2 actions, and the log says that 3"),
        (|_, actions| actions.clear(), "telemetry of FRZ-1: 0 actions"),
    ];
    for (change, named) in cases {
        let found = broken(&with(change));
        assert!(found.starts_with(named), "{found:?} is not {named:?}");
    }
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    framed(&tar.into_inner().unwrap())
}

fn framed(tar: &[u8]) -> Vec<u8> {
    let mut bytes = zstd::stream::encode_all(tar, 3).unwrap();
    let seal = outer::seal(&Sha256::digest(&bytes));
    bytes.extend(seal);
    bytes
}

/// Bad input: names that leave the folder, links, sizes that cannot be, files twice, archives in archives, a bomb.
#[test]
fn a_hostile_archive_is_refused() {
    let head = serde_json::to_vec(&head()).unwrap();
    for name in
        ["../../etc/passwd", "/etc/passwd", "blobs/../x", "events/1.jsonl", "telemetry/FRZ-1/../../x.jsonl", "x"]
    {
        let found = broken(&packed(&[("bundle.json", &head), (name, b"x")]));
        assert!(found.contains("no bundle has a file of this name"), "{name}: {found}");
    }
    let found = broken(&packed(&[("bundle.json", &head), ("bundle.json", &head)]));
    assert!(found.contains("twice"), "{found}");
    let blob = format!("blobs/{}", digest(BLOB));
    let found = broken(&packed(&[("bundle.json", &head), (&blob, BLOB)]));
    assert!(found.contains("no event of the incident names it"), "{found}");
    let found = broken(&packed(&[("incident.json", b"{}")]));
    assert!(found.contains("does not stand where"), "{found}");

    for kind in
        [tar::EntryType::Symlink, tar::EntryType::Directory, tar::EntryType::GNULongName, tar::EntryType::XHeader]
    {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_path("bundle.json").unwrap();
        header.set_entry_type(kind);
        header.set_size(1 << 40);
        header.set_cksum();
        tar.append(&header, &b""[..]).unwrap();
        let found = broken(&framed(&tar.into_inner().unwrap()));
        assert!(found.contains("no plain file"), "{kind:?}: {found}");
    }
    for (name, size) in [("bundle.json", 1u64 << 40), ("bundle.json", LARGE), ("incident.json", 1 << 40)] {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(size);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        tar.append(&header, &b""[..]).unwrap();
        let found = broken(&framed(&tar.into_inner().unwrap()));
        assert!(found.contains("larger than") || found.contains("where a bundle"), "{found}");
    }
}

/// More than a whole file may have, and less than the bundle could hold.
const LARGE: u64 = (64 << 20) + 1;

/// Bad input: a line without an end, in a file that a small bundle blows up to, is refused and not kept.
#[test]
fn a_bomb_is_refused_with_bounded_memory() {
    let head = serde_json::to_vec(&head()).unwrap();
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let size: u64 = 256 << 20;
    let write = |encoder: &mut zstd::stream::write::Encoder<'_, Vec<u8>>, name: &str, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(size);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        encoder.write_all(header.as_bytes()).unwrap();
    };
    write(&mut encoder, "bundle.json", head.len() as u64);
    encoder.write_all(&head).unwrap();
    encoder.write_all(&vec![0; 512 - head.len() % 512]).unwrap();
    write(&mut encoder, "events/000001.jsonl", size);
    let zeros = vec![b'['; 1 << 20];
    for _ in 0..size >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.write_all(&[0; 1024]).unwrap();
    let mut bytes = encoder.finish().unwrap();
    let seal = outer::seal(&Sha256::digest(&bytes));
    bytes.extend(seal);
    let found = broken(&bytes);
    assert!(found.contains("too long"), "{found}");
}

/// EVI.4: a blob that is not what was kept never gets into a bundle.
#[test]
fn a_changed_blob_ends_the_bundle() {
    let mut writer = Writer::new(Vec::new(), head()).unwrap();
    let changed = b"authorization: Bearer abcdefghijklmnoX\n";
    let refused = writer.blob(&digest(BLOB), BLOB.len() as u64, |to| to.write_all(changed)).unwrap_err();
    assert!(refused.to_string().contains(&digest(BLOB)), "{refused}");
}

proptest! {
    /// EVI.4: bytes that somebody made up, or stirred, never verify and never panic.
    #[test]
    fn no_made_up_file_verifies(
        noise in prop::collection::vec(any::<u8>(), 0..600),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..=255), 1..8),
    ) {
        prop_assert!(!checked(&noise).ok);
        prop_assert!(!checked(&framed(&noise)).ok);
        let good = with(|_, _| {});
        let mut bytes = good.clone();
        for (at, flip) in &flips {
            bytes[at.index(good.len())] ^= flip;
        }
        prop_assert_eq!(checked(&bytes).ok, bytes == good);
        // The same below the packing: the tar itself stirred and packed anew with a seal that fits.
        let mut tar = Vec::new();
        zstd::stream::read::Decoder::new(&good[..]).unwrap().read_to_end(&mut tar).unwrap();
        for (at, flip) in &flips {
            let at = at.index(tar.len());
            tar[at] ^= flip;
        }
        let _ = checked(&framed(&tar));
    }
}
