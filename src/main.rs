//! The andon binary: reads the command line, runs one command, reports what went wrong.

use std::process::ExitCode;

use andon::cli::{Cli, run};
use clap::Parser;

fn main() -> ExitCode {
    if let Err(why) = color_eyre::install() {
        eprintln!("{why}");
    }
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("ANDON_LOG").unwrap_or_else(|_| "andon=info".into()),
        )
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            eprintln!("cannot start: {why}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{failed}");
            ExitCode::FAILURE
        }
    }
}
