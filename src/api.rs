//! The wire: requests, responses, paths and problems. Backend and client both use it; neither spells a path itself.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    incident::{
        Clock, Command, Drill, Event, Incident, OnBlind, Reach, Refusal, RefusalCode, Role, World, containment::Mode,
    },
    terms::{ActionClass, AgentId, Author, DrillId, FiringId, IncidentId, SwitchId, Time, TokenId, ToolName, Workflow},
};

/// Which world a request is about: `?world=DRILL-3`; absent is the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InWorld {
    /// A drill's world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<DrillId>,
}

/// `POST` of any command: the id is the sender's, asked twice it answers the first result (law 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask<C = Command> {
    /// Unique per author.
    pub id: Uuid,
    /// What is asked.
    pub command: C,
}

/// What an accepted command did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The events it made, in order; empty when there was nothing left to do.
    pub events: Vec<Event>,
    /// `seq` of the newest event of the stream it was about.
    pub state_version: u64,
    /// False only for a switch in force that the log could not take yet (law 5).
    #[serde(default = "yes")]
    pub recorded: bool,
}

fn yes() -> bool {
    true
}

/// RFC 9457 problem details. `detail` says what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("{detail}")]
pub struct Problem {
    /// `urn:andon:` and a word: `unknown`, `invalid`, `conflict`, `forbidden`, `busy`, `too-large`, `unauthenticated`, `unavailable`, `reused-id`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// The present state, for a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<serde_json::Value>,
}

impl Problem {
    /// Builds one of `kind` (without the `urn:`).
    pub fn new(status: u16, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self { kind: format!("urn:andon:{kind}"), title: title.into(), status, detail: detail.into(), state: None }
    }

    /// No such thing (404).
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(404, "unknown", "No such thing", detail)
    }

    /// Not well formed (`status` 400, 413, 415 or 422).
    pub fn invalid(status: u16, detail: impl Into<String>) -> Self {
        Self::new(status, "invalid", "The request is not well formed", detail)
    }

    /// The identity may not (403).
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "This identity may not do that", detail)
    }

    /// The backend cannot do it now (503).
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "The backend cannot do that now", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = match refusal.code {
            RefusalCode::Unknown => (404, "No such thing"),
            RefusalCode::Invalid => (422, "The command is not well formed"),
            RefusalCode::Conflict => (409, "The state does not allow that now"),
            RefusalCode::Forbidden => (403, "This identity may not do that"),
        };
        Self::new(status, refusal.code.as_str(), title, refusal.detail)
    }
}

/// `GET /v1/state`: everything a cockpit needs to begin, and the position to resume `/v1/events` from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The epoch of `position`.
    pub epoch: u32,
    /// Newest event folded.
    pub position: u64,
    /// The world asked for.
    pub world: World,
    /// Drills known.
    pub drills: Vec<Drill>,
    /// Who is asking, as the backend sees them.
    pub you: You,
    /// The backend's own words about itself.
    pub backend: BackendInfo,
    /// The figures that are not in the log.
    pub live: Live,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct You {
    /// As author.
    pub name: Author,
    /// Whether acting commands would be taken at all.
    pub may_act: bool,
}

/// About the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// Its version.
    pub version: String,
    /// Whether it serves one user (`only you`) or more.
    pub shared: bool,
    /// The host it runs on.
    pub host: String,
    /// Where telemetry and interlock are served: `127.0.0.1:7420`.
    pub telemetry: Option<String>,
    /// Its log file.
    pub log_file: Option<String>,
}

/// Figures that are not facts: sent as `event: live` about once a second, only when something changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Live {
    /// The backend's clock.
    pub now: Time,
    /// Per agent, declared or seen.
    pub agents: BTreeMap<String, AgentLive>,
    /// People with a cockpit open, by name.
    pub present: Vec<String>,
    /// Telemetry counters since the backend began.
    pub telemetry: TelemetryCounts,
    /// Newest firing condition checks, spend per minute over the last hour, all agents, USD; oldest first.
    pub spend_per_minute: Vec<f64>,
}

/// One agent's figures now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentLive {
    /// How a switch reaches it.
    pub reach: Option<Reach>,
    /// Live leases.
    pub leases: u32,
    /// Newest action or check.
    pub last_seen: Option<Time>,
    /// Spend in the window, USD.
    pub spend_window_usd: f64,
    /// Calls in the window.
    pub calls_window: u64,
    /// Hours that count towards its baseline, of the 24 needed (DET.10).
    pub baseline_hours: u32,
    /// Median hourly spend, USD; absent until the baseline is ready.
    pub median_spend_usd: Option<f64>,
    /// Median hourly calls.
    pub median_calls: Option<f64>,
    /// Tools called that the inventory does not list (DET.14).
    pub drift: Vec<String>,
}

/// What intake did since it began (law 4: nothing is lost silently).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TelemetryCounts {
    /// Judged by the engine.
    pub accepted: u64,
    /// Refused item by item.
    pub rejected: u64,
    /// Counted once already.
    pub duplicate: u64,
    /// Refused with 429 or 503 for want of room.
    pub busy: u64,
    /// Judged but not kept in the hot store.
    pub shed: u64,
}

/// Answer to `POST /v1/actions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ActionsAnswer {
    /// Judged and in memory.
    pub accepted: u64,
    /// Ids seen within the hour.
    pub duplicate: u64,
    /// Bad items by index in the request, neighbours were kept.
    pub rejected: Vec<RejectedItem>,
}

/// One refused item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedItem {
    /// Index in the request, from 0.
    pub index: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

pub use crate::incident::containment::Decision;

/// `POST /v1/interlock/check`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Who calls.
    pub agent: AgentId,
    /// The tool.
    #[serde(default)]
    pub tool: Option<ToolName>,
    /// The class the caller states; it may only tighten.
    #[serde(default)]
    pub class: Option<ActionClass>,
    /// The run.
    #[serde(default)]
    pub run: Option<String>,
    /// The workflow the caller states.
    #[serde(default)]
    pub workflow: Option<Workflow>,
    /// On whose behalf.
    #[serde(default)]
    pub subject: Option<String>,
    /// When the caller sent it, for its clock's error.
    #[serde(default)]
    pub sent_at: Option<Time>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckAnswer {
    /// What to do.
    pub decision: Decision,
    /// The mode of the switch that decided; absent when allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// That switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchId>,
    /// In words, for the agent's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Version of the table that answered.
    pub version: u64,
}

/// `POST /v1/drills`: plays a recording in a world of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartDrill {
    /// The recording's name; `GET /v1/drills/recordings` lists them.
    pub name: String,
    /// How many times faster than recorded; 60 where absent.
    #[serde(default = "sixty")]
    pub speed: f64,
    /// Seed of its ids.
    #[serde(default)]
    pub seed: u64,
}

fn sixty() -> f64 {
    60.0
}

/// Which drill began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillStarted {
    /// Its world's name.
    pub id: DrillId,
    /// The recording's title.
    pub title: String,
    /// Seconds until its last action.
    pub lasts_s: f64,
}

/// A recording that can be played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingView {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Which kind of documented incident it follows.
    pub modelled_on: Option<String>,
}

/// `POST /v1/interlock/lease`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// Whose.
    pub agent: AgentId,
    /// Which process of it.
    pub instance: String,
    /// The version it enforces: renewing acknowledges it.
    #[serde(default)]
    pub version: u64,
    /// What it does when blind.
    #[serde(default = "stop")]
    pub on_blind: OnBlind,
    /// When it was sent, for the holder's clock error.
    #[serde(default)]
    pub sent_at: Option<Time>,
}

fn stop() -> OnBlind {
    OnBlind::Stop
}

/// Its answer: the agent's whole view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseAnswer {
    /// Seconds the lease lives; the holder counts from its send.
    pub ttl_s: u64,
    /// What applies to it.
    #[serde(flatten)]
    pub view: AgentView,
}

/// What applies to one agent now: `event: state` of its stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// Version of the table.
    pub version: u64,
    /// Whose view.
    pub agent: AgentId,
    /// The decision for a tool nobody named, as a word.
    pub mode: String,
    /// Tools that are decided otherwise.
    pub tools: BTreeMap<String, Decision>,
    /// Classes that are decided otherwise.
    pub classes: BTreeMap<String, Decision>,
    /// The switch that decided.
    #[serde(default)]
    pub switch: Option<SwitchId>,
    /// In words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Answer to making a token: the only time its secret is seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenMade {
    /// `TOK-1`.
    pub id: TokenId,
    /// `andon_…`; shown once.
    pub secret: String,
}

/// One incident as `/v1/incidents` shows it: with its clocks at that moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentView {
    /// As it stands.
    #[serde(flatten)]
    pub incident: Arc<Incident>,
    /// Its clocks now.
    pub clocks: Vec<Clock>,
}

/// `POST /v1/switches/ID/release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSwitch {
    /// The typed reason (RST.4).
    pub why: String,
    /// Only this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

/// `POST /v1/switches/ID/annotate`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnnotateSwitch {
    /// Why it was fired.
    pub why: Option<String>,
    /// Since when harm is confirmed.
    pub harm_at: Option<Time>,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
}

/// `POST /v1/firings/ID/ack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AckFiring {
    /// Expected behaviour: closes, thaws, counts.
    pub expected: bool,
}

/// `POST /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The agent it is bound to, for an agent's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

/// `POST /v1/stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// Even if somebody goes blind.
    pub force: bool,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Who goes blind: engaged switches and live leases.
    pub blind: Vec<String>,
}

/// `event: resync` on `/v1/events`: the place asked for is not of this log's life. Read `/v1/state` anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// The present epoch.
    pub epoch: u32,
    /// The newest position.
    pub position: u64,
}

/// Every path, once.
pub mod path {
    use super::{DrillId, FiringId, IncidentId, SwitchId};

    /// Native telemetry.
    pub const ACTIONS: &str = "/v1/actions";
    /// OTLP traces.
    pub const TRACES: &str = "/v1/traces";
    /// Everything to begin with.
    pub const STATE: &str = "/v1/state";
    /// The log, live.
    pub const EVENTS: &str = "/v1/events";
    /// Any [`super::Command`] by name.
    pub const COMMANDS: &str = "/v1/commands";
    /// Incidents.
    pub const INCIDENTS: &str = "/v1/incidents";
    /// Switches.
    pub const SWITCHES: &str = "/v1/switches";
    /// Firings.
    pub const FIRINGS: &str = "/v1/firings";
    /// Agents.
    pub const AGENTS: &str = "/v1/agents";
    /// Tokens.
    pub const TOKENS: &str = "/v1/tokens";
    /// Drills.
    pub const DRILLS: &str = "/v1/drills";
    /// Whether it lives.
    pub const HEALTH: &str = "/healthz";
    /// Whether it can do its work.
    pub const READY: &str = "/readyz";
    /// Stopping the backend.
    pub const STOP: &str = "/v1/stop";
    /// Asking the interlock.
    pub const CHECK: &str = "/v1/interlock/check";
    /// Holding a lease.
    pub const LEASE: &str = "/v1/interlock/lease";
    /// Hearing of changes.
    pub const STREAM: &str = "/v1/interlock/stream";
    /// For gateways.
    pub const AUTHZ: &str = "/v1/interlock/authz";
    /// OpenFeature.
    pub const OFREP: &str = "/ofrep/v1/evaluate/flags";

    /// One incident.
    pub fn incident(id: IncidentId) -> String {
        format!("{INCIDENTS}/{id}")
    }

    /// Commands to one incident.
    pub fn incident_commands(id: IncidentId) -> String {
        format!("{INCIDENTS}/{id}/commands")
    }

    /// One incident's events.
    pub fn incident_events(id: IncidentId) -> String {
        format!("{INCIDENTS}/{id}/events")
    }

    /// One incident's post-mortem.
    pub fn postmortem(id: IncidentId) -> String {
        format!("{INCIDENTS}/{id}/postmortem")
    }

    /// Lifting one switch.
    pub fn release(id: SwitchId) -> String {
        format!("{SWITCHES}/{id}/release")
    }

    /// Giving one switch its reason.
    pub fn annotate(id: SwitchId) -> String {
        format!("{SWITCHES}/{id}/annotate")
    }

    /// Acknowledging one firing.
    pub fn ack(id: FiringId) -> String {
        format!("{FIRINGS}/{id}/ack")
    }

    /// A world as a query, with its `?`; empty for the real one.
    pub fn in_world(world: Option<DrillId>) -> String {
        world.map(|drill| format!("?world={drill}")).unwrap_or_default()
    }
}
