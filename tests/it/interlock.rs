//! The interlock from outside: every way in answers from one table, and a halt is proved (CON, protocol 3).

use std::io::{Read, Write};

use andon::{
    telemetry::{Action, Status},
    terms::{AgentId, Time, ToolName},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Answer, Frames, Rig, read, rig, until};

async fn check(rig: &Rig, agent: &str, tool: &str) -> Value {
    rig.post("/v1/interlock/check", json!({"agent": agent, "tool": tool})).await.good().clone()
}

async fn lease(rig: &Rig, agent: &str, version: u64) -> Value {
    let asked = json!({"agent": agent, "instance": "one", "version": version, "on_blind": "stop"});
    rig.post("/v1/interlock/lease", asked).await.good().clone()
}

async fn halt(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn proof(rig: &Rig, switch: &str) -> Value {
    rig.get(&format!("/v1/switches/{switch}")).await.good()["halt"].clone()
}

async fn authz(rig: &Rig, secret: Option<&str>, agent: &str, tool: &str) -> Answer {
    let request = rig.ask_tcp(Method::GET, "/v1/interlock/authz/v1/refunds?x=1", secret);
    // What a gateway forwards: the caller's own host and origin.
    let request = request.header("x-andon-agent", agent).header("x-andon-tool", tool);
    read(request).await
}

async fn declare(rig: &Rig) {
    let agents = json!([
        {"id": "refund-bot", "workflow": "refunds", "inventory": [
            {"tool": "stripe.payout", "class": "external-api-call", "aliases": ["mcp__stripe__payout"]},
            {"tool": "crm.find", "class": "read"},
        ]},
        {"id": "mail-bot", "inventory": ["mail.send"]},
    ]);
    rig.post("/v1/agents", agents).await.good();
}

/// CON.2, CON.3: scope and mode, over check, authz and OFREP alike.
#[tokio::test]
async fn every_way_in_answers_from_one_table() {
    let rig = rig().await;
    declare(&rig).await;
    let gateway = rig.token("edge", "gateway", None).await;
    let flag = async |agent: &str, key: &str, tool: &str| {
        let context = json!({"context": {"targetingKey": agent, "tool": tool}});
        let request = rig.ask_tcp(Method::POST, &format!("/ofrep/v1/evaluate/flags/{key}"), None).json(&context);
        read(request).await.good().clone()
    };
    assert_eq!(check(&rig, "refund-bot", "stripe.payout").await["decision"], "allow");
    assert_eq!(authz(&rig, Some(&gateway), "refund-bot", "stripe.payout").await.status, 200);
    assert_eq!(flag("refund-bot", "andon.allowed", "stripe.payout").await["value"], true);

    let switch = halt(&rig, json!({"scope": {"agent": "refund-bot"}, "mode": "read-only", "why": "paid twice"})).await;
    let denied = check(&rig, "refund-bot", "mcp__stripe__payout").await;
    assert_eq!((denied["decision"].as_str(), denied["switch"].as_str()), (Some("deny"), Some(switch.as_str())));
    assert!(denied["reason"].as_str().unwrap().contains("paid twice"));
    assert_eq!(check(&rig, "refund-bot", "crm.find").await["decision"], "allow");
    assert_eq!(check(&rig, "mail-bot", "mail.send").await["decision"], "allow");
    let refused = authz(&rig, Some(&gateway), "refund-bot", "stripe.payout").await;
    assert_eq!((refused.status.as_u16(), refused.body["error"]["code"].as_i64()), (403, Some(1001)));
    assert_eq!(authz(&rig, Some(&gateway), "refund-bot", "crm.find").await.status, 200);
    // Without a gateway's token nobody is believed to be somebody who may go on.
    assert_eq!(authz(&rig, None, "refund-bot", "stripe.payout").await.status, 403);
    let flagged = flag("refund-bot", "andon.allowed", "stripe.payout").await;
    assert_eq!((flagged["value"].as_bool(), flagged["variant"].as_str()), (Some(false), Some("read-only")));
    assert_eq!(flag("refund-bot", "andon.mode", "stripe.payout").await["value"], "read-only");
    assert_eq!(flag("refund-bot", "andon.tool.crm.find", "x").await["value"], true);

    // CON.12: a new agent is born denied under an all-agents halt; a held call is denied while there is no board.
    halt(&rig, json!({"mode": "approval", "scope": {"agent": "mail-bot"}})).await;
    let held = check(&rig, "mail-bot", "mail.send").await;
    assert_eq!((held["decision"].as_str(), held["mode"].as_str()), (Some("hold"), Some("approval")));
    halt(&rig, json!({})).await;
    assert_eq!(check(&rig, "never-seen", "any").await["mode"], "halt");
    assert_eq!(authz(&rig, None, "", "x").await.status, 403, "a name that does not read is refused");
}

/// OFREP errors have their details, and the bulk answer its tag.
#[tokio::test]
async fn ofrep_says_what_is_wrong_in_its_own_words() {
    let rig = rig().await;
    let ask = |path: &'static str, body: &'static str| {
        read(rig.ask(Method::POST, path).header("content-type", "application/json").body(body))
    };
    let one = "/ofrep/v1/evaluate/flags/andon.allowed";
    for (path, body, status, code) in [
        (one, "{", 400, "PARSE_ERROR"),
        (one, "{}", 400, "INVALID_CONTEXT"),
        (one, r#"{"context":[]}"#, 400, "INVALID_CONTEXT"),
        (one, r#"{"context":{}}"#, 400, "TARGETING_KEY_MISSING"),
        (one, r#"{"context":{"targetingKey":" "}}"#, 400, "INVALID_CONTEXT"),
        ("/ofrep/v1/evaluate/flags/other", r#"{"context":{"targetingKey":"a"}}"#, 404, "FLAG_NOT_FOUND"),
        ("/ofrep/v1/evaluate/flags", "[]", 400, "INVALID_CONTEXT"),
    ] {
        let answer = ask(path, body).await;
        assert_eq!((answer.status.as_u16(), answer.body["errorCode"].as_str()), (status, Some(code)), "{body}");
        assert!(answer.body["errorDetails"].as_str().is_some_and(|details| !details.is_empty()), "{answer:?}");
    }
    let bulk = || rig.ask(Method::POST, "/ofrep/v1/evaluate/flags").json(&json!({"context": {"targetingKey": "a"}}));
    let first = bulk().send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    assert_eq!(bulk().header("if-none-match", tag.clone()).send().await.unwrap().status(), 304);
    halt(&rig, json!({})).await;
    assert_eq!(bulk().header("if-none-match", tag).send().await.unwrap().status(), 200);
}

/// CON.10, CON.16: reach before, then requested → confirmed by acknowledgement and by refusal, and the incident contained.
#[tokio::test]
async fn a_halt_is_proved_by_acknowledgement_and_by_refusal() {
    let rig = rig().await;
    declare(&rig).await;
    lease(&rig, "refund-bot", 0).await;
    check(&rig, "mail-bot", "mail.send").await;
    let reach = |agents: &Value, id: &str| {
        agents.as_array().unwrap().iter().find(|agent| agent["id"] == id).unwrap()["reach"].clone()
    };
    let agents = rig.get("/v1/agents").await.good().clone();
    assert_eq!((reach(&agents, "refund-bot"), reach(&agents, "mail-bot")), (json!("leased"), json!("checks")));

    let switch = halt(&rig, json!({"declare": true})).await;
    until("it is enforced, and nobody confirmed", || async {
        let halt = proof(&rig, &switch).await;
        halt["counted"] == 2 && halt["agents"].as_array().unwrap().iter().all(|agent| agent["state"] == "enforced")
    })
    .await;
    let view = lease(&rig, "refund-bot", 0).await;
    assert_eq!(view["mode"], "halt");
    lease(&rig, "refund-bot", view["version"].as_u64().unwrap()).await;
    check(&rig, "mail-bot", "mail.send").await;
    until("both are confirmed", || async { proof(&rig, &switch).await["confirmed"] == 2 }).await;
    let halt = proof(&rig, &switch).await;
    assert!(halt["confirmed_in_s"].as_f64().is_some_and(|seconds| seconds < 30.0), "{halt}");
    let how =
        |id: &str| halt["agents"].as_array().unwrap().iter().find(|agent| agent["id"] == id).unwrap()["how"].clone();
    assert_eq!((how("refund-bot"), how("mail-bot")), (json!("acknowledged"), json!("refused")));
    until("the incident reads contained", || async {
        rig.get("/v1/incidents/INC-1").await.good()["status"] == "contained"
    })
    .await;
    // A live lease goes blind with the backend.
    rig.post("/v1/stop", json!({})).await.problem(409);
}

/// DET.9: what acts under a switch that would have denied it is a breach; what had begun before is in flight.
#[tokio::test]
async fn an_action_under_a_halt_is_a_breach() {
    let rig = rig().await;
    declare(&rig).await;
    let interlock = rig.running.backend.rooms.interlocks.get(None).unwrap();
    let now = (rig.running.backend.clock)();
    let action = |started: Time, status: Status| Action {
        started: Some(started),
        received_at: started.max(now).plus(60_000),
        tool: Some(ToolName::new("stripe.payout").unwrap()),
        status,
        ..action(started.plus(5))
    };
    assert!(interlock.observe(&action(now, Status::Ok), "dana", now).is_empty(), "nothing is engaged");
    let switch = halt(&rig, json!({})).await;
    assert!(interlock.observe(&action(now.plus(-60_000), Status::Ok), "dana", now).is_empty(), "in flight");
    let later = now.plus(60_000);
    assert!(interlock.observe(&action(later, Status::Denied), "dana", later).is_empty(), "stopped by the interlock");
    assert_eq!(interlock.observe(&action(later, Status::Ok), "dana", later).len(), 1);
    until("it reads escaped", || async {
        let halt = proof(&rig, &switch).await;
        halt["escaped"] == 1 && halt["in_flight"] == 1 && halt["slipped"].as_array().unwrap().len() == 1
    })
    .await;
    let changes = interlock.observe(&action(later, Status::Ok), "dana", later);
    assert_eq!(serde_json::to_value(&changes).unwrap()[0]["change"], "counted");
    assert_eq!(interlock.closed_breaches(later.plus(2 * Time::HOUR)).len(), 1);
}

fn action(at: Time) -> Action {
    let native = json!({"agent": "refund-bot", "at": at, "received_at": at, "status": "ok"});
    serde_json::from_value(native).unwrap()
}

/// Each reader hears its own view change, with the place to resume from.
#[tokio::test]
async fn the_stream_tells_each_agent_its_state() {
    let rig = rig().await;
    let secret = rig.token("refunds", "agent", Some("refund-bot")).await;
    let open = async |query: &str| {
        let request = rig.ask_tcp(Method::GET, &format!("/v1/interlock/stream{query}"), Some(&secret));
        request.send().await.unwrap()
    };
    assert_eq!(open("").await.status(), 403);
    assert_eq!(open("?agent=mail-bot").await.status(), 403);
    let mut frames = Frames::of(open("?agent=refund-bot").await);
    let mut state = async || {
        let frame = frames.any().await.unwrap();
        assert_eq!(frame.event, "state");
        serde_json::from_str::<Value>(&frame.data).unwrap()
    };
    assert_eq!(state().await["mode"], "allow");
    let switch = halt(&rig, json!({"scope": {"agent": "refund-bot"}})).await;
    let halted = state().await;
    assert_eq!((halted["mode"].as_str(), halted["switch"].as_str()), (Some("halt"), Some(switch.as_str())));
    rig.command(&format!("/v1/switches/{switch}/release"), json!({"why": "drill is over"})).await.good();
    assert_eq!(state().await["mode"], "allow");

    // An agent speaks for itself and for nobody else.
    let other = json!({"agent": "mail-bot", "instance": "x"});
    for path in ["/v1/interlock/check", "/v1/interlock/lease"] {
        read(rig.ask_tcp(Method::POST, path, Some(&secret)).json(&other)).await.problem(403);
    }
    let ahead = json!({"agent": "refund-bot", "instance": "x", "version": u64::MAX});
    let answer = read(rig.ask_tcp(Method::POST, "/v1/interlock/lease", Some(&secret)).json(&ahead)).await;
    let version = answer.good()["version"].as_u64().unwrap();
    assert!(version < u64::MAX, "nobody acknowledges what is still to come");
    assert_eq!(AgentId::new("refund-bot").unwrap().as_str(), answer.body["agent"]);
}

/// Answers that follow each other closely do not wait for the other end to acknowledge the first: 40 ms each otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_does_not_wait_for_the_first_to_be_acknowledged() {
    let rig = rig().await;
    let address = rig.running.info.tcp[0].clone();
    let asking = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        let (batch, began) = ("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(8), std::time::Instant::now());
        for _ in 0..40 {
            socket.write_all(batch.as_bytes()).unwrap();
            let (mut text, mut buffer) = (String::new(), [0; 4096]);
            while text.matches("HTTP/1.1 200 ").count() < 8 || !text.ends_with('}') {
                let read = socket.read(&mut buffer).unwrap();
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
        }
        began.elapsed()
    });
    let took = asking.await.unwrap();
    assert!(took < std::time::Duration::from_millis(800), "it took {took:?}");
}

/// DET.5, DET.9: from an agent's telemetry to a firing, an incident, a halt, and the breach of it.
#[tokio::test]
async fn telemetry_fires_opens_an_incident_and_shows_a_breach() {
    let rig = rig().await;
    declare(&rig).await;
    let report = async |tool: &str, started: Time| {
        let action = json!({"agent": "refund-bot", "tool": tool, "run": "run-1", "started": started, "status": "ok"});
        let answer = read(rig.ask_tcp(Method::POST, "/v1/actions", None).json(&action)).await;
        assert_eq!(answer.good()["accepted"], 1);
    };
    let now = || (rig.running.backend.clock)();
    report("stripe.payout", now()).await;
    assert_eq!(rig.get("/v1/firings").await.good(), &json!([]));
    report("shell.exec", now()).await;
    let firings = rig.get("/v1/firings").await.good().clone();
    assert_eq!(
        (firings[0]["tripwire"].as_str(), firings[0]["detail"].as_str()),
        (Some("authorisation"), Some("shell.exec"))
    );
    let incident = rig.get("/v1/incidents/INC-1").await.good().clone();
    assert_eq!((incident["confirmed"].as_bool(), &incident["firings"]), (Some(false), &json!(["TW-1"])));
    rig.command("/v1/firings/TW-1/ack", json!({})).await.good();

    halt(&rig, json!({"incident": "INC-1"})).await;
    report("stripe.payout", now().plus(1)).await;
    let firings = rig.get("/v1/firings?open=true").await.good().clone();
    let breach = firings.as_array().unwrap().iter().find(|firing| firing["tripwire"] == "breach").unwrap();
    assert_eq!(breach["detail"], "SW-1");
    until("the switch shows who escaped", || async { proof(&rig, "SW-1").await["escaped"] == 1 }).await;
    until("the figures are told", || async {
        let agents = rig.get("/v1/agents/refund-bot").await.good().clone();
        agents["calls_window"] == 3 && agents["reach"] == "observed" && agents["drift"] == json!(["shell.exec"])
    })
    .await;
    assert_eq!(rig.get("/v1/state").await.good()["live"]["telemetry"]["accepted"], 3);
    // Reporting is an agent's right; looking at what others did is not.
    read(rig.ask_tcp(Method::GET, "/v1/actions", None)).await.problem(401);
    assert_eq!(rig.get("/v1/actions").await.good().as_array().unwrap().len(), 3);
}

/// CON.3, CON.12: a gateway says of a call what a check says: its run, its workflow; a body that is cut gets no ticket.
#[tokio::test]
async fn a_gateway_says_what_a_check_says() {
    let rig = rig().await;
    declare(&rig).await;
    let gateway = rig.token("edge", "gateway", None).await;
    let pass = async |headers: &[(&str, &str)]| {
        let mut request = rig.ask_tcp(Method::POST, "/v1/interlock/authz/v1/refunds", Some(&gateway)).body("{");
        for (name, value) in [("x-andon-agent", "mail-bot"), ("x-andon-tool", "mail.send")].iter().chain(headers) {
            request = request.header(*name, *value);
        }
        read(request).await
    };
    assert_eq!(pass(&[("x-andon-run", "run-1")]).await.status, 200);
    halt(&rig, json!({"scope": {"agent": "mail-bot"}, "mode": "no-new-runs"})).await;
    assert_eq!(pass(&[("x-andon-run", "run-1")]).await.status, 200, "it had begun");
    for (headers, mode) in [(&[][..], "no-new-runs"), (&[("x-andon-run", "run-2")], "no-new-runs")] {
        assert_eq!(pass(headers).await.body["mode"], mode);
    }
    halt(&rig, json!({"scope": {"workflow": "refunds"}})).await;
    let claims = [("x-andon-run", "run-1"), ("x-andon-workflow", "refunds")];
    assert_eq!(pass(&claims).await.body["mode"], "halt");
    assert_eq!(pass(&[claims[0], claims[1], ("x-andon-workflow", "mail")]).await.status, 403, "two are none");

    halt(&rig, json!({"scope": {"agent": "mail-bot"}, "mode": "approval"})).await;
    let held = pass(&claims[..1]).await;
    assert_eq!((held.status.as_u16(), &held.body["error"]["code"]), (403, &json!(1002)), "{held:?}");
    let cut = pass(&[claims[0], ("x-envoy-auth-partial-body", "true")]).await;
    assert_eq!((cut.status.as_u16(), &cut.body["error"]["data"]["hold"]), (403, &Value::Null), "{cut:?}");
}
