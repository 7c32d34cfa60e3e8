//! A facilitator and participants of one drill: what is theirs to see, taken back, cut off, paged and unheard (DRL.1).

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{Answer, Rig, read, rig, until};

const STEER: &str = "/v1/drills/DRILL-1/steer";

/// Somebody with a token of their own.
struct Somebody<'r> {
    rig: &'r Rig,
    secret: String,
}

impl Rig {
    async fn somebody(&self, name: &str) -> Somebody<'_> {
        Somebody { rig: self, secret: self.token(name, "operator", None).await }
    }

    async fn drill(&self, name: &str, speed: f64) {
        self.command("/v1/drills", json!({"name": name, "speed": speed, "seed": 7})).await.good();
    }

    async fn steer(&self, how: Value) {
        self.command(STEER, how).await.good();
    }

    async fn playhead(&self, world: &str) -> Value {
        self.get(&format!("/v1/state?world={world}")).await.good()["live"]["place"].clone()
    }
}

impl Somebody<'_> {
    async fn get(&self, path: &str) -> Answer {
        read(self.rig.ask_tcp(Method::GET, path, Some(&self.secret))).await
    }

    async fn command(&self, path: &str, command: Value) -> Answer {
        let ask = json!({"id": Uuid::now_v7(), "command": command});
        read(self.rig.ask_tcp(Method::POST, path, Some(&self.secret)).json(&ask)).await
    }
}

/// DRL.1: what comes, notes to self and what is put in are the facilitator's; participants neither see nor steer.
#[tokio::test]
async fn only_who_leads_a_drill_sees_what_comes() {
    let rig = rig().await;
    let kim = rig.somebody("kim").await;
    rig.drill("refunds-twice", 1.0).await;
    let mut stream = crate::rig::Frames::of(
        rig.ask_tcp(Method::GET, "/v1/events?world=DRILL-1", Some(&kim.secret)).send().await.unwrap(),
    );
    let course = rig.get("/v1/drills/DRILL-1/outline").await;
    let lines = course.good()["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["kind"] == "report"), "{course:?}");
    assert!(
        kim.get("/v1/drills/DRILL-1/outline").await.problem(403).body["detail"].as_str().unwrap().contains("led by")
    );
    kim.command(STEER, json!({"steer": "pause"})).await.problem(403);
    kim.command("/v1/commands", json!({"command": "steer-drill", "drill": "DRILL-1", "how": {"steer": "pause"}}))
        .await
        .problem(403);
    rig.steer(json!({"steer": "note", "text": "kim waits for orders", "at_s": 3.0})).await;
    rig.steer(json!({"steer": "inject", "line": "{\"agent\":\"refund-bot\",\"tool\":\"orders.read\"}"})).await;
    rig.steer(json!({"steer": "pause"})).await;
    let steered = loop {
        let (_, event) = stream.event().await;
        if event["type"] == "drill-steered" {
            break event;
        }
    };
    assert_eq!(steered["data"]["how"]["steer"], "pause", "what came before it was not hers to hear");
    let notes = |drills: &Value| drills[0]["notes"].as_array().map_or(0, Vec::len);
    assert_eq!(notes(rig.get("/v1/drills").await.good()), 1);
    for path in ["/v1/drills", "/v1/state?world=DRILL-1", "/v1/state"] {
        let seen = kim.get(path).await;
        assert!(!seen.good().to_string().contains("waits for orders"), "{path}");
    }
    rig.steer(json!({"steer": "appoint", "who": "kim"})).await;
    kim.get("/v1/drills/DRILL-1/outline").await.good();
    assert!(kim.get("/v1/drills").await.good().to_string().contains("waits for orders"));
    kim.command(STEER, json!({"steer": "resume"})).await.good();
}

/// DRL.1, law 1: a drill is taken back: the next take is at that moment at once, with what history had harmed by then, and nobody
/// has stopped anything in it; the one before it ends and stays to be read.
#[tokio::test]
async fn a_drill_is_taken_back() {
    let rig = rig().await;
    rig.drill("refunds-twice", 1.0).await;
    rig.steer(json!({"steer": "pause"})).await;
    rig.command("/v1/switches?world=DRILL-1", json!({"why": "all of them"})).await.good();
    rig.steer(json!({"steer": "skip", "to_s": 3_000.0})).await;
    let harm = async |world: &str| rig.get(&format!("/v1/state?world={world}")).await.good()["live"]["harm"].clone();
    until("it was skipped, and stopped", || async { harm("DRILL-1").await["stopped"].as_u64() > Some(10) }).await;
    let back = rig.command(STEER, json!({"steer": "back", "to_s": 1_200.0})).await;
    let kinds: Vec<&str> =
        back.good()["events"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
    assert_eq!(kinds, ["drill-steered", "drill-started", "drill-rewound", "drill-ended"]);
    until("the next take is there", || async { rig.playhead("DRILL-2").await["at_s"].as_f64() >= Some(1_200.0) }).await;
    let (playhead, now) = (rig.playhead("DRILL-2").await, harm("DRILL-2").await);
    assert_eq!((&playhead["goes"], &now["stopped"]), (&json!(0.0), &json!(0)), "held as it was");
    assert!(now["done"]["people"].as_u64() > Some(0), "what history harmed by then: {now}");
    assert_eq!(rig.get("/v1/switches?world=DRILL-2").await.good(), &json!([]));
    let drills = rig.get("/v1/drills").await.good().clone();
    assert_eq!((&drills[0]["next"], &drills[1]["goes_on"]["from"]), (&json!("DRILL-2"), &json!("DRILL-1")));
    assert!(drills[0]["ended_at"].is_string() && drills[0]["played"].is_object() && drills[1]["ended_at"].is_null());
    rig.command(STEER, json!({"steer": "resume"})).await.problem(409);
    // It goes on from there, and can be taken back again, when it is over too.
    let steer = "/v1/drills/DRILL-2/steer";
    rig.command(steer, json!({"steer": "resume"})).await.good();
    rig.command(steer, json!({"steer": "skip", "to_s": 1.0e9})).await.good();
    until("it is over", || async { rig.get("/v1/drills/DRILL-2/score").await.good()["over"] == true }).await;
    let score = rig.get("/v1/drills/DRILL-2/score").await.good().clone();
    assert_eq!(score["harm"]["done"], score["harm"]["course"], "nobody stopped anything: {score}");
    rig.command(steer, json!({"steer": "back", "to_s": 0.0})).await.good();
    until("the third take plays", || async { rig.playhead("DRILL-3").await["at_s"].is_number() }).await;
    assert_eq!(rig.get("/v1/incidents").await.good(), &json!([]), "nothing of it is real");
}

/// DRL.1, TEAM.12: a page nobody hears is told to nobody, and the queue goes on to the next; one that is heard is told to all.
#[tokio::test]
async fn a_deaf_page_goes_on_to_the_next() {
    let rig = rig().await;
    rig.drill("unheard-page", 1_000.0).await;
    let firings = async || rig.get("/v1/firings?world=DRILL-1").await.good().as_array().unwrap().clone();
    let pages = |firing: &Value| firing["pages"].as_array().cloned().unwrap_or_default();
    let unheard = |firing: &Value| pages(firing).into_iter().find(|page| page["state"] == "unknown");
    let told = async || {
        let drills = rig.get("/v1/drills").await.good().clone();
        let told = drills[0]["told"].as_array().cloned().unwrap_or_default();
        told.iter()
            .filter(|one| one["word"] == "page")
            .map(|one| one["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    until("somebody is paged and does not hear it, another one hears it", || async {
        let all = firings().await;
        all.iter().any(|one| unheard(one).is_some())
            && all.iter().any(|one| !pages(one).is_empty() && unheard(one).is_none())
    })
    .await;
    // One that is acknowledged goes no further.
    let heard = firings().await.into_iter().find(|one| !pages(one).is_empty() && unheard(one).is_none()).unwrap();
    let ack = format!("/v1/firings/{}/ack?world=DRILL-1", heard["id"].as_str().unwrap());
    rig.command(&ack, json!({})).await.good();
    let of = async |id: &Value| firings().await.into_iter().find(|one| one["id"] == *id).unwrap();
    let before = pages(&of(&heard["id"]).await).len();

    let deaf = firings().await.into_iter().find(|one| unheard(one).is_some()).unwrap();
    let page = unheard(&deaf).unwrap();
    assert_eq!((&page["to"], &page["step"]), (&json!("first on call"), &json!(0)));
    let second = format!("second on call: {} ", deaf["id"].as_str().unwrap());
    let patience = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !told().await.iter().any(|text| text.starts_with(&second)) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    patience.await.expect("the queue goes on to the next");
    let first = second.replacen("second", "first", 1);
    for unread in ["nobody's telephone rings", &first] {
        assert!(!told().await.iter().any(|text| text.contains(unread)), "who does not hear it reads nothing: {unread}");
    }
    assert_eq!(pages(&of(&heard["id"]).await).len(), before, "it was acknowledged");
}

/// DRL.1: one participant's client is cut off from the drill's world, its stream too, and nobody else's; after the time it is back,
/// with everything that came meanwhile.
#[tokio::test]
async fn a_participant_is_cut_off() {
    let rig = rig().await;
    let (kim, lee) = (rig.somebody("kim").await, rig.somebody("lee").await);
    rig.drill("refunds-twice", 1.0).await;
    let mut stream = crate::rig::Frames::of(
        rig.ask_tcp(Method::GET, "/v1/events?world=DRILL-1", Some(&kim.secret)).send().await.unwrap(),
    );
    until("she is in the drill", || async {
        let here = rig.get("/v1/state?world=DRILL-1").await.good()["live"]["in_drill"].clone();
        here.as_array().is_some_and(|here| here.iter().any(|name| name == "kim"))
    })
    .await;
    rig.steer(json!({"steer": "cut", "who": "kim", "for_s": 4})).await;
    while let Some(frame) = stream.any().await {
        assert!(!frame.data.contains("drill-steered"), "she is not told why");
    }
    for path in ["/v1/state?world=DRILL-1", "/v1/events?world=DRILL-1", "/v1/incidents?world=DRILL-1"] {
        kim.get(path).await.problem(503);
    }
    kim.command("/v1/incidents?world=DRILL-1", json!({"title": "cut"})).await.problem(503);
    kim.get("/v1/state").await.good();
    lee.get("/v1/state?world=DRILL-1").await.good();
    lee.command("/v1/incidents?world=DRILL-1", json!({"title": "declared meanwhile"})).await.good();
    until("she is back", || async { kim.get("/v1/state?world=DRILL-1").await.status == 200 }).await;
    let seen = kim.get("/v1/incidents?world=DRILL-1").await;
    assert_eq!(seen.good()[0]["title"], "declared meanwhile");
}

/// DRL.1: participants are shown the hints of a recording only while the facilitator has them shown.
#[tokio::test]
async fn hints_are_shown_or_hidden() {
    let rig = rig().await;
    let recording = [
        json!({"andon_recording": 1, "title": "Hints", "starts": "2026-03-02T14:00:00Z", "hints": [
            {"at": "2026-03-02T14:00:10Z", "text": "the first"}, {"at": "2026-03-02T14:01:00Z", "text": "the second"},
            {"at": "2026-03-02T14:01:41Z", "text": "the third"}]}),
        json!({"agent": "bot", "tool": "x.read", "at": "2026-03-02T14:00:20Z"}),
        json!({"agent": "bot", "tool": "x.read", "at": "2026-03-02T14:01:43Z"}),
    ];
    let text = recording.map(|line| line.to_string()).join("\n");
    rig.command("/v1/drills", json!({"name": "hints", "recording": text, "speed": 1.0})).await.good();
    let hints = async || {
        let drills = rig.get("/v1/drills").await.good().clone();
        let told = drills[0]["told"].as_array().cloned().unwrap_or_default();
        told.iter()
            .filter(|one| one["word"] == "hint")
            .map(|one| one["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    rig.steer(json!({"steer": "skip", "to_s": 30.0})).await;
    until("it is there", || async { rig.playhead("DRILL-1").await["at_s"].as_f64() >= Some(30.0) }).await;
    assert!(hints().await.is_empty());
    until("whoever is helped late is helped by what helps now", || async {
        rig.steer(json!({"steer": "hints", "shown": false})).await;
        rig.steer(json!({"steer": "hints", "shown": true})).await;
        hints().await.first().is_some_and(|text| text == "the first")
    })
    .await;
    rig.steer(json!({"steer": "skip", "to_s": 90.0})).await;
    until("the second is shown as it comes", || async {
        hints().await.last().is_some_and(|text| text == "the second")
    })
    .await;
    // Played past, not skipped: one that is not shown is not told as it comes either.
    rig.steer(json!({"steer": "hints", "shown": false})).await;
    rig.steer(json!({"steer": "skip", "to_s": 100.0})).await;
    until("it is over", || async { rig.get("/v1/drills/DRILL-1/score").await.good()["over"] == true }).await;
    assert_eq!(hints().await.last().unwrap(), "the second");
}
