//! What an agent may say to get past a switch, and does not (law 11, CON.2, CON.10).

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Rig, read, rig};

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
