//! One step that a drill asks of people: done in time, late, or by nobody.

use serde::{Deserialize, Serialize};

use crate::{
    incident::drilled::{Course, Target},
    terms::{Author, IncidentId, Time, words},
};

words! {
    /// What became of a step.
    StepResult, "what becomes of a step" {
        /// Done, in time where it had one.
        Kept = "kept",
        /// Done, too late.
        Late = "late",
        /// Not done, and its time is over.
        Missed = "missed",
        /// Not done, and still in time.
        Open = "open",
        /// What it waits for did not come.
        NotDue = "not-due",
    }
}

words! {
    /// Who set a step's time.
    TargetFrom, "where a target is from" {
        /// The recording.
        Recording = "recording",
        /// The runbook that the incident began with.
        Runbook = "runbook",
    }
}

/// One step and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredStep {
    /// Of which incident; absent for what comes before there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Its short name: `halt`, `rollback RB-1`.
    pub step: String,
    /// In words.
    pub what: String,
    /// Whose it was.
    pub role: String,
    /// What became of it.
    pub result: StepResult,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Seconds it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_s: Option<f64>,
    /// Seconds it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_s: Option<f64>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_from: Option<TargetFrom>,
    /// What it still lacks, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
}

impl ScoredStep {
    /// `INC-1 halt: stop everything in scope (…)`.
    pub fn words(&self) -> String {
        let of = self.incident.map(|incident| format!("{incident} ")).unwrap_or_default();
        let lacks = if self.lacks.is_empty() { String::new() } else { format!(": {}", self.lacks.join(", ")) };
        format!("{of}{}: {}{lacks}", self.step, self.what)
    }
}

/// What a step is before it is held against the clock.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub step: String,
    pub what: &'static str,
    pub role: String,
    /// From when it counts; absent where that never came.
    pub zero: Option<Time>,
    /// Seconds by the runbook; a step without any is done or not.
    pub budget_s: Option<u64>,
    /// What a recording may set instead.
    pub target: Option<Target>,
    pub done: Option<(Time, Option<Author>)>,
    pub lacks: Vec<String>,
}

impl Asked {
    pub fn new(step: impl Into<String>, what: &'static str, role: &str) -> Self {
        let (step, role) = (step.into(), role.to_owned());
        Self { step, what, role, zero: None, budget_s: None, target: None, done: None, lacks: Vec::new() }
    }

    pub fn from(mut self, zero: Option<Time>, budget_s: Option<u64>, target: Option<Target>) -> Self {
        (self.zero, self.budget_s, self.target) = (zero, budget_s, target);
        self
    }

    pub fn done(mut self, at: Option<Time>, by: Option<Author>) -> Self {
        self.done = at.map(|at| (at, by));
        self
    }

    pub fn lacking(mut self, lacks: Vec<String>) -> Self {
        self.lacks = lacks;
        self
    }

    /// Held against the clock as it stands at `now`; once a drill is `over` nothing more comes.
    pub fn held(self, incident: Option<IncidentId>, course: &Course, now: Time, over: bool) -> ScoredStep {
        let set = self.target.and_then(|target| course.targets.get(&target)).copied();
        let (limit, from) = match (set, self.budget_s) {
            (Some(set), _) => (Some(f64::from(set)), Some(TargetFrom::Recording)),
            (None, Some(budget)) => (Some(budget as f64), Some(TargetFrom::Runbook)),
            (None, None) => (None, None),
        };
        let after = |at: Time| self.zero.map(|zero| at.since(zero) as f64 / 1_000.0);
        let took_s = self.done.as_ref().and_then(|(at, _)| after(*at));
        let late = |took: Option<f64>| took.zip(limit).is_some_and(|(took, limit)| took > limit);
        let result = match (&self.done, self.zero, limit) {
            (Some(_), _, _) if late(took_s) => StepResult::Late,
            (Some(_), _, _) => StepResult::Kept,
            (None, None, _) => StepResult::NotDue,
            (None, Some(_), Some(_)) if late(after(now)) => StepResult::Missed,
            (None, Some(_), None) if over => StepResult::Missed,
            (None, Some(_), _) => StepResult::Open,
        };
        let (at, by) = self.done.map_or((None, None), |(at, by)| (Some(at), by));
        ScoredStep {
            incident,
            step: self.step,
            what: self.what.to_owned(),
            role: self.role,
            result,
            by,
            at,
            took_s,
            target_s: limit,
            target_from: from,
            lacks: self.lacks,
        }
    }
}
