//! Real gateways before real upstreams: what they stop, hold and let pass (CON.2, CON.12, CON.16, protocol 3).

use std::{process::Stdio, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

use crate::{
    gateway::{Gateway, caddy, envoy, mcp_server, nginx, tools},
    rig::{Rig, read, rig, setup, until},
};

/// A backend with one declared agent, and a gateway's token.
pub async fn backend() -> (Rig, String) {
    let rig = rig().await;
    let tools = json!([{"tool": "stripe.payout", "class": "external-api-call"}, {"tool": "crm.find", "class": "read"}]);
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": tools}])).await.good();
    let token = rig.token("edge", "gateway", None).await;
    (rig, token)
}
async fn engage(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}
/// A plain API behind a gateway: one tool stops, another goes on; nothing a caller adds or leaves out changes that; a held
/// call goes once, with a person's word; no answer, no call.
async fn guards_a_plain_api(gateway: Gateway, rig: Rig, unanswered: u16) {
    gateway.call("/v1/payouts?x=1", &[]).await.went("/v1/payouts");

    let switch = engage(&rig, json!({"scope": {"agent": "refund-bot", "tool": "stripe.payout"}})).await;
    gateway.call("/v1/payouts", &[]).await.stopped_by(&switch);
    until("its refusal is the proof (CON.10)", || async {
        let halt = rig.get(&format!("/v1/switches/{switch}")).await.good()["halt"].clone();
        halt["confirmed"] == 1 && halt["agents"][0]["how"] == "refused"
    })
    .await;
    gateway.call("/v1/customers", &[]).await.went("/v1/customers");
    for path in ["/v1//payouts", "/v1/%70ayouts", "/v1/unheard-of"] {
        gateway.call(path, &[]).await.stopped_by(&switch);
    }
    for (name, value) in [
        ("x-andon-agent", "mail-bot"),
        ("x-andon-tool", "crm.find"),
        ("x-andon-tool", ""),
        ("x-api-key", "andon_other"),
        ("mcp-name", "crm.find"),
        ("x-andon-expects", "nothing"),
    ] {
        gateway.call("/v1/payouts", &[(name, value)]).await.stopped_by(&switch);
    }
    // Who has no key at the gateway may be anybody, so the halted one too.
    gateway.call_as(None, "/v1/payouts", &[]).await.stopped_by(&switch);
    let unknown = Some("Bearer refund-bots-OWN-key");
    gateway.call_as(unknown, "/v1/payouts", &[("x-andon-agent", "mail-bot")]).await.stopped_by(&switch);
    release(&rig, &switch).await;
    gateway.call("/v1/payouts", &[]).await.went("/v1/payouts");
    assert_eq!(rig.get("/v1/agents/refund-bot").await.good()["reach"], "gated", "CON.16");

    held_calls_go_once(&gateway, &rig).await;
    let revoke = json!({"id": uuid::Uuid::now_v7()});
    read(rig.ask(Method::DELETE, "/v1/tokens/TOK-1").json(&revoke)).await.good();
    let unknown = gateway.call("/v1/payouts", &[]).await;
    assert_eq!(unknown.status, 403, "a gateway whose token is revoked lets nobody pass: {unknown:?}");
    rig.running.stop().await;
    let away = gateway.call("/v1/payouts", &[]).await;
    assert_eq!(away.status, unanswered, "no answer, no call: {away:?}");
}

/// CON.12: 403 with a ticket; with a person's word the same call goes once, and no other does.
async fn held_calls_go_once(gateway: &Gateway, rig: &Rig) {
    let switch = engage(rig, json!({"scope": {"agent": "refund-bot"}, "mode": "approval"})).await;
    gateway.call("/v1/customers", &[]).await.went("/v1/customers");
    let held = gateway.call("/v1/payouts?x=1", &[]).await;
    let ticket = held.header("x-andon-hold").to_owned();
    assert_eq!(
        (held.status, held.header("retry-after"), held.header("x-andon-switch")),
        (403, "5", &*switch),
        "{held:?}"
    );
    let again = gateway.call("/v1/payouts?x=1", &[("x-andon-hold", &ticket)]).await;
    assert_eq!((again.status, again.header("x-andon-hold")), (403, &*ticket), "it waits on with the one it has");
    let view = rig.get(&format!("/v1/holds/{ticket}")).await.good().clone();
    assert!(view.to_string().contains("/v1/payouts?x=1"), "a person sees which call it is: {view}");

    let approve = json!({"id": uuid::Uuid::now_v7(), "command": {"approve": true, "why": "it is right"}});
    rig.post(&format!("/v1/holds/{ticket}/decide"), approve).await.good();
    let other = gateway.call("/v1/payouts?x=2", &[("x-andon-hold", &ticket)]).await;
    assert_eq!(other.status, 403, "another call: {other:?}");
    gateway.call("/v1/payouts?x=1", &[("x-andon-hold", &ticket)]).await.went("/v1/payouts");
    assert_eq!(gateway.call("/v1/payouts?x=1", &[("x-andon-hold", &ticket)]).await.status, 403, "once");
    assert_eq!(gateway.call("/v1/payouts?x=1", &[("x-andon-hold", "mine")]).await.status, 403, "it does not read");
    release(rig, &switch).await;
}

async fn release(rig: &Rig, switch: &str) {
    rig.command(&format!("/v1/switches/{switch}/release"), json!({"why": "they were right"})).await.good();
}

#[tokio::test]
async fn nginx_guards_a_plain_api() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let nginx = nginx(folder.path(), &rig.running.info.tcp[0], &tools, &token).await;
    guards_a_plain_api(nginx, rig, 503).await;
}

#[tokio::test]
async fn envoy_guards_a_plain_api() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let envoy = envoy(folder.path(), &rig, &tools, &token).await;
    guards_a_plain_api(envoy, rig, 503).await;
}

#[tokio::test]
async fn caddy_guards_a_plain_api() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let caddy = caddy(folder.path(), &rig, &tools, &token).await;
    guards_a_plain_api(caddy, rig, 502).await;
}

/// One MCP tool blocked by a stock gateway through the Mcp-Name header.
async fn blocks_one_mcp_tool(gateway: Gateway, rig: Rig) {
    let (modern, calls) = (("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"));
    let (pays, finds) = (("mcp-name", "stripe.payout"), ("mcp-name", "crm.find"));
    let legacy = [("mcp-protocol-version", "2025-11-25"), finds];

    gateway.call("/mcp", &[modern, calls, pays]).await.went("/mcp");
    gateway.call("/mcp", &legacy).await.went("/mcp");
    let switch = engage(&rig, json!({"scope": {"tool": "stripe.payout"}})).await;
    gateway.call("/mcp", &[modern, calls, pays]).await.stopped_by(&switch);
    gateway.call("/mcp", &[modern, calls, finds]).await.went("/mcp");
    gateway.call("/mcp", &[modern, ("mcp-method", "tools/list")]).await.went("/mcp");
    // What is added beside the name does not free it; what is taken away makes it any tool.
    let looks = ("x-andon-tool", "crm.find");
    for headers in [&[modern, calls, pays, looks][..], &[modern, calls], &legacy, &[looks], &[]] {
        gateway.call("/mcp", headers).await.stopped_by(&switch);
    }
    for twice in [[modern, calls, pays, finds], [modern, calls, finds, pays]] {
        let told = gateway.call("/mcp", &twice).await;
        assert!([400, 403].contains(&told.status), "{told:?}");
    }
    release(&rig, &switch).await;
    // So it is where no switch names a tool: what only looks goes on, unless nobody holds the header against the body.
    let switch = engage(&rig, json!({"scope": {"agent": "refund-bot"}, "mode": "read-only"})).await;
    gateway.call("/mcp", &[modern, calls, finds]).await.went("/mcp");
    gateway.call("/mcp", &[modern, calls, pays]).await.stopped_by(&switch);
    gateway.call("/mcp", &legacy).await.stopped_by(&switch);
    // A client may begin, list and read, as long as its server checks that it does no more.
    let (long, list) = ("file:///".to_owned() + &"x".repeat(300), ("mcp-method", "tools/list"));
    let reads = [modern, ("mcp-method", "resources/read"), ("mcp-name", &long)];
    gateway.call("/mcp", &[modern, list]).await.went("/mcp");
    gateway.call("/mcp", &reads).await.went("/mcp");
    gateway.call("/mcp", &[legacy[0], list]).await.stopped_by(&switch);
    let halt = engage(&rig, json!({"scope": {"agent": "refund-bot"}})).await;
    gateway.call("/mcp", &[modern, list]).await.stopped_by(&halt);
}

/// The real MCP client through the gateway to a real MCP server: one tool is refused in words it reads, the other goes on.
async fn blocks_a_tool_of_the_real_mcp_client(gateway: Gateway, rig: Rig, mut server: Child) {
    let client = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/mcp_over_http.py");
    let url = format!("http://127.0.0.1:{}/mcp", gateway.port);
    let mut agent = Command::new(setup("mcp.sh").await)
        .args([client, "call", &url, "Bearer refund-bots-own-key"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut says = BufReader::new(agent.stdout.take().unwrap()).lines();
    let mut asks = agent.stdin.take().unwrap();
    let mut call = async |tool: &str| {
        if !tool.is_empty() {
            asks.write_all(format!("{tool}\n").as_bytes()).await.unwrap();
        }
        let line = tokio::time::timeout(Duration::from_secs(20), says.next_line()).await.expect("the client answers");
        line.unwrap().expect("the client goes on")
    };
    assert_eq!(call("").await, "tools crm.find stripe.payout");
    assert_eq!(call("stripe.payout").await, "done paid 7");
    let switch = engage(&rig, json!({"scope": {"tool": "stripe.payout"}, "why": "paid twice"})).await;
    let refused = call("stripe.payout").await;
    assert!(refused.starts_with("refused 1001 stopped") && refused.contains(&switch), "{refused}");
    assert_eq!(call("crm.find").await, "done found 7");
    release(&rig, &switch).await;
    assert_eq!(call("stripe.payout").await, "done paid 7");
    server.kill().await.unwrap();
}
#[tokio::test]
async fn nginx_blocks_a_tool_of_the_real_mcp_client() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), (tools, server)) = (backend().await, mcp_server().await);
    let nginx = nginx(folder.path(), &rig.running.info.tcp[0], &tools, &token).await;
    blocks_a_tool_of_the_real_mcp_client(nginx, rig, server).await;
}

#[tokio::test]
async fn envoy_blocks_a_tool_of_the_real_mcp_client() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), (tools, server)) = (backend().await, mcp_server().await);
    let envoy = envoy(folder.path(), &rig, &tools, &token).await;
    blocks_a_tool_of_the_real_mcp_client(envoy, rig, server).await;
}

/// Without reading a body.
#[tokio::test]
async fn nginx_blocks_one_mcp_tool() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    // Over the socket: on a machine with other users nobody else can be there first.
    let socket = format!("unix:{}", rig.running.info.socket.display());
    let nginx = nginx(folder.path(), &socket, &tools, &token).await;
    blocks_one_mcp_tool(nginx, rig).await;
}

#[tokio::test]
async fn envoy_blocks_one_mcp_tool() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let envoy = envoy(folder.path(), &rig, &tools, &token).await;
    // It shows the body too: an older call is stopped by the tool it calls, and what its headers claim frees none.
    let switch = engage(&rig, json!({"scope": {"agent": "refund-bot", "tool": "stripe.payout"}})).await;
    let says = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "crm.find")];
    let call = |name: &str| json!({"jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": {"name": name}});
    let key = Some("Bearer refund-bots-own-key");
    envoy.call_with(key, "/mcp", &says, &call("stripe.payout")).await.stopped_by(&switch);
    envoy.call_with(key, "/mcp", &says, &call("crm.find")).await.went("/mcp");
    release(&rig, &switch).await;
    let long = json!({"jsonrpc": "2.0", "note": "x".repeat(300_000)});
    assert_eq!(
        envoy.call_with(key, "/mcp", &says, &long).await.status,
        413,
        "what andon is not shown whole does not pass"
    );
    blocks_one_mcp_tool(envoy, rig).await;
}

#[tokio::test]
async fn caddy_blocks_one_mcp_tool() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let caddy = caddy(folder.path(), &rig, &tools, &token).await;
    blocks_one_mcp_tool(caddy, rig).await;
}
