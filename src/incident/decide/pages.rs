//! Pages as they went, and tripwires that are muted (TEAM.3, DET.7).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
};
use crate::{
    incident::{
        Fact, Topic,
        pages::{MuteTripwire, Muted, PageSent, UnmuteTripwire, Unmuted},
    },
    terms::Time,
    tripwire::Tripwire,
};

/// The longest mute: what is quiet for longer is tuned, or retired.
const LONGEST: i64 = 30 * Time::DAY;

/// What came of a step; said once.
pub(super) fn sent(case: &Case<'_>, sent: &PageSent) -> Decided {
    let Some(firing) = case.world.firings.get(&sent.firing) else {
        return Err(unknown(format!("there is no {}", sent.firing)));
    };
    if firing.pages.iter().any(|known| known.sent == *sent) {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Tripwires, Fact::FiringPaged(sent.clone()))])
}

pub(super) fn mute(case: &Case<'_>, ask: &MuteTripwire) -> Decided {
    case.person("mute a tripwire")?;
    if ask.tripwire == Tripwire::Breach {
        return Err(conflict("a breach is never muted: something halted acts"));
    }
    let why = checks::reason("mute a tripwire", &ask.why)?;
    let left = ask.until.since(case.context.now);
    if left <= 0 || left > LONGEST {
        return Err(invalid(format!(
            "a mute ends within 30 days, and {} is none of them; for longer, change its limits, or retire it in tripwires.toml",
            ask.until
        )));
    }
    let detail = ask.detail.as_deref().map(|detail| checks::name("the detail", detail)).transpose()?;
    let mute = case.world.mutes.last().map_or(1, |mute| mute.muted.mute.saturating_add(1));
    let asked = MuteTripwire { why, detail, ..ask.clone() };
    Ok(vec![case.fact(Topic::Tripwires, Fact::TripwireMuted(Muted { mute, asked }))])
}

pub(super) fn unmute(case: &Case<'_>, ask: &UnmuteTripwire) -> Decided {
    case.person("end a mute")?;
    let Some(mute) = case.world.mutes.iter().find(|mute| mute.muted.mute == ask.mute) else {
        return Err(unknown(format!("there is no mute {}; `andon tripwires mutes` lists them", ask.mute)));
    };
    if mute.ended_at.is_some() || mute.muted.asked.until <= case.context.now {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Tripwires, Fact::TripwireUnmuted(Unmuted { mute: ask.mute }))])
}
