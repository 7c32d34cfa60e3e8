//! What a cockpit begins with, and the figures that are not in the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{DrillPlace, Writer};
use crate::incident::{
    Clock, Drill, Incident, Reach, Right, World,
    containment::{Figures, Switch},
    drilled::{ArmedProof, HarmCount},
    first_minutes::Phase,
    team::Reminder,
    upkeep::Upkeep,
};
use crate::telemetry::{Part, Touched, Use};
use crate::terms::{AgentId, Author, HoldId, IncidentId, SwitchId, Time};

/// How often at least, in milliseconds, an event stream says that it lives: whoever hears nothing for some times as long knows
/// that the line is dead.
pub const HEARTBEAT_HEADER: &str = "andon-heartbeat-ms";

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
    /// The runbook's versions, and reports on it.
    #[serde(default)]
    pub upkeep: Upkeep,
    /// Who is asking, as the backend sees them.
    pub you: You,
    /// The backend's own words about itself.
    pub backend: BackendInfo,
    /// The figures that are not in the log.
    pub live: Live,
}

impl State {
    /// Switches in force that are not in the log yet (law 5).
    pub fn unrecorded(&self) -> impl Iterator<Item = &Arc<Switch>> {
        self.live.unrecorded.iter().filter(|switch| !self.world.switches.contains_key(&switch.id))
    }

    /// A switch, recorded or not.
    pub fn switch(&self, id: SwitchId) -> Option<&Arc<Switch>> {
        self.world.switches.get(&id).or_else(|| self.unrecorded().find(|switch| switch.id == id))
    }
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct You {
    /// As author.
    pub name: Author,
    /// Whether acting commands would be taken at all.
    pub may_act: bool,
    /// What they may do.
    #[serde(default)]
    pub may: Vec<Right>,
    /// Whether a key of theirs is known: what lifts a restraint is signed by it then (protocol 4).
    #[serde(default)]
    pub signs: bool,
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
    /// Hosts of the other backends of the same database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// Where telemetry and interlock are served: `127.0.0.1:7420`.
    pub telemetry: Option<String>,
    /// Its log file.
    pub log_file: Option<String>,
    /// How telemetry over NATS stands, where it goes over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<BrokerInfo>,
}

/// Telemetry of several nodes, as one of them sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BrokerInfo {
    /// Where NATS is, without its secret.
    pub place: String,
    /// Why no telemetry is taken now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// How many partitions there are.
    pub partitions: u32,
    /// Those that this node judges.
    pub judged: Vec<u32>,
    /// Actions of them that wait to be judged.
    pub lag: u64,
    /// Actions that wait to be kept at this node.
    pub behind: u64,
    /// Actions that were gone from the stream before this node kept them.
    pub missed: u64,
    /// Actions that were not taken because NATS did not take them.
    pub refused: u64,
    /// Bytes that the stream holds.
    pub bytes: u64,
    /// And may hold; 0 is without limit.
    pub bytes_limit: u64,
}

/// Figures that are not facts: sent as `event: live` about once a second, only when something changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Live {
    /// The backend's clock.
    pub now: Time,
    /// Per agent, declared or seen.
    pub agents: BTreeMap<String, AgentLive>,
    /// When the clients of the calls that wait last asked for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub holds_asked: BTreeMap<HoldId, Time>,
    /// Whether the switches would work now.
    pub armed: Armed,
    /// People with a cockpit open, by name.
    pub present: Vec<String>,
    /// Who writes in which draft.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writing: Vec<Writer>,
    /// Telemetry counters since the backend began.
    pub telemetry: TelemetryCounts,
    /// Switches in force that the log could not take yet (law 5).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<Arc<Switch>>,
    /// What keeps the backend from its work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<String>,
    /// What the agents of each open incident touched, as telemetry shows it (SEV.5).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub touched: BTreeMap<IncidentId, Touched>,
    /// In a drill's world: what is harmed and prevented up to now (DRL.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harm: Option<HarmCount>,
    /// In a drill's world: how far it has come (DRL.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<DrillPlace>,
    /// In a drill's world: who follows it, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_drill: Vec<String>,
    /// Newest firing condition checks, spend per minute over the last hour, all agents, USD; oldest first.
    pub spend_per_minute: Vec<f64>,
}

/// Whether the switches would work, proved between incidents (CON.13).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Armed {
    /// Actuators with a probe, by name.
    pub probes: BTreeMap<String, Probe>,
    /// Identities that can fire: people and scripts with a token, and whoever is on the socket. Three should (CON.5).
    pub can_fire: u32,
}

/// What a harmless probe said last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// When.
    pub at: Time,
    /// Why it would not work; absent where it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

impl Live {
    /// The agents that a switch reaches, and the one among them whose last proof is oldest.
    pub fn oldest_proof(&self) -> Option<(&str, Time)> {
        let proved = self.agents.iter().filter_map(|(name, live)| Some((name.as_str(), live.proved_at?)));
        proved.min_by_key(|(_, at)| *at)
    }

    /// The same for a drill to cite (DRL.4).
    pub fn proof(&self) -> ArmedProof {
        let oldest = self.oldest_proof();
        let probed = self.armed.probes.iter().filter(|(_, probe)| probe.why_not.is_none());
        let reached = self.agents.values().filter(|agent| agent.proved_at.is_some()).count();
        ArmedProof {
            at: self.now,
            reached: u32::try_from(reached).unwrap_or(u32::MAX),
            oldest: oldest.map(|(agent, _)| agent.to_owned()),
            oldest_at: oldest.map(|(_, at)| at),
            beyond_reach: self.beyond_reach().into_iter().map(str::to_owned).collect(),
            probed: probed.map(|(name, _)| name.clone()).collect(),
            failing: self.failing(),
            can_fire: self.armed.can_fire,
        }
    }

    /// Actuators that would not work, and why.
    pub fn failing(&self) -> Vec<String> {
        let failing = self.armed.probes.iter().filter_map(|(name, probe)| Some((name, probe.why_not.as_ref()?)));
        failing.map(|(name, why)| format!("{name} would not work: {why}")).collect()
    }

    /// The same without what belongs to these incidents: only others see them (TEAM.9).
    pub fn without(mut self, hidden: &BTreeSet<IncidentId>) -> Self {
        if !hidden.is_empty() {
            self.touched.retain(|id, _| !hidden.contains(id));
            self.writing.retain(|writer| !hidden.contains(&writer.writing.incident));
            self.unrecorded.retain(|switch| switch.incident.is_none_or(|incident| !hidden.contains(&incident)));
        }
        self
    }

    /// Agents that no switch reaches: they are observed only (CON.16).
    pub fn beyond_reach(&self) -> Vec<&str> {
        let beyond = self.agents.iter().filter(|(_, live)| live.reach == Some(Reach::Observed));
        beyond.map(|(name, _)| name.as_str()).collect()
    }
}

/// One agent's figures now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentLive {
    /// How a switch reaches it.
    pub reach: Option<Reach>,
    /// Live leases.
    pub leases: u32,
    /// When it last proved that a switch would reach it: by a lease that keeps up, or by asking (CON.13).
    pub proved_at: Option<Time>,
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

impl Live {
    /// What containment weighs of each agent (CON.11).
    pub fn figures(&self) -> BTreeMap<AgentId, Figures> {
        let known = self.agents.iter().filter_map(|(name, live)| Some((AgentId::new(name).ok()?, live)));
        known
            .map(|(agent, live)| {
                let calls_per_h = live.calls_window;
                (agent, Figures { reach: live.reach, calls_per_h, spend_per_h: live.spend_window_usd })
            })
            .collect()
    }

    /// Agents heard of lately, and those of them whose figures could show them unaffected (CON.4).
    pub fn active(&self) -> BTreeMap<AgentId, bool> {
        let heard = self.agents.iter().filter(|(_, live)| live.last_seen.is_some());
        heard.filter_map(|(name, live)| Some((AgentId::new(name).ok()?, live.median_calls.is_some()))).collect()
    }
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
    /// Judged, and of no run: evidence finds them by their time only (GOV.2).
    pub without_run: u64,
}

/// One incident as `/v1/incidents` shows it: with its clocks at that moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentView {
    /// As it stands.
    #[serde(flatten)]
    pub incident: Arc<Incident>,
    /// Its clocks now.
    pub clocks: Vec<Clock>,
    /// What calls for somebody now (TEAM.4).
    #[serde(default)]
    pub reminders: Vec<Reminder>,
    /// Where it stands, and what comes next (TEN.2).
    #[serde(default)]
    pub phase: Option<Phase>,
    /// Roles that its severity asks for and nobody holds (SEV.6).
    #[serde(default)]
    pub missing_roles: Vec<String>,
}

/// `event: resync` on `/v1/events`: the place asked for is not of this log's life. Read `/v1/state` anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// The present epoch.
    pub epoch: u32,
    /// The newest position.
    pub position: u64,
}

/// Names of one kind that an agent used lately, the newest first (TEN.3); agent-written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Used {
    /// Tools, models, releases, sources, systems ….
    pub part: Part,
    /// Each name.
    pub names: Vec<UsedName>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UsedName {
    /// As telemetry names it.
    pub name: String,
    /// How.
    #[serde(flatten)]
    pub used: Use,
}
