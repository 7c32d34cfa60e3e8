//! Webhooks by type of event: signed, in order, at least once, over failures, restarts and changes of the leader; never of a
//! drill (TEAM.12).

use std::{collections::BTreeMap, path::Path, sync::Arc};

use andon::{
    backend::{
        clock,
        home::Home,
        serve::{ServeOptions, start},
    },
    runbook::Book,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    actuators::{Receiver, header, receiver, secret},
    paging::{bodies, pager},
    rig::{Rig, http, rig_with, until},
};

fn hook(folder: &Path, name: &str, to: &Receiver, events: &str) -> String {
    let secret = secret(folder);
    format!(
        "[[hook]]\nname = {name:?}\nurl = {:?}\nsecret_file = {secret:?}\nevents = [{events}]\ntimeout_s = 2\n",
        to.url
    )
}

fn book(hooks: &str) -> Book {
    Book::of(&BTreeMap::from([("hooks.toml".to_owned(), hooks.to_owned())])).unwrap()
}

async fn with(hooks: &str) -> Rig {
    rig_with(tempfile::tempdir().unwrap(), clock::system(), book(hooks)).await
}

/// The same backend begun anew, with these hooks.
async fn again(rig: Rig, hooks: &str) -> Rig {
    let Rig { running, folder, .. } = rig;
    running.stop().await;
    rig_with(folder, clock::system(), book(hooks)).await
}

async fn declare(rig: &Rig, title: &str) {
    rig.command("/v1/incidents", json!({"title": title, "severity": "SEV-3"})).await.good();
}

async fn begun(rig: &Rig, count: usize) {
    until("every hook has its place", || async {
        let hooks = rig.get("/v1/hooks").await.body;
        hooks.as_array().is_some_and(|all| all.len() == count && all.iter().all(|hook| !hook["state"].is_null()))
    })
    .await;
}

fn titles(receiver: &Receiver) -> Vec<String> {
    let of = |body: Value| body["data"]["data"]["title"].as_str().map(str::to_owned);
    bodies(receiver).into_iter().filter_map(of).collect()
}

/// TEAM.12: a hook gets the types it names, each under its event's id, signed as Standard Webhooks, in the log's order; one that
/// fails is tried again and keeps no other waiting; nothing from before it stood there, nothing of a drill, no token's hash.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_gets_the_types_it_names_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (siem, slow, all) = (receiver(&["204 ok"]), receiver(&["503 Later", "200 ok"]), receiver(&["200 ok"]));
    let at = folder.path();
    let hooks = [
        hook(at, "siem", &siem, "'incident-*', 'severity-set'"),
        hook(at, "slow", &slow, "'incident-declared'"),
        hook(at, "all", &all, "'*'"),
    ]
    .concat();
    let rig = with("").await;
    declare(&rig, "before any hook").await;
    let rig = again(rig, &hooks).await;
    begun(&rig, 3).await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1000.0, "seed": 1})).await.good();
    rig.token("wall", "viewer", None).await;
    for number in 1..=5 {
        declare(&rig, &format!("real {number}")).await;
    }
    let real: Vec<String> = (1..=5).map(|number| format!("real {number}")).collect();
    until("the quick one has them", || async { titles(&siem).len() == 5 }).await;
    until("the slow one too, in order", || async { titles(&slow).len() == 6 }).await;
    assert_eq!(titles(&siem), real);
    let mut slowly = titles(&slow);
    slowly.dedup();
    assert_eq!(slowly, real, "the first was tried twice, and nothing overtook it");
    rig.command("/v1/incidents/INC-2/commands", json!({"type": "set-severity", "severity": "SEV-2", "why": "worse"}))
        .await
        .good();
    until("another type", || async { bodies(&siem).last().unwrap()["type"] == "dev.andon.severity-set" }).await;
    let events = rig.get("/v1/incidents/INC-2/events").await.good().clone();
    let set = events.as_array().unwrap().iter().find(|event| event["type"] == "severity-set").unwrap().clone();
    let (head, body) = siem.taken().pop().unwrap();
    assert_eq!(header(&head, "webhook-id").unwrap(), set["id"]);
    let sent: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(sent["data"], set, "the event as the log has it");
    let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let part = |name: &str| header(&head, name).unwrap().to_owned();
    mac.update(format!("{}.{}.{body}", part("webhook-id"), part("webhook-timestamp")).as_bytes());
    assert_eq!(part("webhook-signature"), format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())));

    let everything = all.taken().iter().map(|(_, body)| body.clone()).collect::<String>();
    assert!(everything.contains("drill-started"), "that one began is a fact of the real world");
    let rehearsed = bodies(&all).iter().any(|body| body["data"]["drill"] == true);
    assert!(!rehearsed, "law 8: what happens in it stays there");
    assert!(everything.contains("token-made"));
    let made = bodies(&all).into_iter().find(|body| body["type"] == "dev.andon.token-made").unwrap();
    assert!(made["data"]["data"]["hash"].is_null() && made["data"]["data"]["name"] == "wall", "{made}");
}

/// TEAM.12: what a hook did not take before the backend went is sent after it came back, under the same ids, and nothing in
/// between is left out; one that is down is visible; one that wants no more is left alone. `andon hook` says all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (down, up, gone) = (receiver(&["500 Broken"]), receiver(&["200 ok"]), receiver(&["410 Gone"]));
    let at = folder.path();
    let hooks = |to: &Receiver| {
        [hook(at, "siem", to, "'incident-declared'"), hook(at, "gone", &gone, "'incident-declared'")].concat()
    };
    let rig = with(&hooks(&down)).await;
    begun(&rig, 2).await;
    declare(&rig, "one").await;
    declare(&rig, "two").await;
    until("it fails, and that shows", || async {
        let hooks = rig.get("/v1/hooks").await.body;
        let siem = &hooks[0];
        siem["state"]["failing_since"].is_string()
            && siem["state"]["status"] == "HTTP 500"
            && siem["behind"].as_u64() >= Some(2)
            && hooks[1]["state"]["stopped"] == true
    })
    .await;
    let metrics = rig.get("/metrics").await.body;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("andon_hook_failing_seconds{hook=\"siem\"}"), "{metrics}");
    assert!(metrics.contains("andon_hook_behind{hook=\"gone\"}"), "{metrics}");
    let first = header(&down.taken()[0].0, "webhook-id").unwrap().to_owned();
    let rig = again(rig, &hooks(&up)).await;
    declare(&rig, "three").await;
    until("all of it arrives", || async { titles(&up).len() == 3 }).await;
    assert_eq!(titles(&up), ["one", "two", "three"]);
    assert_eq!(header(&up.taken()[0].0, "webhook-id").unwrap(), first, "one id through every try");
    until("it is well again", || async {
        let hooks = rig.get("/v1/hooks").await.body;
        hooks[0]["state"]["failing_since"].is_null() && hooks[0]["behind"] == 0 && hooks[0]["state"]["delivered"] == 3
    })
    .await;
    let tested = rig.post("/v1/hooks/siem/test", json!({})).await.good().clone();
    assert_eq!((&tested["ok"], &tested["status"]), (&json!(true), &json!("HTTP 200")));
    assert_eq!(bodies(&up)[3]["type"], "dev.andon.hook.test");
    assert_eq!(rig.post("/v1/hooks/gone/test", json!({})).await.good()["ok"], false);
    rig.post("/v1/hooks/nobody/test", json!({})).await.problem(404);
    let viewer = rig.token("wall", "viewer", None).await;
    let post = rig.ask_tcp(reqwest::Method::POST, "/v1/hooks/siem/test", Some(&viewer)).json(&json!({}));
    assert_eq!(crate::rig::read(post).await.status, 403);

    // A third backend says nothing of what was taken.
    let rig = again(rig, &hooks(&up)).await;
    declare(&rig, "four").await;
    until("what is new arrives", || async { titles(&up).len() == 4 }).await;
    assert_eq!(titles(&up)[3], "four", "and nothing again");
}

/// A node of a shared database, by this runbook.
async fn node(database: &str, files: &[(&str, &str)]) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(crate::paging::book(files)));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    options.database = Some(database.to_owned());
    options.public_url = Some("https://andon.example.com".parse().unwrap());
    let running = start(options).await.unwrap();
    let person = http().unix_socket(running.info.socket.clone()).build().unwrap();
    let tcp = http().build().unwrap();
    Rig { running, folder, person, tcp }
}

/// TEAM.12: of two backends of one database the leading one sends; when it goes, the other one goes on where it was, and nothing
/// is left out. The link in a page that the first one sent acknowledges at the other: the key is the database's.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_node_leads_goes_on_where_the_other_was() {
    let folder = tempfile::tempdir().unwrap();
    let (siem, duty) = (receiver(&["200 ok"]), receiver(&["202 ok"]));
    let hooks = hook(folder.path(), "siem", &siem, "'incident-declared'");
    let channels = pager(folder.path(), "duty", &duty);
    let paging = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty' }]\n";
    let files = [("hooks.toml", hooks.as_str()), ("channels.toml", channels.as_str()), ("paging.toml", paging)];
    let url = crate::database::database();
    let first = node(&url, &files).await;
    begun(&first, 1).await;
    let second = node(&url, &files).await;
    second.command("/v1/incidents", json!({"title": "one", "severity": "SEV-1"})).await.good();
    declare(&second, "two").await;
    until("the leading one sends what the other took", || async {
        titles(&siem).len() == 2 && duty.taken().len() == 1
    })
    .await;
    let shown = async || second.get("/v1/hooks").await.body[0]["state"]["delivered"].clone();
    until("the other one knows how far it is", || async { shown().await == 2 }).await;
    first.running.stop().await;
    declare(&second, "three").await;
    crate::nodes::until("the other one leads, and goes on", 30, || async { titles(&siem).len() == 3 }).await;
    assert_eq!(titles(&siem), ["one", "two", "three"]);
    let link = bodies(&duty)[0]["links"][0]["href"].as_str().unwrap().to_owned();
    let pressed = second.tcp.post(link.replace("https://andon.example.com", &second.base())).send().await.unwrap();
    assert_eq!(pressed.status(), 200);
    let acked = second.get("/v1/incidents/INC-1").await.good()["paging"]["rounds"][0]["acked_by"].clone();
    assert_eq!(acked, "link:duty");
}

/// CKP.4: `andon hook` and `andon doctor` say how the hooks are.
#[test]
fn the_commands_say_how_hooks_are() {
    let desk = crate::cli::Desk::new();
    let (siem, gone) = (receiver(&["200 ok"]), receiver(&["410 Gone"]));
    let text = [
        hook(desk.folder.path(), "siem", &siem, "'incident-*'"),
        hook(desk.folder.path(), "gone", &gone, "'incident-declared'"),
    ]
    .concat();
    let runbook = desk.folder.path().join("config/runbook");
    std::fs::create_dir_all(&runbook).unwrap();
    std::fs::write(runbook.join("hooks.toml"), text).unwrap();
    desk.done(&["incidents"]);
    let until = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        for _ in 0..100 {
            let hooks = desk.json(&["hook", "list"]);
            if holds(&hooks) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("never: {what}");
    };
    until("both have their place", &|hooks| hooks.as_array().unwrap().iter().all(|hook| !hook["state"].is_null()));
    let tested = desk.json(&["hook", "test", "siem"]);
    assert_eq!((&tested["ok"], &tested["status"]), (&json!(true), &json!("HTTP 200")));
    let refused = desk.andon(&["hook", "test", "gone"]);
    assert_eq!(refused.status.code(), Some(1));
    let well = desk.andon(&["doctor"]).stdout;
    assert!(String::from_utf8_lossy(&well).contains("hooks: 2, all well"));
    desk.done(&["declare", "refunds twice", "--severity", "SEV-3"]);
    until("one is stopped", &|hooks| hooks[1]["state"]["stopped"] == true && hooks[0]["state"]["delivered"] == 1);
    let listed = desk.done(&["hook", "list"]);
    assert!(listed.contains("stopped") && listed.contains("incident-*"), "{listed}");
    let doctor = desk.andon(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.code() == Some(1) && said.contains("WRONG hook: gone: wants no more"), "{said}");
}
