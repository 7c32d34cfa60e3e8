//! An incident's bundle, sent while it is written: nothing of it is kept here (EVI.4).

use std::{
    collections::HashSet,
    io::{self, BufWriter, Write},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use serde_json::Value;
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    backend::app::Backend,
    incident::{Event, Incident, Topic},
    report::bundle::{FORMAT, Head, VERSION, Writer, Written},
    runbook::Secrets,
    terms::{DrillId, FreezeId},
};

/// Bytes sent at a time.
const PIECE: usize = 64 << 10;
/// Pieces that wait for a slow receiver.
const WAITING: usize = 8;
/// Events read at a time.
const EVENTS: usize = 1_000;
/// Actions read at a time: each may be large.
const ACTIONS: usize = 100;
/// Places of secrets that are listed; more are counted.
const PLACES: usize = 10_000;

/// Which bundle.
pub struct Asked {
    /// The drill whose world it is of.
    pub drill: Option<DrillId>,
    /// The incident as it stood at `as_of`.
    pub incident: Arc<Incident>,
    /// The position of the log up to which it goes.
    pub as_of: u64,
    /// Who asks.
    pub by: String,
    /// The post-mortem so far.
    pub postmortem: String,
}

/// The bundle as it is written; it ends in an error where it could not be made.
pub fn bundle(backend: Arc<Backend>, asked: Asked) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let to = BufWriter::with_capacity(PIECE, Pipe(sender.clone()));
        match write(&backend, &asked, &handle, to) {
            Ok(written) => {
                tracing::info!(incident = %asked.incident.id, manifest = %written.manifest_sha256, "a bundle was made");
            }
            Err(why) => {
                tracing::warn!(incident = %asked.incident.id, %why, "a bundle was not made");
                // Whoever asked may be gone.
                let _ = sender.blocking_send(Err(why));
            }
        }
    });
    futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// What is written goes to whoever asked, who may be slow.
struct Pipe(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "whoever asked is gone");
        self.0.blocking_send(Ok(piece)).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where secrets stand in the bundle: nothing of them.
#[derive(Default, Serialize)]
struct Masked {
    /// What was looked for.
    patterns: Vec<String>,
    /// Events, as `STREAM SEQ`.
    events: Vec<String>,
    /// Actions, as `FREEZE SEQ`.
    actions: Vec<String>,
    /// Files and outputs: digest and how many secrets.
    blobs: Vec<(String, u64)>,
    /// Places beyond those that are listed.
    more: u64,
}

impl Masked {
    fn note(list: &mut Vec<String>, more: &mut u64, place: String) {
        if list.len() < PLACES { list.push(place) } else { *more += 1 }
    }
}

fn other(why: impl ToString) -> io::Error {
    io::Error::other(why.to_string())
}

fn write(backend: &Backend, asked: &Asked, handle: &Handle, to: impl Write) -> io::Result<Written> {
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        incident: asked.incident.id,
        drill: asked.drill.map(|drill| drill.to_string()),
        as_of: asked.as_of,
        exported_at: (backend.clock)(),
        by: asked.by.clone(),
        andon: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut writer = Writer::new(to, head)?;
    let secrets = backend.runbook.load().secrets.clone();
    let patterns = secrets.patterns().iter().map(|secret| secret.id.clone()).collect();
    let mut masked = Masked { patterns, ..Masked::default() };
    events(backend, asked, handle, &mut writer, &secrets, &mut masked)?;
    actions(backend, asked, handle, &mut writer, &secrets, &mut masked)?;
    blobs(backend, &mut writer, &secrets, &mut masked)?;
    writer.incident(&*asked.incident)?;
    writer.postmortem(&asked.postmortem)?;
    writer.masked(&masked)?;
    Ok(writer.finish()?.1)
}

fn events<W: Write>(
    backend: &Backend,
    asked: &Asked,
    handle: &Handle,
    writer: &mut Writer<W>,
    secrets: &Secrets,
    masked: &mut Masked,
) -> io::Result<()> {
    let mut about = About::of(asked);
    let mut position = 0;
    loop {
        let page = handle.block_on(backend.core.events_after(position, EVENTS)).map_err(other)?;
        let Some(last) = page.last().map(|event| event.position) else { return Ok(()) };
        for event in page.iter().filter(|event| event.position <= asked.as_of) {
            if !about.belongs(event) {
                continue;
            }
            writer.event(event)?;
            if secrets.are_in(&serde_json::to_string(&event.fact)?) {
                Masked::note(&mut masked.events, &mut masked.more, format!("{} {}", event.stream, event.seq));
            }
        }
        if last >= asked.as_of {
            return Ok(());
        }
        position = last;
    }
}

fn actions<W: Write>(
    backend: &Backend,
    asked: &Asked,
    handle: &Handle,
    writer: &mut Writer<W>,
    secrets: &Secrets,
    masked: &mut Masked,
) -> io::Result<()> {
    for freeze in &asked.incident.evidence.freezes {
        let predicate = freeze.until(asked.incident.closed_at);
        let mut after = 0;
        loop {
            let page =
                handle.block_on(super::pinned(backend, asked.drill, &predicate, after, ACTIONS)).map_err(other)?;
            let Some(last) = page.last().map(|kept| kept.seq) else { break };
            for kept in page.iter().filter(|kept| kept.seq <= freeze.read_to()) {
                writer.action(freeze.id, kept)?;
                if secrets.are_in(&serde_json::to_string(kept)?) {
                    Masked::note(&mut masked.actions, &mut masked.more, place(freeze.id, kept.seq));
                }
            }
            if last >= freeze.read_to() {
                break;
            }
            after = last;
        }
    }
    Ok(())
}

fn place(freeze: FreezeId, seq: u64) -> String {
    format!("{freeze} {seq}")
}

/// Each blob is read twice: one that was changed on the disk is told as absent, and the rest of the bundle is made.
fn blobs<W: Write>(
    backend: &Backend,
    writer: &mut Writer<W>,
    secrets: &Secrets,
    masked: &mut Masked,
) -> io::Result<()> {
    for (digest, bytes) in writer.named() {
        let named: crate::backend::blobs::Digest = digest.parse().map_err(other)?;
        let looked =
            backend.blobs.open(&named).map_err(other).and_then(|reading| reading.copy_masked(secrets, io::sink()));
        let count = match looked {
            Ok(count) => count,
            Err(why) => {
                writer.absent(&digest, why.to_string());
                continue;
            }
        };
        if count > 0 {
            masked.blobs.push((digest.clone(), count));
        }
        let reading = backend.blobs.open(&named).map_err(other)?;
        writer.blob(&digest, bytes, |to| reading.copy(to))?;
    }
    Ok(())
}

/// What of the other streams belongs to an incident: its switches, firings, agents, and the calls that waited under them.
struct About {
    drill: Option<DrillId>,
    incident: Topic,
    id: String,
    switches: HashSet<String>,
    firings: HashSet<String>,
    agents: HashSet<String>,
    holds: HashSet<String>,
}

impl About {
    fn of(asked: &Asked) -> Self {
        let incident = &asked.incident;
        Self {
            drill: asked.drill,
            incident: Topic::Incident(incident.id),
            id: incident.id.to_string(),
            switches: incident.switches.iter().map(ToString::to_string).collect(),
            firings: incident.firings.iter().map(ToString::to_string).collect(),
            agents: incident.agents.iter().map(ToString::to_string).collect(),
            holds: HashSet::new(),
        }
    }

    fn belongs(&mut self, event: &Event) -> bool {
        if event.stream.drill != self.drill {
            return false;
        }
        match event.stream.topic {
            topic @ Topic::Incident(_) => return topic == self.incident,
            Topic::Access | Topic::Drills | Topic::Runbook => return false,
            Topic::Switches | Topic::Holds | Topic::Agents | Topic::Tripwires => {}
        }
        let Ok((_, data)) = event.fact.parts() else { return false };
        let said = |name: &str| data.get(name).and_then(Value::as_str);
        let among = |name: &str, set: &HashSet<String>| said(name).is_some_and(|id| set.contains(id));
        let named = said("incident") == Some(&self.id)
            || among("switch", &self.switches)
            || among("firing", &self.firings)
            || among("hold", &self.holds)
            || (event.stream.topic == Topic::Agents && (among("id", &self.agents) || among("agent", &self.agents)));
        if named && let Some(hold) = said("hold") {
            self.holds.insert(hold.to_owned());
        }
        named
    }
}
