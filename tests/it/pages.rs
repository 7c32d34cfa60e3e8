//! Pages out, escalation and acknowledgement; alerts in, from a real Alertmanager; tripwires that are muted (TEAM.3, TEAM.12,
//! DET.7).

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use andon::runbook::Book;
use serde_json::{Value, json};

use crate::{
    actuators::{receiver, secret},
    rig::{Rig, rig_with, until},
};

/// A file that only its owner reads.
fn key(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

async fn with(files: &[(&str, String)]) -> Rig {
    let texts: BTreeMap<String, String> = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    rig_with(tempfile::tempdir().unwrap(), andon::backend::clock::system(), Book::of(&texts).unwrap()).await
}

/// An agent uses what nobody gave it: an authorisation firing, which pages the security team.
async fn fires(rig: &Rig, agent: &str) {
    rig.post("/v1/agents", json!([{"id": agent, "inventory": ["look"]}])).await.good();
    let action = json!({"agent": agent, "tool": "pay<!channel>", "run": "r1"});
    let taken = rig.post("/v1/actions", action).await;
    assert_eq!(taken.good()["accepted"], 1, "{taken:?}");
}

async fn firing(rig: &Rig, at: usize) -> Value {
    rig.get("/v1/firings").await.good()[at].clone()
}

/// TEAM.3, TEAM.12, PM.2: a firing pages its queue's first step at once by every way it names, each in its own form; nobody
/// acknowledges, so the next step follows; the first that arrived is the incident's Page, and an acknowledgement ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_firing_pages_its_queue_until_somebody_acknowledges() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (duty, chat) = (receiver(&["500 Later", "202 Accepted"]), receiver(&["200 ok"]));
    let (hook, managers) = (receiver(&["204 Taken"]), receiver(&["202 Accepted", "202 Accepted"]));
    let channels = format!(
        "[[channel]]\nname = 'duty'\nkind = 'pagerduty'\nwebhook = {:?}\nkey_file = {:?}\n\
         [[channel]]\nname = 'room'\nkind = 'slack'\nkey_file = {:?}\n\
         [[channel]]\nname = 'hook'\nkind = 'webhook'\nwebhook = {:?}\nsecret_file = {:?}\n\
         [[channel]]\nname = 'managers'\nkind = 'pagerduty'\nwebhook = {:?}\nkey_file = {:?}\n\
         [[channel]]\nname = 'open'\nkind = 'slack'\nkey_file = '/dev/null'\n",
        duty.url,
        key(at, "duty.key", "r0utingkey"),
        key(at, "room.url", &chat.url),
        hook.url,
        secret(at),
        managers.url,
        key(at, "managers.key", "0ther"),
    );
    let paging = "[[queue]]\nname = 'the security team'\nsteps = [{ channel = 'duty' }, { channel = 'room' }, { channel = 'hook' },\
                  { channel = 'open' }, { channel = 'managers', after_s = 3 }]\n";
    let rig = with(&[("channels.toml", channels), ("paging.toml", paging.to_owned())]).await;
    fires(&rig, "ghost-bot").await;
    let states = async || {
        let pages = firing(&rig, 0).await["pages"].clone();
        let of = |page: &Value| format!("{} {}", page["channel"].as_str().unwrap(), page["state"].as_str().unwrap());
        pages.as_array().map(|pages| pages.iter().map(of).collect::<Vec<_>>()).unwrap_or_default()
    };
    until("three ways took it, after a second try of one", || async {
        let all = states().await;
        ["duty accepted", "room accepted", "hook accepted"].iter().all(|one| all.contains(&(*one).to_owned()))
    })
    .await;
    let mttd = rig.get("/v1/incidents/INC-1").await.good()["mttd"].clone();
    assert!(mttd["page"].is_string() && mttd["acknowledgement"].is_null(), "PM.2: the Page is recorded: {mttd}");
    until("nobody answered: the next step", || async { states().await.contains(&"managers accepted".to_owned()) })
        .await;
    rig.command("/v1/firings/TW-1/ack", json!({})).await.good();

    let body = |calls: &crate::actuators::Receiver, at: usize| -> Value {
        serde_json::from_str(&calls.taken()[at].1).unwrap()
    };
    let paged = body(&duty, 0);
    assert_eq!((&paged["routing_key"], &paged["event_action"]), (&json!("r0utingkey"), &json!("trigger")));
    assert_eq!((&paged["dedup_key"], &body(&duty, 1)["dedup_key"]), (&json!("andon-INC-1"), &json!("andon-INC-1")));
    assert_eq!(paged["payload"]["severity"], "error");
    let posted = chat.taken()[0].1.clone();
    assert!(
        !posted.contains('\u{1b}') && !posted.contains("\\u001b"),
        "agent-written text reaches no pager raw: {posted}"
    );
    assert!(body(&chat, 0)["text"].as_str().unwrap().contains("&lt;!channel&gt;"), "and mentions nobody: {posted}");
    assert_eq!(body(&hook, 0)["type"], "dev.andon.firing.paged");
    assert!(hook.taken()[0].0.contains("webhook-signature: v1,"), "signed as Standard Webhooks has it");
    let state = rig.get("/v1/state").await.body.to_string();
    assert!(!state.contains("r0utingkey"), "a key is never shown");

    // Acknowledged in time, the next step never goes.
    fires(&rig, "other-bot").await;
    until("the second one pages", || async { !firing(&rig, 1).await["pages"].is_null() }).await;
    rig.command("/v1/firings/TW-2/ack", json!({})).await.good();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let second = firing(&rig, 1).await;
    let acked = second["paged"][0]["acked_at"].as_str().unwrap();
    let managers = second["pages"].as_array().unwrap().iter().find(|page| page["channel"] == "managers");
    // On a slow machine the step may have been due before the word came; after it nothing goes.
    assert!(managers.is_none_or(|page| page["at"].as_str().unwrap() <= acked), "{second}");
}

/// Law 8: what fires in a drill pages nobody. DET.7: muted, a tripwire is recorded and nothing follows, until its time is up or
/// somebody ends it; a breach is never muted, a retired tripwire never fires.
#[tokio::test(flavor = "multi_thread")]
async fn muted_and_rehearsed_firings_page_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let duty = receiver(&["202 Accepted"; 4]);
    let channels = format!(
        "[[channel]]\nname = 'duty'\nkind = 'pagerduty'\nwebhook = {:?}\nkey_file = {:?}\n",
        duty.url,
        key(folder.path(), "duty.key", "k"),
    );
    let paging = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty' }]\n".to_owned();
    let rig = with(&[("channels.toml", channels), ("paging.toml", paging)]).await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1000.0, "seed": 1})).await.good();
    until("the drill fires", || async {
        rig.get("/v1/firings?world=DRILL-1").await.body.as_array().is_some_and(|all| !all.is_empty())
    })
    .await;
    let ask = async |command: Value| rig.command("/v1/commands", command).await;
    let hour = (chrono::Utc::now() + chrono::Duration::hours(1)).to_rfc3339();
    let mute = |tripwire: &str, until: &str| json!({"command": "mute-tripwire", "tripwire": tripwire, "agent": "ghost-bot", "until": until, "why": "a test runs"});
    assert_eq!(ask(mute("breach", &hour)).await.status, 409, "DET.9");
    assert_eq!(ask(mute("authorisation", "2020-01-01T00:00:00Z")).await.status, 422);
    ask(mute("authorisation", &hour)).await.good();
    fires(&rig, "ghost-bot").await;
    let quiet = firing(&rig, 0).await;
    assert!(quiet["note"].as_str().unwrap().contains("muted until") && quiet["incident"].is_null(), "{quiet}");
    fires(&rig, "loud-bot").await;
    until("another agent's page goes", || async { duty.taken().len() == 1 }).await;
    ask(json!({"command": "unmute-tripwire", "mute": 1})).await.good();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(duty.taken().len(), 1, "neither the drill nor the muted one paged anybody");
    assert!(firing(&rig, 0).await["pages"].is_null());

    let retired = Book::of(&BTreeMap::from([("tripwires.toml".to_owned(), retire("breach"))])).unwrap_err();
    assert!(retired.to_string().contains("never retired"), "{retired}");
    let rig = with(&[("tripwires.toml", retire("authorisation"))]).await;
    fires(&rig, "ghost-bot").await;
    assert_eq!(rig.get("/v1/firings").await.good(), &json!([]), "retired");
}

fn retire(tripwire: &str) -> String {
    let shipped = andon::runbook::SHIPPED.iter().find(|(name, _)| *name == "tripwires.toml").unwrap().1;
    format!("retired = [{tripwire:?}]\n{shipped}")
}

/// A process that ends with the test.
struct Gone(Child);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// TEAM.3, DET.6: a real Alertmanager's alert opens an incident for a person to confirm, once; said again it changes nothing,
/// resolved it leaves a note; what names an agent with an open incident joins that one. Junk is answered, and opens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_alertmanagers_alert_opens_one_incident() {
    let rig = with(&[(
        "alerts.toml",
        "[alertmanager]\nagent = 'agent'\nworkflow = 'workflow'\nseverity = 'severity'\nlevels = { critical = 'SEV-1' }\n\
         [[webhook]]\nname = 'scorecards'\ntitle = '/check/name'\nid = '/run/id'\nagent = '/agent'\nresolved = '/state'\nresolved_is = 'green'\n"
            .to_owned(),
    )])
    .await;
    let secret = rig.token("alertmanager", "automation", None).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "route: {{ receiver: andon, group_wait: 100ms, group_interval: 1s, repeat_interval: 1s }}\n\
         receivers: [{{ name: andon, webhook_configs: [{{ url: '{}/v1/alerts/alertmanager', send_resolved: true,\n\
         http_config: {{ authorization: {{ credentials: '{secret}' }} }} }}] }}]\n",
        rig.base()
    );
    let file = folder.path().join("alertmanager.yml");
    std::fs::write(&file, config).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _alertmanager = Gone(
        Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let client = crate::rig::http().build().unwrap();
    let starts = chrono::Utc::now();
    let alert = async |ends: Option<chrono::DateTime<chrono::Utc>>| {
        let mut alert = json!({
            "labels": {"alertname": "RefundRate", "agent": "refund-bot", "severity": "critical"},
            "annotations": {"summary": "refunds twice as fast as ever"}, "startsAt": starts.to_rfc3339(),
        });
        if let Some(ends) = ends {
            alert["endsAt"] = ends.to_rfc3339().into();
        }
        let url = format!("http://127.0.0.1:{port}/api/v2/alerts");
        client.post(url).json(&json!([alert])).send().await.is_ok_and(|answer| answer.status() == 200)
    };
    until("Alertmanager takes it", || async { alert(None).await }).await;
    until("it opens an incident", || async { rig.get("/v1/incidents/INC-1").await.status == 200 }).await;
    let opened = rig.get("/v1/incidents/INC-1").await.body;
    assert_eq!((&opened["severity"], &opened["confirmed"]), (&json!("SEV-1"), &json!(false)));
    assert_eq!(opened["title"], "RefundRate: refunds twice as fast as ever");
    assert_eq!(opened["declared_by"], "automation:alertmanager");
    let first = opened["timeline"][0]["text"].as_str().unwrap();
    assert!(first.starts_with("opened by an alert as SEV-1, to be confirmed: RefundRate"), "{first}");
    // Alertmanager repeats it every second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let notes = |incident: &Value| {
        let lines = incident["timeline"].as_array().unwrap().iter().filter(|line| line["kind"] == "note-added");
        lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rig.get("/v1/incidents").await.good().as_array().unwrap().len(), 1);
    assert_eq!(notes(&rig.get("/v1/incidents/INC-1").await.body).len(), 1, "said again it changes nothing");
    alert(Some(chrono::Utc::now())).await;
    until("its end is noted", || async {
        notes(&rig.get("/v1/incidents/INC-1").await.body).iter().any(|note| note.contains("is resolved"))
    })
    .await;

    let post = async |path: &str, body: Value, secret: &str| {
        let answer = client.post(format!("{}{path}", rig.base())).bearer_auth(secret).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let card = json!({"check": {"name": "tone \u{202e}evil"}, "run": {"id": 7}, "agent": "refund-bot", "state": "red"});
    let (status, taken) = post("/v1/alerts/scorecards", card, &secret).await;
    assert_eq!((status, &taken["joined"]), (200, &json!(["INC-1"])), "it joins the agent's open incident");
    let card = json!({"check": {"name": "tone"}, "run": {"id": 8}, "agent": "mail-bot", "state": "red"});
    assert_eq!(post("/v1/alerts/scorecards", card.clone(), &secret).await.1["opened"], json!(["INC-2"]));
    assert_eq!(post("/v1/alerts/scorecards", card.clone(), &secret).await.1["passed_over"], 1, "said again");
    // Its id comes back after its end, as a monitor's does.
    let mut green = card.clone();
    green["state"] = "green".into();
    assert_eq!(post("/v1/alerts/scorecards", green.clone(), &secret).await.1["resolved"], json!(["INC-2"]));
    assert_eq!(post("/v1/alerts/scorecards", green.clone(), &secret).await.1["passed_over"], 1, "over already");
    assert_eq!(post("/v1/alerts/scorecards", card.clone(), &secret).await.1["joined"], json!(["INC-2"]), "it is back");
    assert_eq!(post("/v1/alerts/scorecards", card.clone(), &secret).await.1["passed_over"], 1, "said again");
    assert_eq!(post("/v1/alerts/scorecards", green, &secret).await.1["resolved"], json!(["INC-2"]), "over once more");
    assert_eq!(notes(&rig.get("/v1/incidents/INC-2").await.body).len(), 4, "two beginnings, two ends");
    let dismiss = json!({"type": "dismiss", "why": "the card was wrong"});
    rig.command("/v1/incidents/INC-2/commands", dismiss.clone()).await.good();
    assert_eq!(post("/v1/alerts/scorecards", card.clone(), &secret).await.1["opened"], json!(["INC-3"]), "news again");
    rig.command("/v1/incidents/INC-3/commands", dismiss).await.good();
    assert_eq!(post("/v1/alerts/scorecards", card, &secret).await.1["passed_over"], 1, "a person said that it is none");
    let (status, taken) = post("/v1/alerts/scorecards", json!({"run": 1}), &secret).await;
    assert!(
        status == 200 && taken["refused"][0].as_str().unwrap().contains("/run/id"),
        "junk is not sent again: {taken}"
    );
    assert_eq!(post("/v1/alerts/nobody", json!({}), &secret).await.0, 404);
    let agent = rig.token("bot", "agent", Some("refund-bot")).await;
    assert_eq!(post("/v1/alerts/scorecards", json!({}), &agent).await.0, 403, "an agent raises no alert");
}

/// What a monitoring system asks is answered to whoever may watch, in Prometheus' own format; names that agents chose are not
/// in it.
#[tokio::test(flavor = "multi_thread")]
async fn figures_for_a_monitoring_system() {
    let rig = with(&[]).await;
    fires(&rig, "ghost-bot").await;
    rig.command("/v1/switches", json!({"scope": {"agent": "ghost-bot"}})).await.good();
    let text = rig.get("/metrics").await.body;
    let text = text.as_str().unwrap();
    for line in
        ["andon_ready 1", "andon_switches_engaged 1", "andon_actions_accepted_total 1", "andon_incidents_open 1"]
    {
        assert!(text.lines().any(|one| one == line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("ghost"), "{text}");
    let helped = text.lines().filter(|line| line.starts_with("# HELP")).count();
    assert_eq!(helped, text.lines().filter(|line| line.starts_with("# TYPE")).count());
    assert_eq!(crate::rig::read(rig.ask_tcp(reqwest::Method::GET, "/metrics", None)).await.status, 401);
}
