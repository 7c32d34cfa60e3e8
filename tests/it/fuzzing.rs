//! What is well formed, damaged in every way a loop can think of, before every decoder and every route: refused or taken, never a
//! panic, a hang, or memory without bound. `ANDON_FUZZ_SECONDS=60` gives each decoder that long; libFuzzer drives the same
//! functions by coverage (`fuzz/README.md`).

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use self::targets::DECODERS;
use crate::rig::{Rig, read, rig};

/// How long each decoder is tried in CI.
const SECONDS: f64 = 1.0;
/// How long one input may take on a busy machine; what hangs takes for ever.
const LONGEST: Duration = Duration::from_secs(20);
/// How much more memory one decoder may have come to need.
const MOST_KIB: u64 = 1 << 20;
/// The longest input.
const LARGEST: usize = 1 << 16;

/// What decoders look at.
const WORDS: [&[u8]; 26] = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"0.1",
    b"true",
    b"\xe2\x80\xae",
    b"\x1b[2J",
    b"{}",
    b"[[[[[[[[[[[[[[[[",
    b"9999-12-31T23:59:59.999Z",
    b"data: ",
];

/// Numbers that look drawn, the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % end.max(1)
    }
}

fn damage(draw: &mut Draw, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[draw.below(seeds.len())].clone();
    for _ in 0..=draw.below(6) {
        let at = draw.below(bytes.len() + 1);
        let end = (at + 1 + draw.below(32)).min(bytes.len());
        let at = at.min(end);
        match draw.below(9) {
            0 if at < end => bytes[at] ^= 1 << draw.below(8),
            1 if at < end => bytes[at] = u8::try_from(draw.below(256)).unwrap_or(0),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..end, WORDS[draw.below(WORDS.len())].iter().copied())),
            4 => drop(bytes.splice(at..at, WORDS[draw.below(WORDS.len())].iter().copied())),
            5 => {
                let again = bytes[at..end].repeat(1 + draw.below(64));
                drop(bytes.splice(at..at, again));
            }
            6 => {
                let other = &seeds[draw.below(seeds.len())];
                let from = draw.below(other.len() + 1);
                let part = other[from..(from + draw.below(256)).min(other.len())].to_vec();
                drop(bytes.splice(at..end, part));
            }
            7 => bytes.truncate(at),
            // Deeper than any reader may follow by itself.
            _ if draw.below(20) == 0 => {
                let deep = [&b"[{\"a\":"[..], b"[", b"\x0a\x7f"][draw.below(3)].repeat(1 + draw.below(4_000));
                drop(bytes.splice(at..end, deep));
            }
            _ => bytes.extend_from_within(at..end),
        }
    }
    bytes.truncate(LARGEST);
    bytes
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())));
    let mut found: Vec<PathBuf> = found.map(Iterator::collect).unwrap_or_default();
    found.sort();
    found
}

/// What is well formed for a decoder: its seeds, and what is shipped.
fn seeds(decoder: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = files(&root.join("fuzz/seeds").join(decoder));
    match decoder {
        "recording" => found.extend(files(&root.join("assets/drills"))),
        "runbook" => found.extend(files(&root.join("assets/runbook"))),
        _ => {}
    }
    found.iter().filter_map(|file| std::fs::read(file).ok()).collect()
}

/// Most memory this process ever had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn seconds() -> f64 {
    std::env::var("ANDON_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(SECONDS)
}

/// Laws 10 and 12: every decoder.
#[test]
fn no_decoder_falls_over_what_it_is_given() {
    let only = std::env::var("ANDON_FUZZ_ONLY").ok();
    for (name, decode) in DECODERS.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        let (began, before, mut draw, mut tried) = (Instant::now(), peak_kib(), Draw(0x5eed), 0u64);
        let whole = seeds.iter().cloned();
        let mut inputs = whole.chain(std::iter::from_fn(|| Some(damage(&mut draw, &seeds))));
        while let Some(input) = inputs.next().filter(|_| began.elapsed().as_secs_f64() < seconds() || tried < 100) {
            let one = Instant::now();
            let ended = catch_unwind(AssertUnwindSafe(|| decode(&input)));
            tried += 1;
            let wrong = match ended {
                Err(_) => "panics",
                Ok(()) if one.elapsed() > LONGEST => "takes too long",
                Ok(()) if peak_kib() > before + MOST_KIB => "takes too much memory",
                Ok(()) => continue,
            };
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", Uuid::now_v7()));
            std::fs::write(&kept, &input).unwrap();
            panic!("{name} {wrong}; the input is kept in {}", kept.display());
        }
        println!(
            "{name}: {tried} inputs in {:.1} s, {} MiB more",
            began.elapsed().as_secs_f64(),
            peak_kib().saturating_sub(before) >> 10
        );
    }
}

/// Routes whose bodies come from elsewhere, with one that is well formed.
fn routes() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let json = "application/json";
    let told = |value: serde_json::Value| value.to_string().into_bytes();
    let asked = |command: serde_json::Value| told(json!({"id": Uuid::nil(), "command": command}));
    let seed = |decoder: &str| seeds(decoder).remove(0);
    let alert = json!({"version": "4", "status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "Cost", "agent": "a",
        "severity": "critical"}, "annotations": {"summary": "it spends"}, "startsAt": "2026-11-20T14:05:41Z", "fingerprint": "f1"}]});
    let context =
        json!({"context": {"targetingKey": "refund-bot", "tool": "stripe.payout", "class": "external-api-call"}});
    let check =
        json!({"agent": "refund-bot", "tool": "stripe.payout", "run": "r", "input": {"a": [1, 2]}, "hold": null});
    let lease = json!({"agent": "refund-bot", "instance": "i", "version": 3, "on_blind": "stop"});
    let edit = json!({"type": "write-draft", "draft": "DRAFT-1", "edit": "AQEBAAQBBGJvZHkCaGkA"});
    let drill = json!({"name": "x", "recording": String::from_utf8_lossy(&seed("recording")), "speed": 1.0});
    vec![
        ("/v1/traces", "application/x-protobuf", seed("otlp-protobuf")),
        ("/v1/traces", json, seed("otlp-json")),
        ("/v1/actions", "application/x-ndjson", seed("actions")),
        ("/v1/alerts/alertmanager", json, told(alert)),
        ("/v1/alerts/any", json, told(json!({"title": "t", "id": 1}))),
        ("/ofrep/v1/evaluate/flags", json, told(context.clone())),
        ("/ofrep/v1/evaluate/flags/andon.allowed", json, told(context)),
        ("/v1/interlock/check", json, told(check)),
        ("/v1/interlock/lease", json, told(lease)),
        ("/v1/interlock/authz", json, Vec::new()),
        ("/v1/incidents/INC-1/commands", json, asked(edit)),
        (
            "/v1/incidents/INC-1/commands",
            json,
            asked(json!({"type": "note", "text": "x", "at": "2026-11-20T14:05:41Z"})),
        ),
        ("/v1/switches", json, asked(json!({"scope": {"agent": "a", "tool": "b"}, "mode": "canary", "share": 10}))),
        ("/v1/login", json, told(json!({"challenge": "c", "signature": String::from_utf8_lossy(&seed("sshsig"))}))),
        ("/v1/drills", json, asked(drill)),
        ("/v1/runbook", json, told(json!({"id": Uuid::nil(), "command": {"own": {"clocks.toml": "x = 1"}}}))),
        ("/ack?page=x", "text/plain", b"signature=0".to_vec()),
    ]
}

async fn goes_on(rig: &Rig) {
    for path in ["/readyz", "/v1/state", "/v1/incidents", "/v1/switches", "/v1/agents"] {
        rig.get(path).await.good();
    }
}

/// TEAM.6, law 10: every route that takes a body from elsewhere, as it is and gzipped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_hits_a_bug_over_what_it_is_sent() {
    let rig = rig().await;
    rig.command("/v1/incidents", json!({"title": "t"})).await.good();
    let mut draw = Draw(0xbad);
    for (path, kind, body) in routes() {
        let (began, known) = (Instant::now(), [body]);
        let mut tried = 0;
        while began.elapsed().as_secs_f64() < seconds() / 2.0 || tried < 20 {
            tried += 1;
            let body = if tried == 1 { known[0].clone() } else { damage(&mut draw, &known) };
            let mut request = rig.ask(Method::POST, path).header("content-type", kind);
            if draw.below(8) == 0 {
                request = request.header("content-encoding", "gzip");
            }
            let answer = read(request.body(body.clone())).await;
            let status = answer.status.as_u16();
            assert!(status < 500 || status == 503, "{path} {answer:?}\n{}", String::from_utf8_lossy(&body));
        }
    }
    goes_on(&rig).await;
}
