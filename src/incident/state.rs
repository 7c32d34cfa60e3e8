//! One incident as it stands: the fold of its stream.

use std::collections::BTreeMap;

use imbl::Vector;
use serde::{Deserialize, Serialize};

use super::{
    communication::{Communication, Draft, RegulatoryClock},
    containment::BlastRadius,
    decision::Decision,
    evidence::{Evidence, Register},
    first_minutes::{Factors, FirstMinutes},
    investigation::Investigation,
    pages::Paging,
    postmortem::Postmortem,
    restart::Gate,
    restriction::Restriction,
    rollback::{Substitute, Work},
    team::{Task, Team},
};
use crate::terms::{ActionClass, AgentId, Author, ChecklistId, FiringId, IncidentId, SwitchId, Time, words};

words! {
    /// Where an incident stands (protocol 6).
    Status, "a status" {
        /// Known, not yet contained.
        Declared = "declared",
        /// Everything in scope is proved stopped, or a person says so.
        Contained = "contained",
        /// Actions are being undone.
        RollingBack = "rolling-back",
        /// Undone and verified; watched.
        Monitoring = "monitoring",
        /// Autonomy returns in stages.
        Restarting = "restarting",
        /// Over for those affected.
        Resolved = "resolved",
        /// The post-mortem is filed.
        Closed = "closed",
        /// Merged into another incident.
        Merged = "merged",
        /// A tripwire opened it, a person found it was none.
        Dismissed = "dismissed",
    }
}

/// The clocks an incident runs by, in seconds, copied from the runbook when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockPlan {
    /// Confirmed harm → everything in scope halted (CON.1): 30.
    pub halt_s: u64,
    /// Earlier of declaration and containment → evidence frozen (EVI.1): 900.
    pub evidence_s: u64,
    /// Declaration → internal coordination (COM.4): 3600.
    pub coordination_s: u64,
    /// Declaration → affected users told (COM.4): 14400.
    pub users_s: u64,
    /// Action → operator awareness (DET.1): 14400.
    pub detection_s: u64,
    /// Declaration → the seven facts known (TEN.1): 600.
    #[serde(default = "ten_minutes")]
    pub facts_s: u64,
    /// Declaration → somebody commands, where the severity sets one (SEV.6).
    #[serde(default)]
    pub command_s: Option<u64>,
    /// Closing → post-mortem due, where the severity sets one (PM.7).
    #[serde(default)]
    pub postmortem_s: Option<u64>,
    /// Duties to report to regulators (COM.7); an incident keeps those that were on when it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regulatory: Vec<RegulatoryClock>,
}

fn ten_minutes() -> u64 {
    600
}

words! {
    /// Where a clock stands.
    ClockState, "a clock state" {
        /// Its zero has not come.
        Waiting = "waiting",
        /// Counting down.
        Running = "running",
        /// Reached in time.
        Met = "met",
        /// Not reached in time.
        Missed = "missed",
    }
}

/// One clock at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// `halt`, `evidence`, `coordination`, `users`, `update`, `rollback RB-1` …
    pub name: String,
    /// When it is due; absent while it waits.
    pub due_at: Option<Time>,
    /// Where it stands.
    pub state: ClockState,
    /// Seconds left, negative when overdue, or by which it was met or missed; absent while it waits.
    pub left_s: Option<f64>,
}

/// One change of severity (SEV.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityChange {
    /// When.
    pub at: Time,
    /// The level.
    pub severity: String,
    /// Who.
    pub by: Author,
    /// Why.
    pub why: String,
}

/// One line of the timeline (TEAM.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `seq` in the incident's stream; the selection's id.
    pub seq: u64,
    /// When it happened.
    pub at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Who.
    pub by: Author,
    /// The fact's type: `note-added`, `severity-set` …
    pub kind: String,
    /// In words; may hold person- or agent-written text.
    pub text: String,
    /// A note that was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retracted: bool,
    /// Somebody marked it as a key event (TEAM.8).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key: bool,
}

/// A step as the runbook has it, copied into the incident when its checklist is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its short name, unique within the checklist: `list-payouts`.
    pub id: String,
    /// What to do.
    pub text: String,
    /// A command that helps, shown to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// This step is the class's read-back: the checklist is done only when it is (RBK).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verifies: bool,
    /// It changes the state: it waits for the evidence to be frozen (EVI.1).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
    /// A budget of its own from containment, where it differs from the class's, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<u64>,
}

words! {
    /// Where a step stands.
    StepState, "a step state" {
        /// Not done.
        Open = "open",
        /// Done.
        Done = "done",
        /// Cannot be done; a substitute stands in.
        Impossible = "impossible",
    }
}

/// One step of a rollback checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// As the runbook has it.
    #[serde(flatten)]
    pub plan: PlannedStep,
    /// Where it stands.
    pub state: StepState,
    /// Who changed it last.
    #[serde(default)]
    pub by: Option<Author>,
    /// When.
    #[serde(default)]
    pub at: Option<Time>,
    /// What stands in for an impossible one.
    #[serde(default)]
    pub substitute: Option<String>,
    /// What kind of substitute that is (RBK.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Substitute>,
}

/// One rollback checklist: a class and a target (RBK).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checklist {
    /// `RB-1`, within the incident.
    pub id: ChecklistId,
    /// Which class.
    pub class: ActionClass,
    /// The class in words.
    pub title: String,
    /// What is rolled back.
    pub target: String,
    /// Who may work it.
    pub authorised: String,
    /// Budget from containment, in seconds.
    pub budget_s: u64,
    /// When that is; absent until contained.
    #[serde(default)]
    pub due_at: Option<Time>,
    /// What to do where reversal is impossible.
    pub substitute: String,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// When it was verified, by whom, by what read-back.
    #[serde(default)]
    pub verified: Option<Verified>,
    /// What stands beside the steps: operator, windows, sign-offs, values, outputs.
    #[serde(default)]
    pub work: Work,
}

/// The read-back that closes a checklist (RBK.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// When.
    pub at: Time,
    /// Who.
    pub by: Author,
    /// What was read back.
    pub evidence: String,
}

/// The detection chain (PM.2, protocol 6); what is absent reads “not recorded”.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mttd {
    /// Earliest harmful action.
    pub action: Option<Time>,
    /// When it was received.
    pub signal: Option<Time>,
    /// When the firing was recorded.
    pub trigger: Option<Time>,
    /// First accepted delivery of a page.
    pub page: Option<Time>,
    /// A person's acknowledgement.
    pub acknowledgement: Option<Time>,
    /// First to last, in seconds.
    pub mttd_s: Option<f64>,
    /// `action-signal`, `signal-trigger`, `trigger-page`, `page-acknowledgement`: the one to close first.
    pub largest_gap: Option<String>,
}

/// One incident, the fold of its stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `INC-7`.
    pub id: IncidentId,
    /// `seq` of the newest event folded: what a command saw.
    pub version: u64,
    /// Belongs to a drill's world.
    pub drill: bool,
    /// What is wrong, in a line; may hold agent-written text.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// False while a tripwire's incident waits for a person.
    pub confirmed: bool,
    /// Version of the runbook it keeps.
    pub runbook: String,
    /// The severity scheme it keeps.
    pub scheme: String,
    /// The level now.
    pub severity: String,
    /// Every level it had, oldest first (SEV.7).
    pub severities: Vec<SeverityChange>,
    /// When it was declared.
    pub declared_at: Time,
    /// By whom.
    pub declared_by: Author,
    /// Since when harm is confirmed.
    pub harm_at: Option<Time>,
    /// When it was contained first; an escape does not restart it.
    pub contained_at: Option<Time>,
    /// How far the harm may reach, as estimated last (CON.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast: Option<BlastRadius>,
    /// Escaped after containment, not contained since.
    pub containment_broken: bool,
    /// When it was resolved.
    pub resolved_at: Option<Time>,
    /// When it was closed.
    pub closed_at: Option<Time>,
    /// The affected workflow.
    pub workflow: Option<String>,
    /// Agents known to be involved.
    pub agents: Vec<AgentId>,
    /// Who holds which role.
    pub roles: BTreeMap<String, String>,
    /// The clocks it runs by.
    pub clock_plan: ClockPlan,
    /// Its switches, in order.
    pub switches: Vec<SwitchId>,
    /// Its firings, in order.
    pub firings: Vec<FiringId>,
    /// Everything that happened, by `seq`.
    pub timeline: Vector<Entry>,
    /// Its rollback checklists.
    pub checklists: Vec<Checklist>,
    /// Its drafts.
    pub drafts: Vec<Draft>,
    /// Who alone sees it (TEAM.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restricted: Option<Restriction>,
    /// What is agreed for each audience (COM.6).
    #[serde(default)]
    pub communication: Communication,
    /// Its detection chain.
    pub mttd: Mttd,
    /// What is kept of it (EVI).
    #[serde(default)]
    pub evidence: Evidence,
    /// What it affected (EVI.8).
    #[serde(default)]
    pub register: Register,
    /// Looking for its cause (INV).
    #[serde(default)]
    pub investigation: Investigation,
    /// The way back (RST).
    #[serde(default)]
    pub gate: Gate,
    /// Its tasks (TEAM.2).
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// Links, fields, kin, and who noticed it.
    #[serde(default)]
    pub team: Team,
    /// What people file once it is over (PM).
    #[serde(default)]
    pub postmortem: Postmortem,
    /// The seven facts of the first ten minutes (TEN.1).
    #[serde(default)]
    pub facts: FirstMinutes,
    /// What its severity is weighed by (SEV.5).
    #[serde(default)]
    pub factors: Factors,
    /// What was decided about what is broken (DEC.1).
    #[serde(default)]
    pub decision: Decision,
    /// Whom it paged by itself (TEAM.3).
    #[serde(default)]
    pub paging: Paging,
}

impl Incident {
    /// The worst level it ever had, by the order of its scheme's `levels`, worst first. Who lowers a severity does not
    /// lower what was engaged under the higher one (RST.4).
    pub fn worst_severity<'a>(&'a self, levels: impl IntoIterator<Item = &'a str>) -> &'a str {
        let had = |level: &&str| self.severities.iter().any(|change| change.severity.eq_ignore_ascii_case(level));
        levels.into_iter().find(had).unwrap_or(&self.severity)
    }

    /// Whether work on it goes on: firings join it, halts default to it.
    pub fn is_open(&self) -> bool {
        !matches!(self.status, Status::Resolved | Status::Closed | Status::Merged | Status::Dismissed)
    }
}
