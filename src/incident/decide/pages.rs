//! Pages as they went, who acknowledged them, and tripwires that are muted (TEAM.3, TEAM.12, DET.7).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Incident, NewEvent, Topic,
        pages::{
            FiringTold, MuteTripwire, Muted, Occasion, PageSent, PagesAcknowledged, PagingBegun, RoundSent, RoundTold,
            UnmuteTripwire, Unmuted,
        },
    },
    runbook::Scheme,
    terms::{IncidentId, Time},
    tripwire::Tripwire,
};

/// The longest mute: what is quiet for longer is tuned, or retired.
const LONGEST: i64 = 30 * Time::DAY;

fn begun(case: &Case<'_>, id: IncidentId, round: u32, severity: &str, occasion: Occasion) -> Option<NewEvent> {
    let queue = case.runbook.paging.of_level(severity)?.to_owned();
    let begun = PagingBegun { round, queue, severity: severity.to_owned(), occasion };
    Some(case.fact(Topic::Incident(id), Fact::PagingBegun(begun)))
}

/// An incident that somebody declares pages by its level; what a tripwire opens pages by its firing.
pub(super) fn declared(case: &Case<'_>, id: IncidentId, severity: &str) -> Option<NewEvent> {
    begun(case, id, 1, severity, Occasion::Declared)
}

/// An incident raised to a level that pages does so then, whatever paged before: it is worse than they were told.
pub(super) fn raised(case: &Case<'_>, incident: &Incident, scheme: &Scheme, level: &str) -> Option<NewEvent> {
    let rank = |id: &str| scheme.levels.iter().position(|level| level.id.eq_ignore_ascii_case(id));
    let worse = rank(level)? < rank(&incident.severity)?;
    let round = incident.paging.rounds.last().map_or(1, |round| round.begun.round.saturating_add(1));
    if !worse || !incident.is_open() { None } else { begun(case, incident.id, round, level, Occasion::Raised) }
}

/// Every round of it that waits is answered.
pub(super) fn answered(case: &Case<'_>, incident: &Incident) -> Option<NewEvent> {
    answered_to(case, incident, u32::MAX)
}

/// The same up to the round `last`.
fn answered_to(case: &Case<'_>, incident: &Incident, last: u32) -> Option<NewEvent> {
    let rounds: Vec<u32> = incident.paging.unanswered().map(|round| round.begun.round).collect();
    let rounds: Vec<u32> = rounds.into_iter().filter(|round| *round <= last).collect();
    if rounds.is_empty() {
        return None;
    }
    Some(case.fact(Topic::Incident(incident.id), Fact::PagesAcknowledged(PagesAcknowledged { rounds })))
}

/// A person has seen the pages: the incident's own, and its firings'; with a round only that one, and those before it.
pub(super) fn acknowledge(case: &Case<'_>, incident: &Incident, round: Option<u32>) -> Decided {
    case.answers("acknowledge a page")?;
    if let Some(number) = round {
        if incident.paging.round(number).is_none() {
            return Err(unknown(format!("{} has no round {number} of pages", incident.id)));
        }
        return Ok(answered_to(case, incident, number).into_iter().collect());
    }
    case.person("acknowledge everything that an incident paged")?;
    let firings: Vec<_> = incident.firings.iter().filter_map(|id| case.world.firings.get(id)).collect();
    let paged = |firing: &crate::tripwire::Firing| firing.paged.iter().any(|page| !page.to.is_empty());
    if incident.paging.rounds.is_empty() && !firings.iter().any(|firing| paged(firing)) {
        return Err(conflict(format!("{} paged nobody: there is nothing to acknowledge", incident.id)));
    }
    let waits = |firing: &crate::tripwire::Firing| firing.paged.iter().any(|page| page.acked_at.is_none());
    let waiting = firings.into_iter().filter(|firing| paged(firing) && waits(firing));
    let of_firings = waiting
        .map(|firing| case.fact(Topic::Tripwires, Fact::FiringAcknowledged { firing: firing.id, expected: false }));
    Ok(answered(case, incident).into_iter().chain(of_firings).collect())
}

/// What came of a step of an incident's round; said once.
pub(super) fn round_sent(case: &Case<'_>, incident: &Incident, sent: &RoundSent) -> Decided {
    let Some(round) = incident.paging.round(sent.round) else {
        return Err(unknown(format!("{} has no round {} of pages", incident.id, sent.round)));
    };
    if round.pages.iter().any(|known| known.sent == sent.page) {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::IncidentPaged(sent.clone()))])
}

/// What came of telling the pager of an incident's step.
pub(super) fn round_told(case: &Case<'_>, incident: &Incident, ask: &RoundTold) -> Decided {
    let page = incident.paging.round(ask.round).and_then(|round| {
        let mut pages = round.pages.iter();
        pages.find(|page| page.sent.step == ask.told.step)
    });
    if page.is_none() {
        return Err(unknown(format!("{} paged nobody by that step", incident.id)));
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::IncidentPagerTold(ask.clone()))])
}

/// What came of telling the pager of a firing's step.
pub(super) fn told(case: &Case<'_>, ask: &FiringTold) -> Decided {
    let pages = case.world.firings.get(&ask.firing).map(|firing| firing.pages.iter());
    if !pages.is_some_and(|mut pages| pages.any(|page| page.sent.step == ask.told.step)) {
        return Err(unknown(format!("{} paged nobody by that step", ask.firing)));
    }
    Ok(vec![case.fact(Topic::Tripwires, Fact::FiringPagerTold(ask.clone()))])
}

/// What came of a step; said once.
pub(super) fn sent(case: &Case<'_>, sent: &PageSent) -> Decided {
    let Some(firing) = case.world.firings.get(&sent.firing) else {
        return Err(unknown(format!("there is no {}", sent.firing)));
    };
    let page = sent.page();
    if firing.pages.iter().any(|known| known.sent == page) {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Tripwires, Fact::FiringPaged(sent.clone()))])
}

pub(super) fn mute(case: &Case<'_>, ask: &MuteTripwire) -> Decided {
    case.person("mute a tripwire")?;
    if ask.tripwire == Tripwire::Breach {
        return Err(conflict("a breach is never muted: something halted acts"));
    }
    let why = checks::reason("mute a tripwire", &ask.why)?;
    let left = ask.until.since(case.context.now);
    if left <= 0 || left > LONGEST {
        return Err(invalid(format!(
            "a mute ends within 30 days, and {} is none of them; for longer, change its limits, or retire it in tripwires.toml",
            ask.until
        )));
    }
    let detail = ask.detail.as_deref().map(|detail| checks::name("the detail", detail)).transpose()?;
    let mute = case.world.mutes.last().map_or(1, |mute| mute.muted.mute.saturating_add(1));
    let asked = MuteTripwire { why, detail, ..ask.clone() };
    Ok(vec![case.fact(Topic::Tripwires, Fact::TripwireMuted(Muted { mute, asked }))])
}

pub(super) fn unmute(case: &Case<'_>, ask: &UnmuteTripwire) -> Decided {
    case.person("end a mute")?;
    let Some(mute) = case.world.mutes.iter().find(|mute| mute.muted.mute == ask.mute) else {
        return Err(unknown(format!("there is no mute {}; `andon tripwires mutes` lists them", ask.mute)));
    };
    if mute.ended_at.is_some() || mute.muted.asked.until <= case.context.now {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Tripwires, Fact::TripwireUnmuted(Unmuted { mute: ask.mute }))])
}
