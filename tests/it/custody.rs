//! A log whole from one place to another, exported, imported, backed up while it serves; checkpoints that OpenSSH verifies
//! (TEAM.7, EVI.4).

use std::process::Command;

use serde_json::{Value, json};

use crate::{cli::Desk, database::database};

/// A desk with something in its log.
fn worked() -> Desk {
    let desk = Desk::new();
    desk.done(&["declare", "refunds paid twice", "--severity", "SEV-3"]);
    for n in 0..20 {
        desk.done(&["note", "1", &format!("note {n}")]);
    }
    desk.file("proof.txt", "what the provider said");
    desk
}

fn show(desk: &Desk) -> Value {
    let mut shown = desk.json(&["show", "1"]);
    shown["clocks"] = json!(null);
    shown["reminders"] = json!(null);
    shown
}

/// TEAM.7: out as JSON Lines and into an empty place, every event and every command's memory; a line changed, cut or doubled
/// is named, and nothing is mixed with what is there.
#[test]
fn an_export_is_imported_whole_or_not_at_all() {
    let desk = worked();
    let file = desk.folder.path().join("all.jsonl").display().to_string();
    let out = desk.json(&["export", "--out", &file]);
    assert!(out["events"].as_u64().unwrap() > 20, "{out}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "JSON Lines");

    let other = Desk::new();
    let imported = other.json(&["import", &file]);
    assert_eq!((&imported["events"], &imported["digest"]), (&out["events"], &out["digest"]));
    assert_eq!(show(&other), show(&desk));
    assert_eq!(imported["epoch"], 2, "readers come anew");
    assert!(other.refused(1, &["import", &file]).contains("serves this folder"));
    other.done(&["serve", "--stop", "--force"]);
    assert!(other.refused(1, &["import", &file]).contains("there is a log already"));

    let lines: Vec<&str> = text.lines().collect();
    let note = lines.iter().position(|line| line.contains("note 7")).unwrap();
    let broken = |name: &str, text: String, says: &str| {
        let third = Desk::new();
        let file = third.file(name, &text);
        let why = third.refused(1, &["import", &file]);
        assert!(why.contains(says), "{name}: {says:?} is not in {why}");
    };
    broken("changed", text.replace("note 7", "note 8"), "its data was changed");
    broken("missing", [&lines[..note], &lines[note + 1..]].concat().join("\n") + "\n", "missing");
    broken("cut", lines[..note].join("\n") + "\n", "cut short");
    broken("torn", text[..text.len() - 3].to_owned(), "cut short");
    broken("doubled", [&lines[..=note], &lines[note..]].concat().join("\n") + "\n", "chain is broken");
    broken("junk", "\u{1b}[2J{}\n".to_owned(), "does not read");
}

/// Law 2, TEAM.7: to Postgres and back, every hash the same; a command asked before is answered as it was.
#[test]
fn a_log_moves_to_postgres_and_back() {
    let desk = worked();
    let before = show(&desk);
    desk.done(&["serve", "--stop", "--force"]);
    let (own, url) = (desk.folder.path().join("data/andon.db").display().to_string(), database());
    let out = desk.json(&["store", "copy", &own, &url]);
    assert_eq!(desk.json(&["audit", "verify", &url])["events"], out["events"]);
    assert!(desk.refused(1, &["store", "copy", &own, &url]).contains("there is a log already"));
    let back = desk.folder.path().join("back.db").display().to_string();
    let returned = desk.json(&["store", "copy", &url, &back]);
    for same in ["events", "commands", "digest"] {
        assert_eq!(returned[same], out[same]);
    }
    assert_eq!(returned["epoch"], 3);
    let third = Desk::new();
    std::fs::create_dir_all(third.folder.path().join("data")).unwrap();
    std::fs::copy(&back, third.folder.path().join("data/andon.db")).unwrap();
    assert_eq!(show(&third), before);
}

/// Backed up while it serves and is written to; restored, it is the same log with a new life, evidence and telemetry too; a
/// byte changed in any file and nothing is restored.
#[test]
fn a_backup_while_it_serves_is_restored_whole() {
    let desk = worked();
    let proof = desk.folder.path().join("proof.txt").display().to_string();
    desk.done(&["evidence", "add", "1", "user-report", "--file", &proof]);
    desk.reports(&[format!(
        r#"{{"agent":"refund-bot","tool":"look","class":"read","run":"r1","at":"{}"}}"#,
        chrono::Utc::now().to_rfc3339()
    )]);
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let folder = desk.folder.path().join("backup").display().to_string();
    let made = desk.json(&["backup", &folder]);
    assert!(made["files"].as_object().unwrap().len() >= 3, "{made}");
    desk.done(&["note", "1", "after the backup"]);
    let other = Desk::new();
    other.json(&["restore", &folder]);
    assert_eq!(other.json(&["audit", "verify"])["events"], made["log"]["events"]);
    let agents = other.json(&["agents", "list"]);
    assert!(agents.to_string().contains("refund-bot"), "telemetry came along: {agents}");
    let timeline = other.done(&["log", "1"]);
    assert!(timeline.contains("note 19") && !timeline.contains("after the backup"), "{timeline}");
    other.done(&["serve", "--stop", "--force"]);
    assert!(other.refused(1, &["restore", &folder]).contains("is there already"));
    let blobs = walk(std::path::Path::new(&folder).join("blobs"));
    std::fs::write(&blobs[0], "something else").unwrap();
    let third = Desk::new();
    assert!(third.refused(1, &["restore", &folder]).contains("is not what was backed up"));
    assert!(!third.folder.path().join("data/andon.db").exists(), "nothing was restored");
}

fn walk(folder: std::path::PathBuf) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(path) } else { vec![path] }).collect()
}

/// EVI.4: a checkpoint is signed by an operator's key, and real `ssh-keygen -Y verify` says so; the log that goes on still holds
/// it, one whose end was cut does not, nor does another one.
#[test]
fn a_checkpoint_is_signed_and_verified_by_openssh() {
    let desk = worked();
    let at = desk.folder.path();
    let run = |program: &str, args: &[&str]| {
        let out = Command::new(program).args(args).current_dir(at).output().unwrap();
        assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "dana"]);
    let said = run("ssh-agent", &["-s", "-a", "agent.sock"]);
    let agent = said.split("SSH_AGENT_PID=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let socket = at.join("agent.sock").display().to_string();
    let added =
        Command::new("ssh-add").args(["-q", "dana"]).current_dir(at).env("SSH_AUTH_SOCK", &socket).output().unwrap();
    assert!(added.status.success());
    let file = at.join("checkpoint").display().to_string();
    let made = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["audit", "checkpoint", &file])
        .envs([("ANDON_HOME", at.display().to_string()), ("SSH_AUTH_SOCK", socket)])
        .output()
        .unwrap();
    run("kill", &[&agent]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let public = std::fs::read_to_string(at.join("dana.pub")).unwrap();
    std::fs::write(at.join("allowed_signers"), format!("dana {public}")).unwrap();
    let check = |text: &str| {
        let script = "ssh-keygen -Y verify -f allowed_signers -I dana -n checkpoint@andon.dev -s checkpoint.sig";
        std::fs::write(at.join("read"), text).unwrap();
        Command::new("sh").args(["-c", &format!("{script} < read")]).current_dir(at).output().unwrap().status.success()
    };
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(check(&text) && !check(&text.replace("position", "Position")), "OpenSSH says whose word it is");

    desk.done(&["note", "1", "it goes on"]);
    assert!(desk.json(&["audit", "verify", "--checkpoint", &file])["checkpoint"].is_u64());
    let other = worked();
    assert!(other.refused(1, &["audit", "verify", "--checkpoint", &file]).contains("roots differ"));
    let shorter = Desk::new();
    shorter.done(&["declare", "another"]);
    assert!(shorter.refused(1, &["audit", "verify", "--checkpoint", &file]).contains("end is missing"));
    std::fs::write(&file, format!("{text}forged\n")).unwrap();
    assert!(desk.refused(1, &["audit", "verify", "--checkpoint", &file]).contains("no checkpoint"));
}

/// Runs SQL over a desk's log, which nobody serves meanwhile.
fn over_the_log(desk: &Desk, sql: &'static str) {
    use sqlx::Connection;
    let file = desk.folder.path().join("data/andon.db");
    assert!(file.is_file(), "{}", file.display());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let url = format!("sqlite://{}", file.display());
        let mut log = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut log).await.unwrap();
        log.close().await.unwrap();
    });
}

/// TEAM.7: the log of an older version is brought up to date as it is opened, and says what it said; one of a newer version is
/// refused, with what to do, and nothing of it is touched.
#[test]
fn an_older_log_is_migrated_and_a_newer_one_is_left_alone() {
    let desk = worked();
    let before = show(&desk);
    desk.done(&["serve", "--stop", "--force"]);
    over_the_log(&desk, "DROP VIEW appends; DROP TABLE aside; DELETE FROM _sqlx_migrations WHERE version > 1");
    assert_eq!(show(&desk), before);
    desk.done(&["note", "1", "written after"]);
    desk.done(&["audit", "verify"]);
    desk.done(&["serve", "--stop", "--force"]);

    over_the_log(
        &desk,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'of tomorrow', 1, x'00', 0)",
    );
    let file = desk.folder.path().join("data/andon.db");
    let untouched = std::fs::read(&file).unwrap();
    let why = desk.refused(1, &["audit", "verify"]);
    assert!(why.contains("newer andon") && why.contains("99") && why.contains("nothing was touched"), "{why}");
    assert_eq!(std::fs::read(&file).unwrap(), untouched);
}
