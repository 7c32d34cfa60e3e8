//! Every kind of fact the log can hold. A new kind is added, never changed: old logs must fold for ever.

mod wire;

use serde::{Deserialize, Serialize};

use super::{
    AgentDeclaration, Fields, PlannedStep, Role,
    communication::{Agreement, DeliveryStep, Promise, Sending, writing::Written},
    containment::{
        ActuatorOutcome, AgentProof, AutoScope, AutoStage, BacktestSeen, BlastRadius, Call, HaltProof, HoldEnd, Mode,
        Move, Scope, Stage,
    },
    decision::{Judged, MoveChosen},
    drilled::{ArmedProof, Course, Played, Rewound, Steered, Told},
    evidence,
    first_minutes::{Answered, Early, Weighed},
    investigation,
    pages::{FiringTold, Muted, PageSent, PagesAcknowledged, PagingBegun, RoundSent, RoundTold, Unmuted},
    postmortem::{CaseDropped, DeltaProposed, DeltaSettled, PostmortemFiled, PostmortemWritten, RegressionCase},
    restart,
    restriction::{LiftRestriction, Restricted},
    rollback::{RollbackPlan, Substitute, WorkRollback},
    session,
    state::ClockPlan,
    team::{
        AddLink, ChangeTask, EndTask, MarkEvent, Merge, Relate, RemoveLink, ReopenTask, SetField, Snooze, Source,
        SplitOff, TaskAdded, TookIn,
    },
    upkeep,
};
use crate::{
    terms::{
        ActionClass, AgentId, ChecklistId, DraftId, DrillId, FiringId, HoldId, IncidentId, SwitchId, Time, TokenId,
    },
    tripwire::{FiringKey, Tripwire},
};

/// One fact. On the wire `type` is the variant in kebab-case and `data` its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub enum Fact {
    // ---- stream incident/INC-n -------------------------------------------------------------------------------
    /// An incident began. Opened by a tripwire it waits for a person's confirmation.
    IncidentDeclared {
        /// What is wrong, in a line.
        title: String,
        /// The severity scheme it keeps (SEV.1).
        scheme: String,
        /// The level at the start.
        severity: String,
        /// The affected workflow.
        #[serde(default)]
        workflow: Option<String>,
        /// Agents known to be involved.
        #[serde(default)]
        agents: Vec<AgentId>,
        /// The firing it came from.
        #[serde(default)]
        firing: Option<FiringId>,
        /// False when a tripwire opened it: a person confirms or dismisses.
        confirmed: bool,
        /// The clocks it runs by, copied from the runbook (an open incident keeps its version).
        clocks: ClockPlan,
        /// Version of the runbook.
        runbook: String,
        /// What must be kept of it (EVI.2), copied too.
        #[serde(default, skip_serializing_if = "evidence::EvidencePlanned::is_empty")]
        evidence: evidence::EvidencePlanned,
        /// Who noticed first (DET.6).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
        /// When a consequence surfaced, where that is how it was noticed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        surfaced_at: Option<Time>,
    },
    /// A person confirmed an incident that a tripwire opened.
    IncidentConfirmed {},
    /// A person dismissed an incident that a tripwire opened.
    IncidentDismissed {
        /// Why it is none.
        why: String,
    },
    /// A person set the severity (SEV.5).
    SeveritySet {
        /// The level.
        severity: String,
        /// Why.
        why: String,
        /// The clocks from now on, where the level changes them (SEV.6).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clocks: Option<ClockPlan>,
    },
    /// A role changed hands (TEAM.1).
    RoleAssigned {
        /// `commander`, `scribe` …
        role: String,
        /// Who; `None` frees it.
        who: Option<String>,
        /// What was said on handing it over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// A note on the timeline (TEAM.8).
    NoteAdded {
        /// Its text; person- or agent-written.
        text: String,
    },
    /// A note was taken back; it stays in the log.
    NoteRetracted {
        /// The `seq` of the note in this stream.
        seq: u64,
    },
    /// Harm is confirmed: the zero of the 30 s clock. Said again, it corrects the time.
    HarmConfirmed {
        /// Since when.
        at: Time,
    },
    /// The earliest harmful action is known, or known better (MTTD: Action, Signal).
    EarliestActionSet {
        /// Its event time.
        at: Time,
        /// When it was received, where telemetry knows.
        #[serde(default)]
        received_at: Option<Time>,
    },
    /// A person estimated how far the harm may reach, and chose (CON.6).
    BlastEstimated {
        /// The figures seen.
        blast: BlastRadius,
        /// What was chosen.
        choice: Move,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Every counted agent is confirmed, or a person declares it with a reason.
    Contained {
        /// A person's reason; absent when it was proved.
        #[serde(default)]
        why: Option<String>,
    },
    /// Something escaped after containment: the status reopens, no clock restarts.
    ContainmentBroken {
        /// Through which switch.
        switch: SwitchId,
        /// Who.
        agent: AgentId,
    },
    /// A firing belongs to this incident.
    FiringJoined {
        /// Which.
        firing: FiringId,
        /// Whose agent.
        agent: AgentId,
    },
    /// A switch belongs to this incident.
    SwitchJoined {
        /// Which.
        switch: SwitchId,
    },
    /// A rollback checklist was opened (RBK).
    RollbackOpened {
        /// Its number.
        checklist: ChecklistId,
        /// Which class.
        class: ActionClass,
        /// The class in words.
        title: String,
        /// What is rolled back.
        target: String,
        /// Who may work it.
        authorised: String,
        /// The class's time budget from containment, in seconds.
        budget_s: u64,
        /// The steps, copied from the runbook.
        steps: Vec<PlannedStep>,
        /// What to do where reversal is impossible.
        substitute: String,
        /// What the class plans besides.
        #[serde(default, skip_serializing_if = "RollbackPlan::is_empty")]
        plan: RollbackPlan,
    },
    /// Something was said of a checklist while it was worked (RBK.1, RBK.8, RBK.9).
    RollbackWorked(WorkRollback),
    /// A step was done.
    StepTicked {
        /// In which checklist.
        checklist: ChecklistId,
        /// Which step.
        step: String,
    },
    /// A tick was taken back.
    StepUnticked {
        /// In which checklist.
        checklist: ChecklistId,
        /// Which step.
        step: String,
    },
    /// A step cannot be done; a substitute stands in (RBK.9).
    StepImpossible {
        /// In which checklist.
        checklist: ChecklistId,
        /// Which step.
        step: String,
        /// What is done instead.
        substitute: String,
        /// What kind of substitute that is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<Substitute>,
    },
    /// The real state was read back and is right (RBK.8).
    RollbackVerified {
        /// Which checklist.
        checklist: ChecklistId,
        /// What was read back.
        evidence: String,
    },
    /// A draft was begun for an audience (COM.2).
    DraftStarted {
        /// Its number.
        draft: DraftId,
        /// `internal`, `customer` …
        audience: String,
        /// The six fields, filled from the incident (COM.1).
        fields: Fields,
    },
    /// Somebody wrote in a draft (COM.5).
    DraftWritten(Box<Written>),
    /// A draft's fields were replaced: in logs from before several could write at once.
    DraftEdited {
        /// Which draft.
        draft: DraftId,
        /// All fields as they are now.
        fields: Fields,
    },
    /// A draft was marked sent: its exact text is kept (COM.5).
    DraftSent {
        /// Which draft.
        draft: DraftId,
        /// Exactly what was sent.
        text: String,
        /// By which channel.
        channel: String,
        /// To whom.
        to: String,
        /// What it promises of the next one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
        /// Why it was sent over the statement that is agreed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
    },
    /// What must be kept of an incident from before there were items.
    EvidencePlanned(evidence::EvidencePlanned),
    /// Telemetry is pinned (EVI.1).
    EvidenceFrozen(evidence::EvidenceFrozen),
    /// Later actions matched.
    EvidenceAppended(evidence::EvidenceAppended),
    /// Matching actions are not kept.
    EvidenceLost(evidence::EvidenceLost),
    /// An item's state was set (EVI.5).
    EvidenceItemSet(evidence::EvidenceItemSet),
    /// What is gated on the freeze went on without it.
    EvidenceOverridden(evidence::EvidenceOverridden),
    /// A legal hold began.
    EvidenceHeld(evidence::EvidenceHeld),
    /// A legal hold was lifted.
    EvidenceLifted(evidence::EvidenceLifted),
    /// Something affected was entered in the register (EVI.8).
    AffectedAdded(evidence::AffectedAdded),
    /// What is known of it changed.
    AffectedChanged(evidence::AffectedChanged),
    /// One of the seven facts was answered, doubted or settled (TEN.1).
    FactAnswered(Answered),
    /// A factor of the severity was answered (SEV.5).
    FactorWeighed(Weighed),
    /// A criterion of the decision was answered (DEC.1).
    CriterionJudged(Judged),
    /// What is done about what is broken was chosen (DEC.1).
    MoveChosen(MoveChosen),
    /// Work that comes after containment was begun before it (TEN.2).
    BegunBeforeContainment(Early),
    /// A person asked for a draft to be sent by a channel that andon works itself (COM.5).
    DraftSending(Box<Sending>),
    /// A step of such a message on its way.
    DraftDelivery(DeliveryStep),
    /// A draft is the agreed statement for its audience (COM.6).
    DraftAgreed(Agreement),
    /// The incident is resolved.
    Resolved {
        /// How.
        note: String,
    },
    /// It was reopened.
    Reopened {
        /// Why.
        why: String,
    },
    /// It is closed: the post-mortem is filed.
    Closed {
        /// Reason where something was left open.
        #[serde(default)]
        over: Option<String>,
    },
    /// A finding was recorded (INV.1).
    FindingAdded(investigation::FindingAdded),
    /// A finding was taken back.
    FindingRetracted(investigation::RetractFinding),
    /// A layer is not looked at.
    LayerSkipped(investigation::SkipLayer),
    /// Something changed shortly before (INV.3).
    ChangeNamed(investigation::NumberedChange),
    /// What is said of such a change.
    ChangeJudged(investigation::JudgeChange),
    /// It was run again, so many times (INV.6).
    RerunRecorded(investigation::AddRerun),
    /// A restart condition is accepted as it is (RST.1).
    ConditionAccepted(restart::AcceptCondition),
    /// A person approved the restart (RST.4).
    RestartApproved(restart::ApproveRestart),
    /// Something was corrected (RST.6).
    CorrectionRecorded(restart::AddCorrection),
    /// An agent of it went on in a stage, or fell back to one (RST.2).
    StageEntered(restart::StageEntered),
    /// Something goes on over open conditions (RST.1).
    RestartOverridden(restart::RestartOverridden),
    /// A task was added (TEAM.2).
    TaskAdded(TaskAdded),
    /// A task was changed.
    TaskChanged(ChangeTask),
    /// A task was done or dropped.
    TaskEnded(EndTask),
    /// An ended task was taken up again.
    TaskReopened(ReopenTask),
    /// A line of the timeline became a key event, or is none any more (TEAM.8).
    EventMarked(MarkEvent),
    /// A link was added.
    LinkAdded(AddLink),
    /// A link was taken away.
    LinkRemoved(RemoveLink),
    /// A reminder was put off (TEAM.4).
    Snoozed(Snooze),
    /// One of the runbook's own fields was filled or cleared (TEAM.11).
    FieldSet(SetField),
    /// It is related to another incident (TEAM.10).
    RelatedTo(Relate),
    /// Only named people see it from now on (TEAM.9).
    Restricted(Restricted),
    /// Everybody sees it again.
    RestrictionLifted(LiftRestriction),
    /// It was merged into another, and ends here.
    MergedInto(Merge),
    /// Another was merged into it.
    TookIn(Box<TookIn>),
    /// A part of it became an incident of its own.
    SplitOff(SplitOff),

    /// Fields of the post-mortem were written (PM).
    PostmortemWritten(PostmortemWritten),
    /// A regression case was added, or replaced by name (PM.6).
    RegressionCaseAdded(RegressionCase),
    /// A regression case was taken back.
    RegressionCaseDropped(CaseDropped),
    /// A change to the data was proposed (PM.8).
    DeltaProposed(DeltaProposed),
    /// A proposed change was merged or dropped, or opened again.
    DeltaSettled(DeltaSettled),
    /// The post-mortem was filed (PM.7).
    PostmortemFiled(PostmortemFiled),
    /// Its level asks for pages (TEAM.3).
    PagingBegun(PagingBegun),
    /// A step of these went, or did not.
    IncidentPaged(RoundSent),
    /// Somebody acknowledged them (TEAM.12).
    PagesAcknowledged(PagesAcknowledged),
    /// A pager that took one was told that somebody has it, or that it is over.
    IncidentPagerTold(RoundTold),

    // ---- stream switches -------------------------------------------------------------------------------------
    /// A switch was engaged (CON).
    SwitchEngaged {
        /// Its number.
        switch: SwitchId,
        /// What it covers.
        scope: Scope,
        /// What it does.
        mode: Mode,
        /// Why.
        #[serde(default)]
        why: Option<String>,
        /// Its incident.
        #[serde(default)]
        incident: Option<IncidentId>,
        /// When harm was confirmed.
        #[serde(default)]
        harm_at: Option<Time>,
        /// When it lifts itself, for a preventive one.
        #[serde(default)]
        expires_at: Option<Time>,
        /// Who is counted, and as what, at that moment.
        agents: Vec<AgentProof>,
        /// When it engages by itself, for a planned one (CON.9).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starts_at: Option<Time>,
        /// The lane that a fallback names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lane: Option<String>,
        /// The share of runs that a canary lets through.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
        /// The stage it keeps its agent in (RST.2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
        /// Until when a tripwire falls back a row (RST.3).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watch_until: Option<Time>,
    },
    /// A planned switch came into force.
    SwitchBegun {
        /// Which.
        switch: SwitchId,
        /// Who is counted at that moment.
        agents: Vec<AgentProof>,
    },
    /// What is proved changed; batched.
    SwitchProved {
        /// Which switch.
        switch: SwitchId,
        /// The proof as it stands.
        halt: HaltProof,
    },
    /// A reason, a harm time or an incident was given after firing.
    SwitchAnnotated {
        /// Which switch.
        switch: SwitchId,
        /// Why.
        #[serde(default)]
        why: Option<String>,
        /// Harm time.
        #[serde(default)]
        harm_at: Option<Time>,
        /// Incident it belongs to.
        #[serde(default)]
        incident: Option<IncidentId>,
    },
    /// One agent was restored from a wide switch.
    SwitchExcepted {
        /// Which switch.
        switch: SwitchId,
        /// Which agent.
        agent: AgentId,
        /// Why.
        why: String,
    },
    /// An actuator was set off beside a switch.
    ActuatorFired {
        /// Which switch.
        switch: SwitchId,
        /// Which actuator, by name.
        actuator: String,
        /// The time to effect that was promised, seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promised_s: Option<f64>,
    },
    /// Something came of it.
    ActuatorAnswered {
        /// Which switch.
        switch: SwitchId,
        /// Which actuator.
        actuator: String,
        /// What.
        outcome: ActuatorOutcome,
    },
    /// A switch was lifted.
    SwitchReleased {
        /// Which switch.
        switch: SwitchId,
        /// The typed reason.
        why: String,
        /// One person, no incident (protocol 4).
        #[serde(default)]
        alone: bool,
    },

    // ---- stream holds ----------------------------------------------------------------------------------------
    /// A call waits for a person (CON.2).
    HoldOpened {
        /// Its ticket.
        hold: HoldId,
        /// The call, as it was judged.
        call: Call,
        /// Its arguments as an approver sees them; agent-written, cut where they are long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<serde_json::Value>,
        /// They are longer than what is kept here; the digest covers all of them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        input_cut: bool,
        /// SHA-256 (hex) of the canonical (agent, tool, input).
        digest: String,
        /// The switch that holds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        switch: Option<SwitchId>,
        /// The team's rule that holds it (DET.12).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// Why, in words.
        reason: String,
        /// How long it may wait, in seconds.
        ttl_s: u64,
    },
    /// A person approved or denied it.
    HoldDecided {
        /// Which.
        hold: HoldId,
        /// Approved, or denied.
        approved: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// What the approver could see of the call, as it was shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saw: Option<String>,
        /// For how many seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        looked_s: Option<f64>,
    },
    /// It is over without, or after, a person's word.
    HoldEnded {
        /// Which.
        hold: HoldId,
        /// How.
        how: HoldEnd,
    },

    // ---- stream agents ---------------------------------------------------------------------------------------
    /// An owner declared an agent, or declared it anew.
    AgentDeclared(AgentDeclaration),

    // ---- stream tripwires ------------------------------------------------------------------------------------
    /// A tripwire fired.
    FiringOpened {
        /// Its number.
        firing: FiringId,
        /// Which tripwire, agent, detail.
        key: FiringKey,
        /// When the action that met it was received.
        received_at: Time,
        /// Figure in the window.
        #[serde(default)]
        window: Option<f64>,
        /// Limit it went over.
        #[serde(default)]
        limit: Option<f64>,
        /// Median in force.
        #[serde(default)]
        baseline: Option<f64>,
        /// What else the engine said.
        #[serde(default)]
        note: Option<String>,
        /// Whom the runbook pages.
        pages: String,
        /// The incident it joined or opened.
        #[serde(default)]
        incident: Option<IncidentId>,
    },
    /// Its condition was met again; coalesced.
    FiringCounted {
        /// Which firing.
        firing: FiringId,
        /// Meetings so far.
        count: u64,
        /// Highest figure so far.
        #[serde(default)]
        peak: Option<f64>,
    },
    /// It closed by itself.
    FiringClosed {
        /// Which firing.
        firing: FiringId,
    },
    /// A person acknowledged it.
    FiringAcknowledged {
        /// Which firing.
        firing: FiringId,
        /// Expected behaviour: it closes, thaws the baseline, and its hours count.
        expected: bool,
    },
    /// It was linked to an incident after it opened.
    FiringLinked {
        /// Which firing.
        firing: FiringId,
        /// Which incident.
        incident: IncidentId,
    },

    /// A step of a firing's pages went, or did not (TEAM.3).
    FiringPaged(PageSent),
    /// A pager that took it was told that somebody has it, or that it is over.
    FiringPagerTold(FiringTold),
    /// A tripwire pages nobody for a while (DET.7).
    TripwireMuted(Muted),
    /// A mute ended before its time.
    TripwireUnmuted(Unmuted),
    /// A person approved a switch for a tripwire or rule, or took that back (CON.14).
    AutoContainmentSet {
        /// Which tripwire.
        tripwire: Tripwire,
        /// Which rule, for `rule`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<String>,
        /// How far it goes.
        stage: AutoStage,
        /// Over what.
        scope: AutoScope,
        /// As what.
        mode: Mode,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// What they were shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        backtest: Option<BacktestSeen>,
    },
    /// A firing engaged what was approved for it, or would have.
    AutoContained {
        /// Which firing.
        firing: FiringId,
        /// The stage it was at.
        stage: AutoStage,
        /// Over what.
        scope: Scope,
        /// As what.
        mode: Mode,
        /// The switch, where one holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        switch: Option<SwitchId>,
    },

    // ---- stream runbook --------------------------------------------------------------------------------------
    /// A version of the runbook came into force (GOV.1).
    RunbookTaken(Box<upkeep::BookTaken>),
    /// Somebody said what is wrong with it (GOV.6).
    FaultReported(Box<upkeep::FaultReported>),
    /// A report ended, or went to somebody else.
    FaultSettled(Box<upkeep::FaultSettled>),

    // ---- stream access ---------------------------------------------------------------------------------------
    /// A token was made; only its hash is kept.
    TokenMade {
        /// Its number.
        token: TokenId,
        /// What it is for, in the maker's words.
        name: String,
        /// What it may do.
        role: Role,
        /// The agent it is bound to, for an agent's token.
        #[serde(default)]
        agent: Option<AgentId>,
        /// SHA-256 (hex) of the secret.
        hash: String,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
    /// A person logged in by an SSH key (TEAM.6).
    SessionBegun(Box<session::SessionBegun>),
    /// And out.
    SessionEnded(session::SessionEnded),

    // ---- stream drills ---------------------------------------------------------------------------------------
    /// A drill began: a world of its own.
    DrillStarted {
        /// Its number.
        drill: DrillId,
        /// The recording's name.
        name: String,
        /// Its title.
        title: String,
        /// Seed of its ids and choices.
        seed: u64,
        /// How many times faster than recorded.
        speed: f64,
        /// How its recording goes, and what it is scored against.
        #[serde(default)]
        course: Box<Course>,
        /// What was proved of the real switches then: a drill cites it, and proves none itself.
        #[serde(default)]
        armed: Box<ArmedProof>,
    },
    /// A facilitator paused, hastened, skipped, put something in (DRL.1).
    DrillSteered(Box<Steered>),
    /// It was taken back, and goes on in the next take's world (DRL.1).
    DrillRewound(Box<Rewound>),
    /// Its participants heard something from outside (DRL.1).
    DrillTold(Box<Told>),
    /// A recording was played, and what it came to (DRL.3).
    DrillPlayed(Box<Played>),
    /// A drill ended.
    DrillEnded {
        /// Which.
        drill: DrillId,
    },
}
