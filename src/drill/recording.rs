//! What a recording holds.

use serde::{Deserialize, Serialize};

use crate::{
    incident::AgentDeclaration,
    telemetry::Action,
    terms::{Time, words},
};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// What it stands for.
    pub mark: MarkKind,
    /// When.
    pub at: Time,
    /// In words.
    pub text: String,
    /// The time was not published: whoever made the recording set it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub set: bool,
}

/// One thing of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// An agent acts; whoever replays it asks the drill's interlock first.
    Action(Box<Action>),
    /// Something happens around the agents.
    Mark(Mark),
}

/// One thing and when it happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When, as recorded.
    pub at: Time,
    /// What.
    pub item: Item,
}

/// A recording, read and checked.
#[derive(Debug, Clone, PartialEq)]
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
    /// Its agents.
    pub agents: Vec<AgentDeclaration>,
    /// Quiet days before the start, in order of time; they give the rate tripwires their baselines.
    pub history: Vec<Action>,
    /// What happens, in order of time.
    pub moments: Vec<Moment>,
}
