//! A drill is a world (law 8); switches that expire (CON.9); both by a clock of the test's own.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use andon::{
    incident::Command,
    terms::{Author, Time},
};
use serde_json::json;
use uuid::Uuid;

use crate::rig::{Rig, rig, rig_by, until};

async fn start_drill(rig: &Rig) {
    let command = Command::StartDrill {
        name: "loop".into(),
        title: "A loop".into(),
        seed: 7,
        speed: 60.0,
        course: Box::default(),
        armed: Box::default(),
    };
    let by = Author::Person("dana".into());
    rig.running.backend.core.submit(None, Uuid::now_v7(), by, command).await.unwrap();
}

#[tokio::test]
async fn what_happens_in_a_drill_stays_in_its_world() {
    let rig = rig().await;
    rig.command("/v1/incidents?world=DRILL-1", json!({"title": "x"})).await.problem(404);
    start_drill(&rig).await;
    let mut real = rig.events("?after=0", None).await;
    let mut drill = rig.events("?world=DRILL-1&after=0", None).await;

    let declared = rig.command("/v1/incidents?world=DRILL-1", json!({"title": "in the drill"})).await;
    assert_eq!(declared.good()["events"][0]["drill"], true);
    assert_eq!(declared.body["events"][0]["stream"], "drill/DRILL-1/incident/INC-1");
    rig.command("/v1/switches?world=DRILL-1", json!({})).await.good();
    rig.command("/v1/incidents", json!({"title": "real"})).await.good();

    assert_eq!(rig.get("/v1/incidents").await.good()[0]["title"], "real", "ids are each world's own");
    assert_eq!(rig.get("/v1/incidents/INC-1?world=DRILL-1").await.good()["title"], "in the drill");
    assert_eq!(rig.get("/v1/switches").await.good(), &json!([]), "a drill halts nobody");
    let state = rig.get("/v1/state?world=DRILL-1").await;
    assert_eq!(state.good()["drills"][0]["id"], "DRILL-1");
    assert_eq!(state.body["world"]["switches"].as_object().unwrap().len(), 1);
    // Each stream has its own world's events, and both hear of drills.
    for first in ["runbook-taken", "drill-started"] {
        assert_eq!(real.event().await.1["type"], first);
    }
    let (_, event) = real.event().await;
    assert_eq!((event["drill"].as_bool(), event["data"]["title"].as_str()), (Some(false), Some("real")));
    for first in ["runbook-taken", "drill-started"] {
        assert_eq!(drill.event().await.1["type"], first);
    }
    assert_eq!(drill.event().await.1["data"]["title"], "in the drill");
    // An engaged switch of a drill blinds nobody.
    rig.post("/v1/stop", json!({})).await.good();
}

#[tokio::test]
async fn a_preventive_switch_lifts_itself_when_its_time_is_up() {
    let now = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = {
        let now = now.clone();
        Arc::new(move || Time::from_millis(now.load(Ordering::Relaxed)))
    };
    let rig = rig_by(tempfile::tempdir().unwrap(), clock).await;
    let until_when = Time::from_millis(now.load(Ordering::Relaxed)).plus(Time::HOUR);
    let engage = json!({"scope": {"agent": "a"}, "why": "release night", "expires_at": until_when});
    rig.command("/v1/switches", engage).await.good();
    rig.command("/v1/switches", json!({"scope": {"agent": "b"}})).await.good();

    now.fetch_add(2 * Time::HOUR, Ordering::Relaxed);
    until("the first is lifted", || async { rig.get("/v1/switches/SW-1").await.good()["state"] == "released" }).await;
    assert_eq!(rig.get("/v1/switches/SW-1").await.good()["release"]["by"], "andon:expiry");
    assert_eq!(rig.get("/v1/switches/SW-2").await.good()["state"], "engaged");
}
