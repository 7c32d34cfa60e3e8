//! Every path, once.

use crate::terms::{AgentId, DrillId, FiringId, FreezeId, HoldId, IncidentId, SwitchId};

/// Native telemetry.
pub const ACTIONS: &str = "/v1/actions";
/// OTLP traces.
pub const TRACES: &str = "/v1/traces";
/// Everything to begin with.
pub const STATE: &str = "/v1/state";
/// The log, live.
pub const EVENTS: &str = "/v1/events";
/// Any [`crate::incident::Command`] by name.
pub const COMMANDS: &str = "/v1/commands";
/// Incidents.
pub const INCIDENTS: &str = "/v1/incidents";
/// Switches.
pub const SWITCHES: &str = "/v1/switches";
/// Calls that wait for a person.
pub const HOLDS: &str = "/v1/holds";
/// Firings.
pub const FIRINGS: &str = "/v1/firings";
/// Rules and what they would stop.
pub const TRIPWIRES: &str = "/v1/tripwires";
/// Tripwires tried over stored telemetry, beside those in force.
pub const COMPARE_TRIPWIRES: &str = "/v1/tripwires/compare";
/// Switches approved for tripwires.
pub const AUTO: &str = "/v1/tripwires/auto";
/// What such a switch would have done.
pub const BACKTEST: &str = "/v1/tripwires/auto/backtest";
/// Agents.
pub const AGENTS: &str = "/v1/agents";
/// Logging in; `DELETE` ends a session.
pub const LOGIN: &str = "/v1/login";
/// Something to sign.
pub const CHALLENGE: &str = "/v1/login/challenge";
/// Tokens.
pub const TOKENS: &str = "/v1/tokens";
/// Figures over all incidents.
pub const FIGURES: &str = "/v1/figures";
/// Other systems' alerts.
pub const ALERTS: &str = "/v1/alerts";
/// Those of Alertmanager.
pub const ALERTMANAGER: &str = "/v1/alerts/alertmanager";
/// The runbook in force, or one of its versions.
pub const RUNBOOK: &str = "/v1/runbook";
/// Its versions, and what was reported of it.
pub const UPKEEP: &str = "/v1/runbook/upkeep";
/// Drills.
pub const DRILLS: &str = "/v1/drills";
/// Whether it lives.
pub const HEALTH: &str = "/healthz";
/// Whether it can do its work.
pub const READY: &str = "/readyz";
/// Figures for a monitoring system.
pub const METRICS: &str = "/metrics";
/// Where events go by type.
pub const HOOKS: &str = "/v1/hooks";
/// Where the link in a page leads.
pub const ACK: &str = "/ack";
/// Every route, in OpenAPI.
pub const OPENAPI: &str = "/openapi.json";
/// Where people write in drafts.
pub const WRITING: &str = "/v1/writing";
/// What a facilitator sees of the recording that a drill plays.
pub fn drill_outline(id: DrillId) -> String {
    format!("{DRILLS}/{id}/outline")
}

/// What one drill came to.
pub fn drill_score(id: DrillId) -> String {
    format!("{DRILLS}/{id}/score")
}

/// Stops the backend.
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
/// Where OpenFeature clients hear that their flags changed; with a ticket from the bulk answer.
pub const OFREP_STREAM: &str = "/ofrep/v1/stream";

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

/// Whether what was frozen of one incident is whole.
pub fn incident_evidence(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/evidence")
}

/// What is kept by its content.
pub const BLOBS: &str = "/v1/blobs";
/// What looks like a secret.
pub const SECRETS: &str = "/v1/secrets";

/// One blob of an incident, masked; whole with `raw`.
pub fn blob(id: IncidentId, digest: &str) -> String {
    format!("{INCIDENTS}/{id}/blobs/{digest}")
}

/// What the criteria of one incident's decision point to.
pub fn decision(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/decision")
}

/// One version of the runbook.
pub fn runbook(version: &str) -> String {
    format!("{RUNBOOK}?version={}", escaped(version))
}

/// One incident's evidence in one file.
pub fn bundle(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/bundle")
}

/// One incident's trace, or that of one run.
pub fn trace(id: IncidentId, run: Option<&str>, world: Option<DrillId>) -> String {
    let mut query = Vec::new();
    query.extend(world.map(|drill| format!("world={drill}")));
    query.extend(run.map(|run| format!("run={}", escaped(run))));
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{INCIDENTS}/{id}/trace{mark}{}", query.join("&"))
}

/// Sends something harmless to a hook.
pub fn hook_test(name: &str) -> String {
    format!("{HOOKS}/{}/test", escaped(name))
}

/// A value of a query, whatever stands in it.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// What an agent used lately.
pub fn used(agent: &AgentId) -> String {
    format!("{AGENTS}/{agent}/used")
}

/// Whom one incident's messages reached.
pub fn recipients(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/recipients")
}

/// Who read corrupted records of one incident.
pub fn readers(id: IncidentId, records: &[String]) -> String {
    let records: Vec<String> = records.iter().map(|record| format!("record={}", escaped(record))).collect();
    let mark = if records.is_empty() { "" } else { "?" };
    format!("{INCIDENTS}/{id}/readers{mark}{}", records.join("&"))
}

/// A page of what one freeze of an incident pins, after a number.
pub fn pinned(id: IncidentId, freeze: FreezeId, after: u64, limit: usize, world: Option<DrillId>) -> String {
    let world = world.map(|drill| format!("&world={drill}")).unwrap_or_default();
    format!("{INCIDENTS}/{id}/evidence/actions?freeze={freeze}&after={after}&limit={limit}{world}")
}

/// One incident's look back.
pub fn look_back(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/lookback")
}

/// The severity that is advised for one.
pub fn advice(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/severity")
}

/// One incident's post-mortem.
pub fn postmortem(id: IncidentId) -> String {
    format!("{INCIDENTS}/{id}/postmortem")
}

/// Lifting one switch.
pub fn release(id: SwitchId) -> String {
    format!("{SWITCHES}/{id}/release")
}

/// What a switch would stop, before it is fired.
pub const PREVIEW: &str = "/v1/switches/preview";

/// One hold.
pub fn hold(id: HoldId) -> String {
    format!("{HOLDS}/{id}")
}

/// A person's word on one hold.
pub fn decide_hold(id: HoldId) -> String {
    format!("{HOLDS}/{id}/decide")
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
