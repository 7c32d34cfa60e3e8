//! `andon tripwires mute`, `unmute`, `mutes`: tripwires that page nobody for a while (DET.7).

use clap::Args;

use super::{
    print::{self, Failed},
    reach::Reach,
    when,
};
use crate::{
    api::State,
    incident::{
        Command,
        pages::{Mute, MuteTripwire, UnmuteTripwire},
    },
    terms::{AgentId, Time},
    tripwire::Tripwire,
};

/// `andon tripwires mute`.
#[derive(Debug, Args)]
pub struct Asked {
    /// cost-rate, action-rate, outcome, authorisation or rule.
    tripwire: Tripwire,
    /// Only of this agent.
    #[arg(long)]
    agent: Option<AgentId>,
    /// Only with this detail: a rule's name, a tool, an endpoint.
    #[arg(long)]
    detail: Option<String>,
    /// For how long, or until when: 2h, 3d, or a time.
    #[arg(long = "for", value_name = "TIME", value_parser = when::later)]
    until: Time,
    /// Why.
    #[arg(long)]
    why: String,
}

pub async fn mute(reach: &Reach, asked: Asked) -> Result<(), Failed> {
    let Asked { tripwire, agent, detail, until, why } = asked;
    let ask = MuteTripwire { tripwire, agent, detail, until, why };
    let accepted = reach.submit(Command::MuteTripwire(ask)).await?;
    reach.told(&accepted, |_| {
        format!("{tripwire} pages nobody until {}; it is recorded all the same", print::clock(until))
    })
}

pub async fn unmute(reach: &Reach, mute: u32) -> Result<(), Failed> {
    let accepted = reach.submit(Command::UnmuteTripwire(UnmuteTripwire { mute })).await?;
    reach.told(&accepted, |kinds| format!("mute {mute}: {kinds}"))
}

pub async fn list(reach: &Reach) -> Result<(), Failed> {
    let state: State = reach.client().await?.state(reach.world).await?;
    let now = state.live.now;
    let live = |mute: &&Mute| mute.ended_at.is_none() && mute.muted.asked.until > now;
    let mutes: Vec<&Mute> = state.world.mutes.iter().filter(live).collect();
    reach.show(&mutes, |mutes| {
        if mutes.is_empty() {
            return print::line("nothing is muted");
        }
        let row = |mute: &&Mute| {
            let asked = &mute.muted.asked;
            let agent = asked.agent.as_ref().map_or("every agent".to_owned(), ToString::to_string);
            vec![
                mute.muted.mute.to_string(),
                asked.tripwire.to_string(),
                agent,
                asked.detail.clone().unwrap_or_default(),
                print::clock(asked.until),
                mute.by.to_string(),
                asked.why.clone(),
            ]
        };
        print::table(
            &["NO", "TRIPWIRE", "AGENT", "DETAIL", "UNTIL", "BY", "WHY"],
            &mutes.iter().map(row).collect::<Vec<_>>(),
        )
    })
}
