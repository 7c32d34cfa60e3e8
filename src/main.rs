//! The andon binary.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use andon::{
    backend::{
        home::Home,
        serve::{ServeOptions, serve},
    },
    runbook::Runbook,
};
use clap::{Parser, Subcommand};

/// The incident cockpit for AI agents.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the backend in the foreground.
    Serve(Serve),
}

#[derive(clap::Args)]
struct Serve {
    /// A TCP address to listen on; 127.0.0.1:7420 or the next free port where none is given.
    #[arg(long)]
    listen: Vec<SocketAddr>,
    /// Where the log is kept: a path.
    #[arg(long)]
    database: Option<String>,
    /// Speak plain HTTP beyond this machine.
    #[arg(long)]
    plain_http: bool,
    /// Serve every user of this host.
    #[arg(long)]
    system: bool,
    /// A name to answer to besides localhost.
    #[arg(long)]
    host: Vec<String>,
    /// Detached from the terminal.
    #[arg(long, hide = true)]
    daemon: bool,
}

fn home() -> Option<Home> {
    if let Some(root) = std::env::var_os("ANDON_HOME").filter(|root| !root.is_empty()) {
        return Some(Home::under(root));
    }
    let folders = directories::ProjectDirs::from("", "", "andon")?;
    Some(Home {
        root: None,
        data: folders.data_local_dir().to_owned(),
        logs: folders.state_dir().unwrap_or(folders.data_local_dir()).to_owned(),
        runtime: folders.runtime_dir().map(Into::into),
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command: Command::Serve(asked) } = Cli::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Some(home) = home() else {
        eprintln!("no home folder is known: name one with ANDON_HOME");
        return ExitCode::FAILURE;
    };
    let options = ServeOptions {
        listen: asked.listen,
        database: asked.database,
        plain_http: asked.plain_http,
        system: asked.system,
        hosts: asked.host,
        daemon: asked.daemon,
        ..ServeOptions::local(home, Arc::new(Runbook::shipped()))
    };
    match serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
