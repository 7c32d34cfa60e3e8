//! Forms: a few fields, one command. What a form is about is settled when it opens.

use super::{input::Input, model::Pane};
use crate::terms::{ChecklistId, DraftId, DrillId, FiringId, HoldId, IncidentId, SwitchId, TaskId, Time};

/// What a form asks when it is submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Declares; from a firing where one is named.
    Declare(Option<FiringId>),
    /// Dismisses.
    Dismiss(IncidentId),
    /// Sets the severity.
    Severity(IncidentId),
    /// Assigns a role.
    Role(IncidentId),
    /// Adds a note.
    Note(IncidentId),
    /// Confirms harm.
    Harm(IncidentId),
    /// Declares containment.
    Contained(IncidentId),
    /// Resolves.
    Resolve(IncidentId),
    /// Reopens.
    Reopen(IncidentId),
    /// Opens a checklist.
    OpenRollback(IncidentId),
    /// Marks a step impossible.
    Impossible(IncidentId, ChecklistId, String),
    /// Verifies a checklist.
    Verify(IncidentId, ChecklistId),
    /// Answers one of the first facts.
    AnswerFact(IncidentId),
    /// Weighs a factor of severity.
    WeighFactor(IncidentId),
    /// Decides what is done.
    DecideMove(IncidentId),
    /// Reports what is wrong with the runbook.
    Fault(Option<IncidentId>),
    /// Enters something in the register.
    AddAffected(IncidentId),
    /// Names who works a checklist.
    Operator(IncidentId, ChecklistId),
    /// Says when an undo window closes.
    Window(IncidentId, ChecklistId),
    /// Signs a checklist off.
    SignOff(IncidentId, ChecklistId),
    /// Records a record's values.
    RecordValue(IncidentId, ChecklistId),
    /// Runs a step's command on this machine.
    RunStep(IncidentId, ChecklistId, String),
    /// Marks a draft sent.
    Send(IncidentId, DraftId),
    /// Acknowledges as expected.
    Expected(FiringId),
    /// Approves or denies calls that wait.
    Decide {
        /// Approve, or deny.
        approve: bool,
        /// The calls of each choice that `which` offers.
        groups: Vec<Vec<HoldId>>,
        /// What is shown of the call.
        saw: String,
        /// Since when.
        opened_at: Time,
    },
    /// Releases a switch.
    Release(SwitchId),
    /// Annotates a switch.
    Annotate(SwitchId),
    /// Adds a task.
    AddTask(IncidentId),
    /// Gives a task up.
    DropTask(IncidentId, TaskId),
    /// Adds a link.
    AddLink(IncidentId),
    /// Has only named people see an incident.
    Restrict(IncidentId),
    /// Merges into another incident.
    Merge(IncidentId),
    /// Records a finding.
    AddFinding(IncidentId),
    /// Takes a finding back.
    RetractFinding(IncidentId, u32),
    /// Skips a layer.
    SkipLayer(IncidentId, String),
    /// Names a change.
    AddChange(IncidentId),
    /// Judges a change.
    JudgeChange(IncidentId, u32),
    /// Records repeated runs.
    AddRerun(IncidentId),
    /// Accepts a restart condition.
    Accept(IncidentId, String),
    /// Approves a restart.
    ApproveRestart(IncidentId),
    /// Records a correction.
    Correct(IncidentId),
    /// Sets the state of an item of evidence.
    Item(IncidentId, String),
    /// Goes to a moment of a drill's recording.
    DrillSeek(DrillId),
    /// Puts something into a drill.
    DrillInject(DrillId),
    /// Writes a note to self.
    DrillNote(DrillId),
    /// Cuts a client off.
    DrillCut(DrillId),
    /// Has somebody else lead a drill too.
    DrillAppoint(DrillId),
    /// Ends a drill.
    DrillEnd(DrillId),
    /// Filters a pane's rows; asks nothing of the backend.
    Filter(Pane),
}

impl Ask {
    /// Fields without which it is refused.
    fn needed(&self) -> &'static [&'static str] {
        match self {
            Self::Declare(_) => &["title"],
            Self::Dismiss(_) | Self::Contained(_) | Self::Reopen(_) => &["why"],
            Self::Severity(_) => &["severity", "why"],
            Self::Role(_) => &["role"],
            Self::Item(..) => &["state"],
            Self::Note(_) => &["note"],
            Self::Resolve(_) => &["how"],
            Self::OpenRollback(_) => &["class", "target"],
            Self::Impossible(..) => &["substitute"],
            Self::Verify(..) => &["read back"],
            Self::Operator(..) | Self::RunStep(..) => &[],
            Self::AnswerFact(_) | Self::WeighFactor(_) | Self::DecideMove(_) => &[],
            Self::AddAffected(_) => &["what"],
            Self::Fault(_) => &["what is wrong"],
            Self::Window(..) => &["what closes"],
            Self::SignOff(..) => &["note"],
            Self::RecordValue(..) => &["record"],
            Self::Send(..) => &["channel", "to"],
            Self::Release(_) => &["name", "why"],
            Self::Decide { approve: false, .. }
            | Self::DropTask(..)
            | Self::RetractFinding(..)
            | Self::SkipLayer(..)
            | Self::JudgeChange(..)
            | Self::Accept(..)
            | Self::ApproveRestart(_) => &["why"],
            Self::AddTask(_) | Self::AddChange(_) => &["what"],
            Self::AddLink(_) => &["address"],
            Self::Merge(_) => &["into"],
            Self::DrillSeek(_) => &["to"],
            Self::DrillNote(_) => &["note"],
            Self::DrillCut(_) => &["who", "for"],
            Self::DrillAppoint(_) => &["who"],
            Self::DrillInject(_) | Self::DrillEnd(_) => &[],
            Self::Restrict(_) => &["who", "why"],
            Self::AddFinding(_) => &["finding"],
            Self::AddRerun(_) => &["runs", "failed", "conditions"],
            Self::Correct(_) => &["change"],
            Self::Decide { .. } | Self::Harm(_) | Self::Expected(_) | Self::Annotate(_) | Self::Filter(_) => &[],
        }
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A line of text.
    Text(Input),
    /// One of several, by word and meaning; left and right change it.
    Choice {
        /// All.
        options: Vec<(String, String)>,
        /// Which.
        at: usize,
    },
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub label: &'static str,
    /// What belongs there.
    pub hint: String,
    /// What is there.
    pub value: Value,
}

impl Field {
    /// A line of text.
    pub fn text(label: &'static str, hint: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label, hint: hint.into(), value: Value::Text(Input::suggesting(value)) }
    }

    /// One of several.
    pub fn choice(label: &'static str, options: Vec<(String, String)>, at: usize) -> Self {
        Self { label, hint: String::new(), value: Value::Choice { options, at } }
    }
}

/// Some fields over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What it does.
    pub title: String,
    /// What to know before doing it.
    pub about: Vec<String>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Which takes the keys.
    pub at: usize,
    /// What it asks.
    pub ask: Ask,
    /// Why it was not taken.
    pub wrong: Option<String>,
}

impl Form {
    /// A form with its first field ready.
    pub fn new(title: impl Into<String>, ask: Ask, fields: Vec<Field>) -> Self {
        Self { title: title.into(), about: Vec::new(), fields, at: 0, ask, wrong: None }
    }

    /// Something to know before doing it.
    #[must_use]
    pub fn about(mut self, line: impl Into<String>) -> Self {
        self.about.push(line.into());
        self
    }

    /// What a field says, trimmed.
    pub fn get(&self, label: &str) -> String {
        let field = self.fields.iter().find(|field| field.label == label);
        match field.map(|field| &field.value) {
            Some(Value::Text(input)) => input.text().trim().to_owned(),
            Some(Value::Choice { options, at }) => options.get(*at).map(|(word, _)| word.clone()).unwrap_or_default(),
            None => String::new(),
        }
    }

    /// Which option of a choice is taken.
    pub fn choice(&self, label: &str) -> Option<usize> {
        let field = self.fields.iter().find(|field| field.label == label);
        match field.map(|field| &field.value) {
            Some(Value::Choice { at, .. }) => Some(*at),
            _ => None,
        }
    }

    /// The same, `None` when it is empty.
    pub fn given(&self, label: &str) -> Option<String> {
        Some(self.get(label)).filter(|text| !text.is_empty())
    }

    /// What a field says, or why the form is not taken without it.
    ///
    /// # Errors
    /// When it is empty.
    pub fn need(&self, label: &str) -> Result<String, String> {
        self.given(label).ok_or_else(|| format!("{label} is needed"))
    }

    /// The first field that is empty and must not be.
    pub fn missing(&self) -> Option<usize> {
        let needed = self.ask.needed();
        self.fields.iter().position(|field| needed.contains(&field.label) && self.get(field.label).is_empty())
    }

    /// To another field, round and round.
    pub fn turn(&mut self, by: isize) {
        let all = self.fields.len().max(1) as isize;
        self.at = (self.at as isize + by).rem_euclid(all) as usize;
    }

    /// The field that takes the keys.
    pub fn field(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.at)
    }
}
