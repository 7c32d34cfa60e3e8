//! `andon holds`, `andon approve`, `andon deny`: calls that wait for a person (CON.2, CON.12).

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{HoldView, path},
    incident::{Command, containment::HoldState},
    terms::{ActionClass, AgentId, HoldId, Printable, Time, ToolName},
};

/// How long a client may say nothing before it is shown as one that may have given up, milliseconds.
const SILENT: i64 = 60 * Time::SECOND;
/// How much of a call's arguments a list shows, in columns.
const SHOWN: usize = 60;

/// `andon holds`.
#[derive(Debug, Args)]
pub struct List {
    /// Those that were decided or ended too.
    #[arg(long)]
    all: bool,
}

/// `andon approve`, `andon deny`.
#[derive(Debug, Args)]
pub struct Decide {
    /// HOLD-3; several, or none with --class, --agent or --tool.
    #[arg(required_unless_present_any = ["class", "agent", "tool"])]
    holds: Vec<HoldId>,
    /// All that wait of this action class.
    #[arg(long, conflicts_with = "holds")]
    class: Option<ActionClass>,
    /// All that wait of this agent.
    #[arg(long, conflicts_with = "holds")]
    agent: Option<AgentId>,
    /// All that wait for this tool.
    #[arg(long, conflicts_with = "holds")]
    tool: Option<ToolName>,
    /// Why.
    #[arg(long)]
    why: Option<String>,
}

impl Decide {
    fn names(&self, view: &HoldView) -> bool {
        let call = &view.hold.call;
        if !self.holds.is_empty() {
            return self.holds.contains(&view.hold.id);
        }
        let class = call.declared_class.as_ref().or(call.claimed_class.as_ref());
        view.hold.state == HoldState::Waiting
            && self.class.as_ref().is_none_or(|wanted| class == Some(wanted))
            && self.agent.as_ref().is_none_or(|wanted| call.agent.as_ref() == Some(wanted))
            && self.tool.as_ref().is_none_or(|wanted| call.tool.as_ref() == Some(wanted))
    }
}

pub async fn list(reach: &Reach, asked: &List) -> Result<(), Failed> {
    let holds = read(reach, asked.all).await?;
    reach.show(&holds, |holds| {
        if holds.is_empty() {
            return print::line("no call waits");
        }
        let now = Time::from(chrono::Utc::now());
        let rows: Vec<Vec<String>> = holds.iter().map(|view| row(view, now)).collect();
        print::table(&["ID", "STATE", "LEFT", "AGENT", "TOOL", "CLASS", "ARGUMENTS", "HELD BY"], &rows)
    })
}

async fn read(reach: &Reach, all: bool) -> Result<Vec<HoldView>, Failed> {
    let mut at = reach.at(path::HOLDS);
    if all {
        at.push_str(if at.contains('?') { "&all=true" } else { "?all=true" });
    }
    Ok(reach.client().await?.get(&at).await?)
}

fn row(view: &HoldView, now: Time) -> Vec<String> {
    let hold = &view.hold;
    let name = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    let class = hold.call.declared_class.as_ref().or(hold.call.claimed_class.as_ref());
    let silent = view.asked_at.is_none_or(|at| now.since(at) > SILENT);
    let state = match hold.state {
        HoldState::Waiting if hold.frozen => "frozen".to_owned(),
        HoldState::Waiting if silent => "waiting, client silent".to_owned(),
        state => state.to_string(),
    };
    let left = if hold.state == HoldState::Waiting { print::span(view.left_s) } else { "–".into() };
    vec![
        hold.id.to_string(),
        state,
        left,
        name(hold.call.agent.as_ref().map(ToString::to_string)),
        name(hold.call.tool.as_ref().map(ToString::to_string)),
        name(class.map(ToString::to_string)),
        name(hold.input.as_ref().map(|input| input.to_string().chars().take(SHOWN).collect())),
        name(hold.switch.map(|id| id.to_string()).or(hold.rule.clone())),
    ]
}

/// What an approver sees of a call: it is recorded with the decision.
fn account(view: &HoldView) -> String {
    let hold = &view.hold;
    let mut text = format!(
        "{}: {} calls {}",
        hold.id,
        hold.call.agent.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string),
        hold.call.tool.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string),
    );
    let mut say = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(" · {what} {value}"));
        }
    };
    say("class", hold.call.declared_class.as_ref().map(ToString::to_string));
    say("run", hold.call.run.clone());
    say("on behalf of", hold.call.subject.clone());
    say("arguments", hold.input.as_ref().map(ToString::to_string));
    say("", hold.input_cut.then(|| "(cut; the rest was not shown)".to_owned()));
    text
}

pub async fn approve(reach: &Reach, asked: Decide) -> Result<(), Failed> {
    decide(reach, asked, true).await
}

pub async fn deny(reach: &Reach, asked: Decide) -> Result<(), Failed> {
    decide(reach, asked, false).await
}

/// Shows each call before it decides: what was shown is recorded as what the approver saw.
async fn decide(reach: &Reach, asked: Decide, approve: bool) -> Result<(), Failed> {
    let all = read(reach, !asked.holds.is_empty()).await?;
    let named: Vec<&HoldView> = all.iter().filter(|view| asked.names(view)).collect();
    if let Some(missing) = asked.holds.iter().find(|id| !named.iter().any(|view| view.hold.id == **id)) {
        return Err(format!("there is no {missing} in this world; `andon holds` shows those that wait").into());
    }
    if named.is_empty() {
        return print::line("no such call waits");
    }
    let accounts: Vec<String> = named.iter().map(|view| Printable::line(&account(view)).to_string()).collect();
    if !reach.json {
        for account in &accounts {
            print::line(account)?;
        }
    }
    let holds = named.iter().map(|view| view.hold.id).collect();
    let command =
        Command::DecideHolds { holds, approve, why: asked.why, saw: Some(accounts.join("\n")), looked_s: None };
    let accepted = reach.submit(command).await?;
    let word = if approve { "approved, good for a minute" } else { "denied" };
    let many = accepted.events.len();
    reach.told(&accepted, |_| format!("{many} {word}"))
}
