//! Folds what is kept of an incident, and what is affected (EVI).

use crate::incident::{
    Event, Fact, Incident,
    evidence::{
        Addendum, Affected, AffectedAdded, AffectedChanged, Capture, EvidenceFrozen, EvidenceItemSet, EvidencePlanned,
        Freeze, Item, ItemPlan, LegalHold, Lifted, Loss, Override,
    },
};

pub(super) fn apply(incident: &mut Incident, event: &Event) {
    let at = event.occurred_at;
    match &event.fact {
        Fact::EvidencePlanned(planned) => self::planned(incident, planned),
        Fact::EvidenceFrozen(frozen) => freeze(incident, frozen, event),
        Fact::EvidenceAppended(appended) => {
            let freeze = incident.evidence.freezes.iter_mut().find(|freeze| freeze.id == appended.freeze);
            if let Some(freeze) = freeze {
                freeze.addenda.push(Addendum { at, manifest: appended.manifest.clone() });
            }
        }
        Fact::EvidenceLost(lost) => {
            let freeze = incident.evidence.freezes.iter_mut().find(|freeze| freeze.id == lost.freeze);
            if let Some(freeze) = freeze {
                freeze.losses.push(Loss { at, count: lost.count, why: lost.why.clone(), was_kept: lost.was_kept });
            }
        }
        Fact::EvidenceItemSet(set) => item(incident, set, event),
        Fact::EvidenceOverridden(over) => {
            let (what, why) = (over.what.clone(), over.why.clone());
            incident.evidence.overrides.push(Override { at, by: event.by.clone(), what, why });
        }
        Fact::EvidenceHeld(held) => {
            let hold = LegalHold { at, by: event.by.clone(), why: held.why.clone(), lifted: None };
            incident.evidence.holds.push(hold);
        }
        Fact::EvidenceLifted(lifted) => {
            if let Some(hold) = incident.evidence.holds.last_mut() {
                hold.lifted.get_or_insert(Lifted { at, by: event.by.clone(), why: lifted.why.clone() });
            }
        }
        Fact::AffectedAdded(added) => affected(incident, added, event),
        Fact::AffectedChanged(changed) => self::changed(incident, changed, event),
        _ => return,
    }
    incident.evidence.settle(at);
}

/// Items that the incident begins with; those that were set before stay as they stand.
pub(super) fn planned(incident: &mut Incident, planned: &EvidencePlanned) {
    let evidence = &mut incident.evidence;
    evidence.keep_days = planned.keep_days.or(evidence.keep_days);
    for plan in &planned.items {
        if evidence.item(&plan.id).is_none() {
            evidence.items.push(Item::planned(plan.clone()));
        }
    }
    evidence.settle(incident.declared_at);
}

fn freeze(incident: &mut Incident, frozen: &EvidenceFrozen, event: &Event) {
    let evidence = &mut incident.evidence;
    evidence.frozen_at.get_or_insert(event.occurred_at);
    evidence.freezes.push(Freeze {
        id: frozen.freeze,
        at: event.occurred_at,
        by: event.by.clone(),
        occasion: frozen.occasion,
        beside: frozen.beside.clone(),
        pin: frozen.pin.clone(),
        predicate: frozen.predicate.clone(),
        manifest: frozen.manifest.clone(),
        addenda: Vec::new(),
        losses: Vec::new(),
    });
}

fn item(incident: &mut Incident, set: &EvidenceItemSet, event: &Event) {
    let items = &mut incident.evidence.items;
    let at = items.iter().position(|item| item.plan.id == set.item).unwrap_or_else(|| {
        let plan = ItemPlan {
            id: set.item.clone(),
            title: set.item.clone(),
            satisfied_by: String::new(),
            capture: vec![Capture::Word],
            told: None,
            required: true,
        };
        items.push(Item::planned(plan));
        items.len() - 1
    });
    let Some(item) = items.get_mut(at) else { return };
    item.state = set.state;
    item.why.clone_from(&set.why);
    item.expires_at = set.expires_at;
    item.by = Some(event.by.clone());
    item.at = Some(event.occurred_at);
    if let Some(source) = &set.source
        && !item.sources.contains(source)
    {
        item.sources.push(source.clone());
    }
}

fn affected(incident: &mut Incident, added: &AffectedAdded, event: &Event) {
    incident.register.rows.push(Affected {
        id: added.id,
        kind: added.kind,
        what: added.what.clone(),
        count: added.count,
        amount: added.amount.clone(),
        state: added.state,
        from_telemetry: added.from_telemetry,
        why: None,
        by: event.by.clone(),
        at: event.occurred_at,
    });
}

fn changed(incident: &mut Incident, changed: &AffectedChanged, event: &Event) {
    let Some(row) = incident.register.rows.iter_mut().find(|row| row.id == changed.id) else { return };
    row.state = changed.state.unwrap_or(row.state);
    row.count = changed.count.or(row.count);
    row.amount = changed.amount.clone().or(row.amount.take());
    row.why = changed.why.clone().or(row.why.take());
    (row.by, row.at) = (event.by.clone(), event.occurred_at);
}
