//! What a drill came to, by command and as a page; drills beside real figures (DRL.3).

use serde_json::{Value, json};

use crate::cli::Desk;

/// Three letters, a second apart in the drill; two of them do harm. Everybody knew after twenty minutes.
const LETTERS: &str = r#"{"andon_recording":1,"title":"Letters <b>nobody</b> asked for","starts":"2026-03-02T14:00:00Z","speed":1000,"targets":{"update_s":5,"halt_s":20},"agents":[{"id":"letter-bot","owner":"dana","workflow":"letters","inventory":[{"tool":"mail.send","class":"customer-communication"}]}]}
{"agent":"letter-bot","tool":"mail.send","at":"2026-03-02T14:05:00Z","artefact":{"kind":"email","visible_to":"customer"},"harm":{"people":3,"messages":3}}
{"mark":"report","at":"2026-03-02T14:20:00Z","text":"A customer writes"}
{"agent":"letter-bot","tool":"mail.send","at":"2026-03-02T18:00:00Z","artefact":{"kind":"email","visible_to":"customer"},"harm":{"people":1}}
{"agent":"letter-bot","tool":"mail.read","class":"read","at":"2026-03-02T18:00:01Z"}"#;

fn over(desk: &Desk, drill: &str) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while desk.json(&["drill", "score", drill])["over"] != true {
        assert!(std::time::Instant::now() < end, "it never ends");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// DRL.3: steps are held against the recording's targets and the mission's, by role; what was missed has a name; minutes are
/// gained against the historical course; the page carries the mark; a history shows two drills, and real figures count none.
#[test]
fn a_score_says_who_was_late_and_what_was_gained() {
    let desk = Desk::new();
    let file = desk.file("letters.jsonl", LETTERS);
    desk.done(&["drill", "run", &file]);
    let within = |args: &[&str]| desk.done(&[&["--world", "DRILL-1"], args].concat());
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while desk.json(&["--world", "DRILL-1", "incidents"]).as_array().unwrap().is_empty() {
        assert!(std::time::Instant::now() < end, "no tripwire opens an incident");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    within(&["confirm", "INC-1"]);
    within(&["assign", "INC-1", "commander", "dana"]);
    within(&["harm", "INC-1"]);
    within(&["halt", "--all", "--incident", "INC-1", "--why", "it writes to strangers"]);
    within(&["contained", "INC-1", "--why", "its process is gone"]);
    desk.done(&["drill", "skip", "DRILL-1", "--to", "20000"]);
    over(&desk, "DRILL-1");
    desk.done(&["drill", "end", "DRILL-1"]);

    let score = desk.json(&["drill", "score", "DRILL-1"]);
    assert_eq!(score["spared"], 0.0, "messages were all sent: {score}");
    assert_eq!(score["harm"]["prevented"]["people"], 1, "{score}");
    assert_eq!(score["gained_min"], 235.0, "harm ended at 14:05, and went on until 18:00: {score}");
    let step = |name: &str| {
        let steps = score["steps"].as_array().unwrap();
        steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("{name}: {score}")).clone()
    };
    assert_eq!((&step("halt")["target_s"], &step("halt")["target_from"]), (&json!(20.0), &json!("recording")));
    assert_eq!((&step("facts")["target_s"], &step("facts")["target_from"]), (&json!(600.0), &json!("runbook")));
    assert_eq!(step("detection")["result"], "kept", "{score}");
    assert_eq!(step("update")["result"].as_str().map(|result| result != "kept"), Some(true), "{score}");
    let commander = score["roles"].as_array().unwrap().iter().find(|role| role["role"] == "commander").unwrap().clone();
    assert_eq!(commander["held_by"], json!(["dana"]));
    assert!(score["missed"].as_array().unwrap().iter().any(|one| one.as_str().unwrap().contains("INC-1 rollback")));

    let text = desk.done(&["drill", "score", "DRILL-1"]);
    assert!(text.starts_with("DRILL · DRILL-1 is over"), "{text}");
    assert!(text.contains("not done: INC-1 rollback") && text.contains("harm ended 3 h 55 min earlier"), "{text}");
    let page = desk.folder.path().join("score.html").display().to_string();
    desk.done(&["drill", "score", "DRILL-1", "--format", "html", "--out", &page]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.matches("DRILL. This was an exercise").count() == 2, "{page}");
    assert!(page.contains("&lt;b&gt;nobody") && !page.contains("<b>nobody") && !page.contains("://"), "{page}");
    let sheet = desk.done(&["drill", "score", "DRILL-1", "--format", "markdown"]);
    assert!(sheet.contains("# DRILL · Score of DRILL-1") && sheet.contains("| 235.0 | minutes gained |"), "{sheet}");
    assert_eq!(desk.json(&["drill", "score", "DRILL-1", "--format", "html"])["drill"], "DRILL-1", "--json wins");

    desk.done(&["drill", "run", &file]);
    desk.done(&["drill", "skip", "DRILL-2", "--to", "20000"]);
    over(&desk, "DRILL-2");
    let history = desk.done(&["drill", "history"]);
    assert!(history.contains("235.0 min") && history.contains("DRILL-2"), "{history}");
    let all = desk.json(&["drill", "history"]);
    assert_eq!(all[1]["gained_min"], 0.0, "nobody stopped anything: {all}");
    let figures = desk.json(&["figures"]);
    assert_eq!(figures["real"]["incidents"], 0, "no drill is a real figure: {figures}");
    assert_eq!(figures["real"]["kept"], json!({"met": 0, "missed": 0}), "{figures}");
    assert!(figures["drills"]["incidents"].as_u64().unwrap() >= 1, "{figures}");
}

/// DRL.4: readiness says whether a drill is due, which is next, who rehearsed, what drifted; the doctor too; a drill cites what was
/// proved of the real switches, and proves none.
#[test]
fn the_quarterly_check_is_read_by_command() {
    let desk = Desk::new();
    let agents = "[[agent]]\nid = \"letter-bot\"\nowner = \"dana\"\ninventory = [{ tool = \"mail.send\", class = \"customer-communication\" }, \"odd.tool\"]\n";
    let agents = desk.file("agents.toml", agents);
    desk.done(&["agents", "declare", &agents]);
    let line = |what: &str| {
        let lines = desk.json(&["readiness"]);
        let lines = lines.as_array().unwrap().clone();
        lines.into_iter().find(|line| line["code"] == "DRL.4" && line["what"].as_str().unwrap().contains(what)).unwrap()
    };
    assert!(line("quarter")["detail"].as_str().unwrap().contains("none was played to its end yet"));
    assert!(line("procedures")["detail"].as_str().unwrap().contains("letter-bot's odd.tool has no procedure"));
    assert_eq!(line("rolling")["state"], "open");
    assert!(line("rolling")["detail"].as_str().unwrap().contains("nobody rehearsed customer-communication"));
    let file = desk.file("letters.jsonl", LETTERS);
    desk.done(&["drill", "run", &file]);
    desk.done(&["drill", "skip", "DRILL-1", "--to", "20000"]);
    over(&desk, "DRILL-1");
    assert!(line("quarter")["detail"].as_str().unwrap().contains("the last one 0 d ago"));
    assert!(line("kill switch")["detail"].as_str().unwrap().contains("DRILL-1 cites: no switch was proved"));
    let score = desk.json(&["drill", "score", "DRILL-1"]);
    assert!(score["armed"]["can_fire"].is_u64(), "{score}");
    assert!(desk.done(&["drill", "score", "DRILL-1"]).contains("the real switches when it began"));
    let doctor = String::from_utf8(desk.andon(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains("last drill: ") && doctor.contains("the next is due by"), "{doctor}");
    assert!(doctor.contains("DRL.4 procedures match the agents' tools"), "{doctor}");
}

/// DRL.1, protocol 6: played without anybody, the same seed and inputs give the same events, byte for byte, by two processes; and
/// it says what halting then would have saved. No backend is asked.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let desk = Desk::new();
    let run = |file: &str, seed: &str, halt: &str| {
        let file = desk.folder.path().join(file).display().to_string();
        let args =
            ["drill", "run", "refunds-twice", "--headless", "--seed", seed, "--halt-at", halt, "--events", &file];
        (desk.json(&args), std::fs::read(file).unwrap())
    };
    let (one, bytes) = run("one.jsonl", "7", "1800");
    let (again, same) = run("two.jsonl", "7", "1800");
    assert_eq!(one, again);
    assert!(bytes == same && !bytes.is_empty(), "the same bytes");
    let (other, others) = run("three.jsonl", "8", "1800");
    assert!(other["digest"] != one["digest"] && others != bytes);
    let (never, _) = run("four.jsonl", "7", "0");
    let people = |made: &Value| made["harm"]["done"]["people"].as_u64().unwrap_or_default();
    assert!(people(&never) < people(&one), "{never} {one}");
    assert!(one["firings"].as_array().is_some_and(|firings| !firings.is_empty()));
    assert!(desk.done(&["drill", "run", "refunds-twice", "--headless"]).contains("DRILL · refunds-twice"));
    assert!(desk.refused(2, &["drill", "run", "refunds-twice", "--halt-at", "3"]).contains("--headless"));
    assert!(!desk.folder.path().join("data/backend.lock").exists(), "no backend was started");
}

/// DRL.1: a large recording is indexed once; the second time it is opened by its index, sought in and played like any other.
#[test]
fn a_large_recording_is_opened_by_its_index() {
    let desk = Desk::new();
    let padding = "x".repeat(1_000);
    let mut text = String::from("{\"andon_recording\":1,\"title\":\"Large\",\"starts\":\"2026-03-02T14:00:00Z\"}\n");
    for number in 0..9_000 {
        let (minute, second) = (number / 60 % 60, number % 60);
        let harm = if number % 3_000 == 2_999 { ",\"harm\":{\"people\":1}" } else { "" };
        text += &format!(
            "{{\"agent\":\"bot\",\"tool\":\"x\",\"input\":\"{padding}\",\"at\":\"2026-03-02T{}:{minute:02}:{second:02}Z\"{harm}}}\n",
            14 + number / 3_600
        );
    }
    let file = desk.file("large.jsonl", &text);
    for drill in ["DRILL-1", "DRILL-2"] {
        desk.done(&["drill", "run", &file, "--speed", "1000"]);
        desk.done(&["drill", "skip", drill, "--to", "20000"]);
        over(&desk, drill);
        assert_eq!(desk.json(&["drill", "score", drill])["harm"]["done"]["people"], 3);
        let kept = std::fs::read_dir(desk.folder.path().join("data/recordings")).unwrap();
        let kept: Vec<String> = kept.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
        assert!(kept.len() == 1 && kept[0].ends_with(".index"), "{kept:?}");
    }
}
