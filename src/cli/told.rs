//! Who was told (COM.4, COM.7).

use super::{
    incidents::One,
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    incident::{
        ClockState,
        communication::{self, Duty, Row, Subject, Told},
    },
    terms::Time,
};

/// The ledger of one incident.
pub async fn told(reach: &Reach, asked: &One) -> Result<(), Failed> {
    let state = reach.client().await?.state(reach.world).await?;
    let Some(incident) = state.world.incidents.get(&asked.incident) else {
        let said = format!("there is no {} in this world; `andon incidents` lists those there are", asked.incident);
        return Err(said.into());
    };
    let runbook = reach.runbook(Some(&incident.runbook)).await?;
    let now = Time::from(chrono::Utc::now());
    let rows = communication::ledger(&Subject { incident, world: &state.world, runbook: &runbook, now });
    reach.show(&rows, |rows| {
        if rows.is_empty() {
            return print::line("nobody is owed word, and nobody was told");
        }
        let lines: Vec<Vec<String>> = rows.iter().flat_map(lines).collect();
        print::table(&["AUDIENCE", "OWED", "TOLD", "BY", "CHANNEL", "TO", "MESSAGE"], &lines)
    })
}

/// The audience; of regulators, which one.
fn who(row: &Row) -> String {
    if row.audience == "regulator" && row.owed.is_some() { row.recipient.clone() } else { row.audience.clone() }
}

fn lines(row: &Row) -> Vec<Vec<String>> {
    let owed = row.owed.as_ref().map(owed).unwrap_or_default();
    if row.told.is_empty() {
        return vec![vec![who(row), owed, "not told".into()]];
    }
    let line = |(at, told): (usize, &Told)| {
        let (audience, owed) = if at == 0 { (who(row), owed.clone()) } else { Default::default() };
        let when = match (told.told_at, told.state) {
            (Some(at), _) => print::clock(at),
            (None, Some(state)) => format!("{state}: {}", told.status),
            (None, None) => "not told".into(),
        };
        let message = format!("{} {}", told.draft, told.number);
        vec![audience, owed, when, told.by.to_string(), told.channel.clone(), told.to.clone(), message]
    };
    row.told.iter().enumerate().map(line).collect()
}

fn owed(duty: &Duty) -> String {
    let left = duty.clock.left_s.map(print::span).unwrap_or_default();
    match duty.clock.state {
        ClockState::Waiting => format!("waits ({})", duty.why),
        ClockState::Running => format!("in {left} ({})", duty.why),
        ClockState::Met => "told in time".into(),
        ClockState::Missed => format!("{left} over ({})", duty.why),
    }
}
