//! Rollback checklists (RBK).

use clap::{Args, Subcommand};

use super::{
    incidents::One,
    print::{self, Failed},
    reach::Reach,
    working,
};
use crate::{
    api::{IncidentView, path},
    incident::{Checklist, IncidentCommand, StepState, rollback::Substitute},
    terms::{ActionClass, ChecklistId, IncidentId},
};

/// `andon rollback`.
#[derive(Debug, Subcommand)]
pub enum Rollback {
    /// Open a checklist for a class and a target.
    Open {
        /// INC-7.
        incident: IncidentId,
        /// database-write, external-api-call, customer-communication, document, code-or-deployment,
        /// identity-or-access, knowledge-base-write.
        class: ActionClass,
        /// What is rolled back.
        target: String,
    },
    /// Say who works a checklist, when an undo window closes, sign off, record values, run a step's command.
    #[command(flatten)]
    Work(working::Working),
}

pub async fn rollback(reach: &Reach, asked: Rollback) -> Result<(), Failed> {
    match asked {
        Rollback::Open { incident, class, target } => {
            reach.ask(incident, IncidentCommand::OpenRollback { class, target }).await
        }
        Rollback::Work(asked) => working::working(reach, asked).await,
    }
}

/// A step of a checklist.
#[derive(Debug, Args)]
pub struct Step {
    /// INC-7.
    incident: IncidentId,
    /// A step by its short name; RB-2/STEP where several checklists have it.
    step: String,
}

/// `andon impossible`.
#[derive(Debug, Args)]
pub struct Impossible {
    /// INC-7.
    incident: IncidentId,
    /// A step by its short name; RB-2/STEP where several checklists have it.
    step: String,
    /// What is done instead.
    #[arg(long)]
    substitute: String,
    /// compensating-action, customer-notice or regulatory-disclosure.
    #[arg(long)]
    kind: Option<Substitute>,
}

/// `andon verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// INC-7.
    incident: IncidentId,
    /// A checklist, RB-1, or its class where only one has it.
    checklist: String,
    /// What was read back.
    #[arg(long)]
    evidence: String,
}

pub(super) async fn checklists(reach: &Reach, incident: IncidentId) -> Result<Vec<Checklist>, Failed> {
    let view: IncidentView = reach.get(path::incident(incident)).await?;
    Ok(view.incident.checklists.clone())
}

/// Finds the checklist of `RB-2/step` or of a step that only one has.
pub(super) async fn find(reach: &Reach, incident: IncidentId, step: &str) -> Result<(ChecklistId, String), Failed> {
    if let Some((checklist, step)) = step.split_once('/') {
        let checklist = checklist.parse().map_err(|why: crate::terms::IdError| why.to_string())?;
        return Ok((checklist, step.to_owned()));
    }
    let all = checklists(reach, incident).await?;
    let having: Vec<&Checklist> =
        all.iter().filter(|one| one.steps.iter().any(|known| known.plan.id == step)).collect();
    match having.as_slice() {
        [one] => Ok((one.id, step.to_owned())),
        [] => {
            let known: Vec<String> = all
                .iter()
                .flat_map(|one| one.steps.iter().map(move |step| format!("{}/{}", one.id, step.plan.id)))
                .collect();
            let hint = if known.is_empty() {
                "it has no checklist yet: `andon rollback open`".into()
            } else {
                known.join(", ")
            };
            Err(format!("{incident} has no step {:?}: {hint}", print::clean(step).as_str()).into())
        }
        several => {
            let named: Vec<String> = several.iter().map(|one| format!("{}/{step}", one.id)).collect();
            Err(format!("several checklists have that step: say {}", named.join(" or ")).into())
        }
    }
}

pub async fn check(reach: &Reach, asked: Step) -> Result<(), Failed> {
    let (checklist, step) = find(reach, asked.incident, &asked.step).await?;
    reach.ask(asked.incident, IncidentCommand::TickStep { checklist, step }).await
}

pub async fn uncheck(reach: &Reach, asked: Step) -> Result<(), Failed> {
    let (checklist, step) = find(reach, asked.incident, &asked.step).await?;
    reach.ask(asked.incident, IncidentCommand::UntickStep { checklist, step }).await
}

pub async fn impossible(reach: &Reach, asked: Impossible) -> Result<(), Failed> {
    let (checklist, step) = find(reach, asked.incident, &asked.step).await?;
    let Impossible { incident, substitute, kind, .. } = asked;
    reach.ask(incident, IncidentCommand::MarkImpossible { checklist, step, substitute, kind }).await
}

/// Finds a checklist by its number, or by its class where only one has it.
pub(super) async fn named(reach: &Reach, incident: IncidentId, checklist: &str) -> Result<ChecklistId, Failed> {
    if let Ok(id) = checklist.parse::<ChecklistId>() {
        return Ok(id);
    }
    let all = checklists(reach, incident).await?;
    let of_class: Vec<ChecklistId> =
        all.iter().filter(|one| one.class.as_str() == checklist).map(|one| one.id).collect();
    match of_class.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!(
            "{incident} has no checklist {:?}; `andon checklist {incident}` shows them",
            print::clean(checklist).as_str()
        )
        .into()),
        several => {
            let named: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(format!("several checklists are of that class: say {}", named.join(" or ")).into())
        }
    }
}

pub async fn verify(reach: &Reach, asked: Verify) -> Result<(), Failed> {
    let checklist = named(reach, asked.incident, &asked.checklist).await?;
    reach.ask(asked.incident, IncidentCommand::VerifyRollback { checklist, evidence: asked.evidence }).await
}

pub async fn show(reach: &Reach, asked: &One) -> Result<(), Failed> {
    let all = checklists(reach, asked.incident).await?;
    reach.show(&all, |all| {
        if all.is_empty() {
            return print::line("no checklist yet; `andon rollback open INC CLASS TARGET` opens one");
        }
        all.iter().try_for_each(one)
    })
}

fn one(checklist: &Checklist) -> Result<(), Failed> {
    let due = checklist.due_at.map_or("waits for containment".to_owned(), |at| format!("due {}", print::clock(at)));
    print::line(format!("{} {} · {} — {due}", checklist.id, checklist.title, print::clean(&checklist.target)))?;
    print::line(format!("   authorised: {}", print::clean(&checklist.authorised)))?;
    for step in &checklist.steps {
        let sign = match step.state {
            StepState::Done => "✓",
            StepState::Impossible => "⊘",
            StepState::Open if step.plan.verifies => "▸",
            StepState::Open => "○",
        };
        let by =
            step.by.as_ref().filter(|_| step.state != StepState::Open).map(|by| format!(" — {by}")).unwrap_or_default();
        print::line(print::clean(format!("   {sign} {:<22} {}{by}", step.plan.id, step.plan.text)).as_str())?;
        if let Some(substitute) = &step.substitute {
            let kind = step.kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            print::line(format!("     instead{kind}: {}", print::clean(substitute)))?;
        }
    }
    working::beside(checklist)?;
    match &checklist.verified {
        Some(verified) => print::line(format!(
            "   verified by {}: {}",
            print::clean(verified.by.to_string()),
            print::clean(&verified.evidence)
        )),
        None => Ok(()),
    }
}
