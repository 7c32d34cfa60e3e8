//! Real gateways before real upstreams, with the very files of `assets/examples` (CON.2, CON.16, protocol 3).

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use axum::{Json, Router, extract::Request};
use reqwest::{Client, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::rig::{Rig, rig, setup, until};

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

/// How long a gateway waits here in the place of 250 ms: this machine may be busy.
const PATIENCE: &str = "5s";

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
    async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Told {
        self.call_as(Some("Bearer refund-bots-own-key"), path, headers).await
    }

    async fn call_as(&self, key: Option<&str>, path: &str, headers: &[(&str, &str)]) -> Told {
        self.call_with(key, path, headers, &json!({"amount": 1})).await
    }

    async fn call_with(&self, key: Option<&str>, path: &str, headers: &[(&str, &str)], body: &Value) -> Told {
        let mut request = self.client.post(format!("http://127.0.0.1:{}{path}", self.port)).json(body);
        for (name, value) in key.map(|key| ("authorization", key)).iter().chain(headers) {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Told { status, headers, body: response.json().await.unwrap_or_default() }
    }
}

/// What a caller is told.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// That the call reached the tools, without the gateway's own token.
    #[track_caller]
    fn went(&self, path: &str) {
        assert_eq!((self.status, self.body["reached"].as_str()), (200, Some(path)), "{self:?}");
        assert_eq!(self.body["headers"].get("x-api-key"), None, "the gateway's token stays with it: {self:?}");
    }

    /// That it was stopped, in words that an MCP client reads.
    #[track_caller]
    fn stopped_by(&self, switch: &str) {
        assert_eq!((self.status, &self.body["error"]["code"]), (403, &json!(1001)), "{self:?}");
        assert!(self.body["error"]["message"].as_str().unwrap().contains(switch), "{self:?}");
        assert_eq!(self.body.get("id"), Some(&Value::Null), "an MCP client wants an id: {self:?}");
        assert_eq!(self.header("x-andon-switch"), switch, "{self:?}");
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
    let put = [("andon_THE_GATEWAYS_TOKEN", token.to_owned()), ("250ms", PATIENCE.to_owned())];
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
        "daemon off; master_process off; pid {}; error_log stderr crit;\nevents {{ }}\nhttp {{ access_log off;\n{temporary}{server}}}\n",
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

async fn engage(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn envoy(folder: &Path, rig: &Rig, tools: &Tools, token: &str) -> Gateway {
    let program = setup("envoy.sh").await;
    let port = free_port();
    let put = [
        ("port_value: 7420", format!("port_value: {}", rig.running.info.tcp[0].rsplit_once(':').unwrap().1)),
        ("port_value: 9000", format!("port_value: {}", tools.address.port())),
        ("port_value: 8080", format!("port_value: {port}")),
        ("andon_THE_GATEWAYS_TOKEN", token.to_owned()),
        ("timeout: 0.25s", format!("timeout: {PATIENCE}")),
    ];
    let file = folder.join("envoy.yaml");
    std::fs::write(&file, example("envoy.yaml", &put)).unwrap();
    let mut command = Command::new(program);
    command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "critical", "-c"]).arg(file);
    Gateway::started(port, &mut command).await
}

async fn caddy(folder: &Path, rig: &Rig, tools: &Tools, token: &str) -> Gateway {
    let port = free_port();
    let put = [
        ("127.0.0.1:7420", rig.running.info.tcp[0].clone()),
        ("127.0.0.1:9000", tools.address.to_string()),
        ("127.0.0.1:8080", format!("127.0.0.1:{port}")),
        ("andon_THE_GATEWAYS_TOKEN", token.to_owned()),
        ("250ms", PATIENCE.to_owned()),
    ];
    let file = folder.join("Caddyfile");
    std::fs::write(&file, example("Caddyfile", &put)).unwrap();
    let mut command = Command::new(program("caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", folder);
    command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder).stderr(Stdio::null());
    Gateway::started(port, &mut command).await
}

/// A plain API behind a gateway: one tool stops, another goes on; nothing a caller adds or leaves out changes that; a held
/// call goes once, with a person's word; no answer, no call.
async fn guards_a_plain_api(gateway: Gateway, rig: Rig, unanswered: u16) {
    gateway.call("/v1/payouts?x=1", &[]).await.went("/v1/payouts");

    let switch = engage(&rig, json!({"scope": {"agent": "refund-bot", "tool": "stripe.payout"}})).await;
    gateway.call("/v1/payouts", &[]).await.stopped_by(&switch);
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
    let nginx = nginx(folder.path(), &rig, &tools, &token).await;
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

/// The tools behind a gateway as a real MCP server.
async fn mcp_server() -> (Tools, Child) {
    let port = free_port();
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/mcp_over_http.py");
    let mut command = Command::new(setup("mcp.sh").await);
    command.args([server, "serve", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = command.kill_on_drop(true).spawn().unwrap();
    until("the MCP server listens", || async { TcpStream::connect(("127.0.0.1", port)).await.is_ok() }).await;
    (Tools { address: ([127, 0, 0, 1], port).into(), serving: tokio::spawn(async {}) }, server)
}

#[tokio::test]
async fn nginx_blocks_a_tool_of_the_real_mcp_client() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), (tools, server)) = (backend().await, mcp_server().await);
    let nginx = nginx(folder.path(), &rig, &tools, &token).await;
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
    let nginx = nginx(folder.path(), &rig, &tools, &token).await;
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
    blocks_one_mcp_tool(envoy, rig).await;
}

#[tokio::test]
async fn caddy_blocks_one_mcp_tool() {
    let folder = tempfile::tempdir().unwrap();
    let ((rig, token), tools) = (backend().await, tools().await);
    let caddy = caddy(folder.path(), &rig, &tools, &token).await;
    blocks_one_mcp_tool(caddy, rig).await;
}
