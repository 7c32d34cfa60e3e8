//! What is asked of an incident.

use serde::{Deserialize, Serialize};

use super::super::{
    Fields,
    communication::{Agreement, DeliveryStep, writing::Edit},
    containment::Move,
    decision::{ChooseMove, JudgeCriterion},
    evidence,
    first_minutes::{AnswerFact, WeighFactor},
    investigation,
    pages::{RoundSent, RoundTold},
    postmortem::{DropCase, FilePostmortem, SetPostmortem, SettleDelta},
    restart,
    restriction::{EnterRestricted, LiftRestriction, Restrict},
    rollback::{Substitute, WorkRollback},
    team::{
        AddLink, AddTask, ChangeTask, EndTask, MarkEvent, Merge, Relate, RemoveLink, ReopenTask, SetField, Snooze,
        Source, Split,
    },
};
use crate::terms::{ActionClass, AgentId, ChecklistId, DraftId, FiringId, Time};

/// Begins an incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Declare {
    /// What is wrong, in a line.
    pub title: String,
    /// A level of the scheme, `SEV-1`; the scheme's mildest where absent.
    pub severity: Option<String>,
    /// A scheme by id; the runbook's default where absent.
    pub scheme: Option<String>,
    /// The affected workflow.
    pub workflow: Option<String>,
    /// Agents known to be involved.
    pub agents: Vec<AgentId>,
    /// The firing it comes from.
    pub firing: Option<FiringId>,
    /// Since when harm is confirmed, where it is.
    pub harm_at: Option<Time>,
    /// Who noticed first (DET.6).
    pub source: Option<Source>,
    /// When a consequence surfaced, where that is how it was noticed: the detection clock's zero (DET.6).
    pub surfaced_at: Option<Time>,
    /// An incident template of the runbook (TEAM.11).
    pub template: Option<String>,
    /// Who alone sees it from its first moment, beside whoever declares it (TEAM.9); empty is everybody.
    pub restricted_to: Vec<String>,
    /// It waits for a person to confirm it: no person says so yet.
    pub unconfirmed: bool,
}

/// What can be asked of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum IncidentCommand {
    /// A tripwire's incident is one.
    Confirm {},
    /// A tripwire's incident is none.
    Dismiss {
        /// Why.
        why: String,
    },
    /// Sets the severity.
    SetSeverity {
        /// The level.
        severity: String,
        /// Why.
        why: String,
    },
    /// Gives a role to somebody, or frees it.
    Assign {
        /// `commander`, `scribe` …
        role: String,
        /// Who; absent frees it.
        #[serde(default)]
        who: Option<String>,
        /// What is said on handing it over (TEAM.1).
        #[serde(default)]
        note: Option<String>,
    },
    /// Adds a note.
    Note {
        /// Its text.
        text: String,
        /// When it happened, if not now.
        #[serde(default)]
        at: Option<Time>,
    },
    /// Takes a note back.
    RetractNote {
        /// The note's `seq`.
        seq: u64,
    },
    /// Confirms harm, or corrects its time.
    ConfirmHarm {
        /// Since when; now where absent.
        #[serde(default)]
        at: Option<Time>,
    },
    /// Corrects the earliest harmful action (MTTD).
    SetEarliestAction {
        /// Its time.
        at: Time,
    },
    /// Records how far the harm may reach, and the choice that follows (CON.6).
    EstimateBlast {
        /// Records, messages or payments an hour.
        velocity_per_h: f64,
        /// For how long it went on, in seconds.
        window_s: f64,
        /// How many can be reached at all.
        #[serde(default)]
        reach: Option<f64>,
        /// What is chosen.
        choice: Move,
        /// Why.
        #[serde(default)]
        why: Option<String>,
    },
    /// Declares containment by hand.
    DeclareContained {
        /// Why it can be said.
        why: String,
    },
    /// Opens a rollback checklist.
    OpenRollback {
        /// Which class.
        class: ActionClass,
        /// What is rolled back.
        target: String,
    },
    /// Ticks a step.
    TickStep {
        /// In which checklist.
        checklist: ChecklistId,
        /// Which step.
        step: String,
    },
    /// Takes a tick, or an “impossible”, back.
    UntickStep {
        /// In which checklist.
        checklist: ChecklistId,
        /// Which step.
        step: String,
    },
    /// Says a step cannot be done.
    MarkImpossible {
        /// In which checklist.
        checklist: ChecklistId,
        /// Which step.
        step: String,
        /// What is done instead.
        substitute: String,
        /// What kind of substitute that is (RBK.9).
        #[serde(default)]
        kind: Option<Substitute>,
    },
    /// Says something of a checklist: its operator, a window, a sign-off, a value, a command that ran.
    WorkRollback(WorkRollback),
    /// Records the read-back.
    VerifyRollback {
        /// Which checklist.
        checklist: ChecklistId,
        /// What was read back.
        evidence: String,
    },
    /// Begins a draft, filled from the incident.
    StartDraft {
        /// `internal`, `customer` …
        audience: String,
    },
    /// Has a draft read as in `fields`: for scripts that merge nothing.
    EditDraft {
        /// Which draft.
        draft: DraftId,
        /// All fields.
        fields: Box<Fields>,
        /// The version that was seen; another one in between is a conflict.
        version: u64,
    },
    /// Writes in a draft; what others write meanwhile stays (COM.5).
    WriteDraft {
        /// Which draft.
        draft: DraftId,
        /// What was written.
        #[schemars(with = "String")]
        edit: Edit,
    },
    /// Sends a draft by a channel of the runbook, or marks it sent by one that a person works; its exact text is kept.
    SendDraft {
        /// Which draft.
        draft: DraftId,
        /// By which channel: `copy`, `mail`, `chat` …
        channel: String,
        /// To whom; empty is whom the channel reaches anyway.
        #[serde(default)]
        to: String,
        /// Reason to send what contradicts the agreed statement (COM.6).
        #[serde(default)]
        over: Option<String>,
    },
    /// Pins telemetry (EVI.1).
    FreezeEvidence(evidence::FreezeEvidence),
    /// Later actions matched a freeze; only the backend asks this.
    #[schemars(skip)]
    AppendEvidence(evidence::AppendEvidence),
    /// Matching actions are not kept; only the backend asks this.
    #[schemars(skip)]
    LoseEvidence(evidence::LoseEvidence),
    /// Sets an item's state (EVI.5).
    SetEvidence(evidence::SetEvidence),
    /// Places a legal hold: what is pinned outlives closing.
    HoldEvidence {
        /// Why.
        why: String,
    },
    /// Lifts it.
    LiftEvidence {
        /// Why.
        why: String,
    },
    /// Enters something affected in the register (EVI.8).
    AddAffected(evidence::AddAffected),
    /// Changes what is known of it.
    SetAffected(evidence::SetAffected),
    /// Writes fields of the post-mortem, adds cases, proposes changes (PM).
    SetPostmortem(SetPostmortem),
    /// Takes a regression case back.
    DropCase(DropCase),
    /// Says what became of a proposed change.
    SettleDelta(SettleDelta),
    /// Files the post-mortem.
    FilePostmortem(FilePostmortem),
    /// Answers, doubts or settles one of the seven facts (TEN.1).
    AnswerFact(AnswerFact),
    /// Answers a criterion of the decision (DEC.1).
    JudgeCriterion(JudgeCriterion),
    /// Chooses what is done about what is broken (DEC.1).
    ChooseMove(ChooseMove),
    /// Goes on before the evidence is frozen (EVI.1).
    OverrideEvidence {
        /// Why.
        why: String,
    },
    /// Answers a factor of the severity (SEV.5).
    WeighFactor(WeighFactor),
    /// Makes a draft the agreed statement for its audience (COM.6).
    AgreeDraft(Agreement),
    /// Records a step of a message on its way; only the backend asks this.
    #[schemars(skip)]
    RecordDelivery(DeliveryStep),
    /// Acknowledges every page of it, its firings' too (TEAM.12).
    AckPages {
        /// Only this round of its own, and those before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<u32>,
    },
    /// What came of one of its pages; only the backend asks this.
    #[schemars(skip)]
    RecordPage(RoundSent),
    /// What came of telling one of its pagers; only the backend asks this.
    #[schemars(skip)]
    RecordTold(RoundTold),
    /// Resolves it.
    Resolve {
        /// How.
        #[serde(default)]
        note: String,
        /// Reason to resolve over an unverified rollback or an engaged switch.
        #[serde(default)]
        over: Option<String>,
    },
    /// Reopens it.
    Reopen {
        /// Why.
        why: String,
    },
    /// Closes it.
    Close {
        /// Reason to close over what is open.
        #[serde(default)]
        over: Option<String>,
    },
    /// Records a finding (INV.1).
    AddFinding(investigation::AddFinding),
    /// Takes a finding back.
    RetractFinding(investigation::RetractFinding),
    /// Says why a layer is not looked at.
    SkipLayer(investigation::SkipLayer),
    /// Names something that changed shortly before (INV.3).
    AddChange(investigation::AddChange),
    /// Says whether a change had to do with it.
    JudgeChange(investigation::JudgeChange),
    /// Records repeated runs (INV.6).
    AddRerun(investigation::AddRerun),
    /// Accepts a restart condition as it is (RST.1).
    AcceptCondition(restart::AcceptCondition),
    /// Approves the restart (RST.4).
    ApproveRestart(restart::ApproveRestart),
    /// Records a correction (RST.6).
    AddCorrection(restart::AddCorrection),
    /// Adds a task (TEAM.2).
    AddTask(AddTask),
    /// Changes a task.
    ChangeTask(ChangeTask),
    /// Ends a task.
    EndTask(EndTask),
    /// Takes an ended task up again.
    ReopenTask(ReopenTask),
    /// Marks a line of the timeline as a key event (TEAM.8).
    MarkEvent(MarkEvent),
    /// Adds a link.
    AddLink(AddLink),
    /// Takes a link away.
    RemoveLink(RemoveLink),
    /// Puts a reminder off (TEAM.4).
    Snooze(Snooze),
    /// Fills one of the runbook's own fields (TEAM.11).
    SetField(SetField),
    /// Relates it to another incident (TEAM.10).
    Relate(Relate),
    /// Only named people see it from now on (TEAM.9).
    Restrict(Restrict),
    /// Everybody sees it again.
    LiftRestriction(LiftRestriction),
    /// Whoever is not named lets themselves in; recorded.
    EnterRestricted(EnterRestricted),
    /// Merges it into another.
    Merge(Merge),
    /// Splits a part off.
    Split(Split),
}
