//! `andon firings`, `andon ack`.

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    incident::{Command, Event, Fact, IncidentCommand, World, containment::AutoStage},
    terms::{FiringId, IncidentId},
    tripwire::{Firing, FiringState},
};

/// `andon firings`.
#[derive(Debug, Args)]
pub struct List {
    /// Closed ones too.
    #[arg(long)]
    all: bool,
    /// Go on printing what fires.
    #[arg(long)]
    follow: bool,
}

pub async fn list(reach: &Reach, asked: &List) -> Result<(), Failed> {
    let mut firings: Vec<Firing> = reach.get(path::FIRINGS).await?;
    firings.retain(|firing| asked.all || firing.state == FiringState::Open);
    if asked.follow {
        firings.iter().try_for_each(|firing| reach.show(firing, row))?;
        return follow(reach).await;
    }
    reach.show(&firings, |firings| {
        if firings.is_empty() {
            return print::line("nothing fires");
        }
        firings.iter().try_for_each(row)
    })
}

fn row(firing: &Firing) -> Result<(), Failed> {
    let detail = if firing.key.detail.is_empty() { String::new() } else { format!(" · {}", firing.key.detail) };
    let figures = match (firing.window, firing.limit) {
        (Some(window), Some(limit)) => format!(" · {window:.2} over {limit:.2}"),
        _ => String::new(),
    };
    let incident = firing.incident.map(|id| format!(" → {id}")).unwrap_or_default();
    let auto = firing.auto.as_ref().map(|auto| match (auto.stage, auto.switch) {
        (AutoStage::Enforce, Some(switch)) => format!(" → {switch} by itself"),
        (stage, _) => format!(" → would engage {} of {} ({stage})", auto.mode, auto.scope),
    });
    let acked = firing.paged.iter().find_map(|paged| paged.by.as_ref()).map(|by| format!(", acknowledged by {by}"));
    let paged =
        firing.pages.iter().map(|page| format!(", {} {}", page.sent.channel, page.sent.state)).collect::<String>();
    let note = firing.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let text = format!(
        "{:<6} {}  {} {}{detail}{figures} ×{}{note} {}{}{paged}{incident}{}",
        firing.id.to_string(),
        print::clock(firing.at),
        firing.key.tripwire,
        firing.key.agent,
        firing.count,
        firing.state,
        acked.unwrap_or_default(),
        auto.unwrap_or_default(),
    );
    print::line(print::clean(text).as_str())
}

async fn follow(reach: &Reach) -> Result<(), Failed> {
    let follow = |world: &World, event: &Event| match &event.fact {
        Fact::FiringOpened { firing, .. } => match world.firings.get(firing) {
            Some(firing) => reach.show(firing.as_ref(), row),
            None => Ok(()),
        },
        _ => Ok(()),
    };
    reach.follow(follow).await
}

/// What paged somebody.
#[derive(Debug, Clone, Copy)]
enum Paged {
    Firing(FiringId),
    Incident(IncidentId),
}

/// `INC-3` is an incident, anything else a firing.
fn paged(text: &str) -> Result<Paged, String> {
    let is_incident = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("inc"));
    match is_incident {
        true => text.parse().map(Paged::Incident).map_err(|why| format!("{why}")),
        false => text.parse().map(Paged::Firing).map_err(|why| format!("{why}")),
    }
}

/// `andon ack`.
#[derive(Debug, Args)]
pub struct Ack {
    /// TW-90, or INC-7 for everything that it and its firings paged.
    #[arg(value_parser = paged)]
    of: Paged,
    /// Expected behaviour of a firing: it closes, its hours count, the baseline thaws.
    #[arg(long)]
    expected: bool,
}

pub async fn ack(reach: &Reach, asked: &Ack) -> Result<(), Failed> {
    let (command, of) = match asked.of {
        Paged::Firing(firing) => (Command::AckFiring { firing, expected: asked.expected }, firing.to_string()),
        Paged::Incident(_) if asked.expected => {
            let why = "--expected is said of a firing: andon ack TW-90 --expected";
            return Err(Failed(why.to_owned()));
        }
        Paged::Incident(incident) => {
            (Command::OnIncident { incident, ask: IncidentCommand::AckPages { round: None } }, incident.to_string())
        }
    };
    let accepted = reach.submit(command).await?;
    reach.told(&accepted, |kinds| format!("{of}: {kinds}"))
}
