//! `andon halt`, `andon switches`, `andon release`: stopping asks nobody, lifting asks why (CON).

use std::time::Duration;

use clap::Args;

use super::{
    actuators, break_glass,
    print::{self, Failed},
    reach::Reach,
    when,
};
use crate::{
    api::{AskPreview, PreviewAnswer, path},
    incident::{
        Command, Engage, Fact,
        containment::{Mode, ProofState, Scope, Stage, Switch, SwitchState},
    },
    terms::{ActionClass, AgentId, IncidentId, SwitchId, Time, ToolName, Workflow},
};

/// How long `--wait` looks for proof.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often.
const LOOK: Duration = Duration::from_millis(250);

/// `andon halt`.
#[derive(Debug, Args)]
pub struct Halt {
    /// All agents: what a halt without a scope does.
    #[arg(long, conflicts_with_all = ["agent", "tool", "class", "workflow", "subject", "revision"])]
    all: bool,
    /// Only this agent.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Only this tool.
    #[arg(long)]
    tool: Option<ToolName>,
    /// Only this action class.
    #[arg(long)]
    class: Option<ActionClass>,
    /// Only this workflow.
    #[arg(long)]
    workflow: Option<Workflow>,
    /// Only what is done on behalf of this subject.
    #[arg(long)]
    subject: Option<String>,
    /// Only this exact revision of an agent.
    #[arg(long)]
    revision: Option<String>,
    /// halt, read-only, draft-only, approval, quarantine, freeze-outbound, no-new-runs, fallback or canary.
    #[arg(long, default_value = "halt")]
    mode: Mode,
    /// The lane that callers take instead; for --mode fallback.
    #[arg(long)]
    lane: Option<String>,
    /// The share of runs that goes on, 1 to 99; for --mode canary.
    #[arg(long, value_name = "N")]
    percent: Option<u8>,
    /// Engage by itself at that time (RFC 3339), with a reason. Not for a switch of an incident.
    #[arg(long, value_name = "T")]
    at: Option<Time>,
    /// Lift it by itself after so long: 90s, 30m, 4h, 2d. Not for a switch of an incident.
    #[arg(long, value_name = "D", value_parser = when::duration)]
    expires: Option<i64>,
    /// The incident it belongs to; the one that is open where none is named.
    #[arg(long)]
    incident: Option<IncidentId>,
    /// Since when harm is confirmed (RFC 3339).
    #[arg(long, value_name = "T")]
    harm_at: Option<Time>,
    /// Why; may be given later.
    #[arg(long)]
    why: Option<String>,
    /// Only show what it would stop, and what would go on.
    #[arg(long)]
    preview: bool,
    /// Only where the backend is not reached: set off what this host may by itself, and tell the backend once it is back.
    #[arg(long, conflicts_with_all = ["preview", "wait", "at", "incident"])]
    break_glass: bool,
    /// Wait until every counted agent is proved stopped, at most 45 seconds.
    #[arg(long)]
    wait: bool,
}

pub async fn halt(reach: &Reach, asked: Halt) -> Result<(), Failed> {
    let scope = Scope {
        agent: asked.agent,
        tool: asked.tool,
        class: asked.class,
        workflow: asked.workflow,
        subject: asked.subject,
        revision: asked.revision,
    };
    if asked.preview {
        return preview(reach, scope, asked.mode).await;
    }
    let begins = asked.at.unwrap_or_else(|| Time::from(chrono::Utc::now()));
    let expires_at = asked.expires.map(|after| begins.plus(after));
    let engage = Engage {
        scope,
        mode: asked.mode,
        why: asked.why,
        incident: asked.incident,
        harm_at: asked.harm_at,
        expires_at,
        starts_at: asked.at,
        lane: asked.lane,
        percent: asked.percent,
        fired: Vec::new(),
        declare: false,
    };
    if asked.break_glass {
        let Some(why) = reach.unreached().await else {
            eprintln!("the backend is reached: this is an ordinary halt");
            return engaged(reach, engage, false).await;
        };
        eprintln!("the backend is not reached ({why}): breaking the glass");
        let actuators = reach.settings.runbook()?.actuators.clone();
        let fired = break_glass::Queue::of(&reach.settings.home).fire(engage, &actuators).await?;
        return if reach.json { print::json(&fired) } else { break_glass::describe(&fired) };
    }
    engaged(reach, engage, asked.wait).await
}

async fn engaged(reach: &Reach, engage: Engage, wait: bool) -> Result<(), Failed> {
    let accepted = reach.submit(Command::Engage(engage)).await?;
    let engaged = accepted.events.iter().find_map(|event| match &event.fact {
        Fact::SwitchEngaged { switch, .. } => Some(*switch),
        _ => None,
    });
    let Some(id) = engaged else { return reach.told(&accepted, |kinds| kinds) };
    if !accepted.recorded {
        eprintln!("{id} is engaged, and not recorded yet: the log cannot be written. It is tried again.");
    }
    let switch = if wait { proved(reach, id).await? } else { one(reach, id).await? };
    reach.show(&switch, describe)?;
    let unproved =
        switch.halt.agents.iter().any(|agent| !matches!(agent.state, ProofState::Confirmed | ProofState::Idle));
    if wait && unproved {
        return Err("not every agent is proved stopped; see above which".into());
    }
    Ok(())
}

async fn one(reach: &Reach, id: SwitchId) -> Result<Switch, Failed> {
    reach.get(format!("{}/{id}", path::SWITCHES)).await
}

async fn proved(reach: &Reach, id: SwitchId) -> Result<Switch, Failed> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let switch = one(reach, id).await?;
        let pending = switch
            .halt
            .agents
            .iter()
            .any(|agent| matches!(agent.state, ProofState::Requested | ProofState::Enforced | ProofState::Silent));
        if !pending || tokio::time::Instant::now() > deadline {
            return Ok(switch);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn describe(switch: &Switch) -> Result<(), Failed> {
    let proof = &switch.halt;
    let scope = print::clean(switch.scope.to_string());
    let recorded = if switch.recorded { "" } else { ", unrecorded" };
    print::line(format!("{} {} on {scope}: {}{recorded}", switch.id, switch.mode, switch.state))?;
    if switch.state == SwitchState::Planned {
        return print::line(format!("it engages by itself at {}", print::clock(switch.engaged_at)));
    }
    if proof.counted == 0 {
        return print::line(
            "no agent was seen in the last 24 hours: there is nothing to prove, and whoever comes meets it",
        );
    }
    let within = proof.confirmed_in_s.map(|seconds| format!(" in {seconds:.1} s")).unwrap_or_default();
    print::line(format!("{} of {} confirmed{within}", proof.confirmed, proof.counted))?;
    for agent in proof.agents.iter().filter(|agent| agent.state != ProofState::Idle) {
        let how = agent.how.map(|how| format!(" ({how})")).unwrap_or_default();
        print::line(format!("  {} {}{how}", print::clean(agent.id.as_str()), agent.state))?;
    }
    for run in &switch.actuators {
        print::line(actuators::line(run))?;
    }
    for slipped in &proof.slipped {
        print::line(format!(
            "  slipped: {} {} at {}",
            print::clean(slipped.agent.as_str()),
            print::clean(&slipped.what),
            print::clock(slipped.at)
        ))?;
    }
    Ok(())
}

/// What a switch would stop, and what goes on; and what is recommended (CON.4, CON.6, CON.11).
async fn preview(reach: &Reach, scope: Scope, mode: Mode) -> Result<(), Failed> {
    let asked = AskPreview { scope, mode };
    let answer: PreviewAnswer = reach.client().await?.post(&reach.at(path::PREVIEW), &asked).await?;
    reach.show(&answer, |answer| {
        let preview = &answer.preview;
        print::line(format!("{} on {}: {}", answer.mode, print::clean(&answer.scope), answer.mode.does()))?;
        for (what, agents) in [
            ("stops", &preview.stops),
            ("stops in part", &preview.partly),
            ("goes on", &preview.goes_on),
            ("observed only, this cannot stop it", &preview.cannot_stop),
        ] {
            let names: Vec<&str> = agents.iter().map(AgentId::as_str).collect();
            let names = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
            print::line(format!("  {what}: {}", print::clean(names)))?;
        }
        print::line(format!(
            "  touches {} calls and {:.2} USD an hour; {} of these calls are of agents that nothing speaks against",
            preview.calls_per_h, preview.spend_per_h_usd, preview.healthy_calls_per_h
        ))?;
        let recommended = &answer.recommended;
        let scope = print::clean(recommended.scope.to_string());
        print::line(format!("recommended: {scope}, since {}", print::clean(&recommended.why)))?;
        let Some(blast) = &answer.blast else { return Ok(()) };
        print::line(format!(
            "blast radius: up to {:.0} actions affected ({:.0} an hour for {}); advice: {}",
            blast.affected,
            blast.velocity_per_h,
            print::span(blast.window_s),
            blast.advice
        ))
    })
}

/// `andon switches`.
#[derive(Debug, Args)]
pub struct List {
    /// Released ones too.
    #[arg(long)]
    all: bool,
}

pub async fn list(reach: &Reach, asked: &List) -> Result<(), Failed> {
    let mut switches: Vec<Switch> = reach.get(path::SWITCHES).await?;
    switches.retain(|switch| asked.all || switch.state != SwitchState::Released);
    reach.show(&switches, |switches| {
        if switches.is_empty() {
            return print::line("no switch is engaged");
        }
        let rows: Vec<Vec<String>> = switches
            .iter()
            .map(|switch| {
                let proof = format!("{}/{}", switch.halt.confirmed, switch.halt.counted);
                let incident = switch.incident.map(|id| id.to_string()).unwrap_or_else(|| "–".into());
                let (mode, state) = (switch.mode.to_string(), switch.state.to_string());
                vec![
                    switch.id.to_string(),
                    mode,
                    state,
                    proof,
                    incident,
                    switch.by.to_string(),
                    print::clock(switch.engaged_at),
                    switch.scope.to_string(),
                ]
            })
            .collect();
        print::table(&["ID", "MODE", "STATE", "PROVED", "INCIDENT", "BY", "SINCE", "SCOPE"], &rows)
    })
}

/// `andon release`.
#[derive(Debug, Args)]
pub struct Release {
    /// SW-12.
    switch: SwitchId,
    /// The reason.
    #[arg(long)]
    why: String,
    /// Restore only this agent.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Not to full autonomy at once: read-only, draft-only, approval-required or canary, watched for 24 hours.
    #[arg(long, value_name = "STAGE", requires = "agent")]
    to: Option<Stage>,
    /// The severity owner's reason to release over open restart conditions; `andon restart INC` shows them.
    #[arg(long = "override", value_name = "WHY")]
    over: Option<String>,
}

pub async fn release(reach: &Reach, asked: Release) -> Result<(), Failed> {
    let Release { switch, why, agent, to, over } = asked;
    let accepted = reach.submit(Command::Release { switch, why, agent, to, over }).await?;
    reach.told(&accepted, |kinds| format!("{switch}: {kinds}"))
}
