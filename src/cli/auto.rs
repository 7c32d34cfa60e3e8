//! `andon tripwires auto`: switches that tripwires engage by themselves, because a person approved them (CON.14).

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{Accepted, Ask, AutoPlan, BacktestView, SetAutoStage, TripwiresView, path},
    incident::containment::{AutoContainment, AutoScope, AutoStage, Mode, auto_name},
    tripwire::Tripwire,
};

/// `andon tripwires auto`.
#[derive(Debug, Args)]
pub struct Auto {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What is approved, and by whom.
    List,
    /// Move a tripwire or a rule to a stage. Moving on shows the backtest; a second time, with its digest, does it.
    Set(Set),
}

#[derive(Debug, Args)]
struct Set {
    /// cost-rate, action-rate, outcome, authorisation, breach, or a rule by name.
    name: String,
    /// off, shadow, warn, enforce: one further at a time.
    #[arg(long)]
    stage: AutoStage,
    /// agent, tool, all: what the switch covers, as seen from the firing; agent where nothing was said before.
    #[arg(long)]
    scope: Option<AutoScope>,
    /// What the switch does; halt where nothing was said before.
    #[arg(long)]
    mode: Option<Mode>,
    /// Why.
    #[arg(long)]
    why: Option<String>,
    /// Days of stored telemetry that the backtest looks at.
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// The digest of the backtest that was shown: you saw it, and approve.
    #[arg(long, value_name = "DIGEST")]
    yes: Option<String>,
}

pub async fn auto(reach: &Reach, asked: Auto) -> Result<(), Failed> {
    match asked.what {
        None | Some(What::List) => list(reach).await,
        Some(What::Set(asked)) => set(reach, asked).await,
    }
}

async fn list(reach: &Reach) -> Result<(), Failed> {
    let view: TripwiresView = reach.get(path::TRIPWIRES).await?;
    reach.show(&view.auto, |auto| {
        if auto.is_empty() {
            return print::line("nothing is approved: every tripwire only fires");
        }
        let row = |auto: &AutoContainment| {
            let seen = auto.backtest.as_ref();
            let seen = seen.map(|seen| format!("{} in {} d", seen.engagements, seen.days));
            vec![
                auto_name(auto.tripwire, auto.rule.as_deref()).to_owned(),
                auto.stage.to_string(),
                format!("{} · {}", auto.mode, auto.scope),
                format!("{} at {}", auto.by, print::clock(auto.at)),
                seen.unwrap_or_else(|| "–".to_owned()),
            ]
        };
        let rows: Vec<Vec<String>> = auto.iter().map(|auto| row(auto)).collect();
        print::table(&["TRIPWIRE", "STAGE", "ENGAGES", "APPROVED BY", "BACKTEST SEEN"], &rows)
    })
}

async fn set(reach: &Reach, asked: Set) -> Result<(), Failed> {
    // A rule goes by its name; no rule has a tripwire's.
    let (tripwire, rule) = match asked.name.parse() {
        Ok(Tripwire::Rule) => return Err("name the rule itself; `andon tripwires rules` lists those there are".into()),
        Ok(tripwire) => (tripwire, None),
        Err(_) => (Tripwire::Rule, Some(asked.name.clone())),
    };
    let view: TripwiresView = reach.get(path::TRIPWIRES).await?;
    let old = view.auto.iter().find(|auto| (auto.tripwire, &auto.rule) == (tripwire, &rule));
    let scope = asked.scope.or(old.map(|old| old.scope)).unwrap_or(AutoScope::Agent);
    let mode = asked.mode.or(old.map(|old| old.mode)).unwrap_or(Mode::Halt);
    let stage = old.map_or(AutoStage::Off, |old| old.stage);
    let changed = old.is_some_and(|old| (old.scope, old.mode) != (scope, mode));
    let moves_on = asked.stage > stage || changed && asked.stage > AutoStage::Off;
    if moves_on && asked.yes.is_none() {
        let plan = AutoPlan { tripwire, rule, scope, mode, days: asked.days };
        let seen = reach.client().await?.backtest(reach.world, &plan).await?;
        reach.show(&seen, shown)?;
        let digest: String = seen.digest.chars().take(12).collect();
        return Err(format!(
            "nothing was changed. To move {} from {stage} to {}, say that you saw this: add --yes {digest}",
            asked.name, asked.stage
        )
        .into());
    }
    let command = SetAutoStage { tripwire, rule, stage: asked.stage, scope, mode, why: asked.why, confirm: asked.yes };
    let ask = Ask { id: Uuid::now_v7(), command };
    let accepted: Accepted = reach.client().await?.post(&reach.at(path::AUTO), &ask).await?;
    reach.told(&accepted, |kinds| format!("{} at {}: {kinds}", asked.name, asked.stage))
}

fn shown(seen: &BacktestView) -> Result<(), Failed> {
    let AutoPlan { scope, mode, days, .. } = &seen.plan;
    let cut = if seen.cut { ", the newest that are stored" } else { "" };
    print::line(format!(
        "{mode} of the firing's {scope}, over {days} days and {} actions{cut}: it would have engaged {} times",
        seen.actions, seen.engagements
    ))?;
    for one in &seen.newest {
        let detail = if one.detail.is_empty() { String::new() } else { format!(" · {}", one.detail) };
        print::line(
            print::clean(format!("{}  {}{detail} → {mode} of {}", print::clock(one.at), one.agent, one.scope)).as_str(),
        )?;
    }
    let more = seen.engagements as usize - seen.newest.len().min(seen.engagements as usize);
    if more > 0 { print::line(format!("and {more} earlier ones")) } else { Ok(()) }
}
