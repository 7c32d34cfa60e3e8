//! `andon hook`: where events go by type, and whether that works (TEAM.12).

use clap::Subcommand;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{HookTested, HookView, path},
    terms::Time,
};

/// How long a hook may fail before it is wrong, in milliseconds.
pub(super) const LONG: i64 = 10 * Time::MINUTE;

/// `andon hook`.
#[derive(Debug, Subcommand)]
pub enum Hook {
    /// Every hook of the runbook, and how far it is.
    List,
    /// Send something harmless to one, once, and say what it answered.
    Test {
        /// Its name in hooks.toml.
        name: String,
    },
}

pub async fn run(reach: &Reach, asked: Hook) -> Result<(), Failed> {
    match asked {
        Hook::List => list(reach).await,
        Hook::Test { name } => test(reach, &name).await,
    }
}

async fn list(reach: &Reach) -> Result<(), Failed> {
    let hooks: Vec<HookView> = reach.client().await?.get(path::HOOKS).await?;
    reach.show(&hooks, |hooks| {
        if hooks.is_empty() {
            return print::line("no hook: hooks.toml of the runbook names them");
        }
        let row = |hook: &HookView| {
            let state = match &hook.state {
                None => "not begun".to_owned(),
                Some(state) if state.stopped => "stopped".to_owned(),
                Some(state) => match state.failing_since {
                    Some(since) => format!("fails since {}", print::clock(since)),
                    None => "ok".to_owned(),
                },
            };
            let (status, delivered) =
                hook.state.as_ref().map(|it| (it.status.clone(), it.delivered)).unwrap_or_default();
            vec![
                hook.name.clone(),
                state,
                hook.behind.to_string(),
                delivered.to_string(),
                status,
                hook.events.join(" "),
                hook.url.clone(),
            ]
        };
        print::table(
            &["NAME", "STATE", "BEHIND", "TAKEN", "SAID", "EVENTS", "URL"],
            &hooks.iter().map(row).collect::<Vec<_>>(),
        )
    })
}

async fn test(reach: &Reach, name: &str) -> Result<(), Failed> {
    let client = reach.client().await?;
    let tested: HookTested = client.post(&path::hook_test(name), &serde_json::json!({})).await?;
    let said = format!("{name}: {} in {} ms", tested.status, tested.took_ms);
    reach.show(&tested, |_| print::line(print::clean(&said).as_str()))?;
    if tested.ok { Ok(()) } else { Err(Failed(format!("the hook did not take it: {}", tested.status))) }
}
