//! Pages that an incident asks for by itself: by its level, to a rotation, until somebody acknowledges (TEAM.3, TEAM.12).

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use andon::{backend::clock::Clock, runbook::Book, terms::Time};
use serde_json::{Value, json};

use crate::{
    actuators::{Receiver, receiver},
    rig::{Rig, read, rig_with, until},
};

/// A file that only its owner reads.
pub fn key(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

/// A channel to a stand-in for PagerDuty.
pub fn pager(folder: &Path, name: &str, receiver: &Receiver) -> String {
    let key = key(folder, &format!("{name}.key"), name);
    format!("[[channel]]\nname = '{name}'\nkind = 'pagerduty'\nwebhook = {:?}\nkey_file = {key:?}\n", receiver.url)
}

pub fn book(files: &[(&str, &str)]) -> Book {
    let texts: BTreeMap<String, String> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Book::of(&texts).unwrap()
}

/// A backend of this runbook, by a clock that is moved on in seconds.
async fn with(files: &[(&str, &str)]) -> (Rig, Arc<AtomicI64>) {
    let (system, ahead) = (andon::backend::clock::system(), Arc::new(AtomicI64::new(0)));
    let moved = ahead.clone();
    let clock: Clock = Arc::new(move || system().plus(moved.load(Ordering::SeqCst) * Time::SECOND));
    (rig_with(tempfile::tempdir().unwrap(), clock, book(files)).await, ahead)
}

/// What a pager was sent, as JSON.
pub fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.taken().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
}

async fn rounds(rig: &Rig, incident: &str) -> Value {
    rig.get(&format!("/v1/incidents/{incident}")).await.good()["paging"]["rounds"].clone()
}

/// A person who comes with a token.
async fn as_person(rig: &Rig, secret: &str, path: &str, command: Value) -> Value {
    let body = json!({ "id": uuid::Uuid::now_v7(), "command": command });
    read(rig.ask_tcp(reqwest::Method::POST, path, Some(secret)).json(&body)).await.good().clone()
}

/// TEAM.3, TEAM.12: an incident that a person declares at a level that pages reaches the rotation, and whoever is next while
/// nobody acknowledges; the one who declared it only after everybody else; raised later it pages anew, as another trouble.
#[tokio::test(flavor = "multi_thread")]
async fn a_declared_incident_pages_the_rotation_until_somebody_acknowledges() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second, own) = (receiver(&["202 ok"]), receiver(&["202 ok"]), receiver(&["202 ok"]));
    let channels = [("first", &first), ("second", &second), ("own", &own)]
        .map(|(name, to)| pager(folder.path(), name, to))
        .concat();
    let paging = "[[queue]]\nname = 'rotation'\nsteps = [{ channel = 'own', person = 'dana' }, { channel = 'first' },\
                  { channel = 'second', after_s = 600 }]\n[incidents]\n'SEV-1' = 'rotation'\n";
    let (rig, ahead) = with(&[("channels.toml", &channels), ("paging.toml", paging)]).await;
    let dana = rig.token("dana", "operator", None).await;
    let declare = |severity: &str| json!({"title": "refunds <!here> twice", "severity": severity});
    as_person(&rig, &dana, "/v1/incidents", declare("SEV-1")).await;
    let paged = |receiver: &Receiver, count: usize| receiver.taken().len() == count;
    until("the rotation is paged", || async { paged(&first, 1) }).await;
    ahead.store(601, Ordering::SeqCst);
    until("nobody answers: the next one is", || async { paged(&second, 1) }).await;
    assert!(own.taken().is_empty(), "dana knows: she said so");
    ahead.store(901, Ordering::SeqCst);
    until("nobody else answers", || async { paged(&own, 1) }).await;
    until("all of it is recorded", || async {
        rounds(&rig, "INC-1").await[0]["pages"].as_array().map(Vec::len) == Some(3)
    })
    .await;
    let page = &bodies(&first)[0];
    assert_eq!((&page["dedup_key"], &page["payload"]["severity"]), (&json!("andon-INC-1"), &json!("critical")));
    let summary = page["payload"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("INC-1 SEV-1: refunds"), "{summary}");
    let mttd = rig.get("/v1/incidents/INC-1").await.good()["mttd"].clone();
    assert!(mttd["page"].is_string(), "PM.2: {mttd}");

    // Acknowledged by somebody, nothing more goes; raised from below, it is a trouble of its own.
    as_person(&rig, &dana, "/v1/incidents", declare("SEV-2")).await;
    as_person(&rig, &dana, "/v1/incidents", declare("SEV-1")).await;
    until("INC-3 pages", || async { paged(&first, 2) }).await;
    let commands = |incident: &str| format!("/v1/incidents/{incident}/commands");
    rig.command(&commands("INC-3"), json!({"type": "ack-pages"})).await.good();
    let raise = json!({"type": "set-severity", "severity": "SEV-1", "why": "money left"});
    rig.command(&commands("INC-2"), raise).await.good();
    until("INC-2 pages now", || async { paged(&first, 3) }).await;
    // The person on the socket raised it: dana is one of the others.
    until("and dana with it", || async { paged(&own, 2) }).await;
    let keys: Vec<Value> = bodies(&first).iter().map(|body| body["dedup_key"].clone()).collect();
    assert_eq!(keys, ["andon-INC-1", "andon-INC-3", "andon-INC-2-1"]);
    ahead.store(901 + 601, Ordering::SeqCst);
    until("INC-2's next step", || async { paged(&second, 2) }).await;
    assert_eq!(bodies(&second)[1]["dedup_key"], "andon-INC-2-1", "INC-3 was acknowledged");
    let acknowledged = &rounds(&rig, "INC-3").await[0];
    assert!(acknowledged["acked_at"].is_string() && acknowledged["acked_by"].is_string(), "{acknowledged}");
}

/// Law 8: what is declared in a drill pages nobody; TEAM.3: what an alert opens does, and a person who confirms it has it.
#[tokio::test(flavor = "multi_thread")]
async fn an_alerts_incident_pages_and_a_drills_never() {
    let folder = tempfile::tempdir().unwrap();
    let duty = receiver(&["202 ok"]);
    let channels = pager(folder.path(), "duty", &duty);
    let paging = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty' }]\n";
    let alerts =
        "[alertmanager]\nagent = 'agent'\nworkflow = 'workflow'\nseverity = 'severity'\nlevels = { red = 'SEV-1' }\n";
    let (rig, _) = with(&[("channels.toml", &channels), ("paging.toml", paging), ("alerts.toml", alerts)]).await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1.0, "seed": 1})).await.good();
    let declare = json!({"title": "rehearsed", "severity": "SEV-1"});
    let rehearsed = rig.command("/v1/incidents?world=DRILL-1", declare).await.good().clone();
    assert!(rehearsed.to_string().contains("paging-begun"), "{rehearsed}");
    let secret = rig.token("monitoring", "automation", None).await;
    let alert = json!({"alerts": [{"labels": {"alertname": "Refunds", "severity": "red"}, "startsAt": "2026-11-20T10:00:00Z"}]});
    let posted = rig.ask_tcp(reqwest::Method::POST, "/v1/alerts/alertmanager", Some(&secret)).json(&alert);
    assert_eq!(read(posted).await.good()["opened"], json!(["INC-1"]));
    until("it pages", || async { duty.taken().len() == 1 }).await;
    let page = &bodies(&duty)[0];
    assert!(page["payload"]["summary"].as_str().unwrap().contains("Refunds"), "not the drill's: {page}");
    rig.command("/v1/incidents/INC-1/commands", json!({"type": "confirm"})).await.good();
    assert!(rounds(&rig, "INC-1").await[0]["acked_at"].is_string(), "who confirms it has seen it");
    let mttd = rig.get("/v1/incidents/INC-1").await.good()["mttd"].clone();
    assert!(mttd["acknowledgement"].is_string(), "{mttd}");
    assert_eq!(duty.taken().len(), 1);
}
