//! A drill as the log has it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use serde::{Deserialize, Serialize};

use super::{ArmedProof, Course, Played, Playhead, Rewound, Steer, Steered, Told};
use crate::{
    incident::{Event, Fact},
    terms::{Author, DrillId, Time},
};

/// How many words to the participants are kept.
const TOLD: usize = 100;

/// A drill, running or ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// `DRILL-1`.
    pub id: DrillId,
    /// The recording's name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Seed of its ids and choices.
    pub seed: u64,
    /// How many times faster than recorded.
    pub speed: f64,
    /// When it began.
    pub started_at: Time,
    /// Who began it.
    pub started_by: Author,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// A facilitator holds it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// What its recording came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub played: Option<Played>,
    /// How its recording goes when nobody stops anything, and what it is scored against; others are not sent it before the end.
    #[serde(default)]
    pub course: Box<Course>,
    /// Where in the recording it was at each moment.
    #[serde(default)]
    pub playhead: Playhead,
    /// What was proved of the real switches when it began.
    #[serde(default)]
    pub armed: Box<ArmedProof>,
    /// Who acted in its world.
    #[serde(default)]
    pub people: BTreeSet<String>,
    /// Who facilitates besides whoever began it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub facilitators: BTreeSet<String>,
    /// Participants are shown hints.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hints_shown: bool,
    /// What participants heard, oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub told: VecDeque<Told>,
    /// Facilitators' notes to themselves; others are not sent them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<SelfNote>,
    /// Whose clients are cut off until when; others are not sent it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cuts: BTreeMap<String, Time>,
    /// The take that this one goes on from, and from which second of the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<GoesOn>,
    /// The take that goes on from this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<DrillId>,
}

/// A facilitator's note to self.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfNote {
    /// When it was written.
    pub at: Time,
    /// Of which second of the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_s: Option<f64>,
    /// By whom.
    pub by: Author,
    /// In words.
    pub text: String,
}

/// Where a take goes on that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GoesOn {
    /// From which take.
    pub from: DrillId,
    /// From which second of the recording.
    pub at_s: f64,
}

impl Drill {
    /// Takes an event of the drills' stream into those that are known.
    pub fn take_in(mut drills: Vec<&mut Self>, event: &Event) {
        if let Fact::DrillRewound(rewound) = &event.fact {
            let from = drills.iter().find(|drill| drill.id == rewound.drill).map(|drill| (**drill).clone());
            let next = drills.iter_mut().find(|drill| drill.id == rewound.next);
            if let Some((from, next)) = from.zip(next) {
                next.go_on(from, rewound, event.occurred_at);
            }
        }
        drills.into_iter().for_each(|drill| drill.apply(event));
    }

    fn go_on(&mut self, from: Self, rewound: &Rewound, at: Time) {
        self.goes_on = Some(GoesOn { from: from.id, at_s: rewound.to_s });
        self.started_by = from.started_by;
        (self.facilitators, self.hints_shown, self.notes) = (from.facilitators, from.hints_shown, from.notes);
        (self.paused, self.cuts) = (from.paused, from.cuts);
        let goes = if self.paused { 0.0 } else { self.speed };
        self.playhead = Playhead::from(at, (rewound.to_s * 1_000.0) as i64, goes);
    }

    /// Takes in what a later event says of it.
    fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::DrillEnded { drill } if *drill == self.id => drop(self.ended_at.get_or_insert(event.occurred_at)),
            Fact::DrillSteered(steered) if steered.drill == self.id => self.steer(steered, event),
            Fact::DrillPlayed(played) if played.drill == self.id => self.played = Some(**played),
            Fact::DrillRewound(rewound) if rewound.drill == self.id => self.next = Some(rewound.next),
            Fact::DrillTold(told) if told.drill == self.id => {
                self.told.push_back((**told).clone());
                if self.told.len() > TOLD {
                    self.told.pop_front();
                }
            }
            _ => {}
        }
    }

    fn steer(&mut self, steered: &Steered, event: &Event) {
        self.steered(steered, event);
        self.playhead.steered(&steered.how, event.occurred_at, self.speed);
    }

    fn steered(&mut self, steered: &Steered, event: &Event) {
        match &steered.how {
            Steer::Pause {} => self.paused = true,
            Steer::Resume {} => self.paused = false,
            Steer::Speed { speed } => self.speed = *speed,
            Steer::Cut { who, for_s } => {
                self.cuts.insert(who.clone(), event.occurred_at.plus(i64::from(*for_s) * Time::SECOND));
            }
            Steer::Note { text, at_s } => {
                let (at, by) = (event.occurred_at, event.by.clone());
                self.notes.push(SelfNote { at, at_s: *at_s, by, text: text.clone() });
            }
            Steer::Hints { shown } => self.hints_shown = *shown,
            Steer::Appoint { who } => drop(self.facilitators.insert(who.clone())),
            Steer::Step {} | Steer::Skip { .. } | Steer::Back { .. } | Steer::Inject { .. } | Steer::Deafen {} => {}
        }
    }

    /// The drill that an event started.
    pub fn started(event: &Event) -> Option<Self> {
        let Fact::DrillStarted { drill, name, title, seed, speed, course, armed } = &event.fact else { return None };
        Some(Self {
            id: *drill,
            name: name.clone(),
            title: title.clone(),
            seed: *seed,
            speed: *speed,
            started_at: event.occurred_at,
            started_by: event.by.clone(),
            ended_at: None,
            paused: false,
            played: None,
            course: course.clone(),
            playhead: Playhead::new(event.occurred_at, *speed),
            armed: armed.clone(),
            people: BTreeSet::new(),
            facilitators: BTreeSet::new(),
            hints_shown: false,
            told: VecDeque::new(),
            notes: Vec::new(),
            cuts: BTreeMap::new(),
            goes_on: None,
            next: None,
        })
    }

    /// Whether somebody facilitates it: whoever began it, and those they named. What a script began any person may.
    pub fn is_led_by(&self, who: &Author) -> bool {
        *who == self.started_by
            || who.is_person() && (!self.started_by.is_person() || self.facilitators.contains(who.name()))
    }

    /// Until when somebody's client is cut off from its world.
    pub fn cut_until(&self, who: &Author, now: Time) -> Option<Time> {
        let until = self.cuts.get(who.name()).filter(|_| who.is_person())?;
        (now < *until).then_some(*until)
    }

    /// It as somebody sees it: a facilitator's notes and cuts are theirs, and how it goes before it went.
    pub fn seen_by(&self, who: &Author) -> Cow<'_, Self> {
        if self.is_led_by(who) {
            return Cow::Borrowed(self);
        }
        let course = if self.played.is_some() { self.course.clone() } else { Box::default() };
        Cow::Owned(Self { notes: Vec::new(), cuts: BTreeMap::new(), course, ..self.clone() })
    }

    /// Whether somebody may read an event of the drills' stream.
    pub(in crate::incident) fn shows(&self, event: &Event, who: &Author) -> bool {
        match &event.fact {
            Fact::DrillSteered(steered) if steered.drill == self.id => steered.how.is_open() || self.is_led_by(who),
            _ => true,
        }
    }
}
