//! Runs one command.

use std::sync::Arc;

use clap::CommandFactory;

use super::{
    Cli, actuators, agents,
    args::Command,
    audit, backend, cause, cockpit, config, custody, decide, drafts, drills, evals, evidence, facts, figures, firings,
    holds, hooks, incidents, interlock, login, outbox, postmortem,
    print::{Failed, line},
    reach::Reach,
    readiness, restrict, rollback, runbook, severity, status, switches, team, tokens, told, tripwires,
};
use crate::config::Settings;

/// Runs what was asked.
///
/// # Errors
/// In words that say what to do; they go to stderr, with exit code 1.
pub async fn run(cli: Cli) -> Result<(), Failed> {
    let Cli { command, json, world, pane, incident } = cli;
    let settings = Settings::read()?;
    let reach = Arc::new(Reach::new(settings, world, json));
    let Some(command) = command else { return cockpit::cockpit(reach, pane, incident).await };
    match command {
        Command::Serve(asked) => backend::serve(&reach, asked).await,
        Command::Doctor => backend::doctor(&reach).await,
        Command::Login(asked) => login::login(&reach, &asked).await,
        Command::Logout => login::logout(&reach).await,
        Command::Outbox { asked } => outbox::run(&reach, asked).await,
        Command::Store(asked) => custody::store(&reach, asked).await,
        Command::Export(asked) => custody::export_log(&reach, asked).await,
        Command::Import(asked) => custody::import_log(&reach, asked).await,
        Command::Backup(asked) => custody::backup(&reach, asked).await,
        Command::Restore(asked) => custody::restore(&reach, asked).await,
        Command::Readiness => readiness::readiness(&reach).await,
        Command::Status(asked) => status::status(&reach, &asked).await,
        Command::Config(asked) => config::config(&reach, &asked),
        Command::Runbook(asked) => runbook::runbook(&reach, asked).await,
        Command::Token(asked) => tokens::run(&reach, asked).await,
        Command::Declare(asked) => incidents::declare(&reach, asked).await,
        Command::Incidents(asked) => incidents::list(&reach, &asked).await,
        Command::Show(asked) => incidents::show(&reach, &asked).await,
        Command::Log(asked) => incidents::log(&reach, &asked).await,
        Command::Note(asked) => incidents::note(&reach, asked).await,
        Command::Severity(asked) => severity::severity(&reach, asked).await,
        Command::Facts(asked) => facts::facts(&reach, asked).await,
        Command::Assign(asked) => incidents::assign(&reach, asked).await,
        Command::Handover(asked) => team::handover(&reach, asked).await,
        Command::Task(asked) => team::tasks(&reach, asked).await,
        Command::Link(asked) => team::links(&reach, asked).await,
        Command::Key(asked) => team::key(&reach, &asked).await,
        Command::Reminders(asked) => team::reminders(&reach, &asked).await,
        Command::Snooze(asked) => team::snooze(&reach, asked).await,
        Command::Field(asked) => team::field(&reach, asked).await,
        Command::Relate(asked) => team::relate(&reach, &asked).await,
        Command::Restrict(asked) => restrict::run(&reach, asked).await,
        Command::Merge(asked) => team::merge(&reach, &asked).await,
        Command::Split(asked) => team::split(&reach, asked).await,
        Command::Harm(asked) => incidents::harm(&reach, &asked).await,
        Command::Blast(asked) => incidents::blast(&reach, asked).await,
        Command::Contained(asked) => incidents::contained(&reach, asked).await,
        Command::Confirm(asked) => incidents::confirm(&reach, &asked).await,
        Command::Dismiss(asked) => incidents::dismiss(&reach, asked).await,
        Command::Resolve(asked) => incidents::resolve(&reach, asked).await,
        Command::Reopen(asked) => incidents::reopen(&reach, asked).await,
        Command::Close(asked) => incidents::close(&reach, asked).await,
        Command::Eval(asked) => evals::run(&reach, asked).await,
        Command::Figures(asked) => figures::run(&reach, &asked).await,
        Command::Postmortem(asked) => postmortem::run(&reach, asked).await,
        Command::Halt(asked) => switches::halt(&reach, asked).await,
        Command::Switches(asked) => switches::list(&reach, &asked).await,
        Command::Release(asked) => switches::release(&reach, asked).await,
        Command::Interlock(asked) => interlock::interlock(&reach, asked).await,
        Command::Actuators(asked) => actuators::run(&reach, asked).await,
        Command::Holds(asked) => holds::list(&reach, &asked).await,
        Command::Approve(asked) => holds::approve(&reach, asked).await,
        Command::Deny(asked) => holds::deny(&reach, asked).await,
        Command::Agents(asked) => agents::run(&reach, asked).await,
        Command::Firings(asked) => firings::list(&reach, &asked).await,
        Command::Ack(asked) => firings::ack(&reach, &asked).await,
        Command::Hook(asked) => hooks::run(&reach, asked).await,
        Command::Tripwires(asked) => tripwires::tripwires(&reach, asked).await,
        Command::Evidence(asked) => evidence::evidence(&reach, asked).await,
        Command::Affected(asked) => evidence::affected(&reach, asked).await,
        Command::Decide(asked) => decide::decide(&reach, asked).await,
        Command::Rollback(asked) => rollback::rollback(&reach, asked).await,
        Command::Checklist(asked) => rollback::show(&reach, &asked).await,
        Command::Check(asked) => rollback::check(&reach, asked).await,
        Command::Uncheck(asked) => rollback::uncheck(&reach, asked).await,
        Command::Impossible(asked) => rollback::impossible(&reach, asked).await,
        Command::Verify(asked) => rollback::verify(&reach, asked).await,
        Command::Told(asked) => told::told(&reach, &asked).await,
        Command::Finding(asked) => cause::finding(&reach, asked).await,
        Command::Investigate(asked) => cause::investigate(&reach, &asked).await,
        Command::Change(asked) => cause::change(&reach, asked).await,
        Command::Rerun(asked) => cause::rerun(&reach, asked).await,
        Command::Correction(asked) => cause::correction(&reach, asked).await,
        Command::Restart(asked) => cause::restart(&reach, asked).await,
        Command::Draft(asked) => drafts::run(&reach, asked).await,
        Command::Drill(asked) => drills::run(&reach, asked).await,
        Command::Audit(asked) => audit::run(&reach, asked).await,
        Command::Completions(asked) => {
            // Written to memory first: the generator panics on a reader that went away.
            let mut script = Vec::new();
            clap_complete::generate(asked.shell, &mut Cli::command(), "andon", &mut script);
            line(String::from_utf8_lossy(&script).trim_end())
        }
        Command::Man { command } => man(command.as_deref()),
    }
}

fn man(command: Option<&str>) -> Result<(), Failed> {
    let whole = Cli::command();
    let page = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(found) => found.clone(),
            None => return Err(format!("there is no command {name:?}; `andon --help` lists them").into()),
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    line(String::from_utf8_lossy(&text).trim_end())
}
