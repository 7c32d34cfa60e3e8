//! Folds drafts: begun, edited, agreed, sent, delivered (COM).

use crate::{
    incident::{
        Draft, Event, Fact, Incident, Sent,
        communication::{Agreed, Attempt, Delivery, DeliveryState, DeliveryStep, Sending, writing::Manuscript},
    },
    terms::DraftId,
};

pub(super) fn apply(incident: &mut Incident, event: &Event) {
    let at = event.occurred_at;
    match &event.fact {
        Fact::DraftStarted { draft, audience, fields } => incident.drafts.push(Draft {
            id: *draft,
            audience: audience.clone(),
            fields: fields.clone(),
            edits: vec![Manuscript::beginning(fields)],
            version: 1,
            authors: vec![event.by.clone()],
            edited_at: at,
            sent: Vec::new(),
        }),
        Fact::DraftEdited { draft, fields } => {
            if let Some(draft) = edited(incident, event, *draft) {
                draft.fields = fields.clone();
                draft.edits = vec![Manuscript::beginning(fields)];
            }
        }
        Fact::DraftWritten(written) => {
            if let Some(draft) = edited(incident, event, written.draft) {
                written.splices.iter().for_each(|splice| splice.apply(&mut draft.fields));
                if written.whole {
                    draft.edits.clear();
                }
                draft.edits.push(written.edit.clone());
            }
        }
        Fact::DraftSent { draft, text, channel, to, promise, over } => {
            if let Some(draft) = incident.drafts.iter_mut().find(|one| one.id == *draft) {
                draft.sent.push(Sent {
                    at,
                    by: event.by.clone(),
                    text: text.clone(),
                    channel: channel.clone(),
                    to: to.clone(),
                    number: draft.sent.len() as u32 + 1,
                    promise: *promise,
                    over: over.clone(),
                    authors: draft.authors.clone(),
                    delivery: None,
                });
            }
        }
        Fact::DraftSending(sending) => asked(incident, event, sending),
        Fact::DraftDelivery(step) => went_on(incident, event, step),
        Fact::DraftAgreed(agreed) => {
            let Some(draft) = incident.drafts.iter().find(|one| one.id == agreed.draft) else { return };
            let (fields, by) = (draft.fields.clone(), event.by.clone());
            let statement = Agreed { draft: draft.id, version: agreed.version, fields, by, at };
            incident.communication.agreed.insert(draft.audience.clone(), statement);
        }
        _ => {}
    }
}

/// The draft that somebody edited.
fn edited<'i>(incident: &'i mut Incident, event: &Event, draft: DraftId) -> Option<&'i mut Draft> {
    let draft = incident.drafts.iter_mut().find(|one| one.id == draft)?;
    draft.version += 1;
    draft.edited_at = event.occurred_at;
    if !draft.authors.contains(&event.by) {
        draft.authors.push(event.by.clone());
    }
    Some(draft)
}

fn asked(incident: &mut Incident, event: &Event, sending: &Sending) {
    let Some(draft) = incident.drafts.iter_mut().find(|one| one.id == sending.draft) else { return };
    // Law 8: what a drill sends went nowhere, and is told as such.
    let attempts = if event.drill {
        let status = "a drill sends nothing".to_owned();
        vec![Attempt { at: event.occurred_at, state: DeliveryState::Rehearsed, status }]
    } else {
        Vec::new()
    };
    let state = if event.drill { DeliveryState::Rehearsed } else { DeliveryState::Waiting };
    draft.sent.push(Sent {
        at: event.occurred_at,
        by: event.by.clone(),
        text: sending.text.clone(),
        channel: sending.channel.clone(),
        to: sending.to.clone(),
        number: sending.number,
        promise: sending.promise,
        over: sending.over.clone(),
        authors: draft.authors.clone(),
        delivery: Some(Delivery { kind: sending.kind, subject: sending.subject.clone(), state, attempts }),
    });
}

fn went_on(incident: &mut Incident, event: &Event, step: &DeliveryStep) {
    let draft = incident.drafts.iter_mut().find(|one| one.id == step.draft);
    let sent = draft.and_then(|draft| draft.sent.iter_mut().find(|sent| sent.number == step.number));
    if let Some(delivery) = sent.and_then(|sent| sent.delivery.as_mut()) {
        delivery.state = step.state;
        delivery.attempts.push(Attempt { at: event.occurred_at, state: step.state, status: step.status.clone() });
    }
}
