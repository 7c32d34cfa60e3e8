//! What people and programs may ask, and how a request is refused.

use serde::{Deserialize, Serialize};

use super::{
    AgentDeclaration, Fields, Role,
    communication::{Agreement, DeliveryStep, writing::Edit},
    containment::{ActuatorOutcome, AutoScope, AutoStage, BacktestSeen, Call, HoldEnd, Mode, Move, Scope, Stage},
    decision::{ChooseMove, JudgeCriterion},
    drilled::{Played, Steered},
    evidence,
    first_minutes::{AnswerFact, WeighFactor},
    investigation,
    pages::{FiringTold, MuteTripwire, PageSent, RoundSent, RoundTold, UnmuteTripwire},
    postmortem::{DropCase, FilePostmortem, SetPostmortem, SettleDelta},
    restart,
    restriction::{EnterRestricted, LiftRestriction, Restrict},
    rollback::{Substitute, WorkRollback},
    team::{
        AddLink, AddTask, ChangeTask, EndTask, MarkEvent, Merge, Relate, RemoveLink, ReopenTask, SetField, Snooze,
        Source, Split,
    },
    upkeep::{ReportFault, SettleFault, TakeRunbook},
};
use crate::{
    terms::{
        ActionClass, AgentId, ChecklistId, DraftId, DrillId, FiringId, HoldId, IncidentId, SwitchId, Time, TokenId,
        words,
    },
    tripwire::{FiringChange, Tripwire},
};

/// Begins an incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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

/// Engages a switch. Nothing but the scope is needed: firing asks nobody (CON.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engage {
    /// What it covers; empty is everything.
    #[serde(default)]
    pub scope: Scope,
    /// What it does; halt where absent.
    #[serde(default = "halt")]
    pub mode: Mode,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
    /// Its incident; absent: the one open incident, else one is declared after firing where `declare` says so.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// Since when harm is confirmed.
    #[serde(default)]
    pub harm_at: Option<Time>,
    /// When a preventive switch lifts itself.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// When a preventive switch engages by itself; at once where absent (CON.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Time>,
    /// The lane that a fallback names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// The share of runs that a canary lets through, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Actuators that break-glass set off for it already: they are recorded, and not set off again (law 6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<Fired>,
    /// Declare an incident if none is open (what `!` in the cockpit does).
    #[serde(default)]
    pub declare: bool,
}

fn halt() -> Mode {
    Mode::Halt
}

impl Default for Engage {
    /// A halt of everything.
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            mode: Mode::Halt,
            why: None,
            incident: None,
            harm_at: None,
            expires_at: None,
            starts_at: None,
            lane: None,
            percent: None,
            fired: Vec::new(),
            declare: false,
        }
    }
}

/// An actuator to set off, or one that was set off elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FireActuator {
    /// Its name.
    pub name: String,
    /// The time to effect that was promised, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_s: Option<f64>,
}

/// An actuator that break-glass set off while the backend was not reached (law 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fired {
    /// Its name.
    pub name: String,
    /// When.
    pub at: Time,
    /// The time to effect that was promised, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_s: Option<f64>,
    /// What came of it.
    pub outcome: ActuatorOutcome,
}

/// A call that must wait, as the interlock judged it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenHold {
    /// The call.
    pub call: Call,
    /// Its arguments, as an approver will see them.
    pub input: Option<serde_json::Value>,
    /// They are longer than that.
    pub input_cut: bool,
    /// SHA-256 (hex) of the canonical (agent, tool, input).
    pub digest: String,
    /// The switch that holds it.
    pub switch: Option<SwitchId>,
    /// The team's rule that holds it.
    pub rule: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// What can be asked of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    AppendEvidence(evidence::AppendEvidence),
    /// Matching actions are not kept; only the backend asks this.
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
    RecordDelivery(DeliveryStep),
    /// Acknowledges every page of it, its firings' too (TEAM.12).
    AckPages {
        /// Only this round of its own, and those before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<u32>,
    },
    /// What came of one of its pages; only the backend asks this.
    RecordPage(RoundSent),
    /// What came of telling one of its pagers; only the backend asks this.
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

/// Approves a switch that a tripwire then engages by itself, or takes that back (CON.14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAuto {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Which rule, for `rule`.
    #[serde(default)]
    pub rule: Option<String>,
    /// How far it goes.
    pub stage: AutoStage,
    /// Over what.
    pub scope: AutoScope,
    /// As what.
    #[serde(default = "halt")]
    pub mode: Mode,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
    /// The backtest that was shown; only the backend that showed it fills this in.
    #[serde(default)]
    pub backtest: Option<BacktestSeen>,
}

/// Everything the log takes. Each wire route makes one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Begins an incident.
    Declare(Declare),
    /// Asks something of an incident.
    OnIncident {
        /// Which.
        incident: IncidentId,
        /// What.
        ask: IncidentCommand,
    },
    /// Engages a switch.
    Engage(Engage),
    /// Gives a switch its reason, harm time or incident after firing.
    Annotate {
        /// Which.
        switch: SwitchId,
        /// Why.
        #[serde(default)]
        why: Option<String>,
        /// Harm time.
        #[serde(default)]
        harm_at: Option<Time>,
        /// Incident.
        #[serde(default)]
        incident: Option<IncidentId>,
    },
    /// Lifts a switch, or restores one agent from it.
    Release {
        /// Which.
        switch: SwitchId,
        /// The typed reason.
        why: String,
        /// Only this agent.
        #[serde(default)]
        agent: Option<AgentId>,
        /// Not to full autonomy at once: that agent goes on in this stage, watched (RST.2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Stage>,
        /// The severity owner's reason to release over open restart conditions (RST.1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
    },
    /// Sets actuators off beside a switch.
    FireActuators {
        /// Which switch.
        switch: SwitchId,
        /// Which actuators.
        actuators: Vec<FireActuator>,
    },
    /// What came of an actuator; only the backend asks this.
    AnswerActuator {
        /// Which switch.
        switch: SwitchId,
        /// Which actuator.
        actuator: String,
        /// What.
        outcome: ActuatorOutcome,
    },
    /// A planned switch's time has come; only the backend asks this.
    Begin {
        /// Which.
        switch: SwitchId,
    },
    /// A call waits for a person; only the interlock asks this.
    OpenHold(Box<OpenHold>),
    /// Approves or denies calls that wait (CON.12).
    DecideHolds {
        /// Which.
        holds: Vec<HoldId>,
        /// Approve, or deny.
        approve: bool,
        /// Why.
        #[serde(default)]
        why: Option<String>,
        /// What the approver could see, as it was shown.
        #[serde(default)]
        saw: Option<String>,
        /// For how many seconds.
        #[serde(default)]
        looked_s: Option<f64>,
    },
    /// Uses approved tickets up, all or none; only the interlock asks this.
    UseHolds {
        /// Which.
        holds: Vec<HoldId>,
    },
    /// Ends calls that wait without a person's word; only the interlock asks this.
    EndHolds {
        /// Which.
        holds: Vec<HoldId>,
        /// How.
        how: HoldEnd,
    },
    /// Declares agents.
    DeclareAgents {
        /// All of them, or none are taken.
        agents: Vec<AgentDeclaration>,
    },
    /// Acknowledges a firing.
    AckFiring {
        /// Which.
        firing: FiringId,
        /// Expected behaviour: closes, thaws, counts.
        #[serde(default)]
        expected: bool,
    },
    /// What came of a page; only the backend asks this.
    RecordPage(PageSent),
    /// What came of telling a pager; only the backend asks this.
    RecordTold(FiringTold),
    /// Has a tripwire page nobody for a while.
    MuteTripwire(MuteTripwire),
    /// Ends that before its time.
    UnmuteTripwire(UnmuteTripwire),
    /// Moves a pre-approved switch of a tripwire to a stage.
    SetAuto(SetAuto),
    /// Brings a version of the runbook into force.
    TakeRunbook(Box<TakeRunbook>),
    /// Says what is wrong with the runbook.
    ReportFault(Box<ReportFault>),
    /// Ends such a report, or hands it on.
    SettleFault(Box<SettleFault>),
    /// Makes a token. The backend makes the secret and passes its hash.
    MakeToken {
        /// What it is for.
        name: String,
        /// What it may do.
        role: Role,
        /// The agent it is bound to.
        #[serde(default)]
        agent: Option<AgentId>,
        /// SHA-256 (hex) of the secret.
        hash: String,
    },
    /// Revokes a token.
    RevokeToken {
        /// Which.
        token: TokenId,
    },
    /// Starts a drill's world.
    StartDrill {
        /// The recording's name.
        name: String,
        /// Its title.
        title: String,
        /// Seed.
        seed: u64,
        /// Times faster.
        speed: f64,
    },
    /// Pauses, hastens, skips, puts something in (DRL.1).
    SteerDrill(Steered),
    /// What a recording came to; only the backend asks this.
    RecordPlayed(Played),
    /// Ends a drill.
    EndDrill {
        /// Which.
        drill: DrillId,
    },
    /// What the tripwire engine saw; only the backend asks this.
    Fire {
        /// In the engine's order.
        changes: Vec<FiringChange>,
    },
    /// What the interlock proved; only the backend asks this.
    Prove {
        /// Which switch.
        switch: SwitchId,
        /// The proof as it stands.
        halt: super::containment::HaltProof,
    },
}

words! {
    /// Why a command is refused; each has one HTTP status.
    RefusalCode, "a refusal" {
        /// No such incident, switch, step … (404).
        Unknown = "unknown",
        /// The command is not well formed (422).
        Invalid = "invalid",
        /// The state does not allow it now (409).
        Conflict = "conflict",
        /// The identity may not (403).
        Forbidden = "forbidden",
    }
}

/// A refusal: nothing was changed. `detail` says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("{detail}")]
pub struct Refusal {
    /// Its kind.
    pub code: RefusalCode,
    /// What is wrong, and what to do.
    pub detail: String,
}

impl Refusal {
    /// Builds one.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
