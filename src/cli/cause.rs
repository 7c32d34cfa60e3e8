//! Looking for the cause, and the way back (INV, RST).

use clap::Args;
use serde::Serialize;

use super::{
    incidents::{self, One},
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    incident::{
        IncidentCommand,
        containment::Stage,
        investigation::{
            AddChange, AddFinding, AddRerun, Investigation, JudgeChange, RetractFinding, SkipLayer, Verdict,
        },
        restart::{
            AcceptCondition, AddCorrection, ApproveRestart, Condition, ConditionState, Gate, What, conditions,
            persons_needed,
        },
    },
    runbook::LayersPlan,
    terms::{IncidentId, Time},
};

/// `andon finding`.
#[derive(Debug, Args)]
pub struct Finding {
    /// INC-7.
    incident: IncidentId,
    /// What was found.
    text: Option<String>,
    /// retrieval, prompt, model, safety, behaviour or between-agents.
    #[arg(long, required_unless_present = "retract")]
    layer: Option<String>,
    /// The question it answers; `andon investigate INC` lists them.
    #[arg(long)]
    question: Option<String>,
    /// It is the root cause; needs its point of failure.
    #[arg(long, requires = "point")]
    root: bool,
    /// The point of failure: permission, retrieval, approval view ….
    #[arg(long)]
    point: Option<String>,
    /// What shows it: an evidence item, a run, an action.
    #[arg(long)]
    evidence: Option<String>,
    /// The layer is not looked at, for this reason.
    #[arg(long, value_name = "WHY", conflicts_with_all = ["text", "retract"])]
    skip: Option<String>,
    /// Take this finding back; TEXT says why.
    #[arg(long, value_name = "NUMBER")]
    retract: Option<u32>,
}

pub async fn finding(reach: &Reach, asked: Finding) -> Result<(), Failed> {
    let Finding { incident, text, layer, question, root, point, evidence, skip, retract } = asked;
    let layer = layer.unwrap_or_default();
    let ask = match (retract, skip) {
        (Some(finding), _) => {
            IncidentCommand::RetractFinding(RetractFinding { finding, why: text.unwrap_or_default() })
        }
        (None, Some(why)) => IncidentCommand::SkipLayer(SkipLayer { layer, why }),
        (None, None) => {
            let text = text.unwrap_or_default();
            IncidentCommand::AddFinding(AddFinding { layer, text, question, root, point, evidence })
        }
    };
    reach.ask(incident, ask).await?;
    warn_early(reach, incident).await
}

/// Contain before you diagnose: said, and recorded, not refused (TEN.2).
async fn warn_early(reach: &Reach, incident: IncidentId) -> Result<(), Failed> {
    let view = incidents::view(reach, incident).await?;
    if view.incident.contained_at.is_none() || view.incident.containment_broken {
        eprintln!("{incident} is not contained: contain before you diagnose. It is recorded that this came first");
    }
    Ok(())
}

/// `andon change`.
#[derive(Debug, Args)]
pub struct Change {
    /// INC-7.
    incident: IncidentId,
    /// release, prompt, model, tool, configuration, index, provider, context growth or nothing; with --confirm or
    /// --rule-out the change's number.
    kind: String,
    /// What changed; with --confirm or --rule-out, why.
    what: String,
    /// When (RFC 3339).
    #[arg(long, value_name = "T")]
    at: Option<Time>,
    /// It had to do with it.
    #[arg(long, conflicts_with_all = ["rule_out", "at"])]
    confirm: bool,
    /// It had nothing to do with it.
    #[arg(long, conflicts_with = "at")]
    rule_out: bool,
}

pub async fn change(reach: &Reach, asked: Change) -> Result<(), Failed> {
    let Change { incident, kind, what, at, confirm, rule_out } = asked;
    let ask = if confirm || rule_out {
        let change = kind.parse().map_err(|_| format!("{kind:?} is no number of a change"))?;
        let verdict = if confirm { Verdict::Confirmed } else { Verdict::RuledOut };
        IncidentCommand::JudgeChange(JudgeChange { change, verdict, why: what })
    } else {
        IncidentCommand::AddChange(AddChange { kind, what, at })
    };
    reach.ask(incident, ask).await
}

/// `andon rerun`.
#[derive(Debug, Args)]
pub struct Rerun {
    /// INC-7.
    incident: IncidentId,
    /// How many runs.
    #[arg(long)]
    runs: u32,
    /// In how many of them it happened again.
    #[arg(long)]
    failed: u32,
    /// Under which conditions.
    #[arg(long)]
    conditions: String,
}

pub async fn rerun(reach: &Reach, asked: Rerun) -> Result<(), Failed> {
    let Rerun { incident, runs, failed, conditions } = asked;
    reach.ask(incident, IncidentCommand::AddRerun(AddRerun { runs, failed, conditions })).await?;
    let view = incidents::view(reach, incident).await?;
    match view.incident.investigation.reruns.last() {
        Some(last) if !reach.json => print::line(format!(
            "{failed} of {runs} failed: up to {:.1} % of runs may still fail (95 %). A clean re-run does not exonerate",
            last.upper_share() * 100.0
        )),
        _ => Ok(()),
    }
}

#[derive(Serialize)]
struct Investigated {
    investigation: Investigation,
    passed_over: Vec<String>,
    layers: LayersPlan,
}

/// `andon investigate`.
pub async fn investigate(reach: &Reach, asked: &One) -> Result<(), Failed> {
    let view = incidents::view(reach, asked.incident).await?;
    let investigation = view.incident.investigation.clone();
    let layers = reach.runbook(Some(&view.incident.runbook)).await?.layers.clone();
    let passed_over = investigation.passed_over(&layers).into_iter().map(str::to_owned).collect();
    let all = Investigated { investigation, passed_over, layers };
    reach.show(&all, |all| {
        for layer in &all.layers.layers {
            let skipped = all.investigation.skipped.iter().find(|skipped| skipped.layer == layer.id);
            let mark = match skipped {
                Some(skipped) => format!(" — skipped: {}", skipped.why),
                None if all.passed_over.contains(&layer.id) => " — passed over".to_owned(),
                None => String::new(),
            };
            print::line(print::clean(format!("{} ({}){mark}", layer.title, layer.id)).as_str())?;
            let of = || all.investigation.standing().filter(|finding| finding.said.layer == layer.id);
            for question in &layer.questions {
                let sign = if of().any(|one| one.said.question.as_ref() == Some(&question.id)) { "✓" } else { "○" };
                print::line(format!("  {sign} {:<16} {}", question.id, question.text))?;
            }
            for finding in of() {
                let root = if finding.said.root { "ROOT " } else { "" };
                let point = finding.said.point.as_deref().map(|point| format!(" ({point})")).unwrap_or_default();
                let line = format!("  {}. {root}{}{point} — {}", finding.number, finding.said.text, finding.by);
                print::line(print::clean(line).as_str())?;
            }
        }
        for change in &all.investigation.changes {
            let line =
                format!("change {}: {}: {} — {}", change.number, change.said.kind, change.said.what, change.verdict);
            print::line(print::clean(line).as_str())?;
        }
        for rerun in &all.investigation.reruns {
            let (share, conditions) = (rerun.upper_share() * 100.0, &rerun.conditions);
            let line =
                format!("run again: {} of {} failed, up to {share:.1} % may: {conditions}", rerun.failed, rerun.runs);
            print::line(print::clean(line).as_str())?;
        }
        Ok(())
    })
}

/// `andon correction`.
#[derive(Debug, Args)]
pub struct Correction {
    /// INC-7.
    incident: IncidentId,
    /// What is different now.
    text: String,
    /// prompt, control, test, permission, source or approval-view.
    #[arg(long)]
    what: What,
    /// The version before.
    #[arg(long)]
    from: Option<String>,
    /// The version now.
    #[arg(long)]
    to: Option<String>,
    /// Shadow tasks that it passed.
    #[arg(long)]
    shadow: Option<String>,
    /// Deterministic checks that it passed.
    #[arg(long)]
    checks: Option<String>,
    /// How it reaches everybody.
    #[arg(long)]
    rollout: Option<String>,
}

pub async fn correction(reach: &Reach, asked: Correction) -> Result<(), Failed> {
    let Correction { incident, text, what, from, to, shadow, checks, rollout } = asked;
    let ask = AddCorrection { what, text, from, to, shadow, checks, rollout };
    reach.ask(incident, IncidentCommand::AddCorrection(ask)).await
}

/// `andon restart`.
#[derive(Debug, Args)]
pub struct Restart {
    /// INC-7.
    incident: IncidentId,
    /// Accept this condition as it is.
    #[arg(long, value_name = "CONDITION", requires = "why")]
    accept: Option<String>,
    /// Approve, as the severity owner.
    #[arg(long, requires = "why", conflicts_with = "accept")]
    approve: bool,
    /// Approve, as the second person.
    #[arg(long, requires = "why", conflicts_with_all = ["accept", "approve"])]
    second: bool,
    /// The reason.
    #[arg(long)]
    why: Option<String>,
}

#[derive(Serialize)]
struct Way {
    conditions: Vec<Condition>,
    persons_needed: u8,
    gate: Gate,
}

pub async fn restart(reach: &Reach, asked: Restart) -> Result<(), Failed> {
    let Restart { incident, accept, approve, second, why } = asked;
    let why = why.unwrap_or_default();
    let ask = match accept {
        Some(condition) => Some(IncidentCommand::AcceptCondition(AcceptCondition { condition, why })),
        None if approve || second => Some(IncidentCommand::ApproveRestart(ApproveRestart { second, why })),
        None => None,
    };
    if let Some(ask) = ask {
        return reach.ask(incident, ask).await;
    }
    let view = incidents::view(reach, incident).await?;
    let runbook = reach.runbook(Some(&view.incident.runbook)).await?;
    let way = Way {
        conditions: conditions(&view.incident, &runbook),
        persons_needed: persons_needed(&view.incident, &runbook),
        gate: view.incident.gate.clone(),
    };
    reach.show(&way, |way| {
        for one in &way.conditions {
            let sign = match one.state {
                ConditionState::Met => "✓",
                ConditionState::Accepted => "≈",
                ConditionState::Open => "○",
            };
            print::line(print::clean(format!("{sign} {:<12} {}: {}", one.id, one.title, one.words)).as_str())?;
        }
        print::line(format!("persons needed: {}", way.persons_needed))?;
        for (agent, stage) in &way.gate.stages {
            print::line(print::clean(format!("{agent}: {stage}")).as_str())?;
        }
        let stages: Vec<&str> = Stage::ALL.iter().map(|stage| stage.as_str()).collect();
        print::line(format!("next: `andon release SW --agent A --to STAGE`; stages: {}", stages.join(" → ")))
    })
}
