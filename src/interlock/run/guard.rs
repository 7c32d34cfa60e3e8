//! Between runner and program: when the runner dies, by whatever signal, everything below dies with it.

use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitStatus},
    time::Duration,
};

use rustix::process::{Signal, getpid, getppid, set_child_subreaper, set_parent_process_death_signal};
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
    let mut interrupts =
        [signal(SignalKind::interrupt())?, signal(SignalKind::quit())?, signal(SignalKind::terminate())?];
    set_child_subreaper(Some(getpid()))?;
    if !bound_to(parent, Signal::USR1)? {
        return Ok(1);
    }
    let program = std::env::current_exe()?;
    let mut arguments =
        vec!["interlock".to_owned(), "exec".to_owned(), std::process::id().to_string(), "--".to_owned()];
    arguments.extend_from_slice(command);
    let mut child = tokio::process::Command::new(program).args(arguments).spawn()?;
    let [interrupt, quit, terminate] = &mut interrupts;
    let ended = loop {
        tokio::select! {
            ended = child.wait() => break ended?,
            _ = runner_died.recv() => {
                tree::end(Duration::ZERO, None).await;
                return Ok(128 + 9);
            }
            // From the terminal they reach the program by themselves; from the runner they come passed on.
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tree::end(LEFT_BEHIND, None).await;
    Ok(code(ended))
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
