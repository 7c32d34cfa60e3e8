//! What leaves the house: by signed webhook, by a real mail server, by a program; never twice, never from a drill; and who was
//! told (COM).

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use andon::runbook::Book;
use serde_json::{Value, json};

use crate::{
    actuators::{header, receiver, secret},
    rig::{Rig, rig_with, setup},
};

fn book(channels: &str) -> Book {
    Book::of(&BTreeMap::from([("channels.toml".to_owned(), channels.to_owned())])).unwrap()
}

async fn with(channels: &str) -> Rig {
    rig_with(tempfile::tempdir().unwrap(), andon::backend::clock::system(), book(channels)).await
}

async fn ask(rig: &Rig, ask: Value) -> crate::rig::Answer {
    rig.command("/v1/incidents/INC-1/commands", ask).await
}

/// An incident with a draft for customers, whole but for its words.
async fn drafted(rig: &Rig) {
    rig.command("/v1/incidents", json!({"title": "refunds paid twice", "severity": "SEV-2", "workflow": "refunds"}))
        .await
        .good();
    ask(rig, json!({"type": "start-draft", "audience": "customer"})).await.good();
    let mut fields = rig.get("/v1/incidents/INC-1").await.good()["drafts"][0]["fields"].clone();
    fields["body"] = "Some refunds were paid twice. — 38 Kunden, größer.".into();
    fields["impact"] = "38 customers were paid twice".into();
    fields["next_update"] = "+30m".into();
    ask(rig, json!({"type": "edit-draft", "draft": "DRAFT-1", "fields": fields, "version": 1})).await.good();
}

async fn send(rig: &Rig, channel: &str, to: &str) -> crate::rig::Answer {
    ask(rig, json!({"type": "send-draft", "draft": "DRAFT-1", "channel": channel, "to": to})).await
}

async fn sent(rig: &Rig, at: usize) -> Value {
    rig.get("/v1/incidents/INC-1").await.good()["drafts"][0]["sent"][at].clone()
}

async fn comes_to(rig: &Rig, at: usize, state: &str) -> Value {
    let waiting = async {
        while sent(rig, at).await["delivery"]["state"] != state {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(came.is_ok(), "never {state}: {}", sent(rig, at).await);
    sent(rig, at).await
}

/// COM.5: a webhook is signed, keeps one id through every try, and carries the exact text that is kept; 410 is a dead letter.
#[tokio::test]
async fn a_webhook_carries_the_exact_text_once() {
    let folder = tempfile::tempdir().unwrap();
    let (hook, gone) = (receiver(&["503 Later", "202 Taken"]), receiver(&["410 Gone"]));
    let secret = secret(folder.path());
    let channel = |name: &str, url: &str| {
        format!(
            "[[channel]]\nname = {name:?}\nkind = \"webhook\"\nwebhook = {url:?}\nsecret_file = {secret:?}\nto = \"the page\"\n"
        )
    };
    let rig = with(&format!("{}{}", channel("status", &hook.url), channel("gone", &gone.url))).await;
    drafted(&rig).await;
    send(&rig, "status", "").await.good();
    comes_to(&rig, 0, "retrying").await;
    let told = comes_to(&rig, 0, "accepted").await;
    let states: Vec<&str> =
        told["delivery"]["attempts"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["sending", "retrying", "sending", "accepted"], "each try is kept: {told}");
    assert_eq!((&told["to"], &told["by"]), (&"the page".into(), &rig.get("/v1/state").await.good()["you"]["name"]));
    let heard = hook.heard.lock().unwrap().clone();
    let ids: Vec<_> = heard.iter().map(|text| header(text, "webhook-id").unwrap().to_owned()).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1] && ids[0].starts_with("INC-1.DRAFT-1.1."), "{ids:?}");
    assert!(header(&heard[1], "webhook-signature").unwrap().starts_with("v1,"));
    let body: Value = serde_json::from_str(heard[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["type"], "dev.andon.draft.sent");
    assert_eq!(body["data"]["text"], told["text"], "what is kept is what went out");
    assert!(told["text"].as_str().unwrap().contains("38 Kunden, größer."), "{told}");
    assert!(!told["text"].as_str().unwrap().contains("+30m"), "COM.4: a time that a reader can place: {told}");
    assert_eq!(body["data"]["next_update"], told["promise"]["by"]);
    send(&rig, "gone", "").await.good();
    assert_eq!(comes_to(&rig, 1, "failed").await["delivery"]["attempts"][1]["status"], "HTTP 410");
    send(&rig, "stauts", "").await.problem(422);
    assert_eq!(rig.get("/v1/incidents/INC-1").await.good()["drafts"][0]["sent"].as_array().unwrap().len(), 2);
}

/// A mail server from PyPI, and what it heard.
pub struct Post {
    child: Child,
    port: u64,
    ca: PathBuf,
    pub heard: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn post(folder: &Path, mode: &str, user: &str, answers: &[&str]) -> Post {
    let ca = folder.join(format!("ca-{mode}.pem"));
    let mut child = Command::new(setup("smtp.sh").await)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/smtp_server.py"))
        .arg(mode)
        .arg(&ca)
        .args([user, "correct horse"])
        .args(answers)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
        }
    });
    Post { child, port: first["port"].as_u64().unwrap(), ca, heard }
}

pub fn mail(post: &Post, security: &str, more: &str) -> String {
    let port = post.port;
    format!(
        "[[channel]]\nname = \"mail-{security}\"\nkind = \"smtp\"\nhost = \"localhost\"\nport = {port}\nsecurity = {security:?}\n\
         from = \"Incidents <incidents@example.com>\"\ntimeout_s = 5\n{more}\n"
    )
}

/// COM.5: mail by a real server: plain, STARTTLS and TLS, with a password from a file; one to each recipient; what the server
/// refuses for good is a dead letter, what it puts off is tried again under the same id.
#[tokio::test]
async fn mail_goes_out_by_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let plain = post(folder.path(), "plain", "", &["250 queued as 7", "550 no such box", "451 later", "250 ok"]).await;
    let starttls = post(folder.path(), "starttls", "andon", &["250 ok"]).await;
    let tls = post(folder.path(), "tls", "", &["250 ok"]).await;
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let ca = |post: &Post| format!("ca_file = {:?}", post.ca.display().to_string());
    let login = format!("user = \"andon\"\npassword_file = {:?}\n{}", password.display().to_string(), ca(&starttls));
    let rig =
        with(&[mail(&plain, "none", ""), mail(&starttls, "starttls", &login), mail(&tls, "tls", &ca(&tls))].concat())
            .await;
    drafted(&rig).await;

    send(&rig, "mail-none", "kim@example.com").await.good();
    let told = comes_to(&rig, 0, "accepted").await;
    assert!(told["delivery"]["attempts"][1]["status"].as_str().unwrap().starts_with("250"), "{told}");
    let got = plain.heard.lock().unwrap()[0].clone();
    assert_eq!((&got["from"], &got["to"]), (&"incidents@example.com".into(), &json!(["kim@example.com"])));
    let kept = told["text"].as_str().unwrap();
    assert_eq!(read_by_python(&got).await.trim_end(), kept, "what is kept is what went out");
    send(&rig, "mail-none", "nobody@example.com").await.good();
    assert!(comes_to(&rig, 1, "failed").await["delivery"]["attempts"][1]["status"].as_str().unwrap().contains("550"));
    send(&rig, "mail-none", "lee@example.com").await.good();
    comes_to(&rig, 2, "accepted").await;
    let ids: Vec<String> = plain.heard.lock().unwrap()[2..].iter().map(message_id).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "one id through every try: {ids:?}");

    send(&rig, "mail-starttls", "kim@example.com, lee@example.com").await.good();
    comes_to(&rig, 3, "accepted").await;
    comes_to(&rig, 4, "accepted").await;
    let got = starttls.heard.lock().unwrap().clone();
    assert!(
        got.len() == 2 && got.iter().all(|one| one["tls"] == true && one["to"].as_array().unwrap().len() == 1),
        "{got:?}"
    );
    send(&rig, "mail-tls", "kim@example.com").await.good();
    comes_to(&rig, 5, "accepted").await;
    assert_eq!(tls.heard.lock().unwrap()[0]["tls"], true);
    let log = serde_json::to_string(&rig.get("/v1/incidents/INC-1/events?after=0").await.body).unwrap();
    assert!(!log.contains("correct horse"), "the password is nowhere");
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
    send(&rig, "mail-starttls", "kim@example.com").await.good();
    let put_off = comes_to(&rig, 6, "retrying").await;
    assert!(put_off["delivery"]["attempts"][1]["status"].as_str().unwrap().contains("chmod 600"), "{put_off}");
}

fn message_id(heard: &Value) -> String {
    header(heard["text"].as_str().unwrap(), "message-id").unwrap().to_owned()
}

/// The text of a mail, as another program reads it.
async fn read_by_python(heard: &Value) -> String {
    let script = "import email,email.policy,json,sys\n\
                  m=email.message_from_string(json.load(sys.stdin)['text'],policy=email.policy.default)\n\
                  sys.stdout.write(m.get_content().replace('\\r\\n','\\n'))";
    let mut child = tokio::process::Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, heard.to_string().as_bytes()).await.unwrap();
    drop(input);
    String::from_utf8(child.wait_with_output().await.unwrap().stdout).unwrap()
}

/// COM.5: a program reads the text, knows from its environment to whom it goes, and may ask to be tried again.
#[tokio::test]
async fn a_program_reads_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let script = format!(
        "cat > {0}.part; test -e {0} || {{ touch {0}; exit 75; }}; mv {0}.part {0}; echo posted for $ANDON_TO as $ANDON_KEY",
        place("out")
    );
    let channels = format!(
        "[[channel]]\nname = \"poster\"\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n\
         [[channel]]\nname = \"broken\"\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"echo no room >&2; exit 3\"]\n"
    );
    let rig = with(&channels).await;
    drafted(&rig).await;
    send(&rig, "poster", "support $(touch nothing)").await.good();
    comes_to(&rig, 0, "retrying").await;
    let told = comes_to(&rig, 0, "accepted").await;
    let said = told["delivery"]["attempts"][3]["status"].as_str().unwrap();
    assert!(said.contains("posted for support $(touch nothing) as INC-1.DRAFT-1.1."), "{said}");
    assert_eq!(std::fs::read_to_string(place("out")).unwrap(), told["text"].as_str().unwrap());
    send(&rig, "broken", "x").await.good();
    let failed = comes_to(&rig, 1, "failed").await;
    assert!(failed["delivery"]["attempts"][1]["status"].as_str().unwrap().contains("no room"), "{failed}");
}

/// Law 8: a drill sends nothing; the real world after it does.
#[tokio::test]
async fn a_drill_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let hook = receiver(&["200 OK"]);
    let channels = format!(
        "[[channel]]\nname = \"status\"\nkind = \"webhook\"\nwebhook = {:?}\nsecret_file = {:?}\n",
        hook.url,
        secret(folder.path())
    );
    let rig = with(&channels).await;
    rig.command("/v1/drills", json!({"name": "refunds-twice", "speed": 1.0})).await.good();
    let asked = |ask: Value| rig.command("/v1/incidents/INC-1/commands?world=DRILL-1", ask);
    rig.command("/v1/incidents?world=DRILL-1", json!({"title": "rehearsed", "severity": "SEV-2"})).await.good();
    let begun = asked(json!({"type": "start-draft", "audience": "status-page"})).await;
    let draft = begun.good()["events"][0]["data"]["draft"].clone();
    asked(json!({"type": "send-draft", "draft": draft, "channel": "status", "to": "everybody"})).await.good();
    let view = rig.get("/v1/incidents/INC-1?world=DRILL-1").await;
    let sent =
        view.good()["drafts"].as_array().unwrap().iter().find(|one| one["id"] == draft).unwrap()["sent"][0].clone();
    assert_eq!(sent["delivery"]["state"], "rehearsed", "{sent}");
    drafted(&rig).await;
    send(&rig, "status", "everybody").await.good();
    comes_to(&rig, 0, "accepted").await;
    let heard = hook.heard.lock().unwrap().clone();
    assert!(heard.len() == 1 && !heard[0].contains("rehearsed"), "only the real one: {heard:?}");
}

/// COM.5: what waits is sent after a restart, what was taken is not sent again.
#[tokio::test]
async fn a_restart_sends_nothing_twice_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let hook = receiver(&["200 OK", "503 Later", "200 OK"]);
    let secret = secret(folder.path());
    let channels = format!(
        "[[channel]]\nname = \"status\"\nkind = \"webhook\"\nwebhook = {:?}\nsecret_file = {secret:?}\n",
        hook.url
    );
    let rig = with(&channels).await;
    drafted(&rig).await;
    send(&rig, "status", "one").await.good();
    comes_to(&rig, 0, "accepted").await;
    send(&rig, "status", "two").await.good();
    comes_to(&rig, 1, "retrying").await;
    let Rig { running, folder: home, .. } = rig;
    running.stop().await;
    let rig = rig_with(home, andon::backend::clock::system(), book(&channels)).await;
    comes_to(&rig, 1, "accepted").await;
    let heard = hook.heard.lock().unwrap().clone();
    let to: Vec<Value> = heard
        .iter()
        .map(|text| {
            serde_json::from_str::<Value>(text.split_once("\r\n\r\n").unwrap().1).unwrap()["data"]["to"].clone()
        })
        .collect();
    assert_eq!(to, ["one", "two", "two"]);
    assert_eq!(header(&heard[1], "webhook-id"), header(&heard[2], "webhook-id"), "the receiver knows it by its id");
}

/// COM.1–COM.7 by command alone: a plain file is linted, a statement agreed, a contradiction refused, a message sent and waited
/// for, and the ledger says who was told and who is owed word.
#[test]
fn people_are_told_by_commands_alone() {
    let desk = crate::cli::Desk::new();
    let folder = desk.folder.path();
    std::fs::create_dir_all(folder.join("config/runbook")).unwrap();
    let out = folder.join("out");
    let script = format!("cat > {}; echo posted", out.display());
    desk.file(
        "config/runbook/channels.toml",
        &format!("[[channel]]\nname = \"page\"\nkind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\nto = \"the status page\"\n"),
    );
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-2", "--workflow", "refunds"]);
    let file = desk.file("notice.txt", "Due to a technical\u{200b} issue it hal\u{ad}lucin\u{430}ted.\n");
    let found = desk.json(&["draft", "lint", "1", "--file", &file]);
    let phrases: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["phrase"].as_str().unwrap()).collect();
    assert_eq!(phrases, ["technical issue", "U+200B", "hallucinated", "U+00AD"], "{found}");
    assert_eq!(found[0]["at"]["chars"], json!([9, 25]));
    assert!(desk.refused(1, &["draft", "lint", "1", "--file", &file, "--check"]).contains("4 findings"));

    desk.done(&["draft", "new", "1", "status-page"]);
    let missing = desk.json(&["draft", "lint", "1"]);
    let fields: Vec<&str> = missing.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["impact", "reader_should", "body"], "{missing}");
    desk.done(&[
        "draft",
        "edit",
        "1",
        "--set",
        "impact=38 customers were paid twice",
        "--set",
        "next_update=soon",
        "--set",
        "reader_should=Keep the second payment for now",
        "--set",
        "body=Refunds of 20 Nov were paid twice.",
    ]);
    assert_eq!(desk.json(&["draft", "lint", "1"]), json!([]));
    assert!(
        desk.refused(1, &["draft", "send", "1", "--channel", "page"]).contains("15:00 UTC"),
        "COM.4: with an example"
    );
    desk.done(&["draft", "edit", "1", "--set", "next_update=+45m"]);
    desk.done(&["draft", "agree", "1"]);
    desk.done(&["draft", "edit", "1", "--set", "impact=41 customers were paid twice"]);
    assert!(desk.refused(1, &["draft", "send", "1", "--channel", "page"]).contains("agreed is 38 customer"));
    desk.done(&["draft", "agree", "1"]);
    assert!(desk.refused(1, &["draft", "send", "1", "--channel", "pgae"]).contains("did you mean page?"));
    let sent = desk.json(&["draft", "send", "1", "--channel", "page", "--wait"]);
    assert_eq!(sent[0]["delivery"]["state"], "accepted", "{sent}");
    let text = std::fs::read_to_string(&out).unwrap();
    assert_eq!(text, sent[0]["text"].as_str().unwrap(), "what is kept is what went out");
    assert!(text.contains("41 customers were paid twice") && text.contains("Work goes on."), "{text}");

    let told = desk.json(&["told", "1"]);
    let row = |audience: &str| told.as_array().unwrap().iter().find(|row| row["audience"] == audience).unwrap().clone();
    let page = row("status-page");
    assert_eq!((&page["told"][0]["to"], &page["owed"]["state"]), (&"the status page".into(), &"met".into()), "{page}");
    assert_eq!((&page["agreed"]["version"], &page["told"][0]["text"]), (&json!(4), &json!(text)));
    assert_eq!(
        (&row("customer")["owed"]["state"], &row("internal")["owed"]["state"]),
        (&"met".into(), &"running".into())
    );
    let shown = desk.done(&["told", "1"]);
    assert!(shown.contains("the status page") && shown.contains("not told"), "{shown}");
    let clocks = desk.json(&["show", "1"])["clocks"].clone();
    let update = clocks.as_array().unwrap().iter().find(|clock| clock["name"] == "update").unwrap().clone();
    assert!(update["state"] == "running" && update["left_s"].as_f64().unwrap() > 2_400.0, "COM.4: {update}");
}

/// A text of 1 MB is read, kept and sent; one byte more is refused with its limit, and nothing is lost.
#[tokio::test]
async fn a_draft_of_a_megabyte_is_taken_and_no_more() {
    let rig = with("").await;
    drafted(&rig).await;
    let mut fields = rig.get("/v1/incidents/INC-1").await.good()["drafts"][0]["fields"].clone();
    let body = "A payment was made twice. \u{1f3e6}\n".repeat(40_000)[..1 << 20].to_owned();
    let edit = |fields: &Value, version: u64| json!({"type": "edit-draft", "draft": "DRAFT-1", "fields": fields, "version": version});
    fields["body"] = format!("{body}x").into();
    let refused = ask(&rig, edit(&fields, 2)).await;
    assert!(refused.problem(422).body["detail"].as_str().unwrap().contains("1048576"), "{refused:?}");
    fields["body"] = body.clone().into();
    ask(&rig, edit(&fields, 2)).await.good();
    send(&rig, "copy", "everybody").await.good();
    assert!(sent(&rig, 0).await["text"].as_str().unwrap().contains(&body));
}

/// COM.3, COM.5, CKP.1: in a real terminal: written, the offered wording taken in by a key, agreed, sent, and in the ledger.
#[test]
fn a_notice_is_written_agreed_and_sent_by_keys() {
    let folder = tempfile::tempdir().unwrap();
    let mut seat = crate::cockpit::Seat::open(folder.path(), 120, 34, &[]);
    seat.sees("no incident");
    seat.types("D");
    seat.sees("title");
    seat.types("paid twice\r");
    seat.sees("INC-1");
    seat.types("5o");
    seat.sees("Draft for");
    seat.types("customer\r");
    seat.sees("[customer]");
    seat.types("\r");
    seat.sees("message");
    seat.types("A payment was made twice by a glitch.");
    seat.sees("“glitch” says nothing");
    seat.types("\u{f}");
    seat.sees("[[which action, on what, how often]]");
    for _ in "[[which action, on what, how often]]".chars() {
        seat.types("\u{7f}");
    }
    seat.types("payout at 14:01");
    seat.sees("by a payout at 14:01.");
    seat.types("\u{1b}");
    seat.sees("[customer]");
    seat.types("a");
    seat.sees("[customer ★]");
    seat.types("m");
    seat.sees("Send DRAFT-1");
    seat.types("\r");
    seat.sees("✓ sent");
    seat.types("v");
    seat.sees("Who was told");
    seat.types("v");
    seat.sees("We write because");
}
