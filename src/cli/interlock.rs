//! `andon interlock`: what stands beside an agent and stops it (CON.7).

use clap::{Args, Subcommand};

use super::{print::Failed, reach::Reach};
use crate::{
    incident::OnBlind,
    interlock::{
        lease::Holder,
        mcp,
        run::{self, Asked},
    },
    terms::AgentId,
};

/// `andon interlock`.
#[derive(Debug, Subcommand)]
pub enum Interlock {
    /// Run any program under an agent's lease: it stops at a halt, and when the backend is not heard of.
    Run(Run),
    /// Put an MCP server's tools under the interlock: stands between a client and the server it starts.
    Mcp(Mcp),
    /// Stands between runner and program.
    #[command(hide = true)]
    Guard(Inner),
    /// Becomes the program.
    #[command(hide = true)]
    Exec(Inner),
}

/// Beside whom it stands, and what happens when andon is not heard of.
#[derive(Debug, Args)]
pub struct Side {
    /// Whose lease, and whose calls.
    #[arg(long)]
    agent: AgentId,
    /// What happens when the backend is not heard of: stop, or continue; as the agent is declared where nothing is said.
    #[arg(long)]
    on_blind: Option<OnBlind>,
    /// This process's name among the agent's; HOST:PID where none is given.
    #[arg(long)]
    instance: Option<String>,
    /// The agent's revision.
    #[arg(long)]
    revision: Option<String>,
}

/// `andon interlock run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    side: Side,
    /// Wait while the agent is halted, then start.
    #[arg(long)]
    wait: bool,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

/// `andon interlock mcp`.
#[derive(Debug, Args)]
pub struct Mcp {
    #[command(flatten)]
    side: Side,
    /// The run its calls belong to; one of its own where none is given.
    #[arg(long)]
    run: Option<String>,
    /// Serve Streamable HTTP here, 127.0.0.1:7430, instead of standing between pipes.
    #[arg(long, value_name = "ADDR", requires = "upstream", conflicts_with = "server")]
    listen: Option<std::net::SocketAddr>,
    /// The MCP server behind it, by URL.
    #[arg(long, value_name = "URL", requires = "listen")]
    upstream: Option<String>,
    /// The server to start, and its arguments.
    #[arg(last = true, required_unless_present = "listen", value_name = "SERVER")]
    server: Vec<String>,
}

/// A process of the runner's own.
#[derive(Debug, Args)]
pub struct Inner {
    /// The process it dies with.
    parent: u32,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Side {
    fn holder(self) -> Holder {
        let Self { agent, on_blind, instance, revision } = self;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let instance = instance.unwrap_or_else(|| format!("{host}:{}", std::process::id()));
        Holder { agent, instance, on_blind, revision }
    }
}

pub async fn interlock(reach: &Reach, asked: Interlock) -> Result<(), Failed> {
    match asked {
        Interlock::Run(Run { side, wait, command }) => {
            let client = reach.client().await?.clone();
            let holder = side.holder();
            let code =
                run::run(client, Asked { holder, wait, command }).await.map_err(|why| format!("andon: {why}"))?;
            std::process::exit(code)
        }
        Interlock::Mcp(Mcp { side, run, listen, upstream, server }) => {
            let client = reach.client().await?.clone();
            let holder = side.holder();
            let run = run.unwrap_or_else(|| format!("mcp-{}", uuid::Uuid::now_v7()));
            if let Some((listen, upstream)) = listen.zip(upstream) {
                let served = mcp::http(client, holder, run, listen, &upstream).await;
                return served.map_err(|why| format!("andon: {why}").into());
            }
            let code = mcp::stdio(client, holder, run, &server).await.map_err(|why| format!("andon: {why}"))?;
            std::process::exit(code)
        }
        Interlock::Guard(Inner { parent, command }) => {
            let code = run::guard(parent, &command).await?;
            std::process::exit(code)
        }
        Interlock::Exec(Inner { parent, command }) => {
            let why = run::execute(parent, &command);
            eprintln!("andon: cannot run {}: {why}", command.first().map_or("", String::as_str));
            std::process::exit(127)
        }
    }
}
