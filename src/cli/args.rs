//! Every command and its flags.

use clap::{Args, Parser, Subcommand};

use super::{
    actuators, agents, backend, cause, config, custody, decide, drafts, drills, evals, evidence, facts, figures,
    firings, holds, hooks, incidents, interlock, login, outbox, postmortem, restrict, rollback, runbook, severity,
    status, switches, team, tokens, tripwires,
};
use crate::terms::{DrillId, IncidentId};

/// The incident cockpit for AI agents.
///
/// Without a command it opens the cockpit on the backend named by ANDON_URL or the configuration, else on this user's
/// own, which it starts.
#[derive(Debug, Parser)]
#[command(name = "andon", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do; the cockpit where nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,

    /// Ask in a drill's world, DRILL-3, instead of the real one.
    #[arg(long, global = true, value_name = "DRILL")]
    pub world: Option<DrillId>,

    /// Open one pane only: timeline, tripwires, containment, checklist, draft, evidence.
    #[arg(long, value_name = "PANE")]
    pub pane: Option<String>,

    /// The incident that the pane stays with.
    #[arg(value_name = "INC", requires = "pane", value_parser = command_or_incident)]
    pub incident: Option<IncidentId>,
}

/// What stands where a command could: an incident for a pane, or a command mistyped.
fn command_or_incident(word: &str) -> Result<IncidentId, String> {
    word.parse().map_err(|_| "no such command, nor an incident like INC-7; `andon --help` lists the commands".into())
}

/// The commands, by family.
#[derive(Debug, Subcommand)]
#[command(subcommand_negates_reqs = true)]
pub enum Command {
    /// Run the backend in the foreground, or stop the one that runs.
    Serve(backend::Serve),
    /// What is wrong with this installation, and what is not.
    Doctor,
    /// What is open before an incident: authority, undo, evidence, controls, owners, workflows.
    Readiness,
    /// What was asked while the backend was not reached, and waits.
    Outbox {
        #[command(subcommand)]
        asked: Option<outbox::Asked>,
    },
    /// Move a log from one place to another.
    #[command(subcommand)]
    Store(custody::Stores),
    /// Write a whole log as JSON Lines.
    Export(custody::Export),
    /// Take an export into an empty place.
    Import(custody::Import),
    /// Copy log, telemetry and evidence into a folder, while a backend serves.
    Backup(custody::Backup),
    /// Put a backup where nothing is.
    Restore(custody::Restore),
    /// Log in at a team's backend with the key that your SSH agent holds.
    Login(login::Login),
    /// End that session.
    Logout,
    /// The state of things in a few lines, or in one for a status bar.
    Status(status::Status),
    /// The configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// Tokens for agents, gateways, scripts and remote people.
    #[command(subcommand)]
    Token(tokens::Token),

    /// Declare an incident.
    Declare(incidents::Declare),
    /// List incidents.
    Incidents(incidents::List),
    /// Show one incident.
    Show(incidents::One),
    /// Show an incident's timeline.
    Log(incidents::Log),
    /// Add a note to an incident.
    Note(incidents::Note),
    /// The severity that is advised, and why; answer its factors; set it.
    Severity(severity::Severity),
    /// The seven facts of the first ten minutes: list them, answer, dispute or settle one.
    Facts(facts::Facts),
    /// Give a role on an incident to somebody.
    Assign(incidents::Assign),
    /// Hand a role over, and print the sheet that goes with it.
    Handover(team::Handover),
    /// Tasks of an incident: add, list, done.
    #[command(subcommand)]
    Task(team::Tasks),
    /// An incident's chat, bridge, tickets.
    #[command(subcommand)]
    Link(team::Links),
    /// Mark an event of the timeline as a key event.
    Key(team::Key),
    /// What calls for somebody on an incident now.
    Reminders(incidents::One),
    /// Put a reminder off.
    Snooze(team::Off),
    /// Fill one of the runbook's own fields.
    Field(team::Field),
    /// Relate an incident to another.
    Relate(team::Relation),
    /// Have only named people see an incident.
    Restrict(restrict::Restriction),
    /// Merge an incident into another, which takes everything in.
    Merge(team::Pair),
    /// Split a part of an incident off as one of its own.
    Split(team::Part),
    /// Confirm harm, or correct since when.
    Harm(incidents::Harm),
    /// Estimate how far the harm may reach, and record what was chosen.
    Blast(incidents::Blast),
    /// Declare containment by word.
    Contained(incidents::Why),
    /// Confirm an incident that a tripwire opened.
    Confirm(incidents::One),
    /// Dismiss an incident that a tripwire opened.
    Dismiss(incidents::Why),
    /// Resolve an incident.
    Resolve(incidents::Resolve),
    /// Reopen an incident.
    Reopen(incidents::Why),
    /// Close an incident.
    Close(incidents::Close),
    /// An incident's post-mortem: read it, write it, file it.
    Postmortem(postmortem::Postmortem),
    /// Regression cases for evaluation tools.
    #[command(subcommand)]
    Eval(evals::Eval),
    /// How long things took over all incidents: detection to restart, budgets, noise; drills apart.
    Figures(figures::Asked),

    /// Stop agents. Without a scope: all of them. Asks nobody.
    Halt(switches::Halt),
    /// List switches.
    Switches(switches::List),
    /// Lift a switch, or restore one agent from it.
    Release(switches::Release),
    /// Put a program, or an agent's MCP tools, under the interlock.
    #[command(subcommand)]
    Interlock(interlock::Interlock),
    /// Pre-approved moves beside a halt.
    #[command(subcommand)]
    Actuators(actuators::Actuators),
    /// Calls that wait for a person.
    Holds(holds::List),
    /// Let calls go on that wait, each once.
    Approve(holds::Decide),
    /// Refuse calls that wait.
    Deny(holds::Decide),

    /// Agents: list, show, declare.
    #[command(subcommand)]
    Agents(agents::Agents),
    /// List tripwire firings.
    Firings(firings::List),
    /// Acknowledge a firing, or what an incident paged.
    Ack(firings::Ack),
    /// Webhooks by type of event: how far each is, and whether it answers.
    #[command(subcommand)]
    Hook(hooks::Hook),
    /// Tripwires: their limits, and what they would say of a file of actions.
    #[command(subcommand)]
    Tripwires(tripwires::Tripwires),

    /// Evidence: freeze it, and say where each item stands.
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    /// The register of what is affected.
    Affected(evidence::Affected),

    /// Roll back, restrict, fall back or go on watching: the criteria, and the choice.
    Decide(decide::Decide),
    /// Open rollback checklists.
    #[command(subcommand)]
    Rollback(rollback::Rollback),
    /// Show an incident's rollback checklists.
    Checklist(incidents::One),
    /// Tick a step.
    Check(rollback::Step),
    /// Take a tick back.
    Uncheck(rollback::Step),
    /// Say that a step cannot be done, and what is done instead.
    Impossible(rollback::Impossible),
    /// Record the read-back that closes a checklist.
    Verify(rollback::Verify),
    /// The runbook in force here.
    #[command(subcommand)]
    Runbook(runbook::Runbook),

    /// Who was told what, when, by whom; who is owed word by when.
    Told(incidents::One),
    /// Record what was found, by layer; `--root` names the cause.
    Finding(cause::Finding),
    /// Layers, questions, findings, changes and repeated runs of an incident.
    Investigate(incidents::One),
    /// Name what changed shortly before, or judge it.
    Change(cause::Change),
    /// Record repeated runs as a rate.
    Rerun(cause::Rerun),
    /// Record what was corrected, and how it was tried.
    Correction(cause::Correction),
    /// The restart gate: show it, accept a condition, approve.
    Restart(cause::Restart),

    /// Communication drafts.
    #[command(subcommand)]
    Draft(drafts::Draft),

    /// Drills: incidents replayed in a world of their own.
    #[command(subcommand)]
    Drill(drills::Drill),

    /// Check the log's hash chain.
    #[command(subcommand)]
    Audit(super::audit::Audit),
    /// Print completions for a shell.
    Completions(Completions),
    /// Print the manual page, or that of one command.
    Man {
        /// A command: halt.
        command: Option<String>,
    },
}

/// Which shell.
#[derive(Debug, Args)]
pub struct Completions {
    /// bash, zsh, fish, elvish or powershell.
    pub shell: clap_complete::Shell,
}
