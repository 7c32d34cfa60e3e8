//! The table as feature flags, asked by the real Python OpenFeature SDK and its OFREP provider (CON.2, protocol 3).

use std::{process::Stdio, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{ChildStdout, Command},
    time::{Instant, timeout},
};

use crate::rig::rig;

const SETUP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup/openfeature.sh");
const LOOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/openfeature_loop.py");

async fn told(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = timeout(Duration::from_secs(20), lines.next_line()).await.expect("the SDK answers");
    line.unwrap().expect("the client goes on")
}

/// A client whose code default is false obeys a halt within a second, goes on after the release, and stops when the
/// backend is gone.
#[tokio::test]
async fn the_python_openfeature_sdk_obeys_a_halt_within_a_second() {
    let python = Command::new(SETUP).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(python.status.success(), "tests/setup/openfeature.sh installs the SDK");
    let python = String::from_utf8(python.stdout).unwrap();
    let rig = rig().await;
    let mut agent = Command::new(python.trim())
        .args([LOOP, &rig.base(), "refund-bot"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
    assert_eq!(told(&mut lines).await, "true allow STATIC -");

    let asked = Instant::now();
    rig.command("/v1/switches", json!({"scope": {"agent": "mail-bot"}})).await.good();
    rig.command("/v1/switches", json!({"scope": {"agent": "refund-bot"}, "why": "paid twice"})).await.good();
    assert_eq!(told(&mut lines).await, "false halt TARGETING_MATCH -");
    assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());

    let asked = Instant::now();
    rig.command("/v1/switches/SW-2/release", json!({"why": "the refunds were right"})).await.good();
    assert_eq!(told(&mut lines).await, "true allow STATIC -");
    assert!(asked.elapsed() < Duration::from_secs(1), "it took {:?}", asked.elapsed());

    rig.running.stop().await;
    assert_eq!(told(&mut lines).await, "false - ERROR GENERAL", "blind, it stops");
    agent.kill().await.unwrap();
}
