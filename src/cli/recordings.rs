//! `andon drill record`, `check`, `import`: recordings as files (DRL.2).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{State, path},
    drill::{Foreign, Harm, Item, Recording},
    incident::Incident,
    telemetry::Action,
    terms::{AgentId, IncidentId, Time},
    tripwire::{Tripwire, backtest},
};

/// The largest file that is read, in bytes, unpacked.
const LARGEST: u64 = 512 << 20;
/// Pinned actions asked for at once.
const PAGE: usize = 1_000;

/// `andon drill record`.
#[derive(Debug, Args)]
pub struct Record {
    /// INC-7.
    incident: IncidentId,
    /// Leave names and the title as they are; what agents wrote stays out all the same.
    #[arg(long)]
    keep_names: bool,
    /// Where to; a file that is not there yet. Without it the recording is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `andon drill check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A recording, or actions as NDJSON.
    file: PathBuf,
}

/// `andon drill import`.
#[derive(Debug, Args)]
pub struct Import {
    /// agentdojo, tau-bench, cloudtrail or otlp.
    #[arg(long)]
    from: Foreign,
    /// The file, packed with gzip or not.
    file: PathBuf,
    /// Where to; a file that is not there yet. Without it the recording is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is in a recording, as `--json` shows it.
#[derive(Serialize)]
struct Contents {
    title: String,
    starts: Time,
    speed: f64,
    lasts_s: f64,
    history: usize,
    actions: usize,
    marks: usize,
    agents: BTreeSet<AgentId>,
    tools: usize,
    harm: Harm,
    firings: Vec<Fires>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

/// A tripwire that opens, and how long after the start.
#[derive(Serialize)]
struct Fires {
    tripwire: Tripwire,
    agent: AgentId,
    detail: String,
    after_s: f64,
}

/// Needs no backend, and starts none.
pub fn check(reach: &Reach, asked: &Check) -> Result<(), Failed> {
    let recording = read(&asked.file)?;
    reach.show(&contents(reach, &recording, None)?, tell)
}

/// Needs no backend, and starts none.
pub fn import(reach: &Reach, asked: &Import) -> Result<(), Failed> {
    give(reach, &foreign(&asked.file, asked.from)?, asked.out.as_deref())
}

/// A recording of a file in a foreign form.
pub fn foreign(file: &Path, from: Foreign) -> Result<Recording, Failed> {
    let text = text_of(file, LARGEST)?;
    from.import(&text).map_err(|why| format!("{}: {}", file.display(), print::clean(why.to_string())).into())
}

/// DRL.2: a past incident, from what its evidence pins and what the log holds.
pub async fn record(reach: &Reach, asked: Record) -> Result<(), Failed> {
    let Record { incident: id, keep_names, out } = asked;
    let state: State = reach.get(path::STATE).await?;
    let incident =
        state.world.incidents.get(&id).ok_or_else(|| format!("there is no {id}; `andon incidents` lists them"))?;
    if incident.evidence.freezes.is_empty() {
        return Err(format!("{id} pins no telemetry; `andon evidence freeze {id}` does").into());
    }
    let actions = pinned(reach, incident).await?;
    let recording = Recording::of_incident(incident, &state.world, actions, keep_names);
    give(reach, &recording, out.as_deref())
}

/// A pinned action with its number in the store.
#[derive(Deserialize)]
struct Pinned {
    seq: u64,
    #[serde(flatten)]
    action: Action,
}

/// Every action that a freeze pins, once, in the order they came.
async fn pinned(reach: &Reach, incident: &Incident) -> Result<Vec<Action>, Failed> {
    let client = reach.client().await?;
    let mut found = BTreeMap::new();
    for freeze in &incident.evidence.freezes {
        let mut after = 0;
        loop {
            let place = path::pinned(incident.id, freeze.id, after, PAGE, reach.world);
            let page: Vec<Pinned> = client.get(&place).await?;
            let last = page.last().map(|last| last.seq);
            let whole = page.len() == PAGE;
            found.extend(page.into_iter().map(|Pinned { seq, action }| (seq, action)));
            match last {
                Some(last) if whole => after = last,
                _ => break,
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Reads a recording.
pub fn read(file: &Path) -> Result<Recording, Failed> {
    let text = text_of(file, LARGEST)?;
    let recording = Recording::parse(&text);
    recording.map_err(|why| format!("{}: {}", file.display(), print::clean(why.to_string())).into())
}

/// Reads a recording to be played: of what harms nothing only its place is held.
pub fn indexed(file: &Path) -> Result<Recording, Failed> {
    let read = Recording::indexed(text_of(file, LARGEST)?.into());
    read.map(|(recording, _)| recording)
        .map_err(|why| format!("{}: {}", file.display(), print::clean(why.to_string())).into())
}

/// A file's text, unpacked where it is packed.
pub fn text_of(file: &Path, largest: u64) -> Result<String, Failed> {
    let place = file.display();
    let wrong = |why: std::io::Error| Failed(format!("{place}: {why}"));
    let mut opened = std::fs::File::open(file).map_err(wrong)?;
    let mut bytes = Vec::new();
    (&mut opened).take(largest + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let mut packed = flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(largest + 1);
        packed.read_to_end(&mut unpacked).map_err(|why| format!("{place} is packed, and broken or cut off: {why}"))?;
        bytes = unpacked;
    }
    if bytes.len() as u64 > largest {
        return Err(format!("{place} is larger than {} MiB; split it", largest >> 20).into());
    }
    String::from_utf8(bytes).map_err(|_| format!("{place} is no UTF-8 text").into())
}

/// Prints a recording, or writes it and says what is in it.
fn give(reach: &Reach, recording: &Recording, out: Option<&Path>) -> Result<(), Failed> {
    let text = recording.write()?;
    let Some(out) = out else {
        return print::line(text.trim_end());
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let mut file = file.map_err(|why| format!("cannot write {}: {why}", out.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|why| format!("{}: {why}", out.display()))?;
    reach.show(&contents(reach, recording, Some(out.to_owned()))?, tell)
}

fn contents(reach: &Reach, recording: &Recording, file: Option<PathBuf>) -> Result<Contents, Failed> {
    let plan = reach.settings.runbook()?.tripwires.clone();
    let firings = backtest(recording.actions(), &recording.agents, plan);
    let marks = recording.moments.iter().filter(|moment| matches!(moment.item, Item::Mark(_))).count();
    Ok(Contents {
        title: recording.title.clone(),
        starts: recording.starts,
        speed: recording.speed(),
        lasts_s: recording.length_s() / recording.speed(),
        history: recording.history.len(),
        actions: recording.moments.len() - marks,
        marks,
        agents: recording.actions().map(|action| action.agent.clone()).collect(),
        tools: recording.actions().map(Action::what).collect::<BTreeSet<_>>().len(),
        harm: recording.harm(),
        firings: firings
            .into_iter()
            .map(|line| Fires {
                after_s: recording.second(line.at),
                tripwire: line.tripwire,
                agent: line.agent,
                detail: line.detail,
            })
            .collect(),
        file,
    })
}

fn tell(contents: &Contents) -> Result<(), Failed> {
    let Contents { title, speed, lasts_s, history, actions, marks, agents, tools, harm, firings, .. } = contents;
    print::line(print::clean(title).as_str())?;
    print::line(format!(
        "{actions} actions of {} agents with {tools} tools, {history} before the start; {marks} marks; {} at ×{speed}",
        agents.len(),
        print::span(*lasts_s)
    ))?;
    let Harm { records, money_usd, people, messages } = harm;
    print::line(format!("unstopped it harms {records} records, {people} people, {messages} messages and {money_usd}"))?;
    for Fires { tripwire, agent, detail, after_s } in firings {
        let detail = if detail.is_empty() { String::new() } else { format!(" · {detail}") };
        print::line(
            print::clean(format!("fires after {}: {tripwire} {agent}{detail}", print::span(*after_s))).as_str(),
        )?;
    }
    if firings.is_empty() {
        print::line("no tripwire fires")?;
    }
    if let Some(file) = &contents.file {
        print::line(format!("{} is written; play it: andon drill run {0}", print::clean(file.display().to_string())))?;
    }
    Ok(())
}
