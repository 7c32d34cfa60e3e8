//! Folds the search for the cause, and the way back (INV, RST).

use super::incident::settle_status;
use crate::incident::{
    Event, Fact, Incident,
    containment::Stage,
    investigation::{Change, Finding, Rerun, Skipped, Verdict},
    restart::{Accepted, Approval, Correction, Overridden},
};

pub(super) fn apply(incident: &mut Incident, event: &Event) {
    let (by, at) = (event.by.clone(), event.occurred_at);
    let search = &mut incident.investigation;
    match &event.fact {
        Fact::FindingAdded(added) => search.findings.push(Finding {
            number: added.number,
            said: added.finding.clone(),
            early: added.early,
            by,
            at,
            retracted: None,
        }),
        Fact::FindingRetracted(gone) => {
            if let Some(finding) = search.findings.iter_mut().find(|one| one.number == gone.finding) {
                finding.retracted = Some(gone.why.clone());
            }
        }
        Fact::LayerSkipped(skip) => {
            search.skipped.retain(|known| known.layer != skip.layer);
            search.skipped.push(Skipped { layer: skip.layer.clone(), why: skip.why.clone(), by });
        }
        Fact::ChangeNamed(named) => search.changes.push(Change {
            number: named.number,
            said: named.change.clone(),
            verdict: Verdict::Open,
            why: None,
            by,
        }),
        Fact::ChangeJudged(judged) => {
            if let Some(change) = search.changes.iter_mut().find(|one| one.number == judged.change) {
                (change.verdict, change.why) = (judged.verdict, Some(judged.why.clone()));
            }
        }
        Fact::RerunRecorded(rerun) => search.reruns.push(Rerun {
            runs: rerun.runs,
            failed: rerun.failed,
            conditions: rerun.conditions.clone(),
            by,
            at,
        }),
        _ => way_back(incident, event),
    }
}

fn way_back(incident: &mut Incident, event: &Event) {
    let (by, at) = (event.by.clone(), event.occurred_at);
    let gate = &mut incident.gate;
    match &event.fact {
        Fact::ConditionAccepted(accept) => {
            gate.accepted.retain(|known| known.condition != accept.condition);
            gate.accepted.push(Accepted { condition: accept.condition.clone(), why: accept.why.clone(), by, at });
        }
        Fact::RestartApproved(word) => {
            gate.approvals.push(Approval { second: word.second, why: word.why.clone(), by, at });
        }
        Fact::CorrectionRecorded(said) => gate.corrections.push(Correction { said: said.clone(), by, at }),
        Fact::RestartOverridden(said) => gate.overridden.push(Overridden { said: said.clone(), by, at }),
        Fact::StageEntered(entered) => {
            gate.stages.insert(entered.agent.clone(), entered.stage);
            if entered.stage != Stage::Halted {
                gate.restarted_at.get_or_insert(at);
            }
            let full = gate.stages.values().all(|stage| *stage == Stage::Full);
            gate.full_at = full.then_some(at);
            settle_status(incident);
        }
        // What people approved of is not what they see now: they say it again.
        Fact::ContainmentBroken { .. } | Fact::Reopened { .. } => {
            gate.approvals.clear();
            gate.accepted.clear();
        }
        _ => {}
    }
}
