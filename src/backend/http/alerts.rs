//! `/v1/alerts/…`: other systems' alerts as incidents for a person to confirm (TEAM.3, DET.6).

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    extract::Json,
    reply::{Reply, ask, sees},
};
use crate::{
    api::Problem,
    backend::{app::Backend, identity::Identity},
    incident::{Command, Declare, Incident, IncidentCommand, World, team::Source},
    runbook::{AlertPlan, Labels, Mapping},
    terms::{AgentId, Author, IncidentId, Printable, Time},
};

/// Longest title that an alert gives, in characters.
const TITLE: usize = 180;

/// What became of a batch.
#[derive(Debug, Default, Serialize)]
pub struct Taken {
    opened: Vec<IncidentId>,
    joined: Vec<IncidentId>,
    resolved: Vec<IncidentId>,
    /// Said before, or nothing to say.
    passed_over: usize,
    /// What could not be taken, and why; answered 200 all the same: sent again it would be no better.
    refused: Vec<String>,
}

/// One alert, whoever sent it.
struct Alert {
    /// The same alert, said again, has the same.
    id: String,
    title: String,
    agent: Option<AgentId>,
    workflow: Option<String>,
    severity: Option<String>,
    over: bool,
    /// Whether the same id may come for another occasion, once the first is over.
    recurs: bool,
}

/// As Alertmanager (version 4) and Grafana send them.
#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    alerts: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default, rename = "startsAt")]
    starts_at: String,
    #[serde(default)]
    fingerprint: String,
}

/// A group of Alertmanager's; each alert by itself.
pub async fn alertmanager(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Json(body): Json<Value>,
) -> Reply<Taken> {
    let plan = backend.runbook.load().alerts.clone();
    let group: Group = match serde_json::from_value(body) {
        Ok(group) => group,
        Err(why) => return Ok(axum::Json(refused(format!("no group of alerts: {why}")))),
    };
    let alerts = group.alerts.iter().map(|one| of_labels(&plan.alertmanager, one)).collect();
    take(&backend, &identity, alerts).await
}

/// Any other JSON, by the mapping of that name.
pub async fn webhook(
    State(backend): State<Arc<Backend>>,
    identity: Identity,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> Reply<Taken> {
    let plan: AlertPlan = backend.runbook.load().alerts.clone();
    let Some(mapping) = plan.webhook.iter().find(|mapping| mapping.name == name) else {
        return Err(Problem::unknown("alerts.toml of the runbook has no webhook of that name"));
    };
    match mapped(mapping, &body) {
        Ok(alert) => take(&backend, &identity, vec![alert]).await,
        Err(why) => Ok(axum::Json(refused(why))),
    }
}

fn refused(why: String) -> Taken {
    Taken { refused: vec![why], ..Taken::default() }
}

fn line(text: &str) -> String {
    Printable::line(text).cut(TITLE).to_string()
}

fn of_labels(plan: &Labels, one: &One) -> Alert {
    let label = |name: &str| one.labels.get(name).filter(|value| !value.is_empty());
    let name = label("alertname").map_or("an alert", String::as_str);
    let says = ["summary", "description", "message"].iter().find_map(|key| one.annotations.get(*key));
    let title = says.map_or_else(|| name.to_owned(), |says| format!("{name}: {says}"));
    // Without a fingerprint its labels are what it is.
    let labels = || serde_json::to_string(&one.labels).unwrap_or_default();
    let fingerprint = if one.fingerprint.is_empty() { labels() } else { one.fingerprint.clone() };
    Alert {
        id: format!("{fingerprint} {}", one.starts_at),
        title: line(&title),
        agent: label(&plan.agent).and_then(|agent| AgentId::new(agent).ok()),
        workflow: label(&plan.workflow).map(|workflow| line(workflow)),
        severity: label(&plan.severity).and_then(|word| plan.levels.get(word)).cloned(),
        over: one.status == "resolved",
        // Since when it fires is part of its id.
        recurs: one.starts_at.is_empty(),
    }
}

fn mapped(mapping: &Mapping, body: &Value) -> Result<Alert, String> {
    let text = |pointer: &str| match body.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let at = |pointer: &Option<String>| pointer.as_deref().and_then(text).filter(|text| !text.is_empty());
    let needed = |pointer: &str| text(pointer).ok_or_else(|| format!("the body has no text at {pointer}"));
    let severity = at(&mapping.severity).and_then(|word| mapping.levels.get(&word).cloned());
    let over = at(&mapping.resolved).is_some_and(|word| mapping.resolved_is.as_ref() == Some(&word));
    Ok(Alert {
        id: format!("{} {}", mapping.name, needed(&mapping.id)?),
        title: line(&needed(&mapping.title)?),
        agent: at(&mapping.agent).and_then(|agent| AgentId::new(&agent).ok()),
        workflow: at(&mapping.workflow).map(|workflow| line(&workflow)),
        severity,
        over,
        recurs: true,
    })
}

/// The same id for the same alert after the same words: asked again, the log remembers it.
fn command_id(alert: &Alert, told: Option<&Told>, what: &str) -> Uuid {
    let after = told.map(|told| format!(" after {} {}", told.incident, told.lines)).unwrap_or_default();
    let digest = Sha256::digest(format!("{what} {}{after}", alert.id));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// How its incident names an alert, to find it again.
fn mark(alert: &Alert) -> String {
    format!("alert {}", &hex::encode(Sha256::digest(&alert.id))[..12])
}

/// What an incident says of an alert already.
struct Told {
    incident: IncidentId,
    /// How many of its lines.
    lines: usize,
    /// Whether the last of them is of the alert's end.
    over: bool,
    at: Time,
}

/// Where an alert was told of last.
fn told(world: &World, mark: &str) -> Option<Told> {
    let end = resolved(mark);
    let told = world.incidents.values().filter_map(|incident| {
        let lines = incident.timeline.iter().filter(|entry| entry.text.starts_with(mark));
        let (count, last) = (lines.clone().count(), lines.max_by_key(|entry| entry.recorded_at)?);
        let over = last.text.starts_with(&end);
        Some(Told { incident: incident.id, lines: count, over, at: last.recorded_at })
    });
    told.max_by_key(|told| told.at)
}

fn resolved(mark: &str) -> String {
    format!("{mark} is resolved")
}

async fn take(backend: &Backend, identity: &Identity, alerts: Vec<Alert>) -> Reply<Taken> {
    let mut taken = Taken::default();
    for alert in alerts {
        if let Err(why) = one(backend, identity, &alert, &mut taken).await {
            match why.status {
                // Asked again later it may be taken.
                429 | 503 => return Err(why),
                401 | 403 => return Err(why),
                _ => taken.refused.push(why.detail),
            }
        }
    }
    Ok(axum::Json(taken))
}

async fn one(backend: &Backend, identity: &Identity, alert: &Alert, taken: &mut Taken) -> Result<(), Problem> {
    let (worlds, mark) = (backend.core.worlds(), mark(alert));
    let told = told(&worlds.real, &mark);
    match (&told, alert.over) {
        (None, true) => taken.passed_over += 1,
        (Some(told), true) if told.over => taken.passed_over += 1,
        (Some(told), true) => {
            let text = format!("{} where it came from: {}", resolved(&mark), alert.title);
            let id = command_id(alert, Some(told), "resolved");
            match note(backend, identity, id, told.incident, text).await? {
                true => taken.resolved.push(told.incident),
                false => taken.passed_over += 1,
            }
        }
        // One that comes back after its end is news; one that goes on is not, whatever people did with its incident.
        (Some(told), false) if !(alert.recurs && told.over) => taken.passed_over += 1,
        (_, false) => {
            let told = told.as_ref();
            let text = format!("{mark} fires: {}", alert.title);
            let id = command_id(alert, told, "note");
            if let Some(incident) = standing(&worlds.real, alert) {
                match note(backend, identity, id, incident, text).await? {
                    true => taken.joined.push(incident),
                    false => taken.passed_over += 1,
                }
            } else {
                let incident = declare(backend, identity, alert, told).await?;
                taken.opened.push(incident);
                note(backend, identity, id, incident, text).await?;
            }
        }
    }
    Ok(())
}

/// Notes an alert on its incident; whether whoever sent it may know that. An incident that only named people see takes it all
/// the same, and its sender learns nothing of it (TEAM.9).
async fn note(
    backend: &Backend,
    identity: &Identity,
    id: Uuid,
    incident: IncidentId,
    text: String,
) -> Result<bool, Problem> {
    let of = |text| Command::OnIncident { incident, ask: IncidentCommand::Note { text, at: None } };
    let seen = sees(backend, identity, None, incident).is_ok();
    if seen {
        drop(ask(backend, identity, None, id, of(text)).await?);
    } else {
        let told = of(format!("{text} (told by {})", identity.author));
        backend.core.submit(None, id, Author::Andon("alerts".into()), told).await?;
    }
    Ok(seen)
}

/// The open incident of its agent or workflow.
fn standing(world: &World, alert: &Alert) -> Option<IncidentId> {
    let concerns = |incident: &Incident| {
        alert.agent.as_ref().is_some_and(|agent| incident.agents.contains(agent))
            || (alert.workflow.is_some() && incident.workflow == alert.workflow)
    };
    world.incidents.values().rev().find(|incident| incident.is_open() && concerns(incident)).map(|incident| incident.id)
}

async fn declare(
    backend: &Backend,
    identity: &Identity,
    alert: &Alert,
    told: Option<&Told>,
) -> Result<IncidentId, Problem> {
    let runbook = backend.runbook.load();
    let scheme = runbook.schemes.get(&runbook.default_scheme);
    let severity = alert.severity.clone().filter(|level| scheme.is_some_and(|scheme| scheme.level(level).is_some()));
    let declare = Declare {
        title: alert.title.clone(),
        severity,
        workflow: alert.workflow.clone(),
        agents: alert.agent.iter().cloned().collect(),
        source: Some(Source::Anomaly),
        unconfirmed: true,
        ..Declare::default()
    };
    let id = command_id(alert, told, "declare");
    let accepted = ask(backend, identity, None, id, Command::Declare(declare)).await?;
    let declared = accepted.events.iter().find_map(|event| match event.stream.topic {
        crate::incident::Topic::Incident(id) => Some(id),
        _ => None,
    });
    declared.ok_or_else(|| Problem::unavailable("the alert opened nothing; send it again"))
}
