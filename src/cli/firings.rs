//! `andon firings`, `andon ack`, `andon tripwires`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::path,
    drill::{Item, Recording},
    incident::{AgentDeclaration, Command, Event, Fact, World},
    telemetry::{Action, native},
    terms::{FiringId, Time},
    tripwire::{Firing, FiringLine, FiringState, backtest},
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
    let acked = firing.paged.iter().find_map(|paged| paged.by.as_ref()).map(|by| format!(", acknowledged by {by}"));
    let note = firing.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let text = format!(
        "{:<6} {}  {} {}{detail}{figures} ×{}{note} {}{}{incident}",
        firing.id.to_string(),
        print::clock(firing.at),
        firing.key.tripwire,
        firing.key.agent,
        firing.count,
        firing.state,
        acked.unwrap_or_default(),
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

/// `andon ack`.
#[derive(Debug, Args)]
pub struct Ack {
    /// TW-90.
    firing: FiringId,
    /// Expected behaviour: it closes, its hours count, the baseline thaws.
    #[arg(long)]
    expected: bool,
}

pub async fn ack(reach: &Reach, asked: &Ack) -> Result<(), Failed> {
    let Ack { firing, expected } = *asked;
    let accepted = reach.submit(Command::AckFiring { firing, expected }).await?;
    reach.told(&accepted, |kinds| format!("{firing}: {kinds}"))
}

/// `andon tripwires`.
#[derive(Debug, Subcommand)]
pub enum Tripwires {
    /// Their limits, and whom they page.
    List,
    /// Judge a file of actions with the same engine.
    Test(Test),
}

/// `andon tripwires test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Actions as NDJSON, or a recording.
    pub file: PathBuf,
    /// The agents' declarations, JSON or TOML.
    #[arg(long)]
    pub agents: Option<PathBuf>,
    /// Sort by event time first, instead of the file's order.
    #[arg(long)]
    pub sort: bool,
}

pub fn tripwires(reach: &Reach, asked: Tripwires) -> Result<(), Failed> {
    match asked {
        Tripwires::List => {
            let runbook = reach.settings.runbook()?;
            reach.show(&runbook.tripwires, |plan| {
                let limits = [
                    (
                        "cost-rate",
                        format!("spend in an hour over {} × median, from {}", plan.cost_factor, plan.cost_floor_usd),
                    ),
                    (
                        "action-rate",
                        format!(
                            "calls in an hour over {} × median, from {}; or a new endpoint after {} h",
                            plan.call_factor, plan.call_floor, plan.new_endpoint_after_h
                        ),
                    ),
                    ("outcome", format!("visible to customers, reviewed for less than {} s", plan.review_s)),
                    ("authorisation", "a tool outside the inventory, or an agent nobody declared".to_owned()),
                    ("breach", "an action by something halted".to_owned()),
                ];
                for (name, limit) in limits {
                    let pages = name.parse().ok().and_then(|tripwire| plan.pages.get(&tripwire));
                    print::line(format!("{name:<14} {limit}; pages {}", pages.map_or("nobody", String::as_str)))?;
                }
                Ok(())
            })
        }
        Tripwires::Test(asked) => test(reach, &asked),
    }
}

/// What `andon tripwires test --json` answers.
#[derive(Serialize)]
struct Tested {
    actions: usize,
    firings: Vec<FiringLine>,
}

/// DET.8: the engine that judges live judges the file, in the file's order unless sorting is asked for.
fn test(reach: &Reach, asked: &Test) -> Result<(), Failed> {
    let place = asked.file.display();
    let text = std::fs::read_to_string(&asked.file).map_err(|why| format!("{place}: {why}"))?;
    let (mut actions, mut declared) = read(&text).map_err(|why| format!("{place}: {why}"))?;
    if let Some(file) = &asked.agents {
        declared.extend(super::agents::read(file)?);
    }
    if asked.sort {
        actions.sort_by_key(|action| action.at);
    }
    let firings = backtest(&actions, &declared, reach.settings.runbook()?.tripwires);
    reach.show(&Tested { actions: actions.len(), firings }, |tested| {
        for line in &tested.firings {
            let detail = if line.detail.is_empty() { String::new() } else { format!(" · {}", line.detail) };
            let text = format!("{}  {} {}{detail}", print::clock(line.at), line.tripwire, line.agent);
            print::line(print::clean(text).as_str())?;
        }
        print::line(format!("{} actions, {} firings", tested.actions, tested.firings.len()))
    })
}

/// The actions of a recording, or of plain NDJSON in its own order; each is received when it ended.
fn read(text: &str) -> Result<(Vec<Action>, Vec<AgentDeclaration>), String> {
    if text.lines().next().is_some_and(|first| first.contains("\"andon_recording\"")) {
        let recording = Recording::parse(text).map_err(|why| why.to_string())?;
        let acted = recording.moments.into_iter().filter_map(|moment| match moment.item {
            Item::Action(action) => Some(*action),
            Item::Mark(_) => None,
        });
        let actions = recording.history.into_iter().chain(acted).map(received_when_it_ended).collect();
        return Ok((actions, recording.agents));
    }
    let decoded = native::decode(text.as_bytes(), Time::default()).map_err(|why| why.to_string())?;
    if let Some(wrong) = decoded.rejected.first() {
        let more = decoded.rejected.len() - 1;
        return Err(format!("action {} {} ({more} more do not read)", wrong.index, wrong.reason));
    }
    if let Some((index, _)) = decoded.actions.iter().find(|(_, action)| action.at == Time::default()) {
        return Err(format!("action {index} has no `at`: a file must say when each action ended"));
    }
    Ok((decoded.actions.into_iter().map(|(_, action)| received_when_it_ended(action)).collect(), Vec::new()))
}

fn received_when_it_ended(mut action: Action) -> Action {
    action.received_at = action.at;
    action
}
