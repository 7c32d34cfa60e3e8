//! A program and everything it started: whoever is below this process, however it got there.
//!
//! This process is a subreaper, so that nothing escapes by letting its parent die; a process group of its own is no way
//! out either.

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};

use crate::interlock::boot::Moment;

/// How often it is looked whether they are gone.
const LOOK: Duration = Duration::from_millis(10);

/// Children that were there before: a backend that this process started for itself serves others too.
static SPARED: OnceLock<Vec<i32>> = OnceLock::new();

/// Whatever is started below this process from now on stays below it, and is ended with it; what is there already is not.
///
/// # Errors
/// What the system refuses.
pub fn gather() -> std::io::Result<()> {
    SPARED.get_or_init(|| parents().remove(&own()).unwrap_or_default());
    set_child_subreaper(Some(getpid())).map_err(Into::into)
}

fn own() -> i32 {
    getpid().as_raw_pid()
}

/// Every living process, by its parent.
fn parents() -> BTreeMap<i32, Vec<i32>> {
    let mut parents: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return parents };
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if let Some(parent) = parent(pid) {
            parents.entry(parent).or_default().push(pid);
        }
    }
    parents
}

/// Every living process below this one, but those it spares; `but` is left out itself.
fn below(but: Option<u32>) -> Vec<i32> {
    let mut parents = parents();
    let spared = SPARED.get().map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    let mut waiting = vec![own()];
    while let Some(pid) = waiting.pop() {
        for child in parents.remove(&pid).unwrap_or_default() {
            if spared.contains(&child) {
                continue;
            }
            waiting.push(child);
            if but != u32::try_from(child).ok() {
                found.push(child);
            }
        }
    }
    found
}

fn parent(pid: i32) -> Option<i32> {
    parent_in(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The parent of a process that lives; a zombie does no harm any more, unless threads of it go on.
fn parent_in(stat: &str) -> Option<i32> {
    // The name stands in brackets and may hold anything.
    let rest: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let parent = rest.get(1)?.parse().ok()?;
    let threads: u32 = rest.get(17)?.parse().ok()?;
    (!matches!(*rest.first()?, "Z" | "X") || threads > 1).then_some(parent)
}

fn tell(pids: &[i32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        // One that went meanwhile is what is wanted.
        let _ = kill_process(pid, signal);
    }
}

/// Passes a signal on to all of them.
pub fn pass_on(signal: Signal, but: Option<u32>) {
    tell(&below(but), signal);
}

/// Ends everything below this process: asks, and after `patience` kills, until nothing is left. `but` is spared.
pub async fn end(patience: Duration, but: Option<u32>) {
    tell(&below(but), Signal::TERM);
    let kill_at = Moment::now().plus(patience);
    let mut gone = false;
    loop {
        let left = below(but);
        // Twice: one whose parent went while it was counted is missed once.
        if std::mem::replace(&mut gone, left.is_empty()) && gone {
            return;
        }
        if kill_at.left().is_zero() {
            // Stopped first: what forks faster than it is counted stands still then.
            tell(&left, Signal::STOP);
            tell(&below(but), Signal::KILL);
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        let rest = "7 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0";
        for (stat, parent) in [
            (format!("42 (sh) S {rest} 1 0 99"), Some(7)),
            (format!("42 (a) Z 1 (b) R {rest} 3 0 99"), Some(7)),
            (format!("42 (sh) Z {rest} 0 0 99"), None),
            (format!("42 (sh) X {rest} 1 0 99"), None),
            (format!("42 (leader gone, threads go on) Z {rest} 2 0 99"), Some(7)),
            ("42 (sh) S".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(parent_in(&stat), parent, "{stat}");
        }
        assert_eq!(super::parent(own()), rustix::process::getppid().map(Pid::as_raw_pid));
    }
}
