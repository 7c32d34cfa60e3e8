//! `andon outbox`: what waits until the backend is reached again (law 6, protocol 6).

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    client::{Client, Outbox, Sent, Waiting, kept},
    incident::Command,
    terms::{DrillId, Time},
};

/// `andon outbox`.
#[derive(Debug, Subcommand)]
pub enum Asked {
    /// What waits.
    List,
    /// Send it now.
    Send,
    /// Forget one that waits.
    Drop {
        /// Its id, as the list shows it.
        id: Uuid,
    },
}

pub async fn run(reach: &Reach, asked: Option<Asked>) -> Result<(), Failed> {
    let (outbox, client) = (Outbox::in_folder(&reach.settings.home.data), reach.client().await?);
    match asked.unwrap_or(Asked::List) {
        Asked::List => {
            let waiting = outbox.waiting(&client.target().place());
            reach.show(&waiting, |waiting| {
                if waiting.is_empty() {
                    return print::line("nothing waits");
                }
                let row = |one: &Waiting| vec![one.id.to_string(), print::clock(one.at), one.what.clone()];
                print::table(&["ID", "ASKED", "WHAT"], &waiting.iter().map(row).collect::<Vec<_>>())
            })
        }
        Asked::Send => {
            let sent = outbox.send(client).await?;
            let left = outbox.waiting(&client.target().place()).len();
            let lines: Vec<String> = sent.iter().map(words).collect();
            reach.show(&json!({ "sent": lines, "waiting": left }), |_| {
                lines.iter().try_for_each(|line| print::line(print::clean(line).as_str()))?;
                print::line(format!("{left} wait"))
            })
        }
        Asked::Drop { id } => {
            let gone = outbox.forget(id)?;
            if !gone {
                return Err(format!("nothing of the id {id} waits; `andon outbox` lists what does").into());
            }
            reach.show(&json!({ "dropped": id }), |_| print::line("forgotten; it was never sent"))
        }
    }
}

/// What became of one, in a line.
pub fn words(sent: &Sent) -> String {
    match &sent.refused {
        None => format!("sent: {}", sent.waiting.what),
        Some(why) => format!("refused: {} — {why}", sent.waiting.what),
    }
}

const WAITS: &str = "kept: it is sent once the backend is reached; `andon outbox` shows what waits";
const HALT_WAITS: &str = "NOTHING IS HALTED YET: the halt waits, and is fired once the backend is reached; \
                          `andon halt --break-glass` stops what this host may by itself";

/// Keeps a command whose backend was not reached, where it may wait.
///
/// # Errors
/// A disk that does not take it: nothing is kept then.
pub fn keep(reach: &Reach, client: &Client, id: Uuid, command: Command) -> Result<bool, Failed> {
    let halt = matches!(command, Command::Engage(_));
    let kept = keep_in(reach, client, reach.world, id, command)?;
    if kept {
        eprintln!("{}", if halt { HALT_WAITS } else { WAITS });
    }
    Ok(kept)
}

/// The same, of a command in a world; says nothing.
///
/// # Errors
/// A disk that does not take it.
pub fn keep_in(
    reach: &Reach,
    client: &Client,
    world: Option<DrillId>,
    id: Uuid,
    command: Command,
) -> Result<bool, Failed> {
    let at = Time::from(chrono::Utc::now());
    let Some(command) = kept(command, at) else { return Ok(false) };
    let what = what(&command);
    let place = client.target().place();
    reach.settings.home.prepare().map_err(|why| why.detail)?;
    let waiting = Waiting { id, place, world, at, what, seen: None, command };
    Outbox::in_folder(&reach.settings.home.data).keep(&waiting)?;
    Ok(true)
}

/// A command in words, for whoever finds it waiting.
fn what(command: &Command) -> String {
    use crate::incident::IncidentCommand as On;
    match command {
        Command::Declare(declare) => format!("declare: {}", declare.title),
        Command::Engage(engage) => format!("{} {}", engage.mode, engage.scope),
        Command::OnIncident { incident, ask: On::Note { text, .. } } => format!("{incident} note: {text}"),
        Command::OnIncident { incident, ask: On::TickStep { checklist, step } } => {
            format!("{incident} {checklist} {step} done")
        }
        Command::OnIncident { incident, ask: On::ConfirmHarm { .. } } => format!("{incident} harm confirmed"),
        _ => "a command".to_owned(),
    }
}
