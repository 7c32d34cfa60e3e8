//! Rollback checklists: opened, worked, verified by read-back (RBK.1–RBK.9).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
    evidence, working,
};
use crate::{
    incident::{Checklist, Fact, Incident, IncidentCommand, Refusal, Status, Step, StepState, Topic},
    terms::{ActionClass, ChecklistId},
};

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::OpenRollback { class, target } => open(case, incident, class, target),
        IncidentCommand::TickStep { checklist, step } => {
            let step = find(incident, *checklist, step)?;
            if step.plan.verifies {
                return Err(conflict(format!(
                    "{:?} is the read-back that closes {checklist}: verify it with what was read back",
                    step.plan.id
                )));
            }
            if step.state == StepState::Done {
                return Ok(Vec::new());
            }
            if step.plan.changes {
                evidence::evidence_gate(incident, "roll back")?;
                working::may_change(case, incident, list(incident, *checklist)?)?;
            }
            one(Fact::StepTicked { checklist: *checklist, step: step.plan.id.clone() })
        }
        IncidentCommand::UntickStep { checklist, step } => {
            let step = find(incident, *checklist, step)?;
            if step.state == StepState::Open {
                return Ok(Vec::new());
            }
            one(Fact::StepUnticked { checklist: *checklist, step: step.plan.id.clone() })
        }
        IncidentCommand::MarkImpossible { checklist, step, substitute, kind } => {
            let step = find(incident, *checklist, step)?;
            if step.plan.verifies {
                return Err(conflict("the read-back cannot be impossible: verify the substitute instead"));
            }
            let substitute = checks::reason("say what is done instead", substitute)?;
            let stands = (step.state, step.substitute.as_ref(), step.kind);
            if stands == (StepState::Impossible, Some(&substitute), *kind) {
                return Ok(Vec::new());
            }
            one(Fact::StepImpossible { checklist: *checklist, step: step.plan.id.clone(), substitute, kind: *kind })
        }
        IncidentCommand::WorkRollback(ask) => working::work(case, incident, ask),
        IncidentCommand::VerifyRollback { checklist, evidence } => verify(case, incident, *checklist, evidence),
        _ => Ok(Vec::new()),
    }
}

fn open(case: &Case<'_>, incident: &Incident, class: &ActionClass, target: &str) -> Decided {
    if matches!(incident.status, Status::Closed | Status::Dismissed) {
        return Err(conflict(format!("{} is {}; reopen it to roll back more", incident.id, incident.status)));
    }
    let Some(plan) = case.runbook.class(class) else {
        let known: Vec<&str> = case.runbook.classes.iter().map(|plan| plan.class.as_str()).collect();
        return Err(unknown(format!("{class} is no action class of the runbook: one of {}", known.join(", "))));
    };
    let target = checks::title(target).map_err(|_| invalid("a target is needed: what is rolled back, in a line"))?;
    if let Some(same) = incident.checklists.iter().find(|one| one.class == *class && one.target == target) {
        return Err(conflict(format!("{} rolls that back already; work on it", same.id)));
    }
    let checklist = incident.checklists.last().map_or(ChecklistId(1), |last| last.id.next());
    let fact = Fact::RollbackOpened {
        checklist,
        class: class.clone(),
        title: plan.title.clone(),
        target,
        authorised: plan.authorised.clone(),
        budget_s: plan.budget_s,
        steps: plan.steps.clone(),
        substitute: plan.substitute.clone(),
        plan: plan.beside(),
    };
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}

pub(super) fn list(incident: &Incident, id: ChecklistId) -> Result<&Checklist, Refusal> {
    incident.checklists.iter().find(|checklist| checklist.id == id).ok_or_else(|| {
        let known: Vec<String> = incident.checklists.iter().map(|checklist| checklist.id.to_string()).collect();
        match known.is_empty() {
            true => {
                unknown(format!("{} has no rollback checklist yet: open one for a class and a target", incident.id))
            }
            false => unknown(format!("{} has no {id}: one of {}", incident.id, known.join(", "))),
        }
    })
}

pub(super) fn find<'a>(incident: &'a Incident, id: ChecklistId, step: &str) -> Result<&'a Step, Refusal> {
    let checklist = list(incident, id)?;
    checklist.steps.iter().find(|one| one.plan.id == step).ok_or_else(|| {
        let known: Vec<&str> = checklist.steps.iter().map(|one| one.plan.id.as_str()).collect();
        let given: String = step.chars().take(60).collect();
        unknown(format!("{id} has no step {given:?}: one of {}", known.join(", ")))
    })
}

fn verify(case: &Case<'_>, incident: &Incident, id: ChecklistId, evidence: &str) -> Decided {
    case.person("verify a rollback")?;
    let checklist = list(incident, id)?;
    let evidence = checks::text("what was read back", evidence)?;
    if let Some(verified) = &checklist.verified {
        // The clock was met by the first read-back: another would move it.
        return match verified.evidence == evidence {
            true => Ok(Vec::new()),
            false => Err(conflict(format!("{id} is verified already; untick its read-back to verify it anew"))),
        };
    }
    let open: Vec<&str> = checklist
        .steps
        .iter()
        .filter(|step| !step.plan.verifies && step.state == StepState::Open)
        .map(|step| step.plan.id.as_str())
        .collect();
    if !open.is_empty() {
        return Err(conflict(format!("{id} has open steps: {}. Tick them, or mark them impossible", open.join(", "))));
    }
    working::ready_to_verify(case, incident, checklist)?;
    let fact = Fact::RollbackVerified { checklist: id, evidence };
    Ok(vec![case.fact(Topic::Incident(incident.id), fact)])
}
