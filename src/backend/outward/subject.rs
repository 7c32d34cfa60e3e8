//! What a page is about: a firing, or a round of an incident's own. What leaves is of the real world, and of nothing else (law
//! 8); a drill's pager reads its own world by it, and has nobody to call.

use std::{fmt, str::FromStr};

use crate::{
    incident::{
        Command, Incident, IncidentCommand, World,
        communication::DeliveryState,
        pages::{FiringTold, PageSent, Round, RoundSent, RoundTold, StepSent, StepTold},
    },
    runbook::{PageStep, PagingPlan},
    terms::{Author, FiringId, IncidentId, Time},
    tripwire::Firing,
};

/// How long after it began something still pages anybody.
const PAGED: i64 = Time::DAY;

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A firing.
    Firing(FiringId),
    /// A round of an incident's own.
    Round(IncidentId, u32),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firing(firing) => write!(f, "{firing}"),
            Self::Round(incident, round) => write!(f, "{incident}.{round}"),
        }
    }
}

impl FromStr for Subject {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once('.') {
            Some((incident, round)) => Ok(Self::Round(incident.parse().map_err(drop)?, round.parse().map_err(drop)?)),
            None => text.parse().map(Self::Firing).map_err(drop),
        }
    }
}

/// A subject as the log has it.
pub struct Standing<'w> {
    /// The queue it names.
    queue: &'w str,
    /// Since when it pages.
    pub since: Time,
    /// The person whose word it is.
    by: Option<&'w str>,
    /// When somebody acknowledged it, and who.
    pub acknowledged: Option<(Time, Author)>,
    /// Nobody is paged for it any more: its incident is over, or a later round pages the same.
    pub over: bool,
    /// Steps and where they stand.
    went: Vec<(u32, DeliveryState)>,
}

impl Subject {
    /// Everything that may page still.
    pub fn recent(world: &World, now: Time) -> Vec<Self> {
        // The newest come last: what is older than a day pages nobody any more.
        let fresh = |firing: &&std::sync::Arc<Firing>| now.since(firing.recorded_at) < PAGED;
        let firings = world.firings.values().rev().take_while(fresh).map(|firing| Self::Firing(firing.id));
        let open = world.incidents.values().filter(|incident| incident.is_open());
        let rounds = open.flat_map(|incident| {
            let fresh = incident.paging.unanswered().filter(|round| now.since(round.at) < PAGED);
            fresh.map(|round| Self::Round(incident.id, round.begun.round))
        });
        firings.chain(rounds).collect()
    }

    /// How it stands; none where it pages nobody.
    pub fn standing(self, world: &World) -> Option<Standing<'_>> {
        match self {
            Self::Firing(id) => {
                let firing = world.firings.get(&id)?;
                let page = firing.paged.first().filter(|page| !page.to.is_empty())?;
                Some(Standing {
                    queue: &page.to,
                    since: firing.recorded_at,
                    by: None,
                    acknowledged: page.acked_at.zip(page.by.clone()),
                    over: false,
                    went: firing.pages.iter().map(|page| (page.sent.step, page.sent.state)).collect(),
                })
            }
            Self::Round(id, number) => {
                let incident = world.incidents.get(&id)?;
                let round = incident.paging.round(number)?;
                Some(Standing {
                    queue: &round.begun.queue,
                    since: round.at,
                    by: Some(&round.by).filter(|by| by.is_person()).map(Author::name),
                    acknowledged: round.acked_at.zip(round.acked_by.clone()),
                    over: !incident.is_open() || incident.paging.is_superseded(round),
                    went: round.pages.iter().map(|page| (page.sent.step, page.sent.state)).collect(),
                })
            }
        }
    }

    /// Its firing or its incident and round, as they stand.
    pub fn find(self, world: &World) -> Option<Found<'_>> {
        match self {
            Self::Firing(id) => {
                let firing = world.firings.get(&id)?;
                let incident = firing.incident.and_then(|id| world.incidents.get(&id));
                Some(Found::Firing(firing, incident.map(AsRef::as_ref)))
            }
            Self::Round(id, number) => {
                let incident = world.incidents.get(&id)?;
                Some(Found::Round(incident, incident.paging.round(number)?))
            }
        }
    }

    /// In a line.
    pub fn words(self, world: &World) -> String {
        match self.find(world) {
            Some(Found::Firing(firing, _)) => {
                let key = &firing.key;
                format!("{} {} {} {}", firing.id, key.tripwire, key.agent, key.detail).trim_end().to_owned()
            }
            Some(Found::Round(incident, _)) => format!("{} {} {}", incident.id, incident.severity, incident.title),
            None => self.to_string(),
        }
    }

    /// What acknowledges it, and nothing else.
    pub fn acknowledge(self) -> Command {
        match self {
            Self::Firing(firing) => Command::AckFiring { firing, expected: false },
            Self::Round(incident, round) => {
                Command::OnIncident { incident, ask: IncidentCommand::AckPages { round: Some(round) } }
            }
        }
    }

    /// What has the log take a step.
    pub fn record(self, sent: StepSent) -> Command {
        match self {
            Self::Firing(firing) => {
                let StepSent { step, channel, to, state, status, key } = sent;
                Command::RecordPage(PageSent { firing, step, channel, to, state, status, key })
            }
            Self::Round(incident, round) => {
                let ask = IncidentCommand::RecordPage(RoundSent { round, page: sent });
                Command::OnIncident { incident, ask }
            }
        }
    }

    /// What has the log take a word to a step's pager.
    pub fn record_told(self, told: StepTold) -> Command {
        match self {
            Self::Firing(firing) => Command::RecordTold(FiringTold { firing, told }),
            Self::Round(incident, round) => {
                Command::OnIncident { incident, ask: IncidentCommand::RecordTold(RoundTold { round, told }) }
            }
        }
    }
}

/// What a subject is.
pub enum Found<'w> {
    /// A firing, with its incident.
    Firing(&'w Firing, Option<&'w Incident>),
    /// A round of an incident.
    Round(&'w Incident, &'w Round),
}

impl Standing<'_> {
    /// Whether its next steps go still.
    pub fn pages(&self) -> bool {
        self.acknowledged.is_none() && !self.over
    }

    /// Steps that are due at `now` and did not go yet.
    pub fn due<'r>(&self, paging: &'r PagingPlan, now: Time) -> Vec<(u32, &'r PageStep)> {
        let Some(queue) = paging.queue(self.queue).filter(|_| self.pages()) else { return Vec::new() };
        let waited_s = u64::try_from(now.since(self.since) / Time::SECOND).unwrap_or(0);
        let gone = |number: u32| self.went.iter().any(|(step, state)| *step == number && !state.is_open());
        let due = |step: &PageStep| queue.after_s(step, self.by) <= waited_s;
        (0..).zip(&queue.steps).filter(|(number, step)| due(step) && !gone(*number)).collect()
    }
}
