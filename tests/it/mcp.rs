//! `andon interlock mcp` between the real MCP SDKs of both eras: transparent, judged call by call, closed in doubt.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::{Value, json};

use crate::rig::{Rig, rig, until};

/// The interpreter with the SDK of one era.
fn python(era: &str) -> String {
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup/mcp.sh");
    let output = Command::new("bash").arg(setup).arg(era).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn client_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(name)
}

/// A program that is led by lines of JSON, and answers in such lines.
pub struct Led {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    next: i64,
}

impl Led {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else { continue };
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, lines, next: 0 }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line; it comes within a minute: some are long.
    pub fn hear(&self) -> Value {
        self.lines.recv_timeout(Duration::from_secs(60)).expect("an answer")
    }

    /// Asks, without waiting.
    pub fn begin(&mut self, mut ask: Value) -> i64 {
        self.next += 1;
        ask["id"] = self.next.into();
        self.say(&ask.to_string());
        self.next
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, ask: Value) -> Value {
        self.begin(ask);
        self.hear()
    }
}

impl Drop for Led {
    fn drop(&mut self) {
        self.stdin.take();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A real client of `era`, the proxy, and a real server of `era` that writes down what it executes.
pub struct Till {
    pub client: Led,
    done: PathBuf,
    _folder: tempfile::TempDir,
}

pub fn proxy(rig: &Rig) -> Vec<String> {
    let home = rig.folder.path().display().to_string();
    let program = env!("CARGO_BIN_EXE_andon");
    let words = [
        "env",
        "-u",
        "ANDON_URL",
        &format!("ANDON_HOME={home}"),
        program,
        "interlock",
        "mcp",
        "--agent",
        "till-bot",
        "--",
    ];
    words.map(str::to_owned).to_vec()
}

pub async fn till(rig: &Rig, era: &str) -> Till {
    let tools = ["refund", "look", "slow", "echo", "measure", "fail", "die"];
    rig.post("/v1/agents", json!([{"id": "till-bot", "inventory": tools}])).await.good();
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let python = python(era);
    let mut command = Command::new(&python);
    command
        .arg(client_file("mcp_client.py"))
        .args(proxy(rig))
        .arg(&python)
        .arg(client_file("mcp_server.py"))
        .arg(&done);
    let client = Led::start(&mut command);
    assert_eq!(client.hear()["ready"], true, "the client and the server agree through the proxy");
    Till { client, done, _folder: folder }
}

impl Till {
    pub fn refund(&mut self, amount: i64) -> Value {
        self.client.ask(refund(amount))
    }

    /// What the server executed so far.
    pub fn done(&self) -> Vec<String> {
        std::fs::read_to_string(&self.done).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn refund(amount: i64) -> Value {
    json!({"call": "refund", "arguments": {"order": "A1", "amount": amount}})
}

pub async fn engage(rig: &Rig, command: Value) -> String {
    let engaged = rig.command("/v1/switches", command).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn lift(rig: &Rig, switch: &str) {
    rig.command(&format!("/v1/switches/{switch}/release"), json!({"why": "mended"})).await.good();
}

async fn board(rig: &Rig) -> Vec<Value> {
    rig.get("/v1/holds").await.good().as_array().unwrap().clone()
}

pub async fn waits(rig: &Rig) -> String {
    until("a call waits", async || !board(rig).await.is_empty()).await;
    board(rig).await[0]["id"].as_str().unwrap().to_owned()
}

pub async fn decide(rig: &Rig, hold: &str, approve: bool) {
    rig.command(&format!("/v1/holds/{hold}/decide"), json!({"approve": approve, "why": "looked"})).await.good();
}

/// One agent's tools under the interlock, in both eras: everything passes, and a halt reaches the model as a result.
async fn an_era(era: &str) {
    let rig = rig().await;
    let mut till = till(&rig, era).await;
    let tools = till.client.ask(json!({"list": true}));
    assert_eq!(tools["answer"], json!(["die", "echo", "fail", "look", "measure", "refund", "slow"]), "{tools}");
    assert_eq!(till.client.ask(json!({"read": "till://total"}))["answer"], "41");
    assert_eq!(till.refund(5)["answer"]["text"], "refunded 5 for A1");
    let slow = till.client.ask(json!({"call": "slow", "arguments": {"steps": 3}}));
    assert!(slow["answer"]["text"] == "done" && slow["progress"].as_array().unwrap().len() == 3, "{slow}");
    let failed = till.client.ask(json!({"call": "fail"}));
    assert_eq!(failed["answer"]["error"], true, "and a flood on stderr holds nobody up: {failed}");
    // CON.2: one tool is stopped, the others go on.
    let one = engage(&rig, json!({"scope": {"tool": "refund"}, "why": "pays twice"})).await;
    let stopped = till.refund(6);
    assert_eq!(stopped["answer"]["error"], true, "{stopped}");
    let text = stopped["answer"]["text"].as_str().unwrap();
    assert!(text.contains("pays twice") && text.contains("Do not retry"), "{text}");
    assert_eq!(stopped["answer"]["meta"]["dev.andon/switch"], one.as_str());
    let look = json!({"call": "look", "arguments": {"order": "A1"}});
    assert_eq!(till.client.ask(look.clone())["answer"]["text"], "A1 is paid");
    lift(&rig, &one).await;
    // CON.1, CON.10: all of it is stopped, and the proxy's lease proves it.
    let all = engage(&rig, json!({})).await;
    until("it is confirmed", async || {
        rig.get(&format!("/v1/switches/{all}")).await.good()["halt"]["agents"][0]["state"] == "confirmed"
    })
    .await;
    assert_eq!(till.client.ask(look)["answer"]["error"], true);
    assert!(till.client.ask(json!({"read": "till://total"}))["raised"].is_string());
    assert!(till.client.ask(json!({"list": true}))["answer"].is_array(), "a stopped agent may look around and leave");
    assert_eq!(till.done(), ["refund A1 5", "slow begins", "slow ends", "look A1"]);
    // Each call is an action, the refused ones too.
    let calls = async || {
        let figures = rig.get("/v1/state").await.good()["live"]["agents"]["till-bot"]["calls_window"].clone();
        figures.as_u64().unwrap_or(0)
    };
    until("the calls are recorded", async || calls().await == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_era_passes_and_stops() {
    an_era("sessions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stateless_era_passes_and_stops() {
    an_era("stateless").await;
}

/// CON.2, CON.12: a held call waits with progress, goes once approved, and comes back denied; one that its client gave up
/// is dropped and never released.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_call_waits_for_a_person() {
    let rig = rig().await;
    let mut till = till(&rig, "stateless").await;
    engage(&rig, json!({"mode": "quarantine"})).await;
    till.client.begin(refund(7));
    let hold = waits(&rig).await;
    assert_eq!(board(&rig).await[0]["input"], json!({"order": "A1", "amount": 7}));
    decide(&rig, &hold, true).await;
    assert_eq!(till.client.hear()["answer"]["text"], "refunded 7 for A1");
    till.client.begin(refund(8));
    decide(&rig, &waits(&rig).await, false).await;
    let denied = till.client.hear();
    assert!(denied["answer"]["text"].as_str().unwrap().contains("looked"), "{denied}");
    let mut late = refund(9);
    late["within"] = 1.into();
    let gave_up = till.client.ask(late);
    assert!(gave_up["raised"].is_string(), "{gave_up}");
    until("it is dropped", async || board(&rig).await.is_empty()).await;
    let all = rig.get("/v1/holds?all=true").await.good().clone();
    assert_eq!(all[2]["state"], "abandoned", "{all}");
    let decided = rig.command("/v1/holds/HOLD-3/decide", json!({"approve": true})).await;
    decided.problem(409);
    assert_eq!(till.done(), ["refund A1 7"]);
}

/// CON.15: a halt cancels what the server is doing and answers the client at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_halt_cancels_what_is_in_flight() {
    let rig = rig().await;
    let mut till = till(&rig, "stateless").await;
    till.client.begin(json!({"call": "slow", "arguments": {"steps": 300}}));
    until("the server is at it", async || till.done() == ["slow begins"]).await;
    engage(&rig, json!({"scope": {"agent": "till-bot"}, "why": "enough"})).await;
    let stopped = till.client.hear();
    assert!(stopped["answer"]["text"].as_str().unwrap().contains("enough"), "{stopped}");
    assert_eq!(till.done(), ["slow begins"], "it did not run to its end");
}

/// Law 6: with the backend gone every call is refused, and goes on when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_to_ask_means_no() {
    let rig = rig().await;
    let mut till = till(&rig, "stateless").await;
    assert_eq!(till.refund(1)["answer"]["error"], false);
    let Rig { running, folder, .. } = rig;
    running.stop().await;
    let refused = till.refund(2);
    assert!(refused["answer"]["text"].as_str().unwrap().contains("andon cannot say"), "{refused}");
    let _rig = crate::rig::rig_in(folder).await;
    assert_eq!(till.refund(3)["answer"]["error"], false);
    assert_eq!(till.done(), ["refund A1 1", "refund A1 3"]);
}

/// A large message passes whole; a server that dies is told, and its exit code passed on.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_pass_and_a_dead_server_is_told() {
    let rig = rig().await;
    let mut till = till(&rig, "stateless").await;
    let large = till.client.ask(json!({"call": "measure", "large": 50_000_000}));
    assert_eq!(large["answer"]["text"], "25000000 characters", "of two bytes each");
    let back = till.client.ask(json!({"call": "echo", "large": 5_000_000}));
    assert_eq!(back["answer"]["text"], 2_500_000, "and back");
    let died = till.client.ask(json!({"call": "die"}));
    assert!(died["raised"].is_string(), "{died}");
}

/// Whatever could be read in two ways never reaches the server, and is answered with an error.
#[tokio::test(flavor = "multi_thread")]
async fn parser_differences_are_no_way_around() {
    let rig = rig().await;
    engage(&rig, json!({"scope": {"tool": "refund"}})).await;
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let words = proxy(&rig);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(python("sessions")).arg(client_file("mcp_server.py")).arg(&done);
    let mut client = Led::start(&mut command);
    let begin = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
    client.say(&begin.to_string());
    assert!(client.hear()["result"]["serverInfo"].is_object());
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let call = r#""params":{"name":"refund","arguments":{"order":"A1","amount":5}}"#;
    for line in [
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"ping","method":"tools/call",{call}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools\/call","params":{{}},"p\u0061rams":{{}},{call}}}"#),
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}}\r{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",{call}}}"),
        format!(r#"[{{"jsonrpc":"2.0","id":2,"method":"tools/call",{call}}}]"#),
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"look","name":"refund","arguments":{"order":"A1","amount":5}}}"#.to_owned(),
        format!("\u{feff}{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",{call}}}"),
        format!(r#"{{"jsonrpc":"2.0","id":2.0,"method":"tools/call",{call}}}"#),
    ] {
        client.say(&line);
        let answer = client.hear();
        assert!(answer["error"]["code"].as_i64().is_some_and(|code| code <= -32_600), "{line}: {answer}");
    }
    // Escaped, it is what it is: the stopped tool.
    client.say(&format!(
        r#"{{"jsonrpc":"2.0","id":3,"method":"tools\/c\u0061ll",{}}}"#,
        call.replace("refund", "r\\u0065fund")
    ));
    assert_eq!(client.hear()["result"]["isError"], true);
    client.say(&format!(r#"{{"jsonrpc":"2.0","id":4,"method":"tools/call",{}}}"#, call.replace("refund", "REFUND")));
    assert_eq!(client.hear()["result"]["isError"], true, "a name is the same in any case");
    client.say(r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"look","arguments":{"order":"B2"}}}"#);
    assert_eq!(client.hear()["id"], 5);
    assert_eq!(std::fs::read_to_string(&done).unwrap(), "look B2\n");
}

/// A port that nobody holds now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A real client, the proxy and a real server that speak Streamable HTTP.
struct Web {
    client: Led,
    done: PathBuf,
    url: String,
    _proxy: Kept,
    _server: Kept,
    _folder: tempfile::TempDir,
}

/// A program that ends with the test.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn answers(port: u16) {
    until("the port answers", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
}

async fn web(rig: &Rig, era: &str) -> Web {
    let tools = ["refund", "look", "slow", "echo", "measure", "fail", "die"];
    rig.post("/v1/agents", json!([{"id": "till-bot", "inventory": tools}])).await.good();
    let folder = tempfile::tempdir().unwrap();
    let (done, server_port, port) = (folder.path().join("done"), free_port(), free_port());
    let quiet = |command: &mut Command| Kept(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let python = python(era);
    let server = quiet(Command::new(&python).arg(client_file("mcp_server.py")).arg(&done).arg(server_port.to_string()));
    let mut words = proxy(rig);
    words.pop();
    let (listen, upstream) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{server_port}/mcp"));
    let proxy = quiet(Command::new(&words[0]).args(&words[1..]).args(["--listen", &listen, "--upstream", &upstream]));
    answers(server_port).await;
    answers(port).await;
    let url = format!("http://{listen}/mcp");
    // The newer client speaks to servers of both eras.
    let client = Led::start(Command::new(self::python("stateless")).arg(client_file("mcp_client.py")).arg(&url));
    assert_eq!(client.hear()["ready"], true);
    Web { client, done, url, _proxy: proxy, _server: server, _folder: folder }
}

async fn over_http(era: &str) {
    let rig = rig().await;
    let mut web = web(&rig, era).await;
    let done = |web: &Web| std::fs::read_to_string(&web.done).unwrap_or_default();
    assert_eq!(web.client.ask(json!({"list": true}))["answer"].as_array().unwrap().len(), 7);
    assert_eq!(web.client.ask(refund(5))["answer"]["text"], "refunded 5 for A1");
    let slow = web.client.ask(json!({"call": "slow", "arguments": {"steps": 3}}));
    assert!(slow["answer"]["text"] == "done" && slow["progress"].as_array().unwrap().len() == 3, "{slow}");
    let one = engage(&rig, json!({"scope": {"tool": "refund"}, "why": "pays twice"})).await;
    let stopped = web.client.ask(refund(6));
    assert!(stopped["answer"]["text"].as_str().unwrap().contains("pays twice"), "{stopped}");
    lift(&rig, &one).await;
    let waiting = engage(&rig, json!({"mode": "approval", "scope": {"agent": "till-bot"}})).await;
    web.client.begin(refund(7));
    decide(&rig, &waits(&rig).await, true).await;
    assert_eq!(web.client.hear()["answer"]["text"], "refunded 7 for A1");
    let mut late = refund(8);
    late["within"] = 1.into();
    assert!(web.client.ask(late)["raised"].is_string());
    until("what its client gave up is dropped", async || board(&rig).await.is_empty()).await;
    lift(&rig, &waiting).await;
    // CON.15: a halt cuts what runs, and is confirmed once it has.
    web.client.begin(json!({"call": "slow", "arguments": {"steps": 300}}));
    until("the server is at it", async || done(&web).matches("slow begins").count() == 2).await;
    let all = engage(&rig, json!({"why": "enough"})).await;
    let cut = web.client.hear();
    assert!(cut["answer"]["text"].as_str().unwrap().contains("enough"), "{cut}");
    until("it is confirmed", async || {
        rig.get(&format!("/v1/switches/{all}")).await.good()["halt"]["agents"][0]["state"] == "confirmed"
    })
    .await;
    assert_eq!(web.client.ask(refund(9))["answer"]["error"], true);
    let refunds: Vec<String> =
        done(&web).lines().filter(|line| line.starts_with("refund")).map(str::to_owned).collect();
    assert_eq!(refunds, ["refund A1 5", "refund A1 7"]);
    assert_eq!(done(&web).matches("slow ends").count(), 1, "the second never came to its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn streamable_http_of_the_stateless_era_passes_and_stops() {
    over_http("stateless").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streamable_http_of_the_session_era_passes_and_stops() {
    over_http("sessions").await;
}

/// What intermediaries judge by is what the server reads; pages of other origins may not speak.
#[tokio::test(flavor = "multi_thread")]
async fn headers_and_origins_are_no_way_around() {
    let rig = rig().await;
    let web = web(&rig, "stateless").await;
    engage(&rig, json!({"scope": {"tool": "refund"}})).await;
    let http = crate::rig::http().build().unwrap();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"refund","arguments":{"order":"A1","amount":1}}}"#;
    let post = |headers: &[(&str, &str)], body: &str| {
        let request = http.post(&web.url).header("content-type", "application/json");
        let request = request.header("accept", "application/json, text/event-stream").body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        crate::rig::read(request)
    };
    let differs = post(&[("mcp-name", "look")], call).await;
    assert_eq!((differs.status.as_u16(), differs.body["error"]["code"].as_i64()), (400, Some(-32_020)), "{differs:?}");
    assert_eq!(post(&[("origin", "https://evil.example")], call).await.status, 403);
    assert_eq!(post(&[], &format!("[{call}]")).await.body["error"]["code"], -32_600);
    let twice = call.replace("\"name\":\"refund\"", "\"name\":\"look\",\"name\":\"refund\"");
    assert_eq!(post(&[], &twice).await.body["error"]["code"], -32_700);
    assert_eq!(post(&[("mcp-name", "refund")], call).await.body["result"]["isError"], true);
    assert_eq!(std::fs::read_to_string(&web.done).unwrap_or_default(), "");
}

/// A call that was approved and runs is not put on the board again when switches change.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_asked_about_without_a_ticket() {
    let rig = rig().await;
    let mut till = till(&rig, "stateless").await;
    engage(&rig, json!({"mode": "approval", "scope": {"agent": "till-bot"}})).await;
    till.client.begin(json!({"call": "slow", "arguments": {"steps": 5}}));
    decide(&rig, &waits(&rig).await, true).await;
    until("the server is at it", async || till.done() == ["slow begins"]).await;
    engage(&rig, json!({"scope": {"tool": "refund"}})).await;
    assert_eq!(till.client.hear()["answer"]["text"], "done");
    assert_eq!(rig.get("/v1/holds?all=true").await.good().as_array().unwrap().len(), 1);
}
