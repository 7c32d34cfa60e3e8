//! What an agent may say to get past a switch, and does not (law 11, CON.2, CON.10).

use std::collections::BTreeMap;

use andon::runbook::Book;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Rig, read, rig, rig_with};

async fn prepared(scope: Value) -> (Rig, String) {
    let rig = rig().await;
    let tool = json!({"tool": "stripe.refund", "class": "external-api-call", "aliases": ["stripe_refund"]});
    let agents = json!([{"id": "refund-bot", "inventory": [tool, {"tool": "crm.find", "class": "read"}]}]);
    rig.post("/v1/agents", agents).await.good();
    let gateway = rig.token("edge", "gateway", None).await;
    rig.command("/v1/switches", json!({"scope": scope})).await.good();
    (rig, gateway)
}

async fn passes(rig: &Rig, gateway: &str, trail: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = rig.ask_tcp(Method::GET, &format!("/v1/interlock/authz{trail}"), Some(gateway));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request).await.status.as_u16()
}

/// CON.2: a tool under a halt is refused however its name is written, and whatever other tool is named beside it.
#[tokio::test]
async fn a_gateway_judges_every_name_a_call_gives() {
    let (rig, gateway) = prepared(json!({"tool": "stripe.refund"})).await;
    let (agent, looks) = (("x-andon-agent", "refund-bot"), ("mcp-name", "crm.find"));
    let encoded = ("mcp-name", "=?base64?c3RyaXBlLnJlZnVuZA==?=");
    assert_eq!(passes(&rig, &gateway, "/mcp", &[agent, looks]).await, 200);
    for refused in [
        &[agent, encoded][..],
        &[agent, ("mcp-name", "=?BASE64?c3RyaXBlLnJlZnVuZA==?=")],
        &[agent, looks, ("mcp-name", "stripe.refund")],
        &[agent, ("x-andon-tool", "crm.find"), encoded],
        &[agent, ("mcp-name", "=?base64?c3RyaXBl!?=")],
        &[agent, ("mcp-name", "=?base64?Y3JtLmZpbmQ=")],
        &[agent, ("x-andon-agent", "other-bot"), looks],
    ] {
        assert_eq!(passes(&rig, &gateway, "/mcp", refused).await, 403, "{refused:?}");
    }
}

/// Law 8: a gateway that appends its caller's query does not let the caller pick the world that answers.
#[tokio::test]
async fn a_caller_does_not_choose_the_world_a_gateway_asks_in() {
    let (rig, gateway) = prepared(json!({})).await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1.0, "seed": 7})).await.good();
    let agent = [("x-andon-agent", "refund-bot")];
    assert_eq!(passes(&rig, &gateway, "/mcp?world=DRILL-1", &agent).await, 403);
    assert_eq!(passes(&rig, &gateway, "?world=DRILL-1", &agent).await, 403);
}

/// CON.2: a switch over any name of a tool covers all its names, in checks and in the view a lease enforces by itself.
#[tokio::test]
async fn a_switch_over_one_name_of_a_tool_covers_all() {
    for halted in ["stripe.refund", "stripe_refund"] {
        let (rig, _) = prepared(json!({"tool": halted})).await;
        let asked = json!({"agent": "refund-bot", "instance": "one", "version": 0, "on_blind": "stop"});
        let view = rig.post("/v1/interlock/lease", asked).await.good().clone();
        for called in ["stripe.refund", "stripe_refund"] {
            let asked = json!({"agent": "refund-bot", "tool": called});
            let answer = rig.post("/v1/interlock/check", asked).await.good().clone();
            assert_eq!(answer["decision"], "deny", "{called} under a halt of {halted}");
            assert_eq!(view["tools"][called], "deny", "{called} in the view under a halt of {halted}");
        }
        assert_eq!(view["tools"]["crm.find"], Value::Null);
    }
}

/// CON.10: a version nobody was told yet proves nothing.
#[tokio::test]
async fn an_acknowledgement_of_what_is_to_come_proves_nothing() {
    let rig = rig().await;
    let lease = async |version: u64| {
        let asked = json!({"agent": "mail-bot", "instance": "one", "version": version, "on_blind": "continue"});
        rig.post("/v1/interlock/lease", asked).await.good()["version"].as_u64().unwrap()
    };
    lease(0).await;
    rig.command("/v1/switches", json!({})).await.good();
    lease(u64::MAX).await;
    let interlock = rig.running.backend.rooms.interlocks.get(None).unwrap();
    let pending = interlock.proofs((rig.running.backend.clock)());
    assert!(pending.iter().all(|(_, halt)| halt.confirmed == 0), "{pending:?}");
    assert_eq!(rig.get("/v1/switches/SW-1").await.good()["halt"]["confirmed"], 0);
    let told = lease(0).await;
    lease(told).await;
    crate::rig::until("what it was told confirms", || async {
        rig.get("/v1/switches/SW-1").await.good()["halt"]["confirmed"] == 1
    })
    .await;
}

/// CON.3, law 11: a tool that nobody but its caller calls a reading one acts, whatever it is called, by every way in.
#[tokio::test]
async fn a_payout_called_read_acts_all_the_same() {
    for (mode, decision) in
        [("read-only", "deny"), ("freeze-outbound", "deny"), ("draft-only", "draft"), ("approval", "hold")]
    {
        let (rig, gateway) = prepared(json!({"agent": "mail-bot"})).await;
        let scope = json!({"agent": "refund-bot"});
        rig.command("/v1/switches", json!({"scope": scope, "mode": mode})).await.good();
        for tool in ["read", "crm.find2", "stripe.refund", "STRIPE.Refund ", "stripe\u{200b}.refund"] {
            if mode == "freeze-outbound" && tool.trim().eq_ignore_ascii_case("stripe.refund") {
                continue; // Its owner says what it is: nothing that leaves.
            }
            let asked = json!({"agent": "refund-bot", "tool": tool, "class": "read"});
            let answer = rig.post("/v1/interlock/check", asked).await.good().clone();
            assert_eq!(answer["decision"], decision, "{tool:?} under {mode}: {answer}");
            let context = json!({"context": {"targetingKey": "refund-bot", "tool": tool, "class": "read"}});
            let flag = rig.post("/ofrep/v1/evaluate/flags/andon.allowed", context).await.good().clone();
            assert_eq!((&flag["value"], &flag["variant"]), (&json!(false), &json!(mode)), "{tool:?}: {flag}");
        }
        let agent = ("x-andon-agent", "refund-bot");
        assert_eq!(passes(&rig, &gateway, "/v1", &[agent, ("x-andon-tool", "read")]).await, 403);
        assert_eq!(passes(&rig, &gateway, "/v1", &[agent]).await, 403, "no tool is any tool");
        assert_eq!(passes(&rig, &gateway, "/v1", &[agent, ("x-andon-tool", "crm.find")]).await, 200, "{mode}");
    }
}

/// DET.5: under a name that its inventory does not have, a halted tool's call is told at once: the switch over the tool
/// alone cannot know it, the tripwire does.
#[tokio::test]
async fn a_halted_tool_by_another_name_is_told() {
    let (rig, _) = prepared(json!({"tool": "stripe.refund"})).await;
    let action = json!({"agent": "refund-bot", "tool": "stripe.refund_v2", "class": "read", "status": "ok"});
    read(rig.ask_tcp(Method::POST, "/v1/actions", None).json(&action)).await.good();
    let firings = rig.get("/v1/firings").await.good().clone();
    assert_eq!((&firings[0]["tripwire"], &firings[0]["detail"]), (&json!("authorisation"), &json!("stripe.refund_v2")));
}

/// DET.12: where the inventory is enforced, no other name passes, by any way in, under a halt of one tool or of none.
#[tokio::test]
async fn where_the_inventory_is_enforced_no_other_name_passes() {
    let rules = BTreeMap::from([("rules.toml".to_owned(), "[before]\nauthorisation = \"enforce-deny\"\n".to_owned())]);
    let folder = tempfile::tempdir().unwrap();
    let rig = rig_with(folder, andon::backend::clock::system(), Book::of(&rules).unwrap()).await;
    let tools = json!([{"tool": "stripe.refund", "class": "external-api-call"}, {"tool": "crm.find", "class": "read"}]);
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": tools}])).await.good();
    let gateway = rig.token("edge", "gateway", None).await;
    for halted in [None, Some(json!({"tool": "stripe.refund"})), Some(json!({"class": "external-api-call"}))] {
        if let Some(scope) = halted {
            rig.command("/v1/switches", json!({"scope": scope})).await.good();
        }
        for tool in ["read", "stripe.refund_v2", "stripe\u{200b}.refund"] {
            let asked = json!({"agent": "refund-bot", "tool": tool, "class": "read"});
            assert_eq!(rig.post("/v1/interlock/check", asked).await.good()["decision"], "deny", "{tool:?}");
            let context = json!({"context": {"targetingKey": "refund-bot", "tool": tool, "class": "read"}});
            let flag = rig.post("/ofrep/v1/evaluate/flags/andon.allowed", context).await.good().clone();
            assert_eq!(flag["value"], false, "{tool:?}");
        }
        for (tool, status) in [("read", 403), ("stripe.refund_v2", 403), ("crm.find", 200)] {
            let headers = [("x-andon-agent", "refund-bot"), ("x-andon-tool", tool)];
            assert_eq!(passes(&rig, &gateway, "/v1", &headers).await, status, "{tool}");
        }
    }
}

/// CON.10, protocol 4: another user of this machine acknowledges nothing, reports nothing and learns nothing.
#[tokio::test]
async fn another_users_word_is_nobodys() {
    if !rustix::process::getuid().is_root() {
        eprintln!("only root can act as another user: run by tests/run.sh in CI");
        return;
    }
    let rig = rig().await;
    let asked = json!({"agent": "mail-bot", "instance": "one", "version": 0, "on_blind": "continue"});
    let version = rig.post("/v1/interlock/lease", asked).await.good()["version"].as_u64().unwrap();
    rig.command("/v1/switches", json!({})).await.good();
    let flags = json!({"context": {"targetingKey": "mail-bot"}}).to_string();
    let bulk = rig.post("/ofrep/v1/evaluate/flags", serde_json::from_str(&flags).unwrap()).await.good().clone();
    let offered = bulk["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap();
    let stream = offered.replace("mail-bot", "other-bot");
    let fetched =
        read(rig.ask(Method::POST, "/ofrep/v1/evaluate/flags").json(&json!({"context": {"targetingKey": "x"}}))).await;
    let given = fetched.good()["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned();
    let forged = json!({"agent": "mail-bot", "instance": "one", "version": version + 1, "on_blind": "continue"});
    let asks = [
        ("POST", "/v1/interlock/lease", forged.to_string(), 401),
        ("POST", "/v1/interlock/check", json!({"agent": "mail-bot"}).to_string(), 401),
        ("POST", "/v1/actions", json!({"agent": "mail-bot", "tool": "x"}).to_string(), 401),
        ("POST", "/ofrep/v1/evaluate/flags", flags, 401),
        ("GET", "/v1/interlock/stream?agent=mail-bot", String::new(), 401),
        ("GET", "/v1/switches", String::new(), 401),
        ("GET", "/v1/interlock/authz", String::new(), 403),
        ("GET", &*stream, String::new(), 410),
        // Only a ticket that was given to it opens something: one agent's changes.
        ("GET", &*given, String::new(), 200),
        ("GET", &*given, String::new(), 410),
    ];
    let socket = rig.running.info.socket.display().to_string();
    for (method, path, body, status) in asks {
        let script = "import sys, http.client\n\
            connection = http.client.HTTPConnection(sys.argv[1], timeout=10)\n\
            connection.request(sys.argv[2], sys.argv[3], sys.argv[4] or None, {'content-type': 'application/json'})\n\
            print(connection.getresponse().status)";
        let asked = ["-c", script, &rig.running.info.tcp[0], method, path, &body];
        assert_eq!(as_nobody(&asked).await, status.to_string(), "{method} {path}");
    }
    let connects = "import socket, sys\n\
        try: socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print('open')\n\
        except OSError as why: print(type(why).__name__)";
    assert_eq!(as_nobody(&["-c", connects, &socket]).await, "PermissionError");
    assert_eq!(rig.get("/v1/switches/SW-1").await.good()["halt"]["confirmed"], 0);
}

/// What Python prints as a user that owns nothing.
async fn as_nobody(arguments: &[&str]) -> String {
    let mut python = tokio::process::Command::new("/usr/bin/python3");
    let done = python.args(arguments).uid(65_534).gid(65_534).current_dir("/").output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
