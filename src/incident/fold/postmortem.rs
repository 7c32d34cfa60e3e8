//! Folds what people file of an incident.

use crate::incident::{
    Event, Fact,
    postmortem::{Delta, DeltaProposed, DeltaState, Filed, Postmortem, Said},
};

pub(super) fn apply(postmortem: &mut Postmortem, event: &Event) {
    match &event.fact {
        Fact::PostmortemWritten(written) => {
            for (field, text) in &written.fields {
                if text.is_empty() {
                    postmortem.fields.remove(field);
                } else {
                    let said = Said { text: text.clone(), by: event.by.clone(), at: event.occurred_at };
                    postmortem.fields.insert(field.clone(), said);
                }
            }
        }
        Fact::RegressionCaseAdded(case) => match postmortem.cases.iter_mut().find(|known| known.name == case.name) {
            Some(known) => *known = case.clone(),
            None => postmortem.cases.push(case.clone()),
        },
        Fact::RegressionCaseDropped(dropped) => postmortem.cases.retain(|case| case.name != dropped.name),
        Fact::DeltaProposed(proposed) => postmortem.deltas.push(delta(proposed, event)),
        Fact::DeltaSettled(settled) => {
            if let Some(delta) = postmortem.deltas.iter_mut().find(|delta| delta.number == settled.delta) {
                delta.state = settled.state;
                delta.note.clone_from(&settled.note);
                delta.settled_at = (settled.state != DeltaState::Proposed).then_some(event.occurred_at);
            }
            // A change that is merged after the filing is what the filing asked for.
            return;
        }
        Fact::PostmortemFiled(filed) => {
            let (at, by) = (event.occurred_at, event.by.clone());
            // PM.7: the due date was met, or missed, by the first filing.
            let at = postmortem.filed.as_ref().map_or(at, |first| first.at.min(at));
            postmortem.filed = Some(Filed { at, by, over: filed.over.clone(), missing: filed.missing.clone() });
            postmortem.changed_at = None;
            return;
        }
        Fact::Closed { over: Some(_) } => {
            postmortem.waived = postmortem.filed.is_none();
            return;
        }
        Fact::Reopened { .. } => {
            postmortem.waived = false;
            return;
        }
        _ => return,
    }
    postmortem.changed_at = Some(event.occurred_at);
}

fn delta(proposed: &DeltaProposed, event: &Event) -> Delta {
    Delta {
        number: proposed.delta,
        kind: proposed.kind,
        text: proposed.text.clone(),
        owner: proposed.owner.clone(),
        due: proposed.due.clone(),
        state: DeltaState::Proposed,
        note: String::new(),
        by: event.by.clone(),
        at: event.occurred_at,
        settled_at: None,
        backtest: proposed.backtest.clone(),
    }
}
