//! What a proposed set of tripwires would have done to an incident's own telemetry (PM.3, DET.8).

use serde::{Deserialize, Serialize};

use crate::{
    incident::{Incident, Status, World},
    terms::{AgentId, Time},
    tripwire::{FiringLine, Tripwire},
};

/// How long before the first known harm an incident may have begun.
const LOOK_BACK: i64 = 24 * Time::HOUR;

/// The moments between which firings of an incident's agents belong to it: from a day before the first thing known of it
/// until it was contained.
pub fn span_of(incident: &Incident, world: &World, now: Time) -> (Time, Time) {
    let firings = incident.firings.iter().filter_map(|id| world.firings.get(id)).map(|firing| firing.at);
    let known = [incident.mttd.action, incident.harm_at, incident.team.surfaced_at].into_iter().flatten();
    let began = firings.chain(known).fold(incident.declared_at, Time::min);
    let end = incident.contained_at.or(incident.resolved_at).or(incident.closed_at).unwrap_or(now);
    (began.plus(-LOOK_BACK), end.max(began))
}

/// The first firing of a set within the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstFiring {
    /// Event time.
    pub at: Time,
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Whose agent.
    pub agent: AgentId,
    /// What it was about; agent-written.
    pub detail: String,
}

/// What one set of tripwires does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetFigures {
    /// The first firing within the incident; absent where it never fires.
    pub first: Option<FirstFiring>,
    /// Firings within the incident.
    pub in_incident: u32,
    /// Firings in the days looked at that belong to no incident.
    pub false_alarms: u32,
}

impl SetFigures {
    /// What `lines`, the firings of one set, mean for `incident` between `from` and `to`, and in the `days` before `to`.
    pub fn of(lines: &[FiringLine], incident: &Incident, world: &World, (from, to): (Time, Time), days: u32) -> Self {
        let earliest = to.plus(-i64::from(days).saturating_mul(Time::DAY));
        let belongs = |line: &&FiringLine| {
            (incident.agents.is_empty() || incident.agents.contains(&line.agent)) && line.at >= from && line.at <= to
        };
        let first = lines.iter().filter(belongs).min_by_key(|line| line.at).map(|line| FirstFiring {
            at: line.at,
            tripwire: line.tripwire,
            agent: line.agent.clone(),
            detail: line.detail.clone(),
        });
        let other = |line: &FiringLine| {
            let real = |one: &&std::sync::Arc<Incident>| one.confirmed && one.status != Status::Dismissed;
            world.incidents.values().filter(real).any(|one| {
                let (from, to) = span_of(one, world, to);
                one.id != incident.id && one.agents.contains(&line.agent) && line.at >= from && line.at <= to
            })
        };
        let alarm = |line: &&FiringLine| line.at >= earliest && line.at <= to && !belongs(line) && !other(line);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            first,
            in_incident: count(lines.iter().filter(belongs).count()),
            false_alarms: count(lines.iter().filter(alarm).count()),
        }
    }
}

/// Present and proposed tripwires over the same actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TripwireBacktest {
    /// Where the incident's window begins.
    pub from: Time,
    /// Where it ends, and the days before which false alarms are counted.
    pub to: Time,
    /// How many days.
    pub days: u32,
    /// How many actions were judged.
    pub actions: u64,
    /// Older actions are stored and were left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The tripwires in force.
    pub present: SetFigures,
    /// The proposed ones.
    pub proposed: SetFigures,
    /// SHA-256 (hex) of the proposed texts.
    pub digest: String,
}

impl TripwireBacktest {
    /// By how much the proposed set fires earlier, in milliseconds; negative is later; absent where one never fires.
    pub fn earlier_ms(&self) -> Option<i64> {
        let (present, proposed) = (self.present.first.as_ref()?, self.proposed.first.as_ref()?);
        Some(present.at.since(proposed.at))
    }

    /// `would have fired 2 h 51 min earlier; 3 false alarms in 30 days (1 by the present ones)`.
    pub fn verdict(&self) -> String {
        let first = match (&self.present.first, &self.proposed.first, self.earlier_ms()) {
            (_, _, Some(0)) => "would have fired at the same moment".to_owned(),
            (_, _, Some(ms)) if ms > 0 => format!("would have fired {} earlier", span(ms)),
            (_, _, Some(ms)) => format!("would have fired {} later", span(-ms)),
            (None, Some(_), _) => "would have fired, where the present ones never do".to_owned(),
            (Some(_), None, _) => "would never have fired, where the present ones do".to_owned(),
            _ => "would not have fired, as the present ones do not".to_owned(),
        };
        let alarms = |count: u32| if count == 1 { "1 false alarm".to_owned() } else { format!("{count} false alarms") };
        format!(
            "{first}; {} in {} days ({} by the present ones)",
            alarms(self.proposed.false_alarms),
            self.days,
            self.present.false_alarms
        )
    }
}

/// `4.2 s`, `9 min 12 s`, `3 h 5 min`, `2 d 4 h`.
fn span(millis: i64) -> String {
    let seconds = millis.unsigned_abs() / 1_000;
    match seconds {
        0..60 => format!("{} s", (millis.unsigned_abs() as f64 / 100.0).round() / 10.0),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(present: Option<i64>, proposed: Option<i64>, alarms: u32) -> TripwireBacktest {
        let set = |at: Option<i64>, false_alarms| SetFigures {
            first: at.map(|at| FirstFiring {
                at: Time::from_millis(at),
                tripwire: Tripwire::CostRate,
                agent: AgentId::new("a").unwrap(),
                detail: String::new(),
            }),
            in_incident: u32::from(at.is_some()),
            false_alarms,
        };
        TripwireBacktest {
            from: Time::from_millis(0),
            to: Time::from_millis(1),
            days: 30,
            actions: 9,
            cut: false,
            present: set(present, 1),
            proposed: set(proposed, alarms),
            digest: String::new(),
        }
    }

    /// PM.3: earlier, later, at once, only one of them, none: said as it is.
    #[test]
    fn the_verdict_says_what_the_figures_say() {
        let late = 10_260_000 + 500;
        for (present, proposed, alarms, says) in [
            (
                Some(late),
                Some(500),
                3,
                "would have fired 2 h 51 min earlier; 3 false alarms in 30 days (1 by the present ones)",
            ),
            (Some(500), Some(90_500), 1, "would have fired 1 min 30 s later; 1 false alarm in 30 days"),
            (Some(5), Some(5), 0, "would have fired at the same moment; 0 false alarms"),
            (None, Some(5), 0, "would have fired, where the present ones never do"),
            (Some(5), None, 0, "would never have fired, where the present ones do"),
            (None, None, 0, "would not have fired, as the present ones do not"),
        ] {
            let said = test(present, proposed, alarms).verdict();
            assert!(said.starts_with(says), "{said}");
        }
    }
}
