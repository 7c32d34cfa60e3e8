//! Between runner and program: when the runner dies, by whatever signal, everything below dies with it.

use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitStatus},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Signal, WaitOptions, getppid, set_parent_process_death_signal, wait},
};
use tokio::signal::unix::{SignalKind, signal};

use super::tree;

/// How long what a program left behind has before it is killed.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// As a program ended: its own code, or 128 and the signal.
pub fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// Dies with `parent` from now on, by `signal`. False when it is dead already.
fn bound_to(parent: u32, signal: Signal) -> std::io::Result<bool> {
    set_parent_process_death_signal(Some(signal))?;
    Ok(getppid().map(|pid| pid.as_raw_pid()) == i32::try_from(parent).ok())
}

/// Starts `command` under this guard, and answers its exit code. Ends all of it when the runner, process `parent`, dies.
///
/// # Errors
/// What the system refuses.
pub async fn guard(parent: u32, command: &[String]) -> std::io::Result<i32> {
    let mut runner_died = signal(SignalKind::user_defined1())?;
    let mut child_died = signal(SignalKind::child())?;
    // From a terminal they reach the program by themselves, from the runner they are passed on: here they end nothing.
    let ignored = [
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::user_defined2(),
    ];
    let _ignored = ignored.into_iter().map(signal).collect::<std::io::Result<Vec<_>>>()?;
    tree::gather()?;
    if !bound_to(parent, Signal::USR1)? {
        return Ok(1);
    }
    let mut arguments =
        vec!["interlock".to_owned(), "exec".to_owned(), std::process::id().to_string(), "--".to_owned()];
    arguments.extend_from_slice(command);
    let child = Command::new(std::env::current_exe()?).args(arguments).spawn()?;
    let ended = loop {
        if let Some(ended) = reap(child.id())? {
            break ended;
        }
        tokio::select! {
            _ = child_died.recv() => {}
            _ = runner_died.recv() => {
                tree::end(Duration::ZERO, None).await;
                return Ok(128 + 9);
            }
        }
    };
    tree::end(LEFT_BEHIND, None).await;
    Ok(ended)
}

/// Buries who died, those too that were orphaned to this guard: the exit code of `child`, once it did.
fn reap(child: u32) -> std::io::Result<Option<i32>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_pid()) == Ok(child) => {
                let signal = status.terminating_signal().map(|signal| 128 + signal);
                return Ok(Some(status.exit_status().or(signal).unwrap_or(1)));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(None),
            Err(why) => return Err(why.into()),
        }
    }
}

/// Becomes `command`, and dies with the guard, process `parent`. Answers only when it could not.
pub fn execute(parent: u32, command: &[String]) -> std::io::Error {
    match bound_to(parent, Signal::KILL) {
        Ok(true) => {}
        Ok(false) => return std::io::Error::other("its guard has ended"),
        Err(why) => return why,
    }
    let Some((program, arguments)) = command.split_first() else {
        return std::io::Error::other("no program is named");
    };
    Command::new(program).args(arguments).exec()
}
