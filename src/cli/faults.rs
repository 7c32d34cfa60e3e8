//! `andon runbook report`, `reports`, `settle`: what people find wrong with the runbook (GOV.6).

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    incident::{
        Command,
        upkeep::{Fault, FaultEnd, ReportFault, SettleFault, Upkeep},
    },
    terms::{FaultId, IncidentId},
};

/// `andon runbook report`.
#[derive(Debug, Args)]
pub struct Report {
    /// What is wrong.
    what: String,
    /// Which class, tripwire, step or file it is about.
    #[arg(long)]
    about: Option<String>,
    /// The incident in which it was found.
    #[arg(long)]
    incident: Option<IncidentId>,
    /// Who is to see to it; the runbook's owner where nobody is named.
    #[arg(long)]
    owner: Option<String>,
}

/// `andon runbook settle`.
#[derive(Debug, Args)]
pub struct Settle {
    /// Which report.
    fault: FaultId,
    /// It was mended; say how.
    #[arg(long, value_name = "HOW", conflicts_with = "declined")]
    mended: Option<String>,
    /// It stays as it is; say why.
    #[arg(long, value_name = "WHY")]
    declined: Option<String>,
    /// Hand it to somebody else.
    #[arg(long)]
    owner: Option<String>,
}

pub async fn report(reach: &Reach, asked: Report) -> Result<(), Failed> {
    let Report { what, about, incident, owner } = asked;
    let ask = ReportFault { what, about, incident, owner };
    let accepted = reach.submit(Command::ReportFault(Box::new(ask))).await?;
    reach.told(&accepted, |kinds| format!("the runbook: {kinds}; `andon runbook reports` lists what is open"))
}

pub async fn settle(reach: &Reach, asked: Settle) -> Result<(), Failed> {
    let Settle { fault, mended, declined, owner } = asked;
    let (end, why) = match (mended, declined) {
        (Some(how), _) => (Some(FaultEnd::Mended), Some(how)),
        (None, Some(why)) => (Some(FaultEnd::Declined), Some(why)),
        (None, None) => (None, None),
    };
    let accepted = reach.submit(Command::SettleFault(Box::new(SettleFault { fault, end, why, owner }))).await?;
    reach.told(&accepted, |kinds| format!("{fault}: {kinds}"))
}

pub async fn list(reach: &Reach, all: bool) -> Result<(), Failed> {
    let upkeep: Upkeep = reach.client().await?.get(path::UPKEEP).await?;
    let faults: Vec<&Fault> =
        upkeep.faults.iter().map(AsRef::as_ref).filter(|fault| all || fault.settled.is_none()).collect();
    reach.show(&faults, |faults| {
        if faults.is_empty() {
            return print::line("nothing is reported of the runbook");
        }
        let rows: Vec<Vec<String>> = faults.iter().map(|fault| row(fault)).collect();
        print::table(&["REPORT", "SINCE", "BY", "OWNER", "ABOUT", "WHAT", "STANDS"], &rows)
    })
}

fn row(fault: &Fault) -> Vec<String> {
    let said = &fault.reported;
    let found = said.incident.map(|incident| format!(" ({incident})")).unwrap_or_default();
    let stands = match &fault.settled {
        None => "open".to_owned(),
        Some(settled) => format!("{}: {}", settled.end, settled.why.as_deref().unwrap_or_default()),
    };
    vec![
        said.fault.to_string(),
        print::clock(fault.at),
        fault.by.to_string(),
        said.owner.clone(),
        said.about.clone().unwrap_or_default(),
        format!("{}{found}", said.what),
        stands,
    ]
}
