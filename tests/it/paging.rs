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
    actuators::{Receiver, receiver, secret},
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
    let pages = |receiver: &Receiver| {
        let triggered = bodies(receiver).into_iter().filter(|body| body["event_action"] == "trigger");
        triggered.collect::<Vec<_>>()
    };
    let paged = |receiver: &Receiver, count: usize| pages(receiver).len() == count;
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
    let keys: Vec<Value> = pages(&first).iter().map(|body| body["dedup_key"].clone()).collect();
    assert_eq!(keys, ["andon-INC-1", "andon-INC-3", "andon-INC-2-1"]);
    ahead.store(901 + 601, Ordering::SeqCst);
    until("INC-2's next step", || async { paged(&second, 2) }).await;
    assert_eq!(pages(&second)[1]["dedup_key"], "andon-INC-2-1", "INC-3 was acknowledged");
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

/// TEAM.3: a pager that took a page is told that somebody has it, and that it is over, each once and again after a failure:
/// PagerDuty by the key of the alert it rings for, when all of that is acknowledged; a chat and a webhook of each; a mailbox
/// only of the end. A restart says nothing twice. Law 8: a drill says nothing at all.
#[tokio::test(flavor = "multi_thread")]
async fn pagers_are_told_of_acknowledgement_and_end_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let duty = receiver(&["202 ok", "202 ok", "500 Later", "202 ok"]);
    let (room, hook) = (receiver(&["200 ok"]), receiver(&["204 Taken"]));
    let mails = crate::communication::post(at, "plain", "", &["250 ok"; 8]).await;
    let mailed = || mails.heard.lock().unwrap().len();
    let channels = format!(
        "{}[[channel]]\nname = 'room'\nkind = 'slack'\nkey_file = {:?}\n\
         [[channel]]\nname = 'hook'\nkind = 'webhook'\nwebhook = {:?}\nsecret_file = {:?}\n\
         [[channel]]\nname = 'script'\nkind = 'command'\ncommand = ['sh', '-c', 'echo rang >> {}']\n{}",
        pager(at, "duty", &duty),
        key(at, "room.url", &room.url),
        hook.url,
        secret(at),
        at.join("rang").display(),
        crate::communication::mail(&mails, "none", ""),
    );
    let paging = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty' }, { channel = 'room' }, { channel = 'hook' },\
                  { channel = 'script' }, { channel = 'mail-none', to = 'duty@example.com' }]\n";
    let files = [("channels.toml", channels.as_str()), ("paging.toml", paging)];
    let (rig, _) = with(&files).await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1.0, "seed": 1})).await.good();
    let rehearsed = json!({"title": "rehearsed", "severity": "SEV-1"});
    rig.command("/v1/incidents?world=DRILL-1", rehearsed).await.good();
    rig.command("/v1/incidents/INC-1/commands?world=DRILL-1", json!({"type": "ack-pages"})).await.good();
    rig.post("/v1/agents", json!([{"id": "ghost-bot", "inventory": ["look"]}])).await.good();
    for tool in ["pay", "mail"] {
        rig.post("/v1/actions", json!({"agent": "ghost-bot", "tool": tool, "run": "r1"})).await.good();
    }
    let taken = async |count: usize| {
        let all = rig.get("/v1/firings").await.good().clone();
        let pages =
            all.as_array().unwrap().iter().flat_map(|firing| firing["pages"].as_array().cloned().unwrap_or_default());
        pages.filter(|page| page["state"] == "accepted").count() == count
    };
    until("both firings went by every way", || taken(10)).await;
    rig.command("/v1/firings/TW-1/ack", json!({})).await.good();
    let said = |receiver: &Receiver| bodies(receiver)[2..].iter().map(|body| body["text"].clone()).collect::<Vec<_>>();
    until("the chat hears of the first", || async { said(&room).len() == 1 }).await;
    let who = rig.get("/v1/firings/TW-1").await.good()["paged"][0]["by"].as_str().unwrap().to_owned();
    assert_eq!(said(&room), [format!("TW-1 is acknowledged by {who}")]);
    assert_eq!(duty.taken().len(), 2, "one alert rings for both: it is not acknowledged yet");
    rig.command("/v1/incidents/INC-1/commands", json!({"type": "ack-pages"})).await.good();
    until("now it is, after a second try", || async { duty.taken().len() == 4 }).await;
    for body in &bodies(&duty)[2..] {
        assert_eq!((&body["event_action"], &body["dedup_key"]), (&json!("acknowledge"), &json!("andon-INC-1")));
        assert_eq!(body["routing_key"], "duty");
    }
    until("the webhook too", || async { hook.taken().len() == 4 }).await;
    assert_eq!(bodies(&hook)[3]["type"], "dev.andon.page.acknowledged");
    assert!(hook.taken()[3].0.contains("webhook-id: TW-2.page.2.acknowledged"), "{}", hook.taken()[3].0);
    assert_eq!(mailed(), 2, "a mailbox hears of the end only");

    rig.command("/v1/incidents/INC-1/commands", json!({"type": "dismiss", "why": "a test"})).await.good();
    until("each is told of the end", || async {
        duty.taken().len() == 5 && said(&room).len() == 3 && hook.taken().len() == 5 && mailed() == 3
    })
    .await;
    let last = bodies(&duty).pop().unwrap();
    assert_eq!((&last["event_action"], &last["dedup_key"]), (&json!("resolve"), &json!("andon-INC-1")));
    assert_eq!(said(&room)[2], "INC-1 is dismissed");
    assert!(mails.heard.lock().unwrap()[2].to_string().contains("INC-1 is dismissed"));
    let told = async || {
        let all = rig.get("/v1/firings").await.good().to_string();
        all.matches("\"word\":\"acknowledged\"").count() + all.matches("\"word\":\"ended\"").count()
    };
    // Acknowledged: the pager once, the chat and the webhook of each; ended: these three and the mailbox, once.
    until("all of it is recorded", || async { told().await == 9 }).await;

    // A backend that comes back says nothing of it again, and goes on with what is new.
    let Rig { running, folder: home, .. } = rig;
    running.stop().await;
    let rig = rig_with(home, andon::backend::clock::system(), book(&files)).await;
    rig.command("/v1/incidents", json!({"title": "another", "severity": "SEV-1"})).await.good();
    until("it pages", || async { duty.taken().len() == 6 && room.taken().len() == 6 }).await;
    rig.command("/v1/incidents/INC-2/commands", json!({"type": "resolve", "note": "gone", "over": "a test"}))
        .await
        .good();
    until("over before anybody acknowledged", || async { duty.taken().len() == 7 }).await;
    let all = bodies(&duty);
    assert_eq!((&all[5]["event_action"], &all[6]["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!((&all[5]["dedup_key"], &all[6]["dedup_key"]), (&json!("andon-INC-2"), &json!("andon-INC-2")));
    let rang = std::fs::read_to_string(at.join("rang")).unwrap();
    assert_eq!(rang.lines().count(), 3, "a program hears of pages only");
}
