//! `andon rollback …`: a checklist while it is worked (RBK.1, RBK.3, RBK.7–RBK.9).

use std::io::{BufRead, IsTerminal, Write};

use clap::Subcommand;
use uuid::Uuid;

use super::{
    exhibits, incidents,
    print::{self, Failed},
    reach::Reach,
    rollback, when,
};
use crate::{
    api::{StoredBlob, path},
    cockpit::link::{Backend, StepPlace},
    incident::{
        Checklist, Command, IncidentCommand,
        evidence::{Blob, Origin},
        rollback::{Reached, Reader, Said, Value, WorkRollback, command_of, open_windows, watch_until},
    },
    terms::{IncidentId, Time},
};

/// How long a command run from the cockpit may take, ms.
const TIMEOUT: i64 = 10 * Time::MINUTE;

/// What is done with a checklist while it is worked.
#[derive(Debug, Subcommand)]
pub enum Working {
    /// Say who works a checklist; nobody else ticks what changes the state then.
    Assign {
        /// INC-7.
        incident: IncidentId,
        /// A checklist, RB-1, or its class where only one has it.
        checklist: String,
        /// Who; leave it out to give it back.
        who: Option<String>,
    },
    /// Say when something closes that undoing needs: a refund period, a log rotation.
    Window {
        /// INC-7.
        incident: IncidentId,
        /// A checklist, RB-1, or its class where only one has it.
        checklist: String,
        /// What closes.
        what: String,
        /// When: 30m, 4h, 2d from now, or RFC 3339; leave it out to take it back.
        #[arg(long, value_parser = when::later)]
        closes: Option<Time>,
    },
    /// Sign a checklist off, or go without.
    Sign {
        /// INC-7.
        incident: IncidentId,
        /// A checklist, RB-1, or its class where only one has it.
        checklist: String,
        /// Which sign-off: finance, legal, security ….
        sign: String,
        /// What was found; with --waive why it goes without.
        #[arg(long)]
        note: String,
        /// Go without it; for the severity owner.
        #[arg(long)]
        waive: bool,
    },
    /// Record a record's value before the agent, after it, or as it was read back.
    Value {
        /// INC-7.
        incident: IncidentId,
        /// A checklist, RB-1, or its class where only one has it.
        checklist: String,
        /// Which record.
        record: String,
        /// Before the agent.
        #[arg(long)]
        before: Option<String>,
        /// As the agent left it.
        #[arg(long)]
        after: Option<String>,
        /// As it was read back.
        #[arg(long, required_unless_present_any = ["before", "after"])]
        found: Option<String>,
    },
    /// Show a step's command with everything filled in, run it here if you say so, and keep what it writes.
    Run {
        /// INC-7.
        incident: IncidentId,
        /// A step by its short name; RB-2/STEP where several checklists have it.
        step: String,
        /// Run it without asking.
        #[arg(long)]
        yes: bool,
        /// How long it may take.
        #[arg(long, value_name = "D", default_value = "10m", value_parser = when::duration)]
        timeout: i64,
    },
    /// Show what a step's command wrote last, secrets masked.
    Output {
        /// INC-7.
        incident: IncidentId,
        /// A step by its short name; RB-2/STEP where several checklists have it.
        step: String,
    },
    /// List everybody whom the incident's agents reached, with message ids, from telemetry.
    Recipients {
        /// INC-7.
        incident: IncidentId,
    },
    /// List the agents that retrieved what the incident's agents wrote, from telemetry.
    Readers {
        /// INC-7.
        incident: IncidentId,
        /// A record; without one everything that telemetry shows as changed.
        #[arg(long)]
        record: Vec<String>,
    },
}

pub async fn working(reach: &Reach, asked: Working) -> Result<(), Failed> {
    let (incident, checklist, said) = match asked {
        Working::Assign { incident, checklist, who } => (incident, checklist, Said::Assigned { operator: who }),
        Working::Window { incident, checklist, what, closes } => {
            (incident, checklist, Said::Window { what, closes_at: closes })
        }
        Working::Sign { incident, checklist, sign, note, waive } => {
            (incident, checklist, Said::Signed { sign, note, waived: waive })
        }
        Working::Value { incident, checklist, record, before, after, found } => {
            (incident, checklist, Said::Value { record, before, after, found })
        }
        Working::Run { incident, step, yes, timeout } => return run(reach, incident, &step, yes, timeout).await,
        Working::Output { incident, step } => return output(reach, incident, &step).await,
        Working::Recipients { incident } => return recipients(reach, incident).await,
        Working::Readers { incident, record } => return readers(reach, incident, &record).await,
    };
    let checklist = rollback::named(reach, incident, &checklist).await?;
    reach.ask(incident, IncidentCommand::WorkRollback(WorkRollback { checklist, said })).await
}

/// Shows the command, runs it when that is wanted, keeps what it wrote.
async fn run(reach: &Reach, incident: IncidentId, step: &str, yes: bool, timeout: i64) -> Result<(), Failed> {
    let (checklist, step) = rollback::find(reach, incident, step).await?;
    let view = incidents::view(reach, incident).await?;
    let list = view.incident.checklists.iter().find(|list| list.id == checklist);
    let planned = list.and_then(|list| Some((list, list.steps.iter().find(|one| one.plan.id == step)?)));
    let Some((list, planned)) = planned else { return Err(format!("{incident} has no step {step}").into()) };
    let Some(template) = &planned.plan.command else {
        return Err(format!("{checklist}/{step} has no command: do it by hand and tick it with `andon check`").into());
    };
    let command = command_of(template, &view.incident, list);
    if !yes {
        eprintln!("{checklist}/{step} would run here, as you:");
        print::line(print::clean(&command).as_str())?;
        if !agreed()? {
            return Err("nothing was run; `--yes` runs it as it is shown".into());
        }
    }
    eprintln!("running: {}", print::clean(&command));
    let output = written(reach, command.clone(), timeout).await?;
    let (digest, exit) = (output.digest.clone(), output.exit);
    let said = Said::Ran { step: step.clone(), command, output };
    reach.ask(incident, IncidentCommand::WorkRollback(WorkRollback { checklist, said })).await?;
    if !reach.json {
        exhibits::masked(reach, &reach.at(path::blob(incident, &digest))).await?;
    }
    match exit {
        Some(0) => Ok(()),
        Some(code) => Err(format!("it ended with {code}; what it wrote is kept, the step is still open").into()),
        None => Err("it was killed; what it wrote is kept, the step is still open".into()),
    }
}

async fn written(reach: &Reach, command: String, timeout: i64) -> Result<Blob, Failed> {
    let (StoredBlob { digest, bytes }, exit) = exhibits::of_command(reach, &command, timeout).await?;
    Ok(Blob { digest, bytes, name: command.chars().take(200).collect(), origin: Origin::Command, exit })
}

/// Runs a command that the cockpit showed, without a word on the terminal; says how it ended.
pub(super) async fn run_shown(reach: &Reach, place: StepPlace, command: String) -> Result<String, Failed> {
    let StepPlace { world, incident, checklist, step } = place;
    let output = written(reach, command.clone(), TIMEOUT).await?;
    let ended = output.exit.map_or("was killed".to_owned(), |exit| format!("ended with {exit}"));
    let done =
        format!("{checklist}/{step} {ended}, {} bytes kept: andon rollback output {incident} {step}", output.bytes);
    let ask = IncidentCommand::WorkRollback(WorkRollback { checklist, said: Said::Ran { step, command, output } });
    let client = reach.client().await?;
    let asked = Backend::submit(client, world, Uuid::now_v7(), Command::OnIncident { incident, ask }).await;
    asked.map(|_| done).map_err(|why| Failed(why.to_string()))
}

/// Asks at a terminal; without one nobody agreed.
fn agreed() -> Result<bool, Failed> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("run it? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

async fn output(reach: &Reach, incident: IncidentId, step: &str) -> Result<(), Failed> {
    let (checklist, step) = rollback::find(reach, incident, step).await?;
    let all = rollback::checklists(reach, incident).await?;
    let list = all.iter().find(|list| list.id == checklist);
    let last = list.and_then(|list| list.work.runs.iter().rfind(|run| run.step == step));
    let Some(last) = last else {
        return Err(
            format!("{checklist}/{step} ran nothing yet; `andon rollback run {incident} {checklist}/{step}`").into()
        );
    };
    if reach.json {
        return print::json(last);
    }
    print::line(print::clean(format!("{} ran by {} {}", last.command, last.by, print::clock(last.at))).as_str())?;
    exhibits::masked(reach, &reach.at(path::blob(incident, &last.output.digest))).await
}

async fn recipients(reach: &Reach, incident: IncidentId) -> Result<(), Failed> {
    let reached: Reached = reach.get(path::recipients(incident)).await?;
    reach.show(&reached, |reached| {
        let rows: Vec<Vec<String>> = (reached.recipients.iter())
            .map(|one| {
                let (count, messages) = (one.count.to_string(), one.messages.join(" "));
                vec![one.recipient.clone(), count, messages, one.agent.to_string(), print::clock(one.first)]
            })
            .collect();
        print::table(&["RECIPIENT", "MESSAGES", "IDS", "AGENT", "FIRST"], &rows)?;
        if reached.unnamed > 0 {
            print::line(format!("{} messages name no recipient: look them up where they were sent", reached.unnamed))?;
        }
        if reached.more > 0 {
            print::line(format!("{} more are not listed", reached.more))?;
        }
        Ok(())
    })
}

async fn readers(reach: &Reach, incident: IncidentId, records: &[String]) -> Result<(), Failed> {
    let readers: Vec<Reader> = reach.get(path::readers(incident, records)).await?;
    reach.show(&readers, |readers| {
        if readers.is_empty() {
            return print::line("telemetry shows nobody who retrieved it");
        }
        let rows: Vec<Vec<String>> = (readers.iter())
            .map(|one| {
                let (count, runs) = (one.count.to_string(), one.runs.join(" "));
                vec![one.agent.to_string(), one.record.clone(), count, print::clock(one.last), runs]
            })
            .collect();
        print::table(&["AGENT", "RECORD", "TIMES", "LAST", "RUNS"], &rows)
    })
}

/// What stands of a checklist beside its steps.
pub(super) fn beside(checklist: &Checklist) -> Result<(), Failed> {
    let work = &checklist.work;
    let say = |text: String| print::line(print::clean(text).as_str());
    if let Some(operator) = &work.operator {
        say(format!("   worked by: {operator}"))?;
    }
    for (what, closes) in open_windows(checklist) {
        let closes = closes.map_or("not known when".to_owned(), print::clock);
        say(format!("   closes: {what} — {closes}"))?;
    }
    for sign in &work.plan.signs {
        match work.signed.get(&sign.id) {
            Some(given) => {
                let word = if given.waived { "goes without" } else { "signed" };
                say(format!("   ✓ {}: {word} by {} — {}", sign.id, given.by, given.note))?;
            }
            None => say(format!("   ○ {}: {}", sign.id, sign.title))?,
        }
    }
    for (record, Value { before, after, found }) in &work.values {
        let part = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".into());
        say(format!("   {record}: before {}, after {}, now {}", part(before), part(after), part(found)))?;
    }
    for run in &work.runs {
        let ended = run.output.exit.map_or("killed".to_owned(), |exit| format!("ended with {exit}"));
        say(format!("   $ {}: {ended}, {} bytes kept", run.step, run.output.bytes))?;
    }
    match watch_until(checklist) {
        Some(until) => say(format!("   watched until {}", print::clock(until))),
        None => Ok(()),
    }
}
