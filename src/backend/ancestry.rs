//! Who a process on this machine descends from: what was started under `andon interlock run` or `mcp` is that agent and
//! no person, however it asks (protocol 4).

use std::path::Path;

use crate::terms::AgentId;

/// How many generations are looked through at most.
const GENERATIONS: u32 = 256;
/// How often a walk begins anew because somebody on the way went.
const TRIES: u32 = 8;

/// What a process is by its ancestors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Descent {
    /// Nothing on the way up stands for an agent.
    Free,
    /// Started under this agent; nobody where the name does not read.
    Agent(Option<AgentId>),
    /// Nobody can say: it is gone, or lives where this backend cannot see.
    Unknown,
}

/// One process, as far as a walk needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    parent: i32,
    /// The file it runs, by its name.
    program: Option<String>,
    arguments: Vec<String>,
}

/// A walk that met nobody where somebody should be.
struct Broken {
    missing: i32,
    found: Descent,
}

/// What the process `pid` is. The outermost agent counts: an agent that starts a runner of its own, by whatever name,
/// stays who it is. Whose processes the ancestors are makes no difference: their word takes rights, and gives none.
pub fn of(pid: i32) -> Descent {
    of_in(&read, pid)
}

fn of_in(process: &dyn Fn(i32) -> Option<Process>, pid: i32) -> Descent {
    let mut missing = pid;
    for _ in 0..TRIES {
        match walk(process, pid) {
            Ok(found) => return found,
            // Who went has left its children another parent by now; who is missing still is hidden from this user.
            Err(broken) if broken.missing == missing && missing != pid => return broken.found,
            Err(broken) => missing = broken.missing,
        }
    }
    Descent::Unknown
}

/// Up to the first process of the machine.
fn walk(process: &dyn Fn(i32) -> Option<Process>, pid: i32) -> Result<Descent, Broken> {
    let (mut at, mut found) = (pid, Descent::Free);
    for _ in 0..GENERATIONS {
        // Who asks from another pid namespace has no number here, and above its first process nobody is to be seen.
        if at <= 0 && at != pid {
            return Ok(found);
        }
        let Some(here) = Some(at).filter(|at| *at > 0).and_then(process) else {
            return Err(Broken { missing: at, found });
        };
        if let Some(agent) = agent_of(&here) {
            found = Descent::Agent(agent);
        }
        at = here.parent;
    }
    Err(Broken { missing: pid, found })
}

/// The agent that an `andon interlock run|mcp|guard|exec` stands for. A guard whose runner is gone names nobody.
fn agent_of(process: &Process) -> Option<Option<AgentId>> {
    let (first, rest) = process.arguments.split_first()?;
    let called = Path::new(first).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Others have such words among theirs too: a terminal multiplexer, a shell, a search.
    let ours = |name: &str| name.starts_with("andon");
    if !ours(called) && !process.program.as_deref().is_some_and(ours) {
        return None;
    }
    let own: Vec<&str> = rest.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let after = own.iter().position(|word| *word == "interlock")? + 1;
    let words = &own[after..];
    if !words.iter().any(|word| matches!(*word, "run" | "mcp" | "guard" | "exec")) {
        return None;
    }
    let named = words.iter().enumerate().find_map(|(index, word)| match word.strip_prefix("--agent") {
        Some("") => words.get(index + 1).copied(),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    Some(named.and_then(|name| AgentId::new(name).ok()))
}

fn read(pid: i32) -> Option<Process> {
    let place = format!("/proc/{pid}");
    let stat = std::fs::read_to_string(format!("{place}/stat")).ok()?;
    let parent = stat[stat.rfind(')')? + 1..].split_whitespace().nth(1)?.parse().ok()?;
    let program = std::fs::read_link(format!("{place}/exe")).ok();
    let program = program.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let program = program.map(str::to_owned);
    let line = std::fs::read(format!("{place}/cmdline")).ok()?;
    let arguments = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Some(Process { parent, program, arguments })
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeMap};

    use super::*;

    fn process(parent: i32, line: &str) -> Process {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Process { parent, program: None, arguments }
    }

    fn agent(name: &str) -> Descent {
        Descent::Agent(Some(AgentId::new(name).unwrap()))
    }

    /// Protocol 4, CON.12: below a runner everything is its agent, however it was started; beside it nothing is.
    #[test]
    fn what_was_started_under_an_agent_is_that_agent() {
        let table: BTreeMap<i32, Process> = [
            (1, process(0, "init")),
            (10, process(1, "sh")),
            (11, process(10, "/usr/bin/andon --json interlock run --agent refund-bot --wait -- sh -c x")),
            (12, process(11, "/usr/bin/andon interlock guard 11 -- sh -c x")),
            (13, process(12, "sh -c x")),
            (14, process(13, "andon release SW-1 --why over")),
            // An agent that calls itself somebody else.
            (15, process(13, "andon interlock run --agent=mail-bot -- y")),
            (16, process(15, "y")),
            // Words among others' arguments stand for nobody.
            (20, process(1, "tmux new andon interlock run --agent refund-bot -- x")),
            (21, process(20, "bash")),
            (22, process(10, "andon halt --why interlock -- run --agent x")),
            (30, process(1, "andon interlock mcp --agent")),
            (31, process(30, "server")),
            (40, process(1, "andon interlock guard 39 -- sh")),
            (41, process(40, "orphan")),
        ]
        .into();
        let of = |pid| of_in(&|pid| table.get(&pid).cloned(), pid);
        assert_eq!((of(10), of(21), of(22)), (Descent::Free, Descent::Free, Descent::Free));
        for pid in 11..=16 {
            assert_eq!(of(pid), agent("refund-bot"), "{pid}");
        }
        assert_eq!((of(31), of(41)), (Descent::Agent(None), Descent::Agent(None)));
        assert_eq!((of(99), of(0)), (Descent::Unknown, Descent::Unknown));
        // Where others' processes are hidden, what can be seen counts.
        let hidden = |pid| table.get(&pid).filter(|_| !matches!(pid, 1 | 10)).cloned();
        assert_eq!((of_in(&hidden, 14), of_in(&hidden, 21)), (agent("refund-bot"), Descent::Free));
        // One on the way goes: its children have another parent by then.
        let looks = Cell::new(0);
        let going = |pid| {
            looks.set(looks.get() + 1);
            match pid {
                50 if looks.get() < 3 => Some(process(51, "x")),
                50 => Some(process(12, "x")),
                pid => table.get(&pid).cloned(),
            }
        };
        assert_eq!(of_in(&going, 50), agent("refund-bot"));
    }

    #[test]
    fn this_test_is_nobodys_agent() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(of(own), Descent::Free);
        assert!(read(own).is_some_and(|process| process.parent > 0 && !process.arguments.is_empty()));
    }
}
