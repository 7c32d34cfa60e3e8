//! The network is cut, and people go on writing: what only adds is kept, sent once and in order when the network is back; what
//! was refused is shown with who did what meanwhile (law 6, protocol 6, CKP.2).

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{
    cockpit::Seat,
    rig::{Rig, Wire, rig, until, wire},
};

/// A person elsewhere, on a wire that can be cut.
struct Away {
    rig: Rig,
    wire: Wire,
    home: tempfile::TempDir,
}

impl Away {
    async fn new() -> Self {
        let rig = rig().await;
        let wire = wire(&rig.running.info.tcp[0]).await;
        let secret = rig.token("kim", "operator", None).await;
        let home = tempfile::tempdir().unwrap();
        let token = home.path().join("token");
        std::fs::write(&token, secret).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::create_dir_all(home.path().join("config")).unwrap();
        let config = format!("url = {:?}\ntoken_file = {:?}\n", wire.base(), token.display().to_string());
        std::fs::write(home.path().join("config/config.toml"), config).unwrap();
        Self { rig, wire, home }
    }

    fn cut(&self) {
        self.wire.lead_to("127.0.0.1:1");
        self.wire.cut();
    }

    fn mend(&self) {
        self.wire.lead_to(&self.rig.running.info.tcp[0]);
    }

    fn andon(&self, args: &[&str]) -> Output {
        andon(self.home.path(), args)
    }

    async fn notes(&self) -> Vec<Value> {
        let incident = self.rig.get("/v1/incidents/INC-1").await.body;
        let lines = incident["timeline"].as_array().unwrap().iter();
        lines.filter(|line| line["kind"] == "note-added").cloned().collect()
    }
}

fn andon(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    command.args(args).env("ANDON_HOME", home);
    command.env_remove("ANDON_URL").env_remove("ANDON_TOKEN").env_remove("ANDON_CONFIG").output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// By command: kept with its time, sent in order before the next command, done once; a halt that waits says loudly that nothing
/// is halted; what must not wait is refused.
#[tokio::test(flavor = "multi_thread")]
async fn commands_wait_for_the_network_and_are_done_once() {
    let away = Away::new().await;
    away.rig.command("/v1/incidents", json!({"title": "refunds paid twice", "severity": "SEV-3"})).await.good();
    away.cut();
    for text in ["first, in the dark", "second, in the dark"] {
        let kept = away.andon(&["note", "1", text]);
        assert!(
            !kept.status.success() && err(&kept).contains("kept") && err(&kept).contains("it waits"),
            "{}",
            err(&kept)
        );
    }
    let halt = away.andon(&["halt", "--agent", "refund-bot"]);
    assert!(err(&halt).contains("NOTHING IS HALTED YET"), "{}", err(&halt));
    let severity = away.andon(&["severity", "1", "SEV-1", "--why", "worse"]);
    assert!(err(&severity).contains("nothing was done"), "{}", err(&severity));
    let listed: Value = serde_json::from_slice(&away.andon(&["outbox", "--json"]).stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    assert!(away.notes().await.is_empty());
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;

    away.mend();
    let next = away.andon(&["note", "1", "third, in the light"]);
    assert!(next.status.success() && err(&next).contains("sent: INC-1 note: first"), "{}", err(&next));
    let notes = away.notes().await;
    let texts: Vec<&str> = notes.iter().map(|note| note["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["first, in the dark", "second, in the dark", "third, in the light"]);
    assert_eq!(notes[0]["by"], "kim");
    let times = |note: &Value, key: &str| note[key].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let waited = times(&notes[0], "recorded_at") - times(&notes[0], "at");
    assert!(waited.num_milliseconds() >= 1_000, "it happened when it was written: {waited}");
    let switches = away.rig.get("/v1/switches").await.body;
    assert_eq!(switches.as_array().unwrap().len(), 1, "the halt was fired once");
    let listed: Value = serde_json::from_slice(&away.andon(&["outbox", "--json"]).stdout).unwrap();
    assert_eq!(listed, json!([]));
}

/// CKP.2, in a real terminal: cut off, the cockpit says so with its age and how much waits; a note and a tick go when it is back;
/// one that others made impossible is shown with who did what.
#[tokio::test(flavor = "multi_thread")]
async fn a_cockpit_that_was_cut_off_sends_what_waited() {
    let away = Away::new().await;
    away.rig.command("/v1/incidents", json!({"title": "refunds paid twice", "severity": "SEV-3"})).await.good();
    let mut seat = Seat::open(away.home.path(), 120, 34, &[]);
    seat.sees("INC-1");
    seat.sees("● live");
    away.cut();
    seat.sees("offline");
    for (text, waiting) in [("seen from the train", "1 wait"), ("and once more", "2 wait")] {
        seat.types("n");
        seat.sees("Note");
        seat.types(&format!("{text}\r"));
        seat.sees(waiting);
    }
    // Meanwhile somebody merges the incident away, so that a note on it is refused.
    away.rig.command("/v1/incidents", json!({"title": "the same, elsewhere", "severity": "SEV-3"})).await.good();
    away.mend();
    until("both notes are there", || async { away.notes().await.len() == 2 }).await;
    seat.sees("● live");
    seat.sees("seen from the train");

    away.cut();
    seat.sees("offline");
    seat.types("n");
    seat.sees("Note");
    seat.types("too late\r");
    seat.sees("1 wait");
    let merge = json!({"type": "merge", "into": "INC-2"});
    away.rig.command("/v1/incidents/INC-1/commands", merge).await.good();
    away.mend();
    seat.sees("refused on return");
    seat.until("who did what meanwhile", |text| text.contains("was merged into"));
    assert_eq!(away.notes().await.len(), 2);
}
