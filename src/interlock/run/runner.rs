//! Holds the lease, starts the guard, and stops everything at a halt or when blind.

use std::{process::Stdio, time::Duration};

use rustix::process::{Signal, getpid, kill_process};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
};

use super::{guard, tree};
use crate::{
    client::{Client, ClientError, Target},
    incident::OnBlind,
    interlock::{
        lease::{Holder, LeaseKeeper, Standing},
        server::{Foreign, trusted},
    },
    terms::Printable,
};

/// Before the lease's end: everything is gone 2 s before it, and takes up to a second to go.
const BEFORE_BLIND: Duration = Duration::from_millis(3_000);
/// Between SIGTERM and SIGKILL.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long one that was suspended waits for its lease before it is stopped.
const AWAKE: Duration = Duration::from_secs(2);

/// What is run, for whom.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose lease.
    pub holder: Holder,
    /// Wait while the agent is halted, instead of refusing.
    pub wait: bool,
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// Why a program was not started, or did not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// The socket is somebody else's, or nobody's.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// No lease.
    #[error("no lease, so {program} is not started: {why}")]
    NoLease {
        /// What.
        program: String,
        /// The backend's word.
        why: ClientError,
    },
    /// It is halted, and nobody asked to wait.
    #[error("{program} is not started: {agent} may not go on: {why}. `--wait` starts it once it may")]
    Halted {
        /// What.
        program: String,
        /// Who.
        agent: String,
        /// By what.
        why: String,
    },
    /// It was stopped.
    #[error("stopped: {why}")]
    Stopped {
        /// By what.
        why: String,
    },
    /// The system refuses something.
    #[error("cannot run {program}: {why}")]
    System {
        /// What.
        program: String,
        /// The system's word.
        why: std::io::Error,
    },
}

/// Runs a program under a lease; answers its exit code when it ended by itself.
///
/// # Errors
/// Why it was not started, or was stopped.
pub async fn run(client: Client, asked: Asked) -> Result<i32, NotRun> {
    if let Target::Socket(socket) = client.target() {
        trusted(socket).await?;
    }
    let program = asked.command.first().cloned().unwrap_or_default();
    let system = |why| NotRun::System { program: program.clone(), why };
    tree::gather().map_err(system)?;
    let lease = LeaseKeeper::take(client, asked.holder.clone())
        .await
        .map_err(|why| NotRun::NoLease { program: program.clone(), why })?;
    if let Err(why) = may_begin(&lease, &asked, &program).await {
        lease.end().await;
        return Err(why);
    }
    let mut child = start(&asked.command).map_err(system)?;
    let ended = watch(&lease, &mut child).await;
    match ended {
        Ended::ByItself(status) => {
            tree::end(Duration::ZERO, None).await;
            lease.end().await;
            Ok(guard::code(status.map_err(system)?))
        }
        Ended::Stopped { why } => {
            // With its lease over, it counts as gone already.
            let is_over = lease.standing().borrow().until.left().is_zero();
            tree::end(if is_over { Duration::ZERO } else { PATIENCE }, None).await;
            // Only now: what is acknowledged has stopped.
            lease.end().await;
            Err(NotRun::Stopped { why })
        }
    }
}

/// Waits until the agent may go on, where that was asked.
async fn may_begin(lease: &LeaseKeeper, asked: &Asked, program: &str) -> Result<(), NotRun> {
    let mut standing = lease.standing();
    let mut told = false;
    loop {
        let now = standing.borrow_and_update().clone();
        if now.goes_on() {
            accept(lease, &now);
            return Ok(());
        }
        // Nothing of it runs: that is what the switch asks.
        lease.enforces(now.view.version);
        let why = reason(&now);
        if !asked.wait {
            let agent = asked.holder.agent.to_string();
            return Err(NotRun::Halted { program: program.to_owned(), agent, why });
        }
        if !std::mem::replace(&mut told, true) {
            eprintln!("andon: {program} waits: {why}");
        }
        if standing.changed().await.is_err() {
            return Err(NotRun::Stopped { why: "the lease ended".into() });
        }
    }
}

fn start(command: &[String]) -> std::io::Result<Child> {
    let mut arguments =
        vec!["interlock".to_owned(), "guard".to_owned(), std::process::id().to_string(), "--".to_owned()];
    arguments.extend_from_slice(command);
    tokio::process::Command::new(std::env::current_exe()?)
        .args(arguments)
        // A person's token in the runner's hands must not become the agent's.
        .env_remove("ANDON_TOKEN")
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .spawn()
}

enum Ended {
    ByItself(std::io::Result<std::process::ExitStatus>),
    Stopped { why: String },
}

async fn watch(lease: &LeaseKeeper, child: &mut Child) -> Ended {
    let mut standing = lease.standing();
    let mut signals = Signals::new();
    let stops_blind = lease.on_blind() == OnBlind::Stop;
    loop {
        let now = standing.borrow_and_update().clone();
        if !now.goes_on() {
            return Ended::Stopped { why: reason(&now) };
        }
        accept(lease, &now);
        tokio::select! {
            status = child.wait() => return Ended::ByItself(status),
            _ = standing.changed() => {}
            () = lease.runs_out(BEFORE_BLIND), if stops_blind => {
                let why = standing.borrow().why_not.clone().map(|why| format!(": {why}")).unwrap_or_default();
                return Ended::Stopped { why: format!("the lease ran out, the backend was not heard of{why}") };
            }
            signal = signals.next() => match signal {
                Signal::TSTP => suspend(lease).await,
                signal => tree::pass_on(signal, child.id()),
            },
        }
    }
}

/// Stops as a job does, everything below first, and lets it go on only under a renewed lease: meanwhile the backend may
/// have taken it for gone, rightly.
async fn suspend(lease: &LeaseKeeper) {
    tree::pass_on(Signal::STOP, None);
    let _ = kill_process(getpid(), Signal::STOP);
    // Whoever woke this up may have woken all of it.
    tree::pass_on(Signal::STOP, None);
    if lease.is_fresh(AWAKE).await && lease.standing().borrow().goes_on() {
        tree::pass_on(Signal::CONT, None);
    }
}

/// A whole program cannot keep to a switch over some of its tools: such a version is not acknowledged in its name.
fn accept(lease: &LeaseKeeper, standing: &Standing) {
    if !standing.is_partial() {
        lease.enforces(standing.view.version);
    }
}

fn reason(standing: &Standing) -> String {
    let why = standing.view.reason.clone().unwrap_or_else(|| standing.view.mode.clone());
    Printable::line(&why).to_string()
}

/// What a terminal or a service manager sends; passed on to the program, which decides what to make of it.
struct Signals {
    kinds: Vec<(Signal, tokio::signal::unix::Signal)>,
}

impl Signals {
    fn new() -> Self {
        let wanted = [
            (Signal::TERM, SignalKind::terminate()),
            (Signal::HUP, SignalKind::hangup()),
            (Signal::USR2, SignalKind::user_defined2()),
            (Signal::TSTP, SignalKind::from_raw(Signal::TSTP.as_raw())),
            (Signal::INT, SignalKind::interrupt()),
            (Signal::QUIT, SignalKind::quit()),
        ];
        Self { kinds: wanted.into_iter().filter_map(|(name, kind)| Some((name, signal(kind).ok()?))).collect() }
    }

    /// The next one that must be passed on.
    async fn next(&mut self) -> Signal {
        loop {
            let waits = self.kinds.iter_mut().map(|(name, stream)| {
                let name = *name;
                Box::pin(async move {
                    stream.recv().await;
                    name
                })
            });
            let (name, ..) = futures_util::future::select_all(waits).await;
            // A terminal sends these to the program itself as well: here they only must not end the runner.
            if !(matches!(name, Signal::INT | Signal::QUIT) && is_at_terminal()) {
                return name;
            }
        }
    }
}

/// Whether this process is what its terminal's keys reach.
fn is_at_terminal() -> bool {
    let group = std::fs::File::open("/dev/tty").ok().and_then(|tty| rustix::termios::tcgetpgrp(tty).ok());
    group == Some(rustix::process::getpgrp())
}
