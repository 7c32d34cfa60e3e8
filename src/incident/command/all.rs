//! Every command.

use serde::{Deserialize, Serialize};

use super::super::{
    AgentDeclaration, Role,
    containment::{ActuatorOutcome, HoldEnd, Stage},
    drilled::{ArmedProof, Course, Played, Steered, Told},
    pages::{FiringTold, MuteTripwire, PageSent, UnmuteTripwire},
    session::{SessionBegun, SessionEnded},
    upkeep::{ReportFault, SettleFault, TakeRunbook},
};
use super::{Declare, Engage, FireActuator, IncidentCommand, OpenHold, SetAuto};
use crate::{
    terms::{AgentId, DrillId, FiringId, HoldId, IncidentId, SwitchId, Time, TokenId},
    tripwire::FiringChange,
};

/// Everything the log takes. Each wire route makes one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    #[schemars(skip)]
    AnswerActuator {
        /// Which switch.
        switch: SwitchId,
        /// Which actuator.
        actuator: String,
        /// What.
        outcome: ActuatorOutcome,
    },
    /// A planned switch's time has come; only the backend asks this.
    #[schemars(skip)]
    Begin {
        /// Which.
        switch: SwitchId,
    },
    /// A call waits for a person; only the interlock asks this.
    #[schemars(skip)]
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
    #[schemars(skip)]
    UseHolds {
        /// Which.
        holds: Vec<HoldId>,
    },
    /// Ends calls that wait without a person's word; only the interlock asks this.
    #[schemars(skip)]
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
    #[schemars(skip)]
    RecordPage(PageSent),
    /// What came of telling a pager; only the backend asks this.
    #[schemars(skip)]
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
    /// A person logged in by an SSH key; only the backend asks this.
    #[schemars(skip)]
    BeginSession(SessionBegun),
    /// And out; only the backend asks this.
    #[schemars(skip)]
    EndSession(SessionEnded),
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
        /// How its recording goes, and what it is scored against.
        #[serde(default)]
        course: Box<Course>,
        /// What was proved of the real switches, as the backend sees it: no part of what is asked, so that asking again is the same.
        #[serde(skip)]
        armed: Box<ArmedProof>,
    },
    /// Pauses, hastens, skips, puts something in (DRL.1).
    SteerDrill(Steered),
    /// What participants of a drill hear from outside; only the backend asks this.
    #[schemars(skip)]
    TellDrill(Told),
    /// What a recording came to; only the backend asks this.
    #[schemars(skip)]
    RecordPlayed(Played),
    /// Ends a drill.
    EndDrill {
        /// Which.
        drill: DrillId,
    },
    /// What the tripwire engine saw; only the backend asks this.
    #[schemars(skip)]
    Fire {
        /// In the engine's order.
        changes: Vec<FiringChange>,
    },
    /// What the interlock proved; only the backend asks this.
    #[schemars(skip)]
    Prove {
        /// Which switch.
        switch: SwitchId,
        /// The proof as it stands.
        halt: crate::incident::containment::HaltProof,
    },
}
