//! The seven facts as they stand (TEN.1).

use serde::{Deserialize, Serialize};

use super::Answered;
use crate::terms::{Author, Time, words};

words! {
    /// What the first ten minutes must find out (TEN.1).
    FirstFact, "one of the seven facts" {
        /// Which workflow is affected.
        Workflow = "workflow",
        /// How severe it is.
        Severity = "severity",
        /// Whether users or customers feel it now.
        Impact = "impact",
        /// What was released or configured lately.
        RecentChanges = "recent-changes",
        /// Whether its tools can still act on the world.
        SideEffects = "side-effects-possible",
        /// Whether approvals still hold what they must.
        Approvals = "approvals-intact",
        /// Whether there is a safer lane.
        FallbackLane = "fallback-lane",
    }
}

impl FirstFact {
    /// What it asks, in a line.
    pub fn asks(self) -> &'static str {
        match self {
            Self::Workflow => "Which workflow is affected?",
            Self::Severity => "Which severity is it?",
            Self::Impact => "Do users or customers feel it now?",
            Self::RecentChanges => "What was released or configured lately?",
            Self::SideEffects => "Can its tools still act on the world?",
            Self::Approvals => "Do approvals still hold what they must?",
            Self::FallbackLane => "Is there a safer lane to fall back to?",
        }
    }
}

words! {
    /// How well a fact is known.
    Known, "how well a fact is known" {
        /// Nobody has said.
        Unknown = "unknown",
        /// Somebody has, and nobody says otherwise.
        Known = "known",
        /// Two say different things.
        Disputed = "disputed",
    }
}

/// What somebody said of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The answer; absent where they took it back, or only doubt it.
    pub answer: Option<String>,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
    /// Why they doubt, or why that settles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One fact with everything that was said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactState {
    /// Which.
    pub id: FirstFact,
    /// How well it is known.
    pub state: Known,
    /// What stands.
    pub answer: Option<String>,
    /// Who said so.
    pub by: Option<Author>,
    /// When.
    pub at: Option<Time>,
    /// Since when it is known at all; what was taken back is not.
    #[serde(default)]
    pub known_at: Option<Time>,
    /// In a dispute, what each side says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<Said>,
    /// Everything that was said, oldest first.
    #[serde(default)]
    pub history: Vec<Said>,
}

/// Whether two answers say the same: a yes is a yes, whatever follows it.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (one, other) = (plain(one), plain(other));
    let word = |text: &str| {
        let head = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        matches!(head, "yes" | "no").then(|| head.to_owned())
    };
    match (word(&one), word(&other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

impl FactState {
    fn new(id: FirstFact) -> Self {
        Self {
            id,
            state: Known::Unknown,
            answer: None,
            by: None,
            at: None,
            known_at: None,
            sides: Vec::new(),
            history: Vec::new(),
        }
    }

    fn stand(&mut self, said: Said) {
        self.state = Known::Known;
        self.known_at.get_or_insert(said.at);
        (self.answer, self.by, self.at) = (said.answer, Some(said.by), Some(said.at));
        self.sides.clear();
    }

    /// What stands, as somebody said it.
    fn standing(&self) -> Option<Said> {
        Some(Said { answer: self.answer.clone(), by: self.by.clone()?, at: self.at?, why: None })
    }

    fn doubted(&mut self, said: Said) {
        let stands = self.standing();
        self.state = Known::Disputed;
        if self.sides.is_empty() {
            self.sides.extend(stands);
        }
        match self.sides.iter_mut().find(|side| side.by == said.by) {
            Some(side) => *side = said,
            None => self.sides.push(said),
        }
    }

    /// Takes what a person said, or what the system saw itself.
    pub(in crate::incident) fn say(&mut self, told: &Answered, by: &Author, at: Time) {
        let why = told.dispute.clone().or_else(|| told.settle.clone());
        let said = Said { answer: told.answer.clone(), by: by.clone(), at, why };
        self.history.push(said.clone());
        let Some(answer) = &told.answer else {
            if told.dispute.is_some() {
                self.doubted(said);
            } else {
                let history = std::mem::take(&mut self.history);
                *self = Self { history, ..Self::new(self.id) };
            }
            return;
        };
        if told.dispute.is_some() {
            return self.doubted(said);
        }
        // What the system saw happen is no opinion: it stands until a person says otherwise, in the open.
        let settles = told.settle.is_some() || matches!(by, Author::Andon(_));
        match self.state {
            _ if settles => self.stand(said),
            Known::Unknown => self.stand(said),
            Known::Known => {
                let agrees = self.answer.as_deref().is_some_and(|stands| same(stands, answer));
                match agrees {
                    _ if self.by.as_ref() == Some(by) => self.stand(said),
                    true => {}
                    false => self.doubted(said),
                }
            }
            Known::Disputed => {
                let side = self.sides.iter().any(|side| side.by == *by);
                let gives_in = self
                    .sides
                    .iter()
                    .any(|other| other.by != *by && other.answer.as_deref().is_some_and(|theirs| same(theirs, answer)));
                if side && !gives_in { self.doubted(said) } else { self.stand(said) }
            }
        }
    }

    /// Takes what the system reads from the state of things: said again only where it says something else.
    fn read(&mut self, answer: &str, by: &Author, at: Time) {
        let last = self.history.iter_mut().rev().find(|said| matches!(said.by, Author::Andon(_)));
        if let Some(last) = last
            && last.answer.as_deref().is_some_and(|said| same(said, answer))
        {
            if self.state == Known::Known && matches!(self.by, Some(Author::Andon(_))) {
                last.answer = Some(answer.to_owned());
                self.answer = Some(answer.to_owned());
            }
            return;
        }
        let said = Said { answer: Some(answer.to_owned()), by: by.clone(), at, why: None };
        self.history.push(said.clone());
        self.stand(said);
    }
}

/// The seven facts, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FirstMinutes(Vec<FactState>);

impl Default for FirstMinutes {
    fn default() -> Self {
        Self(FirstFact::ALL.iter().copied().map(FactState::new).collect())
    }
}

impl FirstMinutes {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &FactState> {
        self.0.iter()
    }

    /// One of them.
    pub fn get(&self, id: FirstFact) -> Option<&FactState> {
        self.0.iter().find(|fact| fact.id == id)
    }

    /// How well one is known.
    pub fn known(&self, id: FirstFact) -> Known {
        self.get(id).map_or(Known::Unknown, |fact| fact.state)
    }

    fn slot(&mut self, id: FirstFact) -> &mut FactState {
        let at = match self.0.iter().position(|fact| fact.id == id) {
            Some(at) => at,
            None => {
                self.0.push(FactState::new(id));
                self.0.len() - 1
            }
        };
        &mut self.0[at]
    }

    /// Takes what somebody said.
    pub(in crate::incident) fn say(&mut self, told: &Answered, by: &Author, at: Time) {
        self.slot(told.fact).say(told, by, at);
    }

    /// Takes a fact that another fact of the log states: a severity that was set, a workflow that was declared.
    pub(in crate::incident) fn state(&mut self, fact: FirstFact, answer: &str, by: &Author, at: Time) {
        let said = Said { answer: Some(answer.to_owned()), by: by.clone(), at, why: None };
        let slot = self.slot(fact);
        slot.history.push(said.clone());
        slot.stand(said);
    }

    /// Takes what is read from the state of things.
    pub(in crate::incident) fn read(&mut self, fact: FirstFact, answer: &str, by: &Author, at: Time) {
        self.slot(fact).read(answer, by, at);
    }

    /// Facts that nobody knew at `when`: what the ten minutes left open.
    pub fn unknown_at(&self, when: Time) -> Vec<FirstFact> {
        let open = self.0.iter().filter(|fact| fact.known_at.is_none_or(|at| at > when));
        open.map(|fact| fact.id).collect()
    }

    /// When all seven were known; absent while one is not.
    pub fn complete_at(&self) -> Option<Time> {
        let known: Option<Vec<Time>> = self.0.iter().map(|fact| fact.known_at).collect();
        known?.into_iter().max()
    }
}
