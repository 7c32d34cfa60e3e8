//! `andon agents`: who is declared, how a switch reaches them, and declaring them (DET.14, CON.16).

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{State, Used, path},
    incident::{
        AgentDeclaration, Command,
        containment::Switch,
        rollback::{Drift, Readiness, drift, readiness},
    },
    report::unit::{covers, unit},
    terms::AgentId,
};

/// Largest declaration file that is read.
const LARGEST: u64 = 8 << 20;

/// `andon agents`.
#[derive(Debug, Subcommand)]
pub enum Agents {
    /// List them, declared or seen.
    List,
    /// Declare agents from a JSON or TOML file.
    Declare {
        /// One agent, an array of them, or `[[agent]]` tables.
        file: PathBuf,
    },
    /// Whether what they do could be undone, and which of their tools no rollback procedure covers.
    Readiness {
        /// Only this one.
        agent: Option<AgentId>,
    },
    /// Show one.
    Show {
        /// Its id.
        agent: AgentId,
    },
}

pub async fn run(reach: &Reach, asked: Agents) -> Result<(), Failed> {
    match asked {
        Agents::List => list(reach).await,
        Agents::Show { agent } => show(reach, &agent).await,
        Agents::Readiness { agent } => ready(reach, agent.as_ref()).await,
        Agents::Declare { file } => {
            let agents = read(&file)?;
            let many = agents.len();
            let accepted = reach.submit(Command::DeclareAgents { agents }).await?;
            reach.told(&accepted, |_| {
                format!("{} of {many} declared anew, the rest was known as it is", accepted.events.len())
            })
        }
    }
}

#[derive(Serialize)]
struct Ready {
    undo: Vec<Readiness>,
    drift: Vec<Drift>,
}

/// RBK.10: what an undo would find, and where it would find nothing.
async fn ready(reach: &Reach, only: Option<&AgentId>) -> Result<(), Failed> {
    let state: State = reach.get(reach.at(path::STATE)).await?;
    if let Some(agent) = only.filter(|agent| !state.world.agents.contains_key(*agent)) {
        return Err(format!("{agent} is not declared; `andon agents list` shows who is").into());
    }
    let runbook = reach.runbook(None).await?;
    let agents = state.world.agents.values().map(|agent| &agent.declared);
    let agents: Vec<&AgentDeclaration> = agents.filter(|agent| only.is_none_or(|only| agent.id == *only)).collect();
    let mut undo = Vec::new();
    for agent in &agents {
        // What it did lately counts beside what it is declared to do.
        let used: Vec<Used> = reach.get(path::used(&agent.id)).await?;
        let classes = used.iter().flat_map(|one| &one.names).filter_map(|name| name.used.class.clone()).collect();
        undo.extend(readiness(agent, &classes, &runbook));
    }
    let ready = Ready { undo, drift: agents.iter().flat_map(|agent| drift(agent, &runbook)).collect() };
    reach.show(&ready, |ready| {
        if agents.is_empty() {
            return print::line("no agent is declared; `andon agents declare FILE` declares some");
        }
        for one in &ready.undo {
            let sign = if one.missing.is_empty() { "✓" } else { "○" };
            print::line(print::clean(format!("{sign} {} {}", one.agent, one.class)).as_str())?;
            for present in &one.present {
                print::line(print::clean(format!("    ✓ {present}")).as_str())?;
            }
            for missing in &one.missing {
                print::line(print::clean(format!("    ✗ {}: {}", missing.id, missing.title)).as_str())?;
            }
        }
        for one in &ready.drift {
            let why = match &one.class {
                Some(class) => format!("no procedure undoes {class}"),
                None => "its class is not declared, so no procedure covers it".to_owned(),
            };
            print::line(print::clean(format!("⚠ {} {}: {why}", one.agent, one.tool)).as_str())?;
        }
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    agent: Vec<AgentDeclaration>,
}

/// Reads declarations: TOML by its ending, JSON otherwise.
pub fn read(file: &Path) -> Result<Vec<AgentDeclaration>, Failed> {
    let place = file.display();
    let failed = |why: String| Failed(format!("{place}: {why}"));
    let size = std::fs::metadata(file).map_err(|why| failed(why.to_string()))?.len();
    if size > LARGEST {
        return Err(failed(format!("it has {size} bytes; at most {LARGEST} are read")));
    }
    let text = std::fs::read_to_string(file).map_err(|why| failed(why.to_string()))?;
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        let one = toml::from_str::<AgentDeclaration>(&text).map(|agent| vec![agent]);
        return toml::from_str::<Tables>(&text)
            .map(|tables| tables.agent)
            .or_else(|why| if text.contains("[[agent]]") { Err(why) } else { one })
            .map_err(|why| failed(why.to_string().trim_end().to_owned()));
    }
    if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).map_err(|why| failed(why.to_string()))
    } else {
        serde_json::from_str(&text).map(|agent| vec![agent]).map_err(|why| failed(why.to_string()))
    }
}

async fn list(reach: &Reach) -> Result<(), Failed> {
    let agents: Vec<serde_json::Value> = reach.get(crate::api::path::AGENTS).await?;
    reach.show(&agents, |agents| {
        if agents.is_empty() {
            return print::line("no agent is declared or seen; `andon agents declare FILE` declares them");
        }
        let text = |agent: &serde_json::Value, key: &str| agent[key].as_str().unwrap_or("–").to_owned();
        let rows: Vec<Vec<String>> = agents
            .iter()
            .map(|agent| {
                let tools = agent["inventory"].as_array().map_or(0, Vec::len).to_string();
                let reached = match agent["reach"].as_str() {
                    None | Some("observed") => "observed only: no switch stops it".to_owned(),
                    Some(reach) => reach.to_owned(),
                };
                vec![
                    text(agent, "id"),
                    text(agent, "owner"),
                    text(agent, "workflow"),
                    text(agent, "blast"),
                    tools,
                    reached,
                ]
            })
            .collect();
        print::table(&["ID", "OWNER", "WORKFLOW", "BLAST", "TOOLS", "REACH"], &rows)
    })
}

async fn show(reach: &Reach, agent: &AgentId) -> Result<(), Failed> {
    let state: State = reach.client().await?.state(reach.world).await?;
    let used: Vec<Used> = reach.get(path::used(agent)).await?;
    let runbook = reach.runbook(None).await?;
    let lines = unit(&state, Some(&runbook), agent, &used).ok_or_else(|| {
        let name = print::clean(agent.as_str());
        format!("{name} is neither declared nor seen; `andon agents list` shows those that are")
    })?;
    let over: Vec<&Switch> =
        state.world.switches.values().map(AsRef::as_ref).filter(|one| covers(one, agent)).collect();
    let (declared, live) = (state.world.agents.get(agent), state.live.agents.get(agent.as_str()));
    let value = serde_json::json!({ "id": agent, "declared": declared, "live": live, "used": used, "switches": over });
    reach.show(&value, |_| {
        print::line(print::clean(agent.as_str()).as_str())?;
        lines.iter().try_for_each(|line| print::line(print::clean(format!("  {line}")).as_str()))
    })
}
