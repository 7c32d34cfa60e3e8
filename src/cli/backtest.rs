//! `andon tripwires backtest`: tripwires tried over recordings or stored telemetry, beside those in force (DET.8).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use super::{
    drills, postmortem,
    print::{self, Failed},
    reach::Reach,
    recordings,
};
use crate::{
    api::{CompareTripwires, ComparedTripwires, path},
    drill::{Foreign, Recording, SHIPPED},
    runbook::TripwirePlan,
    terms::{AgentId, Time},
    tripwire::{Bearing, Change, DeltaRow, FiringLine, SetTally, TripwireDelta, backtest},
};

/// `andon tripwires backtest`.
#[derive(Debug, Args)]
pub struct Backtest {
    /// Recordings by name, or files: recordings, actions as NDJSON, or what --from says; `all` is every one that ships.
    #[arg(required_unless_present = "stored")]
    recordings: Vec<String>,
    /// tripwires.toml or rules.toml as proposed; may be said again. Without one, only what is in force is tried.
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The files are agentdojo, tau-bench, cloudtrail or otlp.
    #[arg(long, conflicts_with = "stored")]
    from: Option<Foreign>,
    /// The agents' declarations, JSON or TOML, beside those that a recording holds.
    #[arg(long, conflicts_with = "stored")]
    agents: Option<PathBuf>,
    /// Try them over the telemetry that the backend keeps.
    #[arg(long, conflicts_with = "recordings")]
    stored: bool,
    /// Days of it that are looked at.
    #[arg(long, default_value_t = 30, requires = "stored")]
    days: u32,
}

/// One recording, tried.
#[derive(Serialize)]
struct Tried {
    recording: String,
    title: String,
    actions: usize,
    starts: Time,
    /// When something is harmed first; absent where the recording counts no harm.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_harm_at: Option<Time>,
    #[serde(flatten)]
    delta: TripwireDelta,
}

pub async fn run(reach: &Reach, asked: Backtest) -> Result<(), Failed> {
    let texts = postmortem::tripwire_texts(&asked.files)?;
    if asked.stored {
        let wanted = CompareTripwires { texts, days: asked.days };
        let seen: ComparedTripwires = reach.client().await?.post(&reach.at(path::COMPARE_TRIPWIRES), &wanted).await?;
        return reach.show(&seen, |seen| {
            let cut = if seen.cut { ", the newest that are stored" } else { "" };
            print::line(format!("stored telemetry since {}: {} actions{cut}", print::clock(seen.from), seen.actions))?;
            tell(&seen.delta, seen.from)
        });
    }
    let present = reach.settings.runbook()?.tripwires.clone();
    let proposed = proposed(&present, &texts)?;
    let all = asked.recordings.iter().flat_map(|name| match name.as_str() {
        "all" => SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect(),
        _ => vec![name.clone()],
    });
    let mut tried = Vec::new();
    for name in all.collect::<Vec<_>>() {
        let mut recording = load(reach, &name, asked.from)?;
        if let Some(file) = &asked.agents {
            recording.agents.extend(super::agents::read(file)?);
        }
        tried.push(judge(name, &recording, &present, proposed.as_ref()));
    }
    reach.show(&tried, |tried| tried.iter().try_for_each(show))
}

fn proposed(present: &TripwirePlan, texts: &BTreeMap<String, String>) -> Result<Option<TripwirePlan>, Failed> {
    (!texts.is_empty()).then(|| present.proposed(texts)).transpose().map_err(Failed::from)
}

/// A recording by name, from the folder of one's own, or from a file in any form that is read.
fn load(reach: &Reach, name: &str, from: Option<Foreign>) -> Result<Recording, Failed> {
    if let Some(form) = from {
        return recordings::foreign(Path::new(name), form);
    }
    match drills::place_of(reach, name) {
        Some(file) => recordings::read(&file),
        None => crate::drill::shipped(name).map_err(Failed::from),
    }
}

/// A firing in the quiet days, or of an agent that harms nothing where others do, is a false alarm; one before the first harm
/// is early. Where a recording counts no harm, only its quiet days tell.
fn judge(name: String, recording: &Recording, present: &TripwirePlan, proposed: Option<&TripwirePlan>) -> Tried {
    let fires = |plan: &TripwirePlan| backtest(recording.actions(), &recording.agents, plan.clone());
    let first_harm_at = recording.first_harm_at();
    let harmful: BTreeSet<&AgentId> = recording.harmful_agents().collect();
    let bearing = |line: &FiringLine| match first_harm_at {
        _ if line.at < recording.starts => Bearing::FalseAlarm,
        _ if !harmful.is_empty() && !harmful.contains(&line.agent) => Bearing::FalseAlarm,
        Some(first) if line.at < first => Bearing::Early,
        Some(_) => Bearing::Due,
        None => Bearing::Early,
    };
    let delta = TripwireDelta::of(&fires(present), proposed.map(fires).as_deref(), bearing);
    Tried {
        recording: name,
        title: recording.title.clone(),
        actions: recording.actions().count(),
        starts: recording.starts,
        first_harm_at,
        delta,
    }
}

fn show(tried: &Tried) -> Result<(), Failed> {
    let Tried { recording, title, actions, starts, first_harm_at, delta } = tried;
    let harm = first_harm_at.map(|at| format!(", the first harm {}", after(at, *starts)));
    let said = format!("{recording}: {title} ({actions} actions{})", harm.unwrap_or_default());
    print::line(print::clean(said).as_str())?;
    tell(delta, *starts)
}

fn after(at: Time, starts: Time) -> String {
    let seconds = at.since(starts) as f64 / 1_000.0;
    if seconds < 0.0 {
        format!("{} before the start", print::span(seconds))
    } else {
        format!("after {}", print::span(seconds))
    }
}

fn tell(delta: &TripwireDelta, starts: Time) -> Result<(), Failed> {
    let at = |at: Option<Time>| at.map_or_else(|| "–".to_owned(), |at| after(at, starts));
    let row = |row: &DeltaRow| {
        let by = row.earlier_s.map(|earlier| format!(" {}", print::span(earlier)));
        let change = match row.change {
            Some(change @ (Change::Earlier | Change::Later)) => format!("{change}{}", by.unwrap_or_default()),
            Some(change) => change.to_string(),
            None => String::new(),
        };
        let about = if row.detail.is_empty() { String::new() } else { format!(" · {}", row.detail) };
        vec![
            format!("{} {}{about}", row.tripwire, row.agent),
            at(row.present_at),
            at(row.proposed_at),
            change,
            row.bearing.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = delta.rows.iter().map(row).collect();
    if rows.is_empty() {
        print::line("  nothing fires")?;
    } else if delta.proposed.is_some() {
        print::table(&["FIRES ON", "IN FORCE", "PROPOSED", "CHANGE", "WORTH"], &rows)?;
    } else {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| [&row[..2], &row[4..]].concat()).collect();
        print::table(&["FIRES ON", "IN FORCE", "WORTH"], &rows)?;
    }
    let set =
        |set: &SetTally| format!("{} firings, {} early, {} false alarms", set.firings, set.early, set.false_alarms);
    print::line(format!("in force: {}", set(&delta.present)))?;
    let Some(proposed) = &delta.proposed else { return Ok(()) };
    let first = match (delta.present.first_at, proposed.first_at, delta.earlier_s) {
        (_, _, Some(0.0)) => "; the first comes at the same moment".to_owned(),
        (_, _, Some(earlier)) if earlier > 0.0 => format!("; the first comes {} earlier", print::span(earlier)),
        (_, _, Some(later)) => format!("; the first comes {} later", print::span(later)),
        (None, Some(_), _) => "; it fires where what is in force does not".to_owned(),
        (Some(_), None, _) => "; it does not fire where what is in force does".to_owned(),
        _ => String::new(),
    };
    print::line(format!("proposed: {}{first}", set(proposed)))
}
