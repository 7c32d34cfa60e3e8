//! Regression cases for evaluation tools (PM.6).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{postmortem::write, print::Failed, reach::Reach};
use crate::{
    api::{IncidentView, path},
    report::{EvalFormat, samples},
    terms::IncidentId,
};

/// `andon eval`.
#[derive(Debug, Subcommand)]
pub enum Eval {
    /// Write an incident's regression cases as JSON Lines.
    Export(Export),
}

/// `andon eval export`.
#[derive(Debug, Args)]
pub struct Export {
    /// INC-7.
    incident: IncidentId,
    /// inspect (Inspect's samples) or jsonl (the cases as they were filed).
    #[arg(long, default_value = "inspect")]
    format: EvalFormat,
    /// Write them to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn run(reach: &Reach, asked: Eval) -> Result<(), Failed> {
    let Eval::Export(Export { incident, format, out }) = asked;
    let view: IncidentView = reach.get(path::incident(incident)).await?;
    let samples = samples(&view.incident, format, str::to_owned);
    if samples.is_empty() {
        return Err(
            format!("{incident} has no regression case; `andon postmortem {incident} case add` adds one").into()
        );
    }
    let lines: Vec<String> = samples.iter().map(ToString::to_string).collect();
    write(&lines.join("\n"), out)
}
