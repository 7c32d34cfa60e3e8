//! What a recording holds; `assets/drills/README.md` tells people how to write one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Conduct, Harm, index::Kept};
pub use crate::incident::drilled::{Course, Target};
use crate::{
    incident::AgentDeclaration,
    telemetry::Action,
    terms::{ActionClass, AgentId, Time, words},
};

/// How fast a recording is played that does not say.
const SPEED: f64 = 60.0;

words! {
    /// What a mark stands for.
    MarkKind, "a mark" {
        /// Somebody could have noticed.
        Signal = "signal",
        /// Somebody was paged.
        Page = "page",
        /// Somebody outside said something.
        Report = "report",
        /// What it led to.
        Consequence = "consequence",
    }
}

/// Something that happened around the agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it stands for.
    pub mark: MarkKind,
    /// When.
    pub at: Time,
    /// In words.
    pub text: String,
    /// The time was not published: whoever made the recording set it.
    pub set: bool,
    /// A page that reaches nobody.
    pub deaf: bool,
}

/// A text for the facilitator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// From when on it helps.
    pub at: Time,
    /// In words.
    pub text: String,
}

/// One thing of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An agent acts; whoever replays it asks the drill's interlock first.
    Action(Box<Action>),
    /// Something happens around the agents.
    Mark(Mark),
}

impl Item {
    /// The same, so many milliseconds later.
    pub fn later(mut self, by_ms: i64) -> Self {
        match &mut self {
            Self::Action(action) => {
                action.started = action.started.map(|started| started.plus(by_ms));
                (action.at, action.received_at) = (action.at.plus(by_ms), action.received_at.plus(by_ms));
            }
            Self::Mark(mark) => mark.at = mark.at.plus(by_ms),
        }
        self
    }
}

/// One thing and when it happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When, as recorded.
    pub at: Time,
    /// What.
    pub item: Item,
    /// What it harms, if it is executed.
    pub harm: Harm,
}

/// A recording, read and checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// In a line.
    pub title: String,
    /// Which kind of documented incident it follows.
    pub modelled_on: Option<String>,
    /// What of it is published.
    pub published: Option<String>,
    /// What of it was set by whoever made the recording.
    pub set: Option<String>,
    /// Its zero: what lies before it is history.
    pub starts: Time,
    /// How fast it is played where nobody says.
    pub speed: Option<f64>,
    /// What it is scored against, where that differs from the runbook.
    pub targets: BTreeMap<Target, u32>,
    /// For the facilitator, in order of time.
    pub hints: Vec<Hint>,
    /// Its agents.
    pub agents: Vec<AgentDeclaration>,
    /// How those of its agents behave that do not ask and obey.
    pub conduct: BTreeMap<AgentId, Conduct>,
    /// Quiet days before the start, in order of time; they give the rate tripwires their baselines.
    pub history: Vec<Action>,
    /// What happens, in order of time; of one that was indexed only marks and what harms, and what a line stands for many of.
    pub moments: Vec<Moment>,
    /// The rest of one that was indexed.
    pub(super) kept: Option<Arc<Kept>>,
}

impl Moment {
    /// An action that harms nothing.
    pub(super) fn is_harmless_action(&self) -> bool {
        self.harm.is_none() && matches!(self.item, Item::Action(_))
    }
}

impl Recording {
    /// What is harmed when nobody stops anything.
    pub fn harm(&self) -> Harm {
        self.moments.iter().map(|moment| moment.harm).sum()
    }

    /// How many things happen after its start.
    pub fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.moments.len(), |kept| kept.len())
    }

    /// Whether nothing happens after its start.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the `number`th of them happens, from 0.
    pub fn at(&self, number: usize) -> Option<Time> {
        match &self.kept {
            Some(kept) => kept.at(number, &self.moments),
            None => self.moments.get(number).map(|moment| moment.at),
        }
    }

    /// What the `number`th of them is.
    pub fn moment(&self, number: usize) -> Option<Cow<'_, Moment>> {
        match &self.kept {
            Some(kept) => kept.moment(number, &self.moments).map(Cow::Owned),
            None => self.moments.get(number).map(Cow::Borrowed),
        }
    }

    /// When the last of them happens.
    pub fn ends(&self) -> Option<Time> {
        self.at(self.len().checked_sub(1)?)
    }

    /// A moment as a second of it, after its zero.
    pub fn second(&self, at: Time) -> f64 {
        at.since(self.starts) as f64 / 1_000.0
    }

    /// How many seconds it lasts from its zero.
    pub fn length_s(&self) -> f64 {
        self.ends().map_or(0.0, |last| self.second(last))
    }

    /// The number of the first of them that happens then or later.
    pub fn first_from(&self, when: Time) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle) {
                Some(at) if at < when => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// How fast it is played where nobody says.
    pub fn speed(&self) -> f64 {
        self.speed.unwrap_or(SPEED)
    }

    /// What a score asks of it once it is gone (DRL.3).
    pub fn course(&self) -> Course {
        let after = |moment: &Moment| moment.at.since(self.starts);
        let told = |moment: &&Moment| {
            let Item::Mark(mark) = &moment.item else { return false };
            mark.mark == MarkKind::Report || mark.mark == MarkKind::Page && !mark.deaf
        };
        Course {
            targets: self.targets.clone(),
            known_ms: self.moments.iter().find(told).map(after),
            harm_from_ms: self.harming().next().map(after),
            harm_to_ms: self.harming().next_back().map(after),
            ends_ms: self.ends().map_or(0, |at| at.since(self.starts)),
        }
    }

    /// What harms, in order of time: also of one that was indexed.
    fn harming(&self) -> impl DoubleEndedIterator<Item = &Moment> {
        self.moments.iter().filter(|moment| !moment.harm.is_none())
    }

    /// When something is harmed first; absent where it counts no harm.
    pub fn first_harm_at(&self) -> Option<Time> {
        self.harming().next().map(|moment| moment.at)
    }

    /// Agents of which an action harms something.
    pub fn harmful_agents(&self) -> impl Iterator<Item = &AgentId> {
        self.harming().filter_map(|moment| match &moment.item {
            Item::Action(action) => Some(&action.agent),
            Item::Mark(_) => None,
        })
    }

    /// Classes of the actions that harm something, as the action or the inventory says.
    pub fn harmful_classes(&self) -> BTreeSet<ActionClass> {
        let declared = |action: &Action| {
            let agent = self.agents.iter().find(|agent| agent.id == action.agent)?;
            agent.item(action.tool.as_ref()?)?.class().cloned()
        };
        let class = |moment: &Moment| match &moment.item {
            Item::Action(action) => action.class.clone().or_else(|| declared(action)),
            Item::Mark(_) => None,
        };
        self.harming().filter_map(class).collect()
    }

    /// How an agent takes a switch.
    pub fn conduct_of(&self, agent: &AgentId) -> Conduct {
        self.conduct.get(agent).cloned().unwrap_or_default()
    }

    /// Its actions, history first, in order of time; of one that was indexed only those that are held.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        let played = self.moments.iter().filter_map(|moment| match &moment.item {
            Item::Action(action) => Some(&**action),
            Item::Mark(_) => None,
        });
        self.history.iter().chain(played)
    }
}
