//! `andon tripwires`: limits, a team's rules, and what both would say of a file of actions (DET.7, DET.8, DET.11).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    backtest, mutes,
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{TripwiresView, path},
    drill::{Item, Recording},
    incident::AgentDeclaration,
    runbook::{BeforeStage, Rule, Rules},
    telemetry::{Action, native},
    terms::Time,
    tripwire::{FiringLine, Tripwire, backtest as judged},
};

/// `andon tripwires`.
#[derive(Debug, Subcommand)]
pub enum Tripwires {
    /// Their limits, and whom they page.
    List,
    /// The team's own rules, and what is judged before a call runs.
    Rules,
    /// Switches that tripwires engage by themselves, as people approved them.
    Auto(super::auto::Auto),
    /// Have one page nobody for a while; what it sees is recorded all the same.
    Mute(mutes::Asked),
    /// End a mute before its time.
    Unmute {
        /// Its number.
        mute: u32,
    },
    /// What is muted.
    Mutes,
    /// Judge a file of actions with the same engine.
    Test(Test),
    /// Try tripwires over recordings or stored telemetry, beside those in force: earlier or later, false alarms.
    Backtest(backtest::Backtest),
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

pub async fn tripwires(reach: &Reach, asked: Tripwires) -> Result<(), Failed> {
    match asked {
        Tripwires::Mute(asked) => mutes::mute(reach, asked).await,
        Tripwires::Unmute { mute } => mutes::unmute(reach, mute).await,
        Tripwires::Mutes => mutes::list(reach).await,
        Tripwires::List => {
            let runbook = reach.runbook(None).await?;
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
        Tripwires::Rules => rules(reach).await,
        Tripwires::Auto(asked) => super::auto::auto(reach, asked).await,
        Tripwires::Test(asked) => test(reach, &asked),
        Tripwires::Backtest(asked) => backtest::run(reach, asked).await,
    }
}

/// A line of `andon tripwires rules`.
#[derive(Serialize)]
struct RuleLine<'a> {
    tripwire: Tripwire,
    name: &'a str,
    before: BeforeStage,
    pages: Option<&'a str>,
    opens_incident: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a Rule>,
    /// What came of judging calls before they run, where the backend runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    judged: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<u64>,
}

/// DET.11, DET.12: every rule with its stage, and authorisation's.
async fn rules(reach: &Reach) -> Result<(), Failed> {
    let runbook = reach.runbook(None).await?;
    let plan = &runbook.tripwires;
    let Rules { authorisation, rules } = &*plan.rules;
    let paged = |tripwire| plan.pages.get(&tripwire).map(String::as_str);
    let mut lines = vec![RuleLine {
        tripwire: Tripwire::Authorisation,
        name: Tripwire::Authorisation.as_str(),
        before: *authorisation,
        pages: paged(Tripwire::Authorisation),
        opens_incident: plan.opens_incident.contains(&Tripwire::Authorisation),
        rule: None,
        judged: None,
        met: None,
    }];
    lines.extend(rules.iter().map(|rule| RuleLine {
        tripwire: Tripwire::Rule,
        name: &rule.name,
        before: rule.before,
        pages: rule.pages.as_deref().or(paged(Tripwire::Rule)),
        opens_incident: rule.opens_incident,
        rule: Some(rule),
        judged: None,
        met: None,
    }));
    if let Some(client) = reach.running().await? {
        let view: TripwiresView = client.get(&reach.at(path::TRIPWIRES)).await?;
        for line in &mut lines {
            let tally =
                view.before.iter().find(|tally| (tally.tripwire, tally.name.as_str()) == (line.tripwire, line.name));
            (line.judged, line.met) = (tally.map(|tally| tally.judged), tally.map(|tally| tally.met));
        }
    }
    reach.show(&lines, |lines| {
        let cells = |line: &RuleLine<'_>| {
            let asks =
                line.rule.map_or("a tool outside the inventory, or an agent nobody declared".to_owned(), |rule| {
                    format!("{}{}", rule.asks, rule.only)
                });
            let stopped = match (line.judged, line.met) {
                (Some(judged), Some(met)) if line.before != BeforeStage::Off => {
                    format!("{} · {met} of {judged}", line.before)
                }
                _ => line.before.to_string(),
            };
            vec![line.name.to_owned(), stopped, line.pages.unwrap_or("nobody").to_owned(), asks]
        };
        print::table(&["RULE", "BEFORE THE ACT", "PAGES", "MET BY"], &lines.iter().map(cells).collect::<Vec<_>>())?;
        if plan.rules.rules.is_empty() {
            let file = reach.settings.runbook_folder.join("rules.toml");
            print::line(format!("no rules of your own yet: {} takes them", file.display()))?;
        }
        Ok(())
    })
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
    let firings = judged(&actions, &declared, reach.settings.runbook()?.tripwires.clone());
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
