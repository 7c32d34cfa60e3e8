//! Acknowledging by the link in a page (TEAM.12): for that page, for a day, by its button and by nothing else.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use andon::{
    backend::{
        clock::Clock,
        home::Home,
        serve::{ServeOptions, start},
    },
    terms::Time,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    actuators::{receiver, secret},
    paging::{bodies, book, key, pager},
    rig::{Rig, http, until},
};

const ORIGIN: &str = "https://andon.example.com";

/// A backend that people reach at [`ORIGIN`], by a clock that is moved on.
async fn reached_at(
    folder: tempfile::TempDir,
    files: &[(&str, &str)],
    ahead: &Arc<AtomicI64>,
    url: Option<&str>,
) -> Rig {
    let mut options = ServeOptions::local(Home::under(folder.path()), Arc::new(book(files)));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    let (system, moved) = (andon::backend::clock::system(), ahead.clone());
    let clock: Clock = Arc::new(move || system().plus(moved.load(Ordering::SeqCst) * Time::SECOND));
    options.clock = clock;
    options.public_url = url.map(|url| url.parse().unwrap());
    let running = start(options).await.unwrap();
    let person = http().unix_socket(running.info.socket.clone()).build().unwrap();
    let tcp = http().build().unwrap();
    Rig { running, folder, person, tcp }
}

/// What a browser is answered: status and page.
async fn browse(rig: &Rig, method: Method, link: &str, origin: Option<&str>) -> (u16, String) {
    let path = link.strip_prefix(ORIGIN).expect(link);
    // As a proxy in front of it passes it on, from somebody nobody knows.
    let mut request = rig.tcp.request(method, format!("{}{path}", rig.base())).header("host", "andon.example.com");
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    if text.starts_with("<!doctype") {
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "same-origin");
    }
    (status, text)
}

async fn round(rig: &Rig, incident: &str) -> Value {
    rig.get(&format!("/v1/incidents/{incident}")).await.good()["paging"]["rounds"][0].clone()
}

/// TEAM.12: each page holds a link; following it, as mail scanners do, changes nothing, its button acknowledges, recorded as by
/// the link and to whom that was sent; it does nothing else. Changed, foreign, late and second uses get a clear answer. The key
/// outlives the backend.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_acknowledges_its_page_by_its_button() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (duty, room, hook) = (receiver(&["202 ok"]), receiver(&["200 ok"]), receiver(&["200 ok"]));
    let channels = format!(
        "{}[[channel]]\nname = 'room'\nkind = 'slack'\nkey_file = {:?}\n\
         [[channel]]\nname = 'hook'\nkind = 'webhook'\nwebhook = {:?}\nsecret_file = {:?}\n",
        pager(at, "duty", &duty),
        key(at, "room.url", &room.url),
        hook.url,
        secret(at),
    );
    let paging = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty', to = 'kim & lee' }, { channel = 'room' }, { channel = 'hook' }]\n";
    let files = [("channels.toml", channels.as_str()), ("paging.toml", paging)];
    let ahead = Arc::new(AtomicI64::new(0));
    let rig = reached_at(tempfile::tempdir().unwrap(), &files, &ahead, Some(ORIGIN)).await;
    let declare = json!({"title": "refunds <b>twice</b>", "severity": "SEV-1"});
    rig.command("/v1/incidents", declare.clone()).await.good();
    until("each page goes", || async { [&duty, &room, &hook].iter().all(|receiver| receiver.taken().len() == 1) })
        .await;
    let link = bodies(&duty)[0]["links"][0]["href"].as_str().unwrap().to_owned();
    assert!(room.taken()[0].1.contains("/ack?page=INC-1.1"), "{}", room.taken()[0].1);
    assert!(bodies(&hook)[0]["data"]["ack_url"].as_str().unwrap().starts_with(ORIGIN));

    // Everything that looks at mail follows it, and asks in other ways.
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let (status, page) = browse(&rig, method.clone(), &link, None).await;
        assert_eq!(status, 200, "{page}");
        if method == Method::GET {
            assert!(page.contains("<form method=\"post\">") && page.contains("refunds &lt;b&gt;twice"), "{page}");
        }
    }
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(browse(&rig, method, &link, None).await.0, 405);
    }
    assert!(round(&rig, "INC-1").await["acked_at"].is_null(), "nobody pressed the button");

    // Whatever of it is changed, it holds no more; and no other page may press it.
    let changed = [
        link.replace("INC-1.1", "INC-1.2"),
        link.replace("INC-1.1", "TW-1"),
        link.replace("kim", "lee"),
        link.replace("&proof=", "&proof=0"),
        link.split("&proof=").next().unwrap().to_owned(),
        link.replace("until=", "until=9"),
        format!("{ORIGIN}/ack"),
    ];
    for forged in changed {
        for method in [Method::GET, Method::POST] {
            let (status, page) = browse(&rig, method, &forged, None).await;
            assert!(status == 403 && page.contains("none of ours"), "{forged}: {status} {page}");
        }
    }
    assert_eq!(browse(&rig, Method::POST, &link, Some("https://evil.example")).await.0, 403);
    assert_eq!(browse(&rig, Method::POST, &link, Some("null")).await.0, 403);
    assert!(round(&rig, "INC-1").await["acked_at"].is_null());

    // The key outlives the backend.
    let Rig { running, folder: home, .. } = rig;
    running.stop().await;
    let rig = reached_at(home, &files, &ahead, Some(ORIGIN)).await;
    let (status, page) = browse(&rig, Method::POST, &link, Some(ORIGIN)).await;
    assert!(status == 200 && page.contains("You have it"), "{status} {page}");
    let acked = round(&rig, "INC-1").await;
    assert_eq!(acked["acked_by"], "link:kim & lee");
    let incident = rig.get("/v1/incidents/INC-1").await.good().clone();
    let said = incident["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .any(|line| line["text"] == "pages acknowledged by the link sent to kim & lee");
    assert!(said && incident["mttd"]["acknowledgement"].is_string(), "{incident}");
    let (status, page) = browse(&rig, Method::POST, &link, Some(ORIGIN)).await;
    assert!(status == 200 && page.contains("Acknowledged before") && page.contains("kim &amp; lee"), "{page}");
    assert_eq!(round(&rig, "INC-1").await["acked_at"], acked["acked_at"], "the first one stays");

    // A day later it has expired, and a page that is over has nothing to acknowledge.
    rig.command("/v1/incidents", declare.clone()).await.good();
    until("another page", || async {
        bodies(&duty).iter().filter(|body| body["event_action"] == "trigger").count() == 2
    })
    .await;
    let late = bodies(&duty).iter().rfind(|body| body["event_action"] == "trigger").unwrap()["links"][0]["href"]
        .as_str()
        .unwrap()
        .to_owned();
    ahead.store(86_401, Ordering::SeqCst);
    let (status, page) = browse(&rig, Method::POST, &late, Some(ORIGIN)).await;
    assert!(status == 410 && page.contains("andon ack INC-2"), "{status} {page}");
    assert!(round(&rig, "INC-2").await["acked_at"].is_null());
    ahead.store(0, Ordering::SeqCst);
    let resolve = json!({"type": "resolve", "note": "gone", "over": "a test"});
    rig.command("/v1/incidents/INC-2/commands", resolve).await.good();
    let (status, page) = browse(&rig, Method::POST, &late, Some(ORIGIN)).await;
    assert!(status == 200 && page.contains("It is over"), "{status} {page}");
    // A firing's page has one too.
    rig.post("/v1/agents", json!([{"id": "ghost-bot", "inventory": ["look"]}])).await.good();
    rig.post("/v1/actions", json!({"agent": "ghost-bot", "tool": "pay", "run": "r1"})).await.good();
    let of_firing = || {
        let links =
            bodies(&duty).into_iter().map(|body| body["links"][0]["href"].as_str().unwrap_or_default().to_owned());
        links.rev().find(|link| link.contains("page=TW-1"))
    };
    until("the firing pages", || async { of_firing().is_some() }).await;
    assert_eq!(browse(&rig, Method::POST, &of_firing().unwrap(), Some(ORIGIN)).await.0, 200);
    assert_eq!(rig.get("/v1/firings/TW-1").await.good()["paged"][0]["by"], "link:kim & lee");
    let log = serde_json::to_string(&rig.get("/v1/incidents/INC-1/events?after=0").await.body).unwrap();
    assert!(!log.contains("proof"), "no link is in the log");
}

/// TEAM.12: where nobody said at which address people reach it, no page holds a link, and none is answered.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_there_is_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let duty = receiver(&["202 ok"]);
    let channels = pager(folder.path(), "duty", &duty);
    let paging = "[[queue]]\nname = '*'\nsteps = [{ channel = 'duty' }]\n";
    let files = [("channels.toml", channels.as_str()), ("paging.toml", paging)];
    let rig = reached_at(tempfile::tempdir().unwrap(), &files, &Arc::default(), None).await;
    rig.command("/v1/incidents", json!({"title": "x", "severity": "SEV-1"})).await.good();
    until("it pages", || async { duty.taken().len() == 1 }).await;
    assert_eq!(bodies(&duty)[0]["links"], json!([]));
    let guess = format!("{}/ack?page=INC-1.1&to=duty&until=99999999999999&proof=00", rig.base());
    let answer = rig.tcp.post(guess).send().await.unwrap();
    assert_eq!(answer.status(), 403);
}
