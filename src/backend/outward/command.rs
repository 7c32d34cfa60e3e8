//! Runs an actuator's command: no shell, an environment of its own, a bound on its time and on what it writes.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
};

/// What is kept of each pipe, in bytes.
const KEPT: usize = 16 << 10;
/// Names that are passed on from the backend's own environment.
const PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// What came of a command.
pub struct Ran {
    /// It ended by itself with 0.
    pub ok: bool,
    /// In words.
    pub status: String,
    /// What it wrote.
    pub output: String,
}

/// Runs `command` at most for `timeout`; then its whole process group is killed.
pub async fn run(command: &[String], environment: Vec<(&'static str, String)>, timeout: Duration) -> Ran {
    run_with(command, environment, None, timeout).await
}

/// The same, with `input` on its standard input.
pub async fn run_with(
    command: &[String],
    environment: Vec<(&'static str, String)>,
    input: Option<Vec<u8>>,
    timeout: Duration,
) -> Ran {
    let failed = |status: String| Ran { ok: false, status, output: String::new() };
    let Some((program, arguments)) = command.split_first() else { return failed("no program is named".into()) };
    let passed = PASSED.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(passed.chain(environment))
        .current_dir("/")
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(why) => return failed(format!("{program} does not start: {why}")),
    };
    let group = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    // A program that does not read to the end has its reasons; its exit code says whether it was done.
    let fed = child.stdin.take().zip(input).map(|(mut pipe, input)| {
        tokio::spawn(async move {
            let _ = pipe.write_all(&input).await;
        })
    });
    let out = tokio::spawn(beginning(child.stdout.take()));
    let errors = tokio::spawn(beginning(child.stderr.take()));
    let ended = tokio::time::timeout(timeout, child.wait()).await;
    // Whatever it left behind holds the pipes, and has no business there any more.
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    if let Some(fed) = fed {
        fed.abort();
    }
    let (ok, status) = match ended {
        Ok(Ok(status)) => (status.success(), status.to_string()),
        Ok(Err(why)) => (false, why.to_string()),
        Err(_) => (false, format!("no end in {} s: killed", timeout.as_secs())),
    };
    let written = [out.await.unwrap_or_default(), errors.await.unwrap_or_default()];
    let output = written.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("");
    Ran { ok, status, output: output.trim_end().to_owned() }
}

/// The first bytes of a pipe; the rest is read and dropped, so that nobody waits for a reader.
async fn beginning(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut chunk) = (Vec::new(), [0; 4_096]);
    let Some(mut pipe) = pipe else { return kept };
    while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..length.min(room)]);
    }
    kept
}

/// Runs a probe: harmless by its owner's word, told that it is one (CON.13).
///
/// # Errors
/// In words.
pub async fn probe(command: &[String], timeout: Duration) -> Result<(), String> {
    let ran = run(command, vec![("ANDON_PROBE", "1".to_owned())], timeout).await;
    if ran.ok { Ok(()) } else { Err(ran.status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn a_command_sees_its_own_environment_only_and_its_words_are_kept() {
        let given = vec![("ANDON_SWITCH", "SW-1".to_owned())];
        let ran = run(&sh("env; echo to stderr >&2; exit 3"), given, Duration::from_secs(5)).await;
        assert!(!ran.ok && ran.status.contains('3'), "{}", ran.status);
        assert!(ran.output.contains("ANDON_SWITCH=SW-1") && ran.output.contains("to stderr"), "{}", ran.output);
        assert!(!ran.output.contains("CARGO"), "nothing of ours: {}", ran.output);
        let flood = run(&sh("yes | head -c 3000000"), Vec::new(), Duration::from_secs(10)).await;
        assert!(flood.ok && flood.output.len() <= 2 * KEPT);
        assert!(run(&["/no/such/program".into()], Vec::new(), Duration::from_secs(1)).await.status.contains("start"));
    }

    #[tokio::test]
    async fn what_hangs_is_killed_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", mark.display());
        let ran = run(&sh(&script), Vec::new(), Duration::from_secs(1)).await;
        assert!(!ran.ok && ran.status.contains("killed"), "{}", ran.status);
        let pid = std::fs::read_to_string(&mark).unwrap();
        let gone = async || {
            while std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z"))
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone()).await.expect("its child is gone");
    }
}
