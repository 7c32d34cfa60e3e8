//! An incident as an Incident Finding of the Open Cybersecurity Schema Framework, for systems that gather findings (TEAM.7).

use serde_json::{Map, Value, json};

use crate::{
    incident::{Incident, Status, World},
    runbook::Scheme,
    terms::Time,
    tripwire::{Firing, Tripwire},
};

/// The version of the schema that it keeps to.
pub const VERSION: &str = "1.7.0";
/// The class Incident Finding, of the category Findings.
const CLASS: u32 = 2_005;

/// A number of an enumeration, and its caption.
type Captioned = (u32, &'static str);

/// One incident; `scheme` is the one it is in, `product` this version of andon.
pub fn finding(incident: &Incident, world: &World, scheme: Option<&Scheme>, product: &str) -> Value {
    let (activity, status, verdict) = (activity(incident), status(incident), verdict(incident));
    let (severity, impact) = severity(incident, scheme);
    let firings: Vec<&Firing> =
        incident.firings.iter().filter_map(|id| world.firings.get(id)).map(AsRef::as_ref).collect();
    let mut findings: Vec<Value> = firings.iter().map(|firing| of_firing(firing)).collect();
    if findings.is_empty() {
        findings.push(of_word(incident));
    }
    let changed = incident.timeline.iter().map(|entry| entry.recorded_at).max().unwrap_or(incident.declared_at);
    let start = [incident.mttd.action, incident.harm_at].into_iter().flatten().min();
    let mut finding = json!({
        "activity_id": activity.0,
        "activity_name": activity.1,
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Incident Finding",
        "class_uid": CLASS,
        "type_name": format!("Incident Finding: {}", activity.1),
        "type_uid": CLASS * 100 + activity.0,
        "time": changed.millis(),
        "start_time": start.unwrap_or(incident.declared_at).millis(),
        "severity_id": severity.0,
        "severity": severity.1,
        "impact_id": impact.0,
        "impact": impact.1,
        "status_id": status.0,
        "status": status.1,
        "verdict_id": verdict.0,
        "verdict": verdict.1,
        "message": incident.title,
        "desc": incident.title,
        "finding_info_list": findings,
        "metadata": {
            "version": VERSION,
            // The same incident, as it stood at another time, is another event.
            "uid": format!("{}.{}", incident.id, incident.version),
            "correlation_uid": incident.id,
            "product": { "name": "andon", "vendor_name": "andon", "version": product },
            "profiles": ["incident"],
            "logged_time": incident.declared_at.millis(),
            "modified_time": changed.millis(),
        },
        "unmapped": {
            "scheme": incident.scheme,
            "severity": incident.severity,
            "status": incident.status,
            "drill": incident.drill,
            "confirmed": incident.confirmed,
            "declared_by": incident.declared_by,
            "agents": incident.agents,
            "workflow": incident.workflow,
            "switches": incident.switches,
            "harm_at": incident.harm_at,
            "contained_at": incident.contained_at,
            "runbook": incident.runbook,
            "mttd": incident.mttd,
        },
    });
    let beside = [owner(incident), ended(incident).map(|at| ("end_time", at.millis().into()))];
    if let Some(finding) = finding.as_object_mut() {
        finding.extend(beside.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)));
    }
    finding
}

/// Who has it: a person, or for want of one the people who would.
fn owner(incident: &Incident) -> Option<(&'static str, Value)> {
    let role = |role: &str| incident.roles.get(role);
    let person = role("commander").or_else(|| role("severity-owner"));
    Some(match person {
        Some(person) => ("assignee", json!({ "name": person })),
        None => ("assignee_group", json!({ "name": "commander", "desc": "nobody commands it yet" })),
    })
}

fn ended(incident: &Incident) -> Option<Time> {
    incident.resolved_at.or(incident.closed_at)
}

fn activity(incident: &Incident) -> Captioned {
    match incident.status {
        Status::Closed | Status::Merged | Status::Dismissed => (3, "Close"),
        _ if incident.timeline.len() == 1 => (1, "Create"),
        _ => (2, "Update"),
    }
}

fn status(incident: &Incident) -> Captioned {
    match incident.status {
        Status::Declared if incident.roles.is_empty() => (1, "New"),
        Status::Declared | Status::Contained | Status::RollingBack | Status::Monitoring | Status::Restarting => {
            (2, "In Progress")
        }
        Status::Resolved => (4, "Resolved"),
        Status::Closed | Status::Merged | Status::Dismissed => (5, "Closed"),
    }
}

fn verdict(incident: &Incident) -> Captioned {
    match incident.status {
        _ if incident.drill => (6, "Test"),
        Status::Dismissed => (1, "False Positive"),
        Status::Merged => (10, "Duplicate"),
        _ if incident.confirmed => (2, "True Positive"),
        _ => (0, "Unknown"),
    }
}

/// By the place of its level in its scheme, worst first; the least bad one is low.
fn severity(incident: &Incident, scheme: Option<&Scheme>) -> (Captioned, Captioned) {
    let rank = scheme.and_then(|scheme| {
        let at = scheme.levels.iter().position(|level| level.id.eq_ignore_ascii_case(&incident.severity))?;
        Some((at, at > 0 && at + 1 == scheme.levels.len()))
    });
    match rank {
        None => ((99, "Other"), (99, "Other")),
        Some((_, true)) => ((2, "Low"), (1, "Low")),
        Some((0, _)) => ((5, "Critical"), (4, "Critical")),
        Some((1, _)) => ((4, "High"), (3, "High")),
        Some((2, _)) => ((3, "Medium"), (2, "Medium")),
        Some(_) => ((2, "Low"), (1, "Low")),
    }
}

/// What a tripwire saw.
fn of_firing(firing: &Firing) -> Value {
    let key = &firing.key;
    let (type_id, kind) = match key.tripwire {
        // Against what the agent did before.
        Tripwire::CostRate | Tripwire::ActionRate => (3, "Statistical"),
        _ => (1, "Rule"),
    };
    let detail = if key.detail.is_empty() { String::new() } else { format!(" · {}", key.detail) };
    let mut info = json!({
        "uid": firing.id,
        "title": format!("{}: {}{detail}", key.tripwire, key.agent),
        "analytic": { "uid": key.tripwire, "name": key.tripwire, "type_id": type_id, "type": kind },
        "types": [key.tripwire],
        "created_time": firing.recorded_at.millis(),
        "first_seen_time": firing.at.millis(),
        "related_events_count": firing.count,
        "data_sources": ["agent telemetry"],
    });
    let beside = [
        firing.note.as_ref().map(|note| ("desc", Value::from(note.clone()))),
        firing.closed_at.map(|at| ("last_seen_time", at.millis().into())),
    ];
    if let Some(info) = info.as_object_mut() {
        info.extend(beside.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)));
    }
    info
}

/// Somebody's word, where no tripwire saw it.
fn of_word(incident: &Incident) -> Value {
    let mut info = Map::new();
    info.insert("uid".into(), incident.id.to_string().into());
    info.insert("title".into(), incident.title.clone().into());
    info.insert("created_time".into(), incident.declared_at.millis().into());
    info.insert("types".into(), json!([incident.team.source.map_or("report".to_owned(), |source| source.to_string())]));
    Value::Object(info)
}
