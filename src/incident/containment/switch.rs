//! A containment switch and what is known of its effect.

use serde::{Deserialize, Serialize};

use super::Scope;
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
    }
}

words! {
    /// Whether a switch is in force.
    SwitchState, "a switch state" {
        /// In force.
        Engaged = "engaged",
        /// Lifted by a person; kept for the record.
        Released = "released",
    }
}

/// How a switch was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Author,
    /// The typed reason (RST.4).
    pub why: String,
}

/// One switch, as the wire shows it (protocol 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// When it was requested.
    pub engaged_at: Time,
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
    /// The proof so far (CON.10).
    #[serde(default)]
    pub halt: HaltProof,
}

/// Who is proved stopped, and who is not (CON.10).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slipped {
    /// Who acted.
    pub agent: AgentId,
    /// With what tool or endpoint; agent-written.
    pub what: String,
    /// When it ended.
    pub at: Time,
}

/// One agent under a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
