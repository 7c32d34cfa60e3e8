//! The post-mortem: read as Markdown or JSON; written field by field or from a file; filed (PM).

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{ProposeTripwires, path},
    incident::{
        Fact, IncidentCommand,
        postmortem::{
            CaseKind, DeltaKind, DeltaState, DropCase, FilePostmortem, ProposeDelta, RegressionCase, SetPostmortem,
            SettleDelta,
        },
    },
    runbook::TripwirePlan,
    terms::{IncidentId, Time},
};

/// `andon postmortem`.
#[derive(Debug, Args)]
pub struct Postmortem {
    /// INC-7.
    incident: IncidentId,
    #[command(subcommand)]
    what: Option<What>,
    /// Markdown, one HTML page, or JSON.
    #[arg(long, default_value = "md")]
    format: Format,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a post-mortem is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Markdown.
    Md,
    /// One page that needs nothing beside it.
    Html,
    /// JSON.
    Json,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a field, or everything at once from a TOML file.
    Set(Set),
    /// Regression cases.
    #[command(subcommand)]
    Case(Case),
    /// Proposed changes to runbook, tripwires, logging and release gates, followed until merged.
    #[command(subcommand)]
    Delta(Delta),
    /// File it; what is missing is listed at once.
    File {
        /// The reason to file it although something is missing.
        #[arg(long, value_name = "WHY")]
        over: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Set {
    /// root-trigger, failed-control, prevention …; a wrong one lists them all.
    #[arg(required_unless_present = "file", requires = "text")]
    field: Option<String>,
    /// Its text; an empty one takes the field back.
    text: Option<String>,
    /// A TOML file: `field = "text"` lines, `[[case]]` and `[[delta]]` tables.
    #[arg(long, conflicts_with = "field")]
    file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Case {
    /// Add one, or replace the one of that name.
    Add {
        /// Its name: refund-paid-twice.
        name: String,
        /// Which evaluation: regression, approval-boundary, tool-selection, citation-audit, support-scorecard, canary-gate.
        #[arg(long)]
        kind: CaseKind,
        /// What goes in.
        #[arg(long)]
        input: String,
        /// What must come of it.
        #[arg(long)]
        expected: String,
        /// How a grader tells, in words.
        #[arg(long, default_value = "")]
        grader: String,
        /// The action it was taken from, by id, run or trace.
        #[arg(long)]
        source: Option<String>,
    },
    /// Take one back.
    Drop {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum Delta {
    /// Propose a change.
    Add {
        /// What it changes: runbook, tripwire, logging, gate.
        kind: DeltaKind,
        /// How, in words.
        text: String,
        /// Who answers for it.
        #[arg(long)]
        owner: String,
        /// Until when: 2026-12-04.
        #[arg(long)]
        due: Option<String>,
    },
    /// Propose tripwires from files, proved by a backtest over this incident's own telemetry.
    Tripwire(Proposed),
    /// It is in force.
    Merged {
        /// Its number.
        number: u32,
        /// Where: a commit, a release, a ticket.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// It is given up.
    Dropped {
        /// Its number.
        number: u32,
        /// Why.
        #[arg(long)]
        why: String,
    },
}

#[derive(Debug, Args)]
struct Proposed {
    /// tripwires.toml or rules.toml as proposed; may be said again.
    #[arg(long, required = true)]
    file: Vec<PathBuf>,
    /// What changes, in words.
    #[arg(long)]
    text: Option<String>,
    /// Who answers for it.
    #[arg(long, required_unless_present = "preview")]
    owner: Option<String>,
    /// Until when: 2026-12-04.
    #[arg(long)]
    due: Option<String>,
    /// Where the incident's window begins (RFC 3339); a day before the first thing known of it where left out.
    #[arg(long, value_name = "T")]
    since: Option<Time>,
    /// Days before its end in which false alarms are counted.
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Only show what they would have done.
    #[arg(long)]
    preview: bool,
}

/// The TOML file of `--file`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Whole {
    case: Vec<RegressionCase>,
    delta: Vec<ProposeDelta>,
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

pub async fn run(reach: &Reach, asked: Postmortem) -> Result<(), Failed> {
    let Postmortem { incident, what, format, out } = asked;
    let ask = match what {
        None => return read(reach, incident, format, out).await,
        Some(What::Set(set)) => IncidentCommand::SetPostmortem(set.wanted()?),
        Some(What::Case(Case::Add { name, kind, input, expected, grader, source })) => {
            let case = RegressionCase { name, kind, input, expected, grader, source };
            IncidentCommand::SetPostmortem(SetPostmortem { cases: vec![case], ..SetPostmortem::default() })
        }
        Some(What::Case(Case::Drop { name })) => IncidentCommand::DropCase(DropCase { name }),
        Some(What::Delta(Delta::Add { kind, text, owner, due })) => {
            let delta = ProposeDelta { kind, text, owner, due, backtest: None };
            IncidentCommand::SetPostmortem(SetPostmortem { deltas: vec![delta], ..SetPostmortem::default() })
        }
        Some(What::Delta(Delta::Tripwire(proposed))) => return tripwires(reach, incident, proposed).await,
        Some(What::Delta(Delta::Merged { number, note })) => {
            IncidentCommand::SettleDelta(SettleDelta { delta: number, state: DeltaState::Merged, note })
        }
        Some(What::Delta(Delta::Dropped { number, why })) => {
            IncidentCommand::SettleDelta(SettleDelta { delta: number, state: DeltaState::Dropped, note: why })
        }
        Some(What::File { over }) => IncidentCommand::FilePostmortem(FilePostmortem { over }),
    };
    reach.ask(incident, ask).await
}

impl Set {
    fn wanted(self) -> Result<SetPostmortem, Failed> {
        let Some(file) = self.file else {
            let fields = self.field.zip(self.text).into_iter().collect();
            return Ok(SetPostmortem { fields, ..SetPostmortem::default() });
        };
        let text = std::fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
        let Whole { case, delta, fields } =
            toml::from_str(&text).map_err(|why| format!("{}: {why}", file.display()))?;
        Ok(SetPostmortem { fields, cases: case, deltas: delta })
    }
}

/// The texts of files that hold tripwires, by what they stand in for.
pub(super) fn tripwire_texts(files: &[PathBuf]) -> Result<BTreeMap<String, String>, Failed> {
    let mut texts = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // `proposed-rules.toml` is a rules.toml.
        let known = TripwirePlan::FILES.into_iter().find(|known| name.ends_with(known));
        texts.insert(known.map_or(name, str::to_owned), text);
    }
    Ok(texts)
}

/// PM.3: shown, or proposed with its figures.
async fn tripwires(reach: &Reach, incident: IncidentId, asked: Proposed) -> Result<(), Failed> {
    let texts = tripwire_texts(&asked.file)?;
    let Proposed { text, owner, due, since, days, preview, .. } = asked;
    let wanted = ProposeTripwires { texts, text, owner, due, since, days };
    let client = reach.client().await?;
    if preview {
        let seen = client.try_tripwires(reach.world, incident, &wanted).await?;
        return reach.show(&seen, |seen| print::line(seen.verdict()));
    }
    let accepted = client.propose_tripwires(reach.world, incident, wanted).await?;
    let proof = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::DeltaProposed(delta) => Some(format!("change {}: {}", delta.delta, delta.backtest.as_ref()?.verdict())),
        _ => None,
    });
    reach.told(&accepted, |kinds| proof.clone().unwrap_or(kinds))
}

async fn read(reach: &Reach, incident: IncidentId, format: Format, out: Option<PathBuf>) -> Result<(), Failed> {
    let format = if reach.json { Format::Json } else { format };
    let accept = match format {
        Format::Md => "text/markdown",
        Format::Html => "text/html",
        Format::Json => "application/json",
    };
    let text = reach.client().await?.get_text(&reach.at(path::postmortem(incident)), accept).await?;
    write(text.trim_end(), out)
}

/// Prints it, or writes it to a file.
pub(super) fn write(text: &str, out: Option<PathBuf>) -> Result<(), Failed> {
    let Some(out) = out else { return print::line(text) };
    std::fs::write(&out, format!("{text}\n")).map_err(|why| format!("{}: {why}", out.display()))?;
    eprintln!("written to {}", out.display());
    Ok(())
}
