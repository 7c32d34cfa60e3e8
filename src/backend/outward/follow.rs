//! What a pager is told after its page: that somebody has it, and that it is over; each once (TEAM.3).
//!
//! Only what was taken is followed up, by the key it went under: a pager takes nothing back that it never had.

use std::collections::BTreeMap;

use super::subject::{Found, Subject};
use crate::{
    incident::{
        World,
        communication::DeliveryState,
        pages::{StepState, Told, Word},
    },
    runbook::ChannelKind,
    terms::{Author, IncidentId, Time},
    tripwire::{Firing, FiringState},
};

/// How long after it fired a firing without an incident is looked at.
const LOOKED_AT: i64 = 30 * Time::DAY;

/// One word that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Of which page.
    pub subject: Subject,
    /// Which step of it.
    pub step: u32,
    /// By which channel.
    pub channel: String,
    /// Whom.
    pub to: String,
    /// Under which key.
    pub key: String,
    /// What.
    pub word: Word,
    /// The same in words, for people.
    pub says: String,
}

/// A step that a pager took.
struct Taken<'w> {
    subject: Subject,
    step: u32,
    channel: &'w str,
    to: &'w str,
    key: &'w str,
    at: Time,
    acknowledged: Option<String>,
    told: &'w [Told],
}

impl Taken<'_> {
    /// Whether it was told `word` since it was taken, to the end.
    fn was_told(&self, word: Word) -> bool {
        self.told.iter().any(|told| told.word == word && !told.state.is_open() && told.at >= self.at)
    }

    fn due(&self, word: Word, says: String) -> Due {
        Due {
            subject: self.subject,
            step: self.step,
            channel: self.channel.to_owned(),
            to: self.to.to_owned(),
            key: self.key.to_owned(),
            word,
            says,
        }
    }
}

/// Every word that is due, in the real world.
pub fn due(world: &World, now: Time, kind: impl Fn(&str) -> Option<ChannelKind>) -> Vec<Due> {
    let mut due = Vec::new();
    for incident in world.incidents.values() {
        let over = (!incident.is_open()).then(|| format!("{} is {}", incident.id, incident.status));
        let firings = incident.firings.iter().map(|firing| Subject::Firing(*firing));
        let rounds = incident.paging.rounds.iter().map(|round| Subject::Round(incident.id, round.begun.round));
        let taken: Vec<Taken<'_>> =
            firings.chain(rounds).flat_map(|subject| taken(world, subject, Some(incident.id))).collect();
        of_trouble(&taken, over.as_deref(), &kind, &mut due);
    }
    let fresh = |firing: &&std::sync::Arc<Firing>| now.since(firing.recorded_at) < LOOKED_AT;
    for firing in world.firings.values().rev().take_while(fresh).filter(|firing| firing.incident.is_none()) {
        let acknowledged = firing.paged.first().is_some_and(|page| page.acked_at.is_some());
        // What closes by itself and nobody looked at goes on ringing.
        let over = (firing.state == FiringState::Closed && acknowledged).then(|| format!("{} is closed", firing.id));
        of_trouble(&taken(world, Subject::Firing(firing.id), None), over.as_deref(), &kind, &mut due);
    }
    due
}

fn has_it(subject: &str, by: Option<&Author>) -> String {
    by.map_or_else(|| format!("{subject} is acknowledged"), |by| format!("{subject} is acknowledged by {}", by.words()))
}

/// Steps of a subject that a pager took; of one that is another incident's by now, none.
fn taken(world: &World, subject: Subject, of: Option<IncidentId>) -> Vec<Taken<'_>> {
    let (pages, acknowledged) = match subject.find(world) {
        Some(Found::Firing(firing, _)) if firing.incident == of => {
            let page = firing.paged.first().filter(|page| page.acked_at.is_some());
            (&firing.pages, page.map(|page| has_it(&firing.id.to_string(), page.by.as_ref())))
        }
        Some(Found::Round(incident, round)) => {
            let by = round.acked_by.as_ref();
            (&round.pages, round.acked_at.map(|_| has_it(&incident.id.to_string(), by)))
        }
        _ => return Vec::new(),
    };
    let went = |page: &&StepState| matches!(page.sent.state, DeliveryState::Accepted | DeliveryState::Unknown);
    let steps = pages.iter().filter(went).filter(|page| !page.sent.key.is_empty());
    let taken = steps.map(|page| Taken {
        subject,
        step: page.sent.step,
        channel: &page.sent.channel,
        to: &page.sent.to,
        key: &page.sent.key,
        at: page.at,
        acknowledged: acknowledged.clone(),
        told: &page.told,
    });
    taken.collect()
}

/// The words due of one trouble, an incident's pages or a lone firing's; a pager and a key are told once.
fn of_trouble(taken: &[Taken<'_>], over: Option<&str>, kind: impl Fn(&str) -> Option<ChannelKind>, due: &mut Vec<Due>) {
    let mut threads: BTreeMap<(&str, &str, &str), Vec<&Taken<'_>>> = BTreeMap::new();
    for one in taken {
        threads.entry((one.channel, one.to, one.key)).or_default().push(one);
    }
    for ((channel, ..), mut thread) in threads {
        thread.sort_by_key(|one| one.at);
        let (Some(kind), Some(last)) = (kind(channel), thread.last()) else { continue };
        // A program would take it for a page; what is worked by hand has no pager.
        if matches!(kind, ChannelKind::Command | ChannelKind::Copy) {
            continue;
        }
        if let Some(over) = over {
            if !last.was_told(Word::Ended) {
                due.push(last.due(Word::Ended, over.to_owned()));
            }
            continue;
        }
        let all = thread.iter().all(|one| one.acknowledged.is_some());
        match kind {
            // One mail more, at the end, is enough.
            ChannelKind::Smtp => {}
            // Its alert is one for all of them: it keeps ringing until each is acknowledged.
            ChannelKind::Pagerduty if !all => {}
            ChannelKind::Pagerduty => due.extend(said(last)),
            _ => {
                let mut subjects = BTreeMap::new();
                for one in &thread {
                    subjects.insert(one.subject, *one);
                }
                due.extend(subjects.values().filter_map(|one| said(one)));
            }
        }
    }
}

/// That somebody has it, where they do and it was not said.
fn said(taken: &Taken<'_>) -> Option<Due> {
    let says = taken.acknowledged.clone()?;
    (!taken.was_told(Word::Acknowledged)).then(|| taken.due(Word::Acknowledged, says))
}
