//! `andon drill run --headless`: a recording played here, without a backend and without people (protocol 6).

use std::{
    io::{BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use super::{
    drills,
    print::{self, Failed},
    reach::Reach,
    recordings,
};
use crate::{
    drill::{Headless, Staging, headless, shipped},
    report::score as report,
};

/// What is played, and how.
pub struct Asked {
    pub name: String,
    pub speed: Option<f64>,
    pub seed: u64,
    /// Everything is halted so many seconds of the recording after its zero.
    pub halt_at: Option<f64>,
    /// Where every event is written to, one a line.
    pub events: Option<PathBuf>,
}

pub fn run(reach: &Reach, asked: Asked) -> Result<(), Failed> {
    let Asked { name, speed, seed, halt_at, events } = asked;
    let recording = match drills::place_of(reach, &name) {
        Some(file) => recordings::indexed(&file)?,
        None => shipped(&name)?,
    };
    if halt_at.is_some_and(|at| !(0.0..=1e12).contains(&at)) {
        return Err("--halt-at: seconds of the recording after its zero, 0 or more".into());
    }
    let halt_ms = halt_at.map(|at| (at * 1_000.0) as i64);
    let staging = Staging { name, speed: speed.unwrap_or(recording.speed()), seed, halt_ms };
    let mut file = events.as_ref().map(std::fs::File::create).transpose()?.map(BufWriter::new);
    let mut broken = None;
    let runbook = reach.settings.runbook()?;
    let played = headless(&Arc::new(recording), &runbook, &staging, |event| {
        let Some(file) = &mut file else { return };
        let line = serde_json::to_string(event).map_err(std::io::Error::other);
        if let Err(why) = line.and_then(|line| writeln!(file, "{line}")) {
            broken.get_or_insert(why);
        }
    });
    let played = played.map_err(|why| print::clean(why.to_string()).to_string())?;
    if let Some(mut file) = file {
        file.flush()?;
    }
    if let Some(why) = broken {
        return Err(why.into());
    }
    reach.show(&played, show)
}

fn show(played: &Headless) -> Result<(), Failed> {
    let Headless { name, seed, firings, harm, score, events, digest } = played;
    print::line(
        print::clean(format!("DRILL · {name}, seed {seed}: {} firings, {events} events", firings.len())).as_str(),
    )?;
    print::line(format!(
        "{} people, {}, {} records, {} messages harmed; {} actions stopped",
        harm.done.people, harm.done.money_usd, harm.done.records, harm.done.messages, harm.stopped
    ))?;
    if let Some(gained) = report::gained(score) {
        print::line(format!("harm ended {gained} than it did"))?;
    }
    print::line(format!("digest {digest}"))
}
