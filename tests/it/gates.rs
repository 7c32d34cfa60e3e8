//! Real gateways before real upstreams, with the very files of `assets/examples` (CON.2, CON.16, protocol 3).

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use axum::{Json, Router, extract::Request};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::rig::{Answer, Rig, read, rig, until};

/// The tools: answers with what reached it.
struct Tools {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn tools() -> Tools {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let echo = async |request: Request| {
        let names = request.headers().iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())));
        let headers: serde_json::Map<String, Value> = names.collect();
        Json(json!({"reached": request.uri().path(), "headers": headers}))
    };
    let router = Router::new().fallback(echo);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Tools { address, serving }
}

/// A port that nobody holds now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An example's text with its addresses and its token put in.
fn example(name: &str, put: &[(&str, String)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/examples").join(name);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (placeholder, value) in put {
        assert!(text.contains(placeholder), "{name} says {placeholder}");
        text = text.replace(placeholder, value);
    }
    text
}

/// A gateway that runs, and dies with the test.
struct Gateway {
    port: u16,
    _child: Child,
    client: Client,
}

impl Gateway {
    async fn started(port: u16, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.expect("tests/run.sh installs the gateways");
        until("the gateway listens", || async { TcpStream::connect(("127.0.0.1", port)).await.is_ok() }).await;
        Self { port, _child: child, client: Client::new() }
    }

    /// A call by the refund bot, by its own key at the gateway.
    async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call_as(Some("Bearer refund-bots-own-key"), path, headers).await
    }

    async fn call_as(&self, key: Option<&str>, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.post(format!("http://127.0.0.1:{}{path}", self.port)).json(&json!({"amount": 1}));
        for (name, value) in key.map(|key| ("authorization", key)).iter().chain(headers) {
            request = request.header(*name, *value);
        }
        read(request).await
    }
}

/// A backend with one declared agent, and a gateway's token.
async fn backend() -> (Rig, String) {
    let rig = rig().await;
    let tools = json!([{"tool": "stripe.payout", "class": "external-api-call"}, {"tool": "crm.find", "class": "read"}]);
    rig.post("/v1/agents", json!([{"id": "refund-bot", "inventory": tools}])).await.good();
    let token = rig.token("edge", "gateway", None).await;
    (rig, token)
}

async fn nginx(folder: &Path, rig: &Rig, tools: &Tools, token: &str) -> Gateway {
    let port = free_port();
    let question = folder.join("andon-question.conf");
    let put = [("andon_THE_GATEWAYS_TOKEN", token.to_owned())];
    std::fs::write(&question, example("andon-question.conf", &put)).unwrap();
    let put = [
        ("127.0.0.1:7420", rig.running.info.tcp[0].clone()),
        ("127.0.0.1:9000", tools.address.to_string()),
        ("127.0.0.1:8080", format!("127.0.0.1:{port}")),
        ("andon-question.conf", question.display().to_string()),
    ];
    let server = example("nginx.conf", &put);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String =
        temporary.map(|kind| format!("{kind}_temp_path {};\n", folder.join(kind).display())).concat();
    // One process: it dies with the test.
    let text = format!(
        "daemon off; master_process off; pid {}; error_log stderr warn;\nevents {{ }}\nhttp {{ access_log off;\n{temporary}{server}}}\n",
        folder.join("nginx.pid").display()
    );
    let file: PathBuf = folder.join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    Gateway::started(port, Command::new(program("nginx")).args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(file))
        .await
}

/// Debian keeps servers where a plain user's PATH does not look.
fn program(name: &str) -> PathBuf {
    let found =
        ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join(name));
    found.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{name}: tests/run.sh installs it"))
}

fn stopped_by(answer: &Answer, switch: &str) {
    assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (403, &json!(1001)), "{answer:?}");
    assert!(answer.body["error"]["message"].as_str().unwrap().contains(switch), "{answer:?}");
    assert_eq!(answer.body.get("id"), Some(&Value::Null), "an MCP client wants an id: {answer:?}");
}

async fn engage(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

/// A plain API behind `auth_request`: one tool stops, another goes on; nothing a caller adds changes that; no answer, no call.
#[tokio::test]
async fn nginx_stops_a_tool_by_its_path_and_fails_closed() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let nginx = nginx(folder.path(), &rig, &tools, &token).await;

    let went = nginx.call("/v1/payouts?x=1", &[]).await;
    assert_eq!(went.good()["reached"], "/v1/payouts");
    assert_eq!(went.body["headers"].get("x-api-key"), None, "the gateway's token stays with it: {went:?}");

    let switch = engage(&rig, json!({"scope": {"agent": "refund-bot", "tool": "stripe.payout"}})).await;
    stopped_by(&nginx.call("/v1/payouts", &[]).await, &switch);
    assert_eq!(nginx.call("/v1/customers", &[]).await.status, 200);
    for path in ["/v1//payouts", "/v1/%70ayouts", "/v1/x/../payouts", "/v1/unheard-of"] {
        stopped_by(&nginx.call(path, &[]).await, &switch);
    }
    for added in [
        ("x-andon-agent", "mail-bot"),
        ("x-andon-tool", "crm.find"),
        ("x-api-key", "andon_other"),
        ("mcp-name", "crm.find"),
    ] {
        stopped_by(&nginx.call("/v1/payouts", &[added]).await, &switch);
    }
    // Who has no key at the gateway may be anybody, so the halted one too.
    stopped_by(&nginx.call_as(None, "/v1/payouts", &[]).await, &switch);
    stopped_by(
        &nginx.call_as(Some("Bearer refund-bots-OWN-key"), "/v1/payouts", &[("x-andon-agent", "x")]).await,
        &switch,
    );

    rig.command(&format!("/v1/switches/{switch}/release"), json!({"why": "they were right"})).await.good();
    assert_eq!(nginx.call("/v1/payouts", &[]).await.status, 200);
    let reach = rig.get("/v1/agents/refund-bot").await.good()["reach"].clone();
    assert_eq!(reach, "gated", "CON.16");
    rig.running.stop().await;
    assert_eq!(nginx.call("/v1/payouts", &[]).await.status, 503, "no answer, no call");
}

/// One MCP tool blocked by stock nginx through the Mcp-Name header, without reading a body.
#[tokio::test]
async fn nginx_stops_one_mcp_tool_by_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let nginx = nginx(folder.path(), &rig, &tools, &token).await;
    let (modern, calls) = (("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"));
    let (pays, finds) = (("mcp-name", "stripe.payout"), ("mcp-name", "crm.find"));
    let legacy = [("mcp-protocol-version", "2025-11-25"), finds];

    assert_eq!(nginx.call("/mcp", &[modern, calls, pays]).await.good()["reached"], "/mcp");
    assert_eq!(nginx.call("/mcp", &legacy).await.status, 200);
    let switch = engage(&rig, json!({"scope": {"tool": "stripe.payout"}})).await;
    stopped_by(&nginx.call("/mcp", &[modern, calls, pays]).await, &switch);
    assert_eq!(nginx.call("/mcp", &[modern, calls, finds]).await.status, 200);
    assert_eq!(nginx.call("/mcp", &[modern, ("mcp-method", "tools/list")]).await.status, 200);
    // What is added beside the name does not free it; what is taken away makes it any tool.
    let looks = ("x-andon-tool", "crm.find");
    for headers in
        [&[modern, calls, pays, finds][..], &[modern, calls, pays, looks], &[modern, calls], &legacy, &[looks], &[]]
    {
        stopped_by(&nginx.call("/mcp", headers).await, &switch);
    }
}
