//! The trace and the bundle as a responder and a stranger meet them: read, exported, checked offline (EVI.4, EVI.6).

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::Desk;

/// What one run did: it read a page, asked a model, and paid twice.
fn run(run: &str) -> Vec<String> {
    let act = |rest: Value| {
        let mut action = json!({"agent": "refund-bot", "run": run, "workflow": "refunds"});
        action.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        action.to_string()
    };
    vec![
        act(
            json!({"tool": "kb.search", "input": {"q": "refund policy"}, "detail": {"sources": [{"uri": "kb://refunds-v2"}]}}),
        ),
        act(json!({"endpoint": "chat openai/gpt-4o", "model": "gpt-4o", "cost_usd": 0.02,
                   "input": [{"role": "user", "content": "pay order 7 \u{1b}[31m"}], "output": "paying"})),
        act(json!({"tool": "stripe.payout", "class": "external-api-call", "counterparty": "acct-9",
                   "amount": {"value": 120.0, "currency": "usd"}, "input": {"to": "acct-9"}, "output": {"id": "po_1"}})),
        act(json!({"tool": "stripe.payout", "class": "external-api-call", "counterparty": "acct-9",
                   "amount": {"value": 120.0, "currency": "usd"}, "input": {"to": "acct-9"}, "output": {"id": "po_2"}})),
    ]
}

/// An incident with pinned telemetry, a blob that holds a secret, and a finished freeze.
fn worked() -> Desk {
    let desk = Desk::new();
    desk.done(&["declare", "paid twice", "--severity", "SEV-2", "--agent", "refund-bot"]);
    desk.reports(&run("run-81"));
    desk.done(&["evidence", "freeze", "INC-1"]);
    let log = desk.file("app.log", "payout ran twice\napi_key: kkkkkkkkkkkkkkkkkkkkkkkk\n");
    desk.done(&["evidence", "add", "INC-1", "user-report", "--file", &log]);
    desk
}

/// EVI.6: the path from input to consequence reads as a tree, and an agent's text reaches no terminal raw.
#[test]
fn a_trace_reads_from_input_to_consequence() {
    let desk = worked();
    let text = desk.done(&["evidence", "trace", "INC-1", "--width", "100"]);
    for part in ["run-81", "kb.search", "stripe.payout", "acct-9", "0.02"] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let narrow = desk.done(&["evidence", "trace", "INC-1", "--run", "run-81", "--width", "40"]);
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
    let nothing = desk.done(&["evidence", "trace", "INC-1", "--run", "run-82"]);
    assert!(!nothing.contains("stripe.payout"), "{nothing}");
    assert!(desk.refused(1, &["evidence", "trace", "INC-9"]).contains("INC-9"));
}

/// Checks `bytes` as a bundle, without any backend.
fn check(desk: &Desk, name: &str, bytes: &[u8]) -> std::process::Output {
    let path = desk.folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["evidence", "verify", path.to_str().unwrap()])
        .env("ANDON_HOME", desk.folder.path().join("nowhere"))
        .output()
        .unwrap();
    assert!(!desk.folder.path().join("nowhere/data").exists(), "checking starts no backend");
    output
}

/// EVI.4: one file holds events, telemetry and blobs, secrets sealed in it as they are; it is private, checks offline,
/// and names the first broken link when a byte is changed or the end is cut off.
#[test]
fn a_bundle_checks_offline_and_names_what_was_changed() {
    let desk = worked();
    let out = desk.folder.path().join("inc-1.tar.zst");
    let made = desk.json(&["evidence", "export", "INC-1", "--out", out.to_str().unwrap()]);
    assert_eq!((&made["ok"], &made["actions"], &made["blobs"]), (&json!(true), &json!(4), &json!(1)), "{made}");
    assert_eq!(mode(&out), 0o600);
    let again = desk.refused(1, &["evidence", "export", "INC-1", "--out", out.to_str().unwrap()]);
    assert!(again.contains("already"), "{again}");

    let whole = std::fs::read(&out).unwrap();
    let good = check(&desk, "copy.tar.zst", &whole);
    assert!(good.status.success(), "{good:?}");
    assert!(String::from_utf8_lossy(&good.stdout).contains("holds: "), "{good:?}");
    let mut at = 5;
    while at < whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let bad = check(&desk, "bad.tar.zst", &bytes);
        assert_eq!(bad.status.code(), Some(1), "byte {at} of {}", whole.len());
        assert!(String::from_utf8_lossy(&bad.stderr).contains("it does not hold: "), "byte {at}: {bad:?}");
        at += whole.len() / 12;
    }
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        let short = check(&desk, "short.tar.zst", &whole[..cut]);
        assert_eq!(short.status.code(), Some(1), "cut at {cut}");
        assert!(!short.stderr.is_empty(), "cut at {cut}");
    }

    // What was noted elsewhere tells one whole bundle from another.
    let noted = made["manifest_sha256"].as_str().unwrap().to_owned();
    desk.done(&["evidence", "verify", out.to_str().unwrap(), "--manifest", &noted]);
    let other = "0".repeat(64);
    let why = desk.refused(1, &["evidence", "verify", out.to_str().unwrap(), "--manifest", &other]);
    assert!(why.contains("another bundle"), "{why}");
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// EVI.4: who only watches takes no bundle: it holds secrets as they are.
#[test]
fn a_viewer_takes_no_bundle() {
    let desk = worked();
    let made = desk.json(&["token", "make", "wall", "--role", "viewer"]);
    let url = format!("{}/v1/incidents/INC-1/bundle", desk.url());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ask = crate::rig::http().build().unwrap().get(url).bearer_auth(made["secret"].as_str().unwrap());
    let status = runtime.block_on(async { ask.send().await.unwrap().status() });
    assert_eq!(status, reqwest::StatusCode::FORBIDDEN);
}
