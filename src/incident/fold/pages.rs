//! Folds an incident's own pages (TEAM.3, TEAM.12).

use crate::incident::{
    Event, Fact, Incident,
    communication::DeliveryState,
    pages::{Round, StepState, Told},
};

pub(super) fn apply(incident: &mut Incident, event: &Event) {
    let at = event.occurred_at;
    match &event.fact {
        Fact::PagingBegun(begun) => {
            let (begun, by) = (begun.clone(), event.by.clone());
            let round = Round { begun, at: event.recorded_at, by, pages: Vec::new(), acked_at: None, acked_by: None };
            incident.paging.rounds.push(round);
        }
        Fact::IncidentPaged(sent) => {
            if matches!(sent.page.state, DeliveryState::Accepted | DeliveryState::Rehearsed) {
                incident.mttd.page = Some(incident.mttd.page.map_or(at, |page| page.min(at)));
            }
            let round = incident.paging.rounds.iter_mut().find(|round| round.begun.round == sent.round);
            let Some(round) = round else { return };
            StepState::take(&mut round.pages, sent.page.clone(), event.occurred_at);
        }
        Fact::IncidentPagerTold(said) => {
            let round = incident.paging.rounds.iter_mut().find(|round| round.begun.round == said.round);
            let mut pages = round.into_iter().flat_map(|round| &mut round.pages);
            if let Some(page) = pages.find(|page| page.sent.step == said.told.step) {
                Told::take(&mut page.told, &said.told, at);
            }
        }
        Fact::PagesAcknowledged(acknowledged) => {
            incident.mttd.acknowledgement.get_or_insert(at);
            for round in &mut incident.paging.rounds {
                if acknowledged.rounds.contains(&round.begun.round) && round.acked_at.is_none() {
                    (round.acked_at, round.acked_by) = (Some(at), Some(event.by.clone()));
                }
            }
        }
        _ => {}
    }
}
