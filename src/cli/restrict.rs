//! `andon restrict`: who alone sees an incident (TEAM.9).

use clap::Args;

use super::{print::Failed, reach::Reach};
use crate::{
    incident::{
        IncidentCommand,
        restriction::{EnterRestricted, LiftRestriction, Restrict},
    },
    terms::IncidentId,
};

/// `andon restrict`.
#[derive(Debug, Args)]
pub struct Restriction {
    /// INC-7.
    incident: IncidentId,
    /// Who sees it from now on, and you; the list takes the place of the one before.
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME", required_unless_present_any = ["lift", "enter"])]
    to: Vec<String>,
    /// Everybody sees it again.
    #[arg(long, conflicts_with_all = ["to", "enter"])]
    lift: bool,
    /// Let yourself in, though you are not named: an override, which those who are named see.
    #[arg(long, conflicts_with = "to")]
    enter: bool,
    /// Why.
    #[arg(long)]
    why: String,
}

pub async fn run(reach: &Reach, asked: Restriction) -> Result<(), Failed> {
    let Restriction { incident, to, lift, enter, why } = asked;
    let ask = match (lift, enter) {
        (true, _) => IncidentCommand::LiftRestriction(LiftRestriction { why }),
        (_, true) => IncidentCommand::EnterRestricted(EnterRestricted { why }),
        _ => IncidentCommand::Restrict(Restrict { people: to, why }),
    };
    reach.ask(incident, ask).await
}
