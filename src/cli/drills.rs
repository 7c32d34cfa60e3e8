//! `andon drill`.

use std::{path::PathBuf, sync::Arc};

use clap::Subcommand;
use uuid::Uuid;

use super::{
    cockpit, headless,
    print::{self, Failed},
    reach::Reach,
    recordings, scores, steering,
};
use crate::{
    api::{Accepted, Ask, DrillStarted, LONGEST_RECORDING, RecordingView, StartDrill, path},
    drill::SHIPPED,
    incident,
    terms::DrillId,
};

/// `andon drill`.
#[derive(Debug, Subcommand)]
pub enum Drill {
    /// List the recordings that can be played, and the drills that were.
    List,
    /// Play a recording in a world of its own. Nothing in it is real.
    Run {
        /// The name of a shipped recording or of one in the `drills` folder beside your config, or a file of your own.
        name: String,
        /// How many times faster than recorded, 0.1 to 1000; as the recording says where you do not.
        #[arg(long)]
        speed: Option<f64>,
        /// Seed of its ids: the same seed, the same ids.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Watch it in the cockpit from its first moment.
        #[arg(long, conflicts_with = "headless")]
        watch: bool,
        /// Play it here at once, without a backend and without people, and say what it comes to.
        #[arg(long)]
        headless: bool,
        /// Headless: everything is halted so many seconds of the recording after its zero.
        #[arg(long, value_name = "S", requires = "headless")]
        halt_at: Option<f64>,
        /// Headless: write every event to this file, one a line.
        #[arg(long, value_name = "FILE", requires = "headless")]
        events: Option<PathBuf>,
    },
    #[command(flatten)]
    Steer(steering::Steering),
    /// Say what a drill came to: harm, minutes gained, each step against its target, by role; what nobody did.
    Score(scores::Asked),
    /// What every drill came to, oldest first; none of it counts among the figures of incidents.
    History,
    /// Make a recording of a past incident, without its names.
    Record(recordings::Record),
    /// Say what is in a recording, or what is wrong with it.
    Check(recordings::Check),
    /// Make a recording of what others wrote down: runs of benchmarks, an audit log, traces.
    Import(recordings::Import),
    /// End a drill; its world stays to be read.
    End {
        /// DRILL-1.
        drill: DrillId,
    },
}

pub async fn run(reach: &Reach, asked: Drill) -> Result<(), Failed> {
    match asked {
        Drill::List => all(reach).await,
        Drill::Run { name, speed, seed, headless: true, halt_at, events, .. } => {
            headless::run(reach, headless::Asked { name, speed, seed, halt_at, events })
        }
        Drill::Run { name, speed, seed, watch, .. } => {
            if watch {
                cockpit::on_a_terminal()?;
            }
            let (name, recording) = named(reach, &name)?;
            let ask = Ask { id: Uuid::now_v7(), command: StartDrill { name, recording, speed, seed } };
            let started: DrillStarted = reach.client().await?.post(path::DRILLS, &ask).await?;
            if watch {
                let inside = Reach::new(reach.settings.clone(), Some(started.id), false);
                return cockpit::cockpit(Arc::new(inside), None, None).await;
            }
            reach.show(&started, |started| {
                let DrillStarted { id, title, lasts_s } = started;
                print::line(format!("{id} plays for {}: {}", print::span(*lasts_s), print::clean(title)))?;
                print::line(format!("follow it: andon --world {id}   ·   end it: andon drill end {id}"))
            })
        }
        Drill::Steer(asked) => steering::run(reach, asked).await,
        Drill::End { drill } => {
            let accepted: Accepted = reach.client().await?.delete(&format!("{}/{drill}", path::DRILLS)).await?;
            reach.told(&accepted, |kinds| format!("{drill}: {kinds}"))
        }
        Drill::Score(asked) => scores::score(reach, asked).await,
        Drill::History => scores::history(reach).await,
        Drill::Record(asked) => recordings::record(reach, asked).await,
        Drill::Check(asked) => recordings::check(reach, &asked),
        Drill::Import(asked) => recordings::import(reach, &asked),
    }
}

async fn all(reach: &Reach) -> Result<(), Failed> {
    let client = reach.client().await?;
    let mut recordings: Vec<RecordingView> = client.get(&format!("{}/recordings", path::DRILLS)).await?;
    recordings.extend(own(reach));
    let takes: Vec<incident::Drill> = client.get(path::DRILLS).await?;
    let all = serde_json::json!({ "recordings": recordings, "drills": takes });
    reach.show(&all, |_| list(&recordings, &takes))
}

/// The file of one's own recording, given by name or place; none where what ships is meant.
pub(super) fn place_of(reach: &Reach, given: &str) -> Option<PathBuf> {
    if given.contains(['/', '.']) {
        return Some(PathBuf::from(given));
    }
    let shipped = SHIPPED.iter().any(|(name, _)| *name == given);
    let file = reach.settings.drills_folder.join(format!("{given}.jsonl"));
    (!shipped && file.is_file()).then_some(file)
}

/// A recording by its name, or the text of one's own by its file or from the folder.
pub(super) fn named(reach: &Reach, given: &str) -> Result<(String, Option<String>), Failed> {
    let Some(file) = place_of(reach, given) else { return Ok((given.to_owned(), None)) };
    let text = recordings::text_of(&file, LONGEST_RECORDING as u64)?;
    let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, Some(text)))
}

/// What lies in the folder of one's own recordings and reads.
pub(super) fn own(reach: &Reach) -> Vec<RecordingView> {
    let entries = std::fs::read_dir(&reach.settings.drills_folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let view = |file: PathBuf| {
        let name = file.file_stem()?.to_string_lossy().into_owned();
        Some(RecordingView::of(name, &recordings::read(&file).ok()?))
    };
    files.into_iter().filter_map(view).collect()
}

fn list(recordings: &[RecordingView], takes: &[incident::Drill]) -> Result<(), Failed> {
    let row = |one: &RecordingView| {
        let lasts = if one.speed > 0.0 { print::span(one.length_s / one.speed) } else { String::new() };
        vec![one.name.clone(), format!("×{}", one.speed), lasts, one.harm.to_string(), one.title.clone()]
    };
    let rows: Vec<Vec<String>> = recordings.iter().map(row).collect();
    print::table(&["RECORDING", "SPEED", "PLAYS FOR", "HARMS", "WHAT HAPPENS"], &rows)?;
    if takes.is_empty() {
        return Ok(());
    }
    print::line("")?;
    let rows: Vec<Vec<String>> = takes
        .iter()
        .map(|take| {
            let state = take.ended_at.map_or("open".to_owned(), |at| format!("ended {}", print::clock(at)));
            let speed = format!("×{}", take.speed);
            let by = take.started_by.to_string();
            vec![take.id.to_string(), take.name.clone(), speed, print::clock(take.started_at), by, state]
        })
        .collect();
    print::table(&["DRILL", "RECORDING", "SPEED", "BEGAN", "BY", "STATE"], &rows)
}
