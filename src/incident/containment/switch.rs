//! A containment switch and what is known of its effect.

use serde::{Deserialize, Serialize};

use super::{ActuatorRun, Scope};
use crate::terms::{AgentId, Author, IncidentId, SwitchId, Time, words};

words! {
    /// What an engaged switch does to the calls it covers (CON.2, CON.3, protocol 3).
    Mode, "a mode" {
        /// Denies everything.
        Halt = "halt",
        /// Denies acting tools; reading goes on.
        ReadOnly = "read-only",
        /// Acting tools answer with a draft.
        DraftOnly = "draft-only",
        /// Acting tools wait for a person.
        Approval = "approval",
        /// Everything waits for a person.
        Quarantine = "quarantine",
        /// Denies customer communication, and documents not known to be internal.
        FreezeOutbound = "freeze-outbound",
        /// Denies runs that began after it engaged; those in course go on.
        NoNewRuns = "no-new-runs",
        /// Denies, and names the lane to take instead.
        Fallback = "fallback",
        /// Lets a share of the runs through, and holds the others.
        Canary = "canary",
    }
}

impl Mode {
    /// What it does, in a few words.
    pub fn does(self) -> &'static str {
        match self {
            Self::Halt => "denies everything in scope",
            Self::ReadOnly => "reading goes on, acting tools are denied",
            Self::DraftOnly => "acting tools make drafts",
            Self::Approval => "acting tools wait for a person",
            Self::Quarantine => "every call waits for a person",
            Self::FreezeOutbound => "nothing leaves for customers or the public",
            Self::NoNewRuns => "runs in course go on, new ones are denied",
            Self::Fallback => "denies, and names the lane to take instead",
            Self::Canary => "a share of the runs goes on, the others wait for a person",
        }
    }
}

words! {
    /// How much autonomy an agent has, from none to all: it returns row by row (RST.2).
    Stage, "a stage" {
        /// It is stopped.
        Halted = "halted",
        /// It reads, and acts on nothing.
        ReadOnly = "read-only",
        /// It drafts.
        DraftOnly = "draft-only",
        /// It acts once a person approved.
        ApprovalRequired = "approval-required",
        /// A share of its runs acts.
        Canary = "canary",
        /// Everything.
        Full = "full",
    }
}

impl Stage {
    /// The mode that holds an agent in it; none where nothing does.
    pub fn mode(self) -> Option<Mode> {
        match self {
            Self::Halted => Some(Mode::Halt),
            Self::ReadOnly => Some(Mode::ReadOnly),
            Self::DraftOnly => Some(Mode::DraftOnly),
            Self::ApprovalRequired => Some(Mode::Approval),
            Self::Canary => Some(Mode::Canary),
            Self::Full => None,
        }
    }

    /// One row on.
    pub fn after(self) -> Self {
        let at = Self::ALL.iter().position(|stage| *stage == self).unwrap_or(0);
        Self::ALL.get(at + 1).copied().unwrap_or(self)
    }

    /// One row back (RST.3).
    pub fn before(self) -> Self {
        let at = Self::ALL.iter().position(|stage| *stage == self).unwrap_or(0);
        Self::ALL[at.saturating_sub(1)]
    }
}

words! {
    /// Whether a switch is in force.
    SwitchState, "a switch state" {
        /// Engages by itself at its time (CON.9).
        Planned = "planned",
        /// In force.
        Engaged = "engaged",
        /// Lifted by a person; kept for the record.
        Released = "released",
    }
}

/// How a switch was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Release {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Author,
    /// The typed reason (RST.4).
    pub why: String,
}

/// One switch, as the wire shows it (protocol 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Switch {
    /// `SW-12`.
    pub id: SwitchId,
    /// What it covers.
    pub scope: Scope,
    /// Agents restored from it one by one.
    #[serde(default)]
    pub except: Vec<AgentId>,
    /// What it does.
    pub mode: Mode,
    /// Whether it is in force.
    pub state: SwitchState,
    /// When it was requested; for a planned one, when it engages.
    pub engaged_at: Time,
    /// The lane that a fallback names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// The share of runs that a canary lets through, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The stage it keeps its agent in on the way back (RST.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Until when a tripwire of its agent falls back a row (RST.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_until: Option<Time>,
    /// False while the log could not take it: in force all the same, and retried (law 5).
    pub recorded: bool,
    /// Who fired it.
    pub by: Author,
    /// Why; may be given after.
    #[serde(default)]
    pub why: Option<String>,
    /// The incident it belongs to.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// When harm was confirmed, the zero of the 30 s clock (CON.1).
    #[serde(default)]
    pub harm_at: Option<Time>,
    /// Preventive switches may expire (CON.9); one tied to an incident never does.
    #[serde(default)]
    pub expires_at: Option<Time>,
    /// Who lifted it, when, why.
    #[serde(default)]
    pub release: Option<Release>,
    /// What was done elsewhere beside it (CON.3, CON.8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actuators: Vec<ActuatorRun>,
    /// The proof so far (CON.10).
    #[serde(default)]
    pub halt: HaltProof,
}

/// Who is proved stopped, and who is not (CON.10).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct HaltProof {
    /// Agents in scope with a live lease, or an action or check in the last 24 h, when it engaged.
    pub counted: u32,
    /// Proved by acknowledgement, expired lease or a refused check.
    pub confirmed: u32,
    /// Heard nothing more from, while their source went on delivering.
    pub silent: u32,
    /// None of these 30 s after it was requested.
    pub no_answer: u32,
    /// Acted after the switch was enforced.
    pub escaped: u32,
    /// Actions that had started before it was enforced.
    pub in_flight: u32,
    /// Seconds from confirmed harm (else from the request) to the last confirmation; absent until all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_in_s: Option<f64>,
    /// Executed actions in scope from confirmed harm on, newest last, at most 100.
    pub slipped: Vec<Slipped>,
    /// When the table first answered it; kept over restarts, so that what happened in between is still a breach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_at: Option<Time>,
    /// Each agent's own line.
    pub agents: Vec<AgentProof>,
}

/// An action that slipped through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Slipped {
    /// Who acted.
    pub agent: AgentId,
    /// With what tool or endpoint; agent-written.
    pub what: String,
    /// When it ended.
    pub at: Time,
}

/// One agent under a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AgentProof {
    /// Which agent.
    pub id: AgentId,
    /// What is proved.
    pub state: ProofState,
    /// By what, where something was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<ProofHow>,
    /// Since when.
    pub at: Time,
}

words! {
    /// The ladder of proof; later words outweigh earlier ones (protocol 3).
    ProofState, "a proof state" {
        /// Not counted: nothing heard in 24 h; denied if it comes.
        Idle = "idle",
        /// Recorded.
        Requested = "requested",
        /// Every live node's table answers it.
        Enforced = "enforced",
        /// None of the proofs 30 s after it was requested.
        NoAnswer = "no-answer",
        /// Its source went on, it did nothing.
        Silent = "silent",
        /// Acknowledged, expired, or refused at a check.
        Confirmed = "confirmed",
        /// Acted after it was enforced: a breach (DET.9).
        Escaped = "escaped",
    }
}

words! {
    /// What proved an agent stopped.
    ProofHow, "a kind of proof" {
        /// Every live instance acknowledged the version.
        Acknowledged = "acknowledged",
        /// Its lease ran out and it stops when blind.
        Expired = "expired",
        /// A later check was refused.
        Refused = "refused",
    }
}
