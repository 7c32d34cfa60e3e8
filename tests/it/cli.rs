//! A whole incident through the real binary, and what it says to wrong input (CKP.4).

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// A folder of its own, with a backend that is stopped when the test ends.
pub struct Desk {
    pub folder: tempfile::TempDir,
    /// Who asks, where it is not the person on the socket; and the secrets of all who did.
    who: RefCell<Option<String>>,
    secrets: RefCell<BTreeMap<String, String>>,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), who: RefCell::default(), secrets: RefCell::default() }
    }

    pub fn andon(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.args(args).env("ANDON_HOME", self.folder.path());
        command.env_remove("ANDON_URL").env_remove("ANDON_TOKEN").env_remove("ANDON_CONFIG");
        if let Some(secret) = self.who.borrow().as_ref().and_then(|who| self.secrets.borrow().get(who).cloned()) {
            command.env("ANDON_URL", self.url()).env("ANDON_TOKEN", secret);
        }
        command.output().unwrap()
    }

    /// From now on another person asks, over loopback with a token; `None` is the one on the socket.
    pub fn by(&self, who: Option<&str>) -> &Self {
        *self.who.borrow_mut() = None;
        if let Some(who) = who {
            if !self.secrets.borrow().contains_key(who) {
                let made = self.json(&["token", "make", who, "--role", "operator"]);
                self.secrets.borrow_mut().insert(who.to_owned(), made["secret"].as_str().unwrap().to_owned());
            }
            *self.who.borrow_mut() = Some(who.to_owned());
        }
        self
    }

    /// The backend's loopback address.
    pub fn url(&self) -> String {
        let lock = std::fs::read_to_string(self.folder.path().join("data/backend.lock")).unwrap();
        let lock: Value = serde_json::from_str(&lock).unwrap();
        format!("http://{}", lock["tcp"][0].as_str().unwrap())
    }

    /// Reports actions, a line each, as agents do.
    #[track_caller]
    pub fn reports(&self, lines: &[String]) {
        let url = format!("{}/v1/actions", self.url());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for batch in lines.chunks(100) {
            let post = crate::rig::http().build().unwrap().post(&url);
            let post = post.header("content-type", "application/x-ndjson").body(batch.join("\n"));
            let answer = runtime.block_on(async { post.send().await.unwrap().text().await.unwrap() });
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer["accepted"], batch.len(), "{answer}");
        }
    }

    /// Runs a command that must be done; its text.
    #[track_caller]
    pub fn done(&self, args: &[&str]) -> String {
        let output = self.andon(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "andon {args:?}: {out}{err}");
        out
    }

    /// Runs a command with `--json`; its answer.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.push("--json");
        let out = self.done(&all);
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("andon {all:?}: {why}: {out}"))
    }

    /// Runs a command that must be refused with `code`; its reason.
    #[track_caller]
    pub fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.andon(args);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "andon {args:?}: {}{err}", text(&output.stdout));
        assert!(!err.trim().is_empty(), "andon {args:?} says nothing");
        err
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.by(None).andon(&["serve", "--stop", "--force"]);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// SEV.1, SEV.5, CON.2, RBK.2, RBK.8, COM.1, COM.5, TEAM.1, TEAM.8, PM.1: from nothing to the post-mortem, by commands alone.
#[test]
fn an_incident_lives_from_the_first_command_to_its_post_mortem() {
    let desk = Desk::new();
    let agents = desk.file(
        "agents.toml",
        "[[agent]]\nid = \"refund-bot\"\nowner = \"payments\"\nworkflow = \"refunds\"\ninventory = [\"stripe.refund\"]\n",
    );
    desk.done(&["agents", "declare", &agents]);
    assert_eq!(desk.json(&["agents", "list"])[0]["id"], "refund-bot");

    let incident = desk.json(&["declare", "refunds paid twice", "--severity", "sev-3", "--workflow", "refunds"]);
    assert_eq!((&incident["id"], &incident["severity"]), (&"INC-1".into(), &"SEV-3".into()));
    desk.done(&["severity", "INC-1", "SEV-2", "--why", "customers see it"]);
    desk.done(&["assign", "inc-1", "commander", "dana"]);
    desk.done(&["harm", "1"]);
    desk.done(&["note", "1", "the payout run of \u{1b}[31m14:00 looks doubled"]);

    let switch = desk.json(&["halt", "--agent", "refund-bot", "--why", "pays twice"]);
    assert_eq!(
        (&switch["id"], &switch["incident"], &switch["mode"]),
        (&"SW-1".into(), &"INC-1".into(), &"halt".into())
    );
    assert!(desk.refused(1, &["resolve", "1"]).contains("SW-1"), "an engaged switch keeps it open");
    desk.done(&["contained", "1", "--why", "its process is gone, seen on the host"]);

    desk.done(&["rollback", "open", "1", "external-api-call", "payouts of 20 Nov"]);
    assert!(
        desk.refused(1, &["verify", "1", "RB-1", "--evidence", "read"]).contains("list-calls"),
        "open steps are named"
    );
    let why = desk.refused(1, &["check", "1", "reverse"]);
    assert!(why.contains("andon evidence freeze INC-1"), "what changes the state waits for the freeze: {why}");
    desk.done(&["evidence", "freeze", "1"]);
    for step in ["list-calls", "freeze-schedule", "reverse", "tell-counterparties"] {
        desk.done(&["check", "1", step]);
    }
    desk.done(&["uncheck", "1", "reverse"]);
    desk.done(&["check", "1", "RB-1/reverse"]);
    desk.done(&["impossible", "1", "book-reserve", "--substitute", "finance covers it from the quarter"]);
    desk.done(&["rollback", "sign", "1", "RB-1", "finance", "--note", "the sum agrees with the ledger"]);
    desk.done(&["verify", "1", "external-api-call", "--evidence", "41 refunds read back, sum 4 920.00 EUR"]);
    assert_eq!(desk.json(&["show", "1"])["status"], "monitoring");

    desk.done(&["draft", "new", "1", "customer"]);
    let findings = desk.json(&["draft", "lint", "1"]);
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["field"] == "body"), "{findings}");
    desk.done(&["draft", "edit", "1", "--set", "body=Some refunds were paid twice.", "--set", "impact=41 refunds"]);
    desk.done(&["draft", "send", "1", "--channel", "mail", "--to", "41 customers"]);
    assert!(desk.done(&["draft", "show", "1"]).contains("Some refunds were paid twice."));

    let release = desk.refused(1, &["release", "SW-1", "--why", "root cause known"]);
    assert!(release.contains("two restart"), "one person does not restart a SEV-2 alone (RST.4): {release}");
    desk.done(&["severity", "1", "SEV-3", "--why", "money is back"]);
    // RST.1, RST.4: over open conditions only the severity owner, and what was once a SEV-2 asks for a second person.
    let over = ["release", "SW-1", "--why", "the guard is in place", "--override", "its process is gone for good"];
    assert!(desk.refused(1, &over).contains("severity owner"));
    desk.done(&["assign", "1", "severity-owner", "kim"]);
    assert!(desk.by(Some("kim")).refused(1, &over).contains("--second"));
    desk.by(None).done(&["restart", "1", "--second", "--why", "seen on the host"]);
    desk.by(Some("kim")).done(&over);
    desk.by(None);
    desk.done(&["resolve", "1", "--note", "refunds are idempotent now"]);
    desk.done(&["close", "1"]);

    let log = desk.done(&["log", "1"]);
    assert!(log.contains("␛[31m14:00") && !log.contains('\u{1b}'), "what was written is shown, not obeyed: {log}");
    let postmortem = desk.done(&["postmortem", "1"]);
    for part in ["refunds paid twice", "Some refunds were paid twice", "not recorded", "payouts of 20 Nov"] {
        assert!(postmortem.contains(part), "{part} is missing from\n{postmortem}");
    }
    assert_eq!(desk.json(&["postmortem", "1", "--format", "json"])["incident"]["id"], "INC-1");
    assert_eq!(desk.json(&["audit", "verify"])["ok"], true);
    assert_eq!(desk.json(&["incidents"]).as_array().unwrap().len(), 0);
    assert_eq!(desk.json(&["incidents", "--all"]).as_array().unwrap().len(), 1);
}

/// Bad input: each gets a reason that says what to do, and its exit code.
#[test]
fn wrong_input_is_refused_with_words_that_help() {
    let desk = Desk::new();
    desk.done(&["declare", "something"]);
    desk.done(&["rollback", "open", "1", "document", "the page"]);
    for (code, args, word) in [
        (1, &["show", "INC-9"][..], "andon incidents"),
        (2, &["show", "SW-9"], "INC-7"),
        (2, &["declare"], "--firing"),
        (1, &["declare", " "], "title"),
        (1, &["declare", "x", "--severity", "SEV-9"], "SEV-1"),
        (1, &["declare", "x", "--scheme", "sev5"], "critical4"),
        (1, &["severity", "1", "SEV-7", "--why", "x"], "SEV-4"),
        (1, &["assign", "1", "king", "dana"], "commander"),
        (1, &["assign", "1", "commander", "agent:refund-bot"], "person"),
        (1, &["harm", "1", "--at", "2999-01-01T00:00:00Z"], "future"),
        (2, &["harm", "1", "--at", "yesterday"], "2026-11-20T14:05:41.120Z"),
        (1, &["rollback", "open", "1", "databse", "x"], "database-write"),
        (1, &["check", "1", "no-such-step"], "RB-1/unpublish"),
        (1, &["check", "1", "read-back"], "verify"),
        (1, &["draft", "new", "1", "aliens"], "customer"),
        (1, &["draft", "show", "1"], "draft new"),
        (1, &["release", "SW-3", "--why", "x"], "andon switches"),
        (2, &["release", "SW-3"], "--why"),
        (1, &["ack", "TW-3"], "andon firings"),
        (2, &["halt", "--mode", "pause"], "read-only"),
        (2, &["halt", "--expires", "soon"], "30m"),
        (2, &["halt", "--all", "--agent", "a"], "--agent"),
        (1, &["agents", "declare", "/nonexistent.json"], "nonexistent"),
        (1, &["show", "1", "--world", "DRILL-4"], "drill"),
        (2, &["hatl"], "no such command"),
    ] {
        let said = desk.refused(code, args);
        assert!(said.contains(word), "andon {args:?} should name {word:?}: {said}");
    }
    let bad = desk.file("agents.json", "[{\"id\": \"a\", \"inventory\": 3}]");
    assert!(desk.refused(1, &["agents", "declare", &bad]).contains("agents.json"));
}

/// A broken configuration blocks nothing, and is named with its line.
#[test]
fn a_broken_configuration_blocks_nothing() {
    let desk = Desk::new();
    std::fs::create_dir(desk.folder.path().join("config")).unwrap();
    desk.file("config/config.toml", "thme = \"dark\"\n");
    assert!(desk.refused(1, &["config", "check"]).contains("line 1"));
    assert!(desk.done(&["config", "path"]).trim().ends_with("config/config.toml"));
    desk.done(&["config", "show"]);
    desk.done(&["status"]);
}

/// CKP.4: without a terminal the cockpit says what works instead.
#[test]
fn without_a_terminal_the_cockpit_offers_status() {
    let desk = Desk::new();
    assert!(desk.refused(1, &[]).contains("andon status"));
    assert_eq!(desk.done(&["status", "--line"]).trim(), "andon: off");
    assert!(!Path::new(&desk.folder.path().join("data/andon.db")).exists(), "asking for the line starts nothing");
}

/// A reader that goes away before the end (`| head`) ends a command quietly.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for args in [&["completions", "bash"][..], &["tripwires", "list"], &["config", "show"]] {
        let desk = Desk::new();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        let output = command.args(args).env("ANDON_HOME", desk.folder.path()).stdout(writer).output().unwrap();
        assert!(output.status.success(), "andon {args:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "andon {args:?}");
    }
}

/// A home that cannot be written is said in words, with what to do.
#[test]
fn a_read_only_home_is_named() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_andon")).arg("status").env("ANDON_HOME", "/proc/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("ANDON_HOME"), "{}", text(&output.stderr));
}

/// DET.8, protocol 2: the same actions in the same order fire the same, live or from a file.
#[test]
fn a_file_fires_as_the_live_engine_did() {
    let desk = Desk::new();
    let agents = desk.file(
        "agents.json",
        r#"[{"id": "refund-bot", "inventory": ["stripe.refund", "mail.send"]}, {"id": "quiet-bot", "inventory": ["crm.read"]}]"#,
    );
    let mut lines = Vec::new();
    let mut act = |minute: u32, rest: &str| {
        let (day, hour, minute) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
        lines.push(format!(r#"{{"at": "2026-03-{day:02}T{hour:02}:{minute:02}:00.000Z", {rest}}}"#));
    };
    for minute in (0..30 * 60).step_by(5) {
        act(
            minute,
            r#""agent": "refund-bot", "tool": "stripe.refund", "endpoint": "POST api.stripe.com/v1/refunds", "cost_usd": 0.1"#,
        );
        act(minute, r#""agent": "quiet-bot", "tool": "crm.read", "cost_usd": 0.01"#);
    }
    for minute in 1800..1830 {
        act(minute, r#""agent": "refund-bot", "tool": "stripe.refund", "cost_usd": 0.5"#);
    }
    act(1830, r#""agent": "refund-bot", "tool": "Stripe.Payout""#);
    act(1831, r#""agent": "refund-bot", "endpoint": "POST bank.example/v1/transfers/77""#);
    act(1700, r#""agent": "refund-bot", "tool": "late.tool""#);
    act(
        1832,
        r#""agent": "refund-bot", "tool": "mail.send", "artefact": {"kind": "email", "visible_to": "customer", "review": {"seconds": 4}}"#,
    );
    act(1833, r#""agent": "nobody-declared-me", "tool": "x""#);
    act(1960, r#""agent": "refund-bot", "tool": "stripe.payout""#);
    act(1961, r#""agent": "refund-bot", "tool": "stripe.refund", "status": "denied", "cost_usd": 500"#);
    let file = desk.file("actions.ndjson", &lines.join("\n"));

    let tested = desk.json(&["tripwires", "test", &file, "--agents", &agents]);
    assert_eq!(tested["actions"], lines.len());
    desk.done(&["agents", "declare", &agents]);
    desk.reports(&lines);
    let summary = |firings: &Value| {
        let mut all: Vec<String> = firings
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {} {} {}", one["at"], one["agent"], one["tripwire"], one["detail"]))
            .collect();
        all.sort();
        all
    };
    let live = summary(&desk.json(&["firings", "--all"]));
    assert_eq!(live, summary(&tested["firings"]));
    for word in ["cost-rate", "action-rate", "outcome", "authorisation", "late.tool", "undeclared agent"] {
        assert!(live.iter().any(|line| line.contains(word)), "{word} is not among {live:#?}");
    }
}

/// The manual and the completions come from the one table of commands.
#[test]
fn manual_and_completions_are_printed() {
    let desk = Desk::new();
    assert!(desk.done(&["man"]).contains(".TH"));
    assert!(desk.done(&["man", "halt"]).contains("harm"));
    assert!(desk.refused(1, &["man", "hatl"]).contains("--help"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(desk.done(&["completions", shell]).contains("andon"), "{shell}");
    }
}

/// TEAM.6: one socket for a group of a host; whoever is in it finds it without being told, and is named by their login.
#[test]
fn a_whole_hosts_backend_is_found_by_its_socket() {
    let desk = Desk::new();
    let socket = desk.folder.path().join("run/andon.sock");
    let andon = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.args(args).env("ANDON_HOME", desk.folder.path()).env("ANDON_SYSTEM_SOCKET", &socket);
        command.env_remove("ANDON_URL").env_remove("ANDON_TOKEN");
        command
    };
    let wrong = andon(&["serve", "--system", "--group", "no-such-group-here"]).output().unwrap();
    assert!(text(&wrong.stderr).contains("groupadd"), "{}", text(&wrong.stderr));
    let group = rustix::process::getgid().as_raw();
    let group = uzers::get_group_by_gid(group).unwrap().name().to_string_lossy().into_owned();
    let mut serving = andon(&["serve", "--system", "--group", &group, "--listen", "127.0.0.1:0"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(began.elapsed().as_secs() < 10, "the socket never answers");
        std::thread::yield_now();
    }
    let declared = andon(&["declare", "seen by all", "--json"]).output().unwrap();
    let declared: Value = serde_json::from_slice(&declared.stdout).unwrap();
    assert_eq!(declared["id"], "INC-1");
    let doctor = text(&andon(&["doctor"]).output().unwrap().stdout);
    assert!(doctor.contains("(shared)"), "{doctor}");
    serving.kill().unwrap();
    serving.wait().unwrap();
}
