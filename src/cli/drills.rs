//! `andon drill`.

use clap::Subcommand;
use uuid::Uuid;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{Accepted, Ask, DrillStarted, RecordingView, StartDrill, path},
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
        /// The recording's name.
        name: String,
        /// How many times faster than recorded, 0.1 to 1000; as the recording says where you do not.
        #[arg(long)]
        speed: Option<f64>,
        /// Seed of its ids: the same seed, the same ids.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// End a drill; its world stays to be read.
    End {
        /// DRILL-1.
        drill: DrillId,
    },
}

pub async fn run(reach: &Reach, asked: Drill) -> Result<(), Failed> {
    let client = reach.client().await?;
    match asked {
        Drill::List => {
            let recordings: Vec<RecordingView> = client.get(&format!("{}/recordings", path::DRILLS)).await?;
            let takes: Vec<incident::Drill> = client.get(path::DRILLS).await?;
            let all = serde_json::json!({ "recordings": recordings, "drills": takes });
            reach.show(&all, |_| list(&recordings, &takes))
        }
        Drill::Run { name, speed, seed } => {
            let ask = Ask { id: Uuid::now_v7(), command: StartDrill { name, speed, seed } };
            let started: DrillStarted = client.post(path::DRILLS, &ask).await?;
            reach.show(&started, |started| {
                let DrillStarted { id, title, lasts_s } = started;
                print::line(format!("{id} plays for {}: {}", print::span(*lasts_s), print::clean(title)))?;
                print::line(format!("follow it: andon --world {id}   ·   end it: andon drill end {id}"))
            })
        }
        Drill::End { drill } => {
            let accepted: Accepted = client.delete(&format!("{}/{drill}", path::DRILLS)).await?;
            reach.told(&accepted, |kinds| format!("{drill}: {kinds}"))
        }
    }
}

fn list(recordings: &[RecordingView], takes: &[incident::Drill]) -> Result<(), Failed> {
    let rows: Vec<Vec<String>> = recordings.iter().map(|one| vec![one.name.clone(), one.title.clone()]).collect();
    print::table(&["RECORDING", "WHAT HAPPENS"], &rows)?;
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
