//! Moves beside a halt: commands and signed webhooks, never before it, never in a drill; and break-glass (CON.3, CON.8, law 6).

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::Duration,
};

use andon::{
    backend::{
        home::Home,
        serve::{ServeOptions, start},
    },
    runbook::Book,
};
use serde_json::{Value, json};

use crate::rig::{Rig, rig_with, until};

/// A backend whose runbook has these actuators.
async fn with(actuators: &str) -> Rig {
    let texts = BTreeMap::from([("actuators.toml".to_owned(), actuators.to_owned())]);
    rig_with(tempfile::tempdir().unwrap(), andon::backend::clock::system(), Book::of(&texts).unwrap()).await
}

async fn halt(rig: &Rig, query: &str) -> String {
    let engaged = rig.command(&format!("/v1/switches{query}"), json!({"scope": {"agent": "refund-bot"}})).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn run(rig: &Rig, switch: &str, at: usize) -> Value {
    rig.get(&format!("/v1/switches/{switch}")).await.good()["actuators"][at].clone()
}

async fn ends(rig: &Rig, switch: &str, at: usize, state: &str) -> Value {
    until(state, async || run(rig, switch, at).await["outcome"]["state"] == state).await;
    run(rig, switch, at).await
}

/// A real HTTP server that answers each request as told, and keeps them.
pub struct Receiver {
    pub url: String,
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// What was sent so far: each request's head and body.
    pub fn taken(&self) -> Vec<(String, String)> {
        let heard = self.heard.lock().unwrap();
        let parts = heard.iter().filter_map(|text| text.split_once("\r\n\r\n"));
        parts.map(|(head, body)| (head.to_owned(), body.to_owned())).collect()
    }
}

/// `answers` by turn; the last for all that follow. An empty one never answers.
pub fn receiver(answers: &[&str]) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (kept, answers) = (heard.clone(), answers.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    std::thread::spawn(move || {
        let mut hanging = Vec::new();
        for (turn, stream) in listener.incoming().flatten().enumerate() {
            let mut stream: TcpStream = stream;
            let mut text = String::new();
            let mut chunk = [0; 4_096];
            while !complete(&text) {
                match stream.read(&mut chunk) {
                    Ok(length @ 1..) => text.push_str(&String::from_utf8_lossy(&chunk[..length])),
                    _ => break,
                }
            }
            kept.lock().unwrap().push(text);
            let answer = answers.get(turn).or(answers.last()).cloned().unwrap_or_default();
            if answer.is_empty() {
                hanging.push(stream);
            } else {
                let _ = write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        }
    });
    Receiver { url, heard }
}

fn complete(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    body.len() >= header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
}

pub fn header<'t>(head: &'t str, name: &str) -> Option<&'t str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub fn secret(folder: &Path) -> String {
    let file = folder.join("secret");
    std::fs::write(&file, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

fn hook(url: &str, secret: &str) -> String {
    format!(
        "[[actuator]]\nname = \"vendor\"\nmove = \"vendor-kill\"\non = {{}}\nwebhook = {url:?}\nsecret_file = {secret:?}\n\
         timeout_s = 1\npromised_s = 60\n"
    )
}

/// CON.3, CON.8: a command runs beside the halt with what it needs to know; its words and its time are kept.
#[tokio::test]
async fn a_command_runs_beside_the_halt_and_its_words_are_kept() {
    let text = r#"
        [[actuator]]
        name = "pause"
        move = "pause-canary"
        on = { agent = "refund-bot" }
        command = ["/bin/sh", "-c", "echo paused $ANDON_AGENT for $ANDON_SWITCH"]
        promised_s = 5
        [[actuator]]
        name = "elsewhere"
        move = "other"
        on = { agent = "mail-bot" }
        command = ["/bin/false"]
        [[actuator]]
        name = "by-name"
        move = "other"
        command = ["/bin/sh", "-c", "exit 4"]
    "#;
    let rig = with(text).await;
    let switch = halt(&rig, "").await;
    let done = ends(&rig, &switch, 0, "done").await;
    assert_eq!(
        (done["name"].as_str(), done["outcome"]["output"].as_str()),
        (Some("pause"), Some("paused refund-bot for SW-1"))
    );
    assert!(done["promised_s"] == 5.0 && done["outcome"]["took_s"].as_f64().unwrap() < 5.0, "{done}");
    let named = json!({"id": uuid::Uuid::now_v7(), "command":
        {"command": "fire-actuators", "switch": switch, "actuators": [{"name": "by-name"}]}});
    rig.post("/v1/commands", named).await.good();
    let failed = ends(&rig, &switch, 1, "failed").await;
    assert!(failed["outcome"]["status"].as_str().unwrap().contains('4'), "{failed}");
    assert_eq!(
        rig.get("/v1/switches").await.good()[0]["actuators"].as_array().unwrap().len(),
        2,
        "not the other agent's"
    );
}

/// A webhook is signed, carries one id through every try, and is tried again after a 500; 410 ends it.
#[tokio::test]
async fn a_webhook_is_signed_and_tried_again_under_one_id() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = receiver(&["500 Oops", "200 OK"]);
    let rig = with(&hook(&receiver.url, &secret(folder.path()))).await;
    let switch = halt(&rig, "").await;
    ends(&rig, &switch, 0, "retrying").await;
    let done = ends(&rig, &switch, 0, "done").await;
    assert_eq!((done["tries"].as_u64(), done["outcome"]["status"].as_str()), (Some(2), Some("HTTP 200")));
    let heard = receiver.heard.lock().unwrap().clone();
    let ids: Vec<_> = heard.iter().map(|text| header(text, "webhook-id").unwrap().to_owned()).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1] && ids[0].starts_with("SW-1.vendor."), "{ids:?}");
    let (head, body) = heard[1].split_once("\r\n\r\n").unwrap();
    let python = "import base64,hashlib,hmac,sys\nkey=base64.b64decode('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')\n\
                  print('v1,'+base64.b64encode(hmac.new(key,sys.stdin.buffer.read(),hashlib.sha256).digest()).decode())";
    let signed = format!("{}.{}.{body}", ids[1], header(head, "webhook-timestamp").unwrap());
    assert_eq!(header(head, "webhook-signature").unwrap(), by_python(python, &signed), "verified by other hands");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["data"]["switch"], &body["data"]["move"]), (&json!("SW-1"), &json!("vendor-kill")));
}

fn by_python(script: &str, input: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

/// Law 5: a receiver that hangs delays no halt; redirects are followed nowhere; what wants no more is left alone.
#[tokio::test]
async fn a_hanging_receiver_delays_nothing_and_nobody_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (elsewhere, secret) = (receiver(&["200 OK"]), secret(folder.path()));
    let hangs = receiver(&[""]);
    let rig = with(&hook(&hangs.url, &secret)).await;
    let began = std::time::Instant::now();
    let switch = halt(&rig, "").await;
    let refused = rig.post("/v1/interlock/check", json!({"agent": "refund-bot"})).await;
    assert_eq!(refused.good()["decision"], "deny");
    assert!(began.elapsed() < Duration::from_secs(1), "the halt waits for nobody");
    let retrying = ends(&rig, &switch, 0, "retrying").await;
    assert_eq!(retrying["outcome"]["status"], "no answer in 1 s");
    let redirect = format!("302 Found\r\nlocation: {}", elsewhere.url);
    for (answer, state) in [(redirect.as_str(), "retrying"), ("410 Gone", "failed")] {
        let rig = with(&hook(&receiver(&[answer]).url, &secret)).await;
        let switch = halt(&rig, "").await;
        ends(&rig, &switch, 0, state).await;
    }
    assert_eq!(elsewhere.heard.lock().unwrap().len(), 0, "nobody was followed");
}

/// Law 8: a drill reaches nothing outside.
#[tokio::test]
async fn a_drill_sets_nothing_off() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let text = format!(
        "[[actuator]]\nname = \"mark\"\nmove = \"other\"\non = {{}}\ncommand = [\"/bin/touch\", {:?}]\n",
        mark.display().to_string()
    );
    let rig = with(&text).await;
    let drill = rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1.0})).await;
    let drill = drill.good()["drill"].as_str().map(str::to_owned).unwrap_or_else(|| "DRILL-1".into());
    let switch = halt(&rig, &format!("?world={drill}")).await;
    let asked = json!({"id": uuid::Uuid::now_v7(), "command":
        {"command": "fire-actuators", "switch": switch, "actuators": [{"name": "mark"}]}});
    rig.post(&format!("/v1/commands?world={drill}"), asked).await.problem(409);
    // The real one after it is set off: what came before would have been.
    let real = halt(&rig, "").await;
    std::fs::remove_file(&mark).unwrap_or_default();
    ends(&rig, &real, 0, "done").await;
    let shown = rig.get(&format!("/v1/switches/{switch}?world={drill}")).await.good().clone();
    assert!(shown["actuators"].is_null(), "{shown}");
}

/// A command that ran when the backend ended is not run again by itself.
#[tokio::test]
async fn a_restart_runs_no_command_twice() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let text = format!(
        "[[actuator]]\nname = \"slow\"\nmove = \"other\"\non = {{}}\ncommand = [\"/bin/sh\", \"-c\", \"echo x >> {}; sleep 600\"]\n\
         timeout_s = 600\n",
        count.display()
    );
    let rig = with(&text).await;
    let switch = halt(&rig, "").await;
    until("it runs", async || count.exists()).await;
    let Rig { running, folder: home, .. } = rig;
    running.stop().await;
    let texts = BTreeMap::from([("actuators.toml".to_owned(), text)]);
    let rig = rig_with(home, andon::backend::clock::system(), Book::of(&texts).unwrap()).await;
    ends(&rig, &switch, 0, "unknown").await;
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
}

fn andon(home: &Path, url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_andon"))
        .env("ANDON_HOME", home)
        .env("ANDON_URL", url)
        .env_remove("ANDON_TOKEN")
        .args(arguments)
        .output()
        .unwrap()
}

/// Law 6, CON.7: without the backend this host does what it may; back again, the backend is told once, and does it not twice.
#[tokio::test(flavor = "multi_thread")]
async fn break_glass_acts_at_once_and_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("mark");
    let text = format!(
        "[[actuator]]\nname = \"cut\"\nmove = \"revoke-credential\"\non = {{}}\nbreak_glass = true\n\
         command = [\"/bin/sh\", \"-c\", \"echo cut >> {}\"]\n[[actuator]]\nname = \"other\"\nmove = \"other\"\non = {{}}\n\
         command = [\"/bin/false\"]\n",
        mark.display()
    );
    std::fs::create_dir_all(home.path().join("config/runbook")).unwrap();
    std::fs::write(home.path().join("config/runbook/actuators.toml"), &text).unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let halt = ["halt", "--agent", "refund-bot", "--break-glass", "--why", "pays twice"];
    let broken = andon(home.path(), &format!("http://{nobody}"), &halt);
    let said = String::from_utf8_lossy(&broken.stdout).into_owned() + &String::from_utf8_lossy(&broken.stderr);
    assert!(broken.status.success() && said.contains("cut: done") && said.contains("breaking the glass"), "{said}");
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "cut\n");
    // The backend is back, with the same actuators.
    let texts = BTreeMap::from([("actuators.toml".to_owned(), text)]);
    let mut options = ServeOptions::local(Home::under(home.path()), Arc::new(Book::of(&texts).unwrap()));
    options.listen = vec!["127.0.0.1:0".parse().unwrap()];
    let running = start(options).await.unwrap();
    let plain = || {
        Command::new(env!("CARGO_BIN_EXE_andon"))
            .env("ANDON_HOME", home.path())
            .env_remove("ANDON_URL")
            .args(["switches", "--json"])
            .output()
            .unwrap()
    };
    let told = plain();
    assert!(String::from_utf8_lossy(&told.stderr).contains("told the backend of 1"), "{told:?}");
    for _ in 0..2 {
        let switches: Value = serde_json::from_slice(&plain().stdout).unwrap();
        assert_eq!(switches.as_array().unwrap().len(), 1, "told once: {switches}");
        let switch = &switches[0];
        assert_eq!(switch["why"], "break-glass: pays twice");
        let runs = switch["actuators"].as_array().unwrap();
        assert!(runs.iter().any(|run| run["name"] == "cut" && run["outcome"]["state"] == "done"), "{switch}");
    }
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "cut\n", "it was not done twice");
    let ordinary = Command::new(env!("CARGO_BIN_EXE_andon"))
        .env("ANDON_HOME", home.path())
        .env_remove("ANDON_URL")
        .args(["halt", "--agent", "mail-bot", "--break-glass"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&ordinary.stderr).contains("ordinary halt"), "{ordinary:?}");
    running.stop().await;
}
