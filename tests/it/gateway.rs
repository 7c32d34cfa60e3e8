//! Gateways as programs, configured by the very files of `assets/examples`; and tools behind them.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use axum::{Json, Router, extract::Request};
use reqwest::{Client, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    task::JoinHandle,
};

use crate::rig::{Rig, setup, until};

/// The tools: answers with what reached it.
pub struct Tools {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub async fn tools() -> Tools {
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
pub struct Gateway {
    pub port: u16,
    _child: Child,
    client: Client,
}

impl Gateway {
    async fn started(port: u16, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.expect("tests/run.sh installs the gateways");
        until("the gateway listens", || async { TcpStream::connect(("127.0.0.1", port)).await.is_ok() }).await;
        Self { port, _child: child, client: crate::rig::http().build().unwrap() }
    }

    /// A call by the refund bot, by its own key at the gateway.
    pub async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Told {
        self.call_as(Some("Bearer refund-bots-own-key"), path, headers).await
    }

    pub async fn call_as(&self, key: Option<&str>, path: &str, headers: &[(&str, &str)]) -> Told {
        self.call_with(key, path, headers, &json!({"amount": 1})).await
    }

    pub async fn call_with(&self, key: Option<&str>, path: &str, headers: &[(&str, &str)], body: &Value) -> Told {
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
pub struct Told {
    pub status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// That the call reached the tools, without the gateway's own token.
    #[track_caller]
    pub fn went(&self, path: &str) {
        assert_eq!((self.status, self.body["reached"].as_str()), (200, Some(path)), "{self:?}");
        assert_eq!(self.body["headers"].get("x-api-key"), None, "the gateway's token stays with it: {self:?}");
    }

    /// That it was stopped, in words that an MCP client reads.
    #[track_caller]
    pub fn stopped_by(&self, switch: &str) {
        assert_eq!((self.status, &self.body["error"]["code"]), (403, &json!(1001)), "{self:?}");
        assert!(self.body["error"]["message"].as_str().unwrap().contains(switch), "{self:?}");
        assert_eq!(self.body.get("id"), Some(&Value::Null), "an MCP client wants an id: {self:?}");
        assert_eq!(self.header("x-andon-switch"), switch, "{self:?}");
    }
}
pub async fn nginx(folder: &Path, andon: &str, tools: &Tools, token: &str) -> Gateway {
    let port = free_port();
    let question = folder.join("andon-question.conf");
    let put = [("andon_THE_GATEWAYS_TOKEN", token.to_owned()), ("250ms", PATIENCE.to_owned())];
    std::fs::write(&question, example("andon-question.conf", &put)).unwrap();
    let put = [
        ("127.0.0.1:7420", andon.to_owned()),
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
pub async fn envoy(folder: &Path, rig: &Rig, tools: &Tools, token: &str) -> Gateway {
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

pub async fn caddy(folder: &Path, rig: &Rig, tools: &Tools, token: &str) -> Gateway {
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
/// The tools behind a gateway as a real MCP server.
pub async fn mcp_server() -> (Tools, Child) {
    let port = free_port();
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/mcp_over_http.py");
    let mut command = Command::new(setup("mcp.sh").await);
    command.args([server, "serve", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = command.kill_on_drop(true).spawn().unwrap();
    until("the MCP server listens", || async { TcpStream::connect(("127.0.0.1", port)).await.is_ok() }).await;
    (Tools { address: ([127, 0, 0, 1], port).into(), serving: tokio::spawn(async {}) }, server)
}
