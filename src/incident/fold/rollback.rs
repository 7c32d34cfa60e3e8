//! Folds what is said of a checklist while it is worked (RBK.1, RBK.8, RBK.9).

use crate::incident::{
    Event, Incident,
    rollback::{RollbackPlan, Said, Signed, StepRun, Window, Work, WorkRollback},
};

/// What stands when a checklist is opened: windows that always close so long after the first bad action are known.
pub(super) fn begun(incident: &Incident, plan: &RollbackPlan) -> Work {
    let zero = incident.mttd.action.unwrap_or(incident.declared_at);
    let known = plan.windows.iter().filter_map(|window| {
        let lasts = i64::try_from(window.within_s?).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000);
        Some((window.what.clone(), Window { closes_at: zero.plus(lasts), by: None }))
    });
    Work { plan: plan.clone(), windows: known.collect(), ..Work::default() }
}

pub(super) fn fold(incident: &mut Incident, worked: &WorkRollback, event: &Event) {
    let Some(list) = incident.checklists.iter_mut().find(|one| one.id == worked.checklist) else { return };
    let (by, at, work) = (event.by.clone(), event.occurred_at, &mut list.work);
    match &worked.said {
        Said::Assigned { operator } => work.operator.clone_from(operator),
        Said::Window { what, closes_at: Some(closes_at) } => {
            work.windows.insert(what.clone(), Window { closes_at: *closes_at, by: Some(by) });
        }
        Said::Window { what, closes_at: None } => drop(work.windows.remove(what)),
        Said::Signed { sign, note, waived } => {
            work.signed.insert(sign.clone(), Signed { by, at, note: note.clone(), waived: *waived });
        }
        Said::Value { record, before, after, found } => {
            let value = work.values.entry(record.clone()).or_default();
            for (kept, said) in [(&mut value.before, before), (&mut value.after, after), (&mut value.found, found)] {
                if said.is_some() {
                    kept.clone_from(said);
                }
            }
        }
        Said::Ran { step, command, output } => {
            let (step, command, output) = (step.clone(), command.clone(), output.clone());
            work.runs.push(StepRun { step, command, output, by, at });
        }
    }
}
