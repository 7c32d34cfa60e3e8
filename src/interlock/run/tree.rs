//! A program and everything it started: whoever is below this process, however it got there.
//!
//! This process is a subreaper, so that nothing escapes by letting its parent die; a process group of its own is no way
//! out either.

use std::{collections::BTreeMap, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::interlock::boot::Moment;

/// How often it is looked whether they are gone.
const LOOK: Duration = Duration::from_millis(10);

/// Every living process below this one; `but` and what is this process itself are left out.
fn below(but: Option<u32>) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut parents: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if let Some(parent) = parent(pid) {
            parents.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut waiting = vec![std::process::id() as i32];
    while let Some(pid) = waiting.pop() {
        for child in parents.remove(&pid).unwrap_or_default() {
            waiting.push(child);
            if but != u32::try_from(child).ok() {
                found.push(child);
            }
        }
    }
    found
}

/// The parent of a process that lives; a zombie does no harm any more.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let mut rest = stat[stat.rfind(')')? + 1..].split_whitespace();
    let state = rest.next()?;
    let parent = rest.next()?.parse().ok()?;
    (state != "Z" && state != "X").then_some(parent)
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
    loop {
        let left = below(but);
        if left.is_empty() {
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
