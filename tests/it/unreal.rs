//! Law 8, tried: everything a backend may reach is connected, and a drill does everything that would reach it.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    actuators::{Receiver, receiver, secret},
    communication::{mail, post},
    paging::{book, key},
    rig::{Answer, Rig, rig_with, until},
};

/// The runbook of a team that has connected everything: two pagers, a chat, a webhook, mail, programs, hooks, actuators that go
/// with every halt, and a tripwire that stops by itself.
fn connected(folder: &Path, to: &Receiver, mail: &str) -> Vec<(&'static str, String)> {
    let (at, url, ran) = (folder, &to.url, folder.join("ran").display().to_string());
    let channels = format!(
        "[[channel]]\nname = 'duty'\nkind = 'pagerduty'\nwebhook = {url:?}\nkey_file = {:?}\n\
         [[channel]]\nname = 'room'\nkind = 'slack'\nkey_file = {:?}\n\
         [[channel]]\nname = 'status'\nkind = 'webhook'\nwebhook = {url:?}\nsecret_file = {:?}\nto = 'everybody'\n\
         [[channel]]\nname = 'poster'\nkind = 'command'\ncommand = ['/bin/sh', '-c', 'cat >> {ran}; echo posted >> {ran}']\nto = 'everybody'\n\
         {mail}",
        key(at, "duty.key", "r0utingkey"),
        key(at, "room.url", url),
        secret(at),
    );
    let steps = ["duty", "room", "status", "poster"].map(|channel| format!("{{ channel = '{channel}' }}")).join(", ");
    let paging = format!(
        "[[queue]]\nname = '*'\nsteps = [{steps}, {{ channel = 'mail-none', to = 'head@example.com' }}]\n\
         [incidents]\n'SEV-1' = '*'\n'SEV-2' = '*'\n"
    );
    let actuators = format!(
        "[[actuator]]\nname = 'vendor'\nmove = 'vendor-kill'\non = {{}}\nwebhook = {url:?}\nsecret_file = {:?}\n\
         [[actuator]]\nname = 'pause'\nmove = 'pause-canary'\non = {{}}\ncommand = ['/bin/sh', '-c', 'echo paused for $ANDON_WHY >> {ran}']\n",
        secret(at)
    );
    let hooks = format!("[[hook]]\nname = 'siem'\nurl = {url:?}\nsecret_file = {:?}\nevents = ['*']\n", secret(at));
    vec![("channels.toml", channels), ("paging.toml", paging), ("actuators.toml", actuators), ("hooks.toml", hooks)]
}

/// Everything a team does under pressure, in one world: halts, declares, drafts and sends by every channel, rolls back, closes.
async fn works(rig: &Rig, query: &str, title: &str) {
    let ask = async |path: &str, ask: Value| -> Answer { rig.command(&format!("{path}{query}"), ask).await };
    ask("/v1/switches", json!({"why": title})).await.good();
    ask("/v1/switches", json!({"scope": {"agent": "refund-bot"}, "mode": "draft-only"})).await.good();
    let declared = ask("/v1/incidents", json!({"title": title, "severity": "SEV-1"})).await;
    let incident = declared.good()["events"].as_array().unwrap().iter().find_map(|one| {
        (one["type"] == "incident-declared")
            .then(|| one["stream"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
    });
    let commands = format!("/v1/incidents/{}/commands", incident.unwrap());
    for audience in ["customer", "status-page"] {
        let begun = ask(&commands, json!({"type": "start-draft", "audience": audience})).await;
        let draft = begun.good()["events"][0]["data"]["draft"].clone();
        for channel in ["status", "poster", "mail-none"] {
            let send = json!({"type": "send-draft", "draft": draft, "channel": channel, "to": "kim@example.com"});
            ask(&commands, send).await;
        }
    }
    ask(&commands, json!({"type": "confirm-harm"})).await.good();
    ask(&commands, json!({"type": "freeze-evidence"})).await.good();
}

/// Law 8, DRL.1: halts, pages, drafts and every fact of a drill reach no pager, chat, mail server, webhook, program or actuator
/// that the backend is connected to, and the same in the real world reaches each; what leaves a drill as text says what it is.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_real_is_reached_from_a_drill() {
    let folder = tempfile::tempdir().unwrap();
    let all = receiver(&["202 ok"]);
    let letters = post(folder.path(), "plain", "", &["250 queued"]).await;
    let texts = connected(folder.path(), &all, &mail(&letters, "none", ""));
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let rig = rig_with(tempfile::tempdir().unwrap(), andon::backend::clock::system(), book(&texts)).await;
    let ran = || std::fs::read_to_string(folder.path().join("ran")).unwrap_or_default();
    // A hook that stands begins with what comes after it.
    until("the hook has its place", || async { !rig.get("/v1/hooks").await.body[0]["state"].is_null() }).await;

    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1000.0, "seed": 7})).await.good();
    until("a tripwire fires in it", || async {
        rig.get("/v1/firings?world=DRILL-1").await.good().as_array().is_some_and(|all| !all.is_empty())
    })
    .await;
    works(&rig, "?world=DRILL-1", "the rehearsed one").await;
    let page = json!({"steer": "inject", "line": json!({"mark": "page", "text": "put in by hand"}).to_string()});
    rig.command("/v1/drills/DRILL-1/steer", page).await;
    until("its pages are rehearsed by every step", || async {
        let firings = rig.get("/v1/firings?world=DRILL-1").await.good().clone();
        let pages = firings[0]["pages"].as_array().cloned().unwrap_or_default();
        pages.len() == 5 && pages.iter().all(|page| page["status"].as_str().unwrap().starts_with("DRILL"))
    })
    .await;
    let incidents = rig.get("/v1/incidents?world=DRILL-1").await.good().clone();
    let ours = incidents.as_array().unwrap().iter().find(|one| one["title"] == "the rehearsed one").unwrap().clone();
    let sent: Vec<&Value> =
        ours["drafts"].as_array().unwrap().iter().flat_map(|draft| draft["sent"].as_array().unwrap()).collect();
    assert!(sent.len() >= 6 && sent.iter().all(|one| one["delivery"]["state"] == "rehearsed"), "{sent:?}");
    assert!(sent.iter().all(|one| one["text"].as_str().unwrap().starts_with("DRILL")), "{sent:?}");
    let id = ours["id"].as_str().unwrap();
    for export in [
        rig.get(&format!("/v1/incidents/{id}/postmortem?world=DRILL-1")).await.body.to_string(),
        rig.get(&format!("/v1/incidents/{id}/postmortem?world=DRILL-1&format=html")).await.body.to_string(),
        ours.to_string(),
    ] {
        assert!(export.contains("DRILL") || export.contains("\"drill\":true"), "{export}");
    }

    // The same for real, later, reaches all of it: what a drill did not reach was there to be reached.
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": ["look"]}])).await.good();
    works(&rig, "", "the one that happens").await;
    let read = || letters.heard.lock().unwrap().iter().map(Value::to_string).collect::<String>();
    // The draft names no title, the page does: by then both went.
    crate::nodes::until("everything is reached", 60, || async {
        let bodies: Vec<String> = all.taken().into_iter().map(|(_, body)| body).collect();
        let told = |words: &str| bodies.iter().any(|body| body.contains(words));
        let reached = told("event_action") && told("dev.andon.switch.engaged") && told("incident-declared");
        let ours = |text: &str| text.contains("the one that happens");
        reached && ran().contains("paused") && ran().contains("posted") && ours(&ran()) && ours(&read())
    })
    .await;
    let letters = read();
    let bodies: String = all.taken().into_iter().map(|(head, body)| head + &body).collect();
    for reached in [bodies, letters, ran()] {
        assert!(reached.contains("the one that happens"), "{reached}");
        for unreal in ["the rehearsed one", "put in by hand", "\"drill\":true", "drill-told", "drill-steered", "DRILL "]
        {
            assert!(!reached.contains(unreal), "{unreal}: {reached}");
        }
    }
}
