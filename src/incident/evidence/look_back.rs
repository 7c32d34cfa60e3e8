//! From the first suspect action to containment: everything touched, and the worst where telemetry has gaps (EVI.7).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{AddAffected, AffectedKind};
use crate::{
    telemetry::{Action, Amount, Status},
    terms::{AgentId, Time},
};

/// Names listed of a kind; the count goes on.
const LISTED: usize = 200;
/// Names remembered of a kind; beyond them the count is a lower bound, and told as such.
const REMEMBERED: usize = 200_000;
/// A silence shorter than this is no gap.
const SHORTEST_GAP: i64 = 15 * Time::MINUTE;
/// A silence this many times as long as the agent's median pause is one.
const TIMES_MEDIAN: i64 = 10;
/// Moments remembered of an agent.
const MOMENTS: usize = 2_000_000;

/// Things of one kind: how many, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Touched {
    /// How many different ones.
    pub count: u64,
    /// The first of them, in order of their names; agent-written.
    pub listed: Vec<String>,
    /// There are more than could be told apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
}

/// A time without telemetry from an agent that was live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Whose.
    pub agent: AgentId,
    /// After its last action before.
    pub from: Time,
    /// Until its next, or the end.
    pub to: Time,
    /// How long, in seconds.
    pub lasts_s: f64,
    /// How many actions it may have done meanwhile, at its busiest rate.
    pub may_be: u64,
}

/// What one agent did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Did {
    /// Who.
    pub agent: AgentId,
    /// Actions that were done.
    pub actions: u64,
    /// Those of them that act on the world, as far as their class tells.
    pub acting: u64,
    /// Its first.
    pub first: Time,
    /// Its last.
    pub last: Time,
}

/// Money moved in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// In which currency.
    pub currency: String,
    /// How many payments.
    pub count: u64,
    /// How much, all in all.
    pub sum: f64,
    /// The largest.
    pub largest: f64,
}

/// The worst that can be assumed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Worst {
    /// Actions that telemetry does not show: gaps at the busiest rate, shed, lost.
    pub unseen: u64,
    /// Actions at most.
    pub actions: u64,
    /// Recipients at most: every unseen action reached another one.
    pub recipients: u64,
    /// Records at most.
    pub records: u64,
    /// Money at most, by currency: every unseen action moved the largest amount.
    pub money: BTreeMap<String, f64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookBack {
    /// The first suspect action.
    pub from: Time,
    /// Containment, or now.
    pub to: Time,
    /// It is contained: what comes later is not counted.
    pub contained: bool,
    /// What each agent did.
    pub agents: Vec<Did>,
    /// Actions that were done; refused ones are not.
    pub actions: u64,
    /// Runs.
    pub runs: Touched,
    /// Tools and endpoints.
    pub tools: Touched,
    /// Records that were changed.
    pub records: Touched,
    /// Recipients, counterparties and readers.
    pub recipients: Touched,
    /// What was left outside: message ids, payment ids.
    pub effects: Touched,
    /// Money.
    pub money: Vec<Moved>,
    /// Where telemetry is silent.
    pub gaps: Vec<Gap>,
    /// Actions shed under overload since the backend began; whose, is not known.
    pub shed: u64,
    /// Pinned actions that are lost.
    pub lost: u64,
    /// The upper bound.
    pub worst: Worst,
}

impl LookBack {
    /// Rows for the register (EVI.8): what telemetry shows, and a row that is not counted where it is silent.
    pub fn rows(&self) -> Vec<AddAffected> {
        let row = |kind, what: String, count, amount| AddAffected { kind, what, count, amount, from_telemetry: true };
        let mut rows = Vec::new();
        if self.recipients.count > 0 {
            let what = "recipients and counterparties that telemetry shows".to_owned();
            rows.push(row(AffectedKind::Person, what, Some(self.recipients.count), None));
        }
        if self.records.count > 0 {
            let what = "records that telemetry shows as changed".to_owned();
            rows.push(row(AffectedKind::Record, what, Some(self.records.count), None));
        }
        for moved in &self.money {
            let amount = Amount { value: moved.sum, currency: moved.currency.clone() };
            let what = format!("moved in {}, as telemetry shows", moved.currency);
            rows.push(row(AffectedKind::Money, what, Some(moved.count), Some(amount)));
        }
        if self.worst.unseen > 0 {
            let what = "actions that telemetry does not show; look them up where they acted".to_owned();
            rows.push(row(AffectedKind::Record, what, None, None));
        }
        rows
    }
}

#[derive(Default)]
struct Names {
    known: BTreeSet<String>,
    more: bool,
}

impl Names {
    fn add(&mut self, name: &str) {
        if self.known.contains(name) {
            return;
        }
        if self.known.len() >= REMEMBERED {
            self.more = true;
        } else {
            self.known.insert(name.to_owned());
        }
    }

    fn touched(self) -> Touched {
        let count = self.known.len() as u64;
        Touched { count, at_least: self.more, listed: self.known.into_iter().take(LISTED).collect() }
    }
}

#[derive(Default)]
struct Traces {
    actions: u64,
    acting: u64,
    moments: Vec<Time>,
}

/// A look back being worked. Actions may come in any order.
pub struct LookingBack {
    from: Time,
    to: Time,
    agents: BTreeMap<AgentId, Traces>,
    runs: Names,
    tools: Names,
    records: Names,
    recipients: Names,
    effects: Names,
    money: BTreeMap<String, Moved>,
}

impl LookingBack {
    /// Over a window.
    pub fn over(from: Time, to: Time) -> Self {
        Self {
            from,
            to: to.max(from),
            agents: BTreeMap::new(),
            runs: Names::default(),
            tools: Names::default(),
            records: Names::default(),
            recipients: Names::default(),
            effects: Names::default(),
            money: BTreeMap::new(),
        }
    }

    /// Takes an action in, where it was done within the window.
    pub fn add(&mut self, action: &Action) {
        if action.status == Status::Denied || action.at < self.from || action.at > self.to {
            return;
        }
        let acts = action.class.as_ref().is_none_or(|class| class.as_str() != "read");
        let traces = self.agents.entry(action.agent.clone()).or_default();
        traces.actions += 1;
        traces.acting += u64::from(acts);
        if traces.moments.len() < MOMENTS {
            traces.moments.push(action.at);
        }
        if let Some(run) = &action.run {
            self.runs.add(run);
        }
        self.tools.add(action.what());
        if let Some(counterparty) = &action.counterparty {
            self.recipients.add(counterparty);
        }
        if let Some(amount) = action.amount.as_ref().filter(|amount| amount.value.is_finite()) {
            let currency = amount.currency.to_ascii_uppercase();
            let moved =
                self.money.entry(currency.clone()).or_insert(Moved { currency, count: 0, sum: 0.0, largest: 0.0 });
            moved.count += 1;
            moved.sum += amount.value;
            moved.largest = moved.largest.max(amount.value);
        }
        let Some(detail) = action.detail.as_deref() else { return };
        detail.recipients.iter().for_each(|recipient| self.recipients.add(recipient));
        detail.changes.iter().for_each(|change| self.records.add(&change.record));
        detail.effects.iter().for_each(|effect| self.effects.add(effect));
    }

    /// The answer; `shed` and `lost` actions are not among those taken in.
    pub fn finish(self, contained: bool, shed: u64, lost: u64) -> LookBack {
        let (from, to) = (self.from, self.to);
        let mut gaps = Vec::new();
        let mut agents = Vec::new();
        for (agent, mut traces) in self.agents {
            traces.moments.sort_unstable();
            let (Some(first), Some(last)) = (traces.moments.first().copied(), traces.moments.last().copied()) else {
                continue;
            };
            gaps.extend(silences(&agent, &traces.moments, to));
            agents.push(Did { agent, actions: traces.actions, acting: traces.acting, first, last });
        }
        let actions = agents.iter().map(|did| did.actions).sum::<u64>();
        let unseen = gaps.iter().map(|gap| gap.may_be).sum::<u64>().saturating_add(shed).saturating_add(lost);
        let (records, recipients) = (self.records.touched(), self.recipients.touched());
        let money: Vec<Moved> = self.money.into_values().collect();
        let worst = Worst {
            unseen,
            actions: actions.saturating_add(unseen),
            recipients: recipients.count.saturating_add(unseen),
            records: records.count.saturating_add(unseen),
            money: money
                .iter()
                .map(|moved| (moved.currency.clone(), moved.sum + moved.largest * unseen as f64))
                .collect(),
        };
        LookBack {
            from,
            to,
            contained,
            agents,
            actions,
            runs: self.runs.touched(),
            tools: self.tools.touched(),
            records,
            recipients,
            effects: self.effects.touched(),
            money,
            gaps,
            shed,
            lost,
            worst,
        }
    }
}

/// Silences of an agent between its first action and `end`: longer than a quarter of an hour and than ten times its
/// median pause. Its busiest clock hour says what it may have done meanwhile.
fn silences(agent: &AgentId, moments: &[Time], end: Time) -> Vec<Gap> {
    let next = moments.iter().skip(1).copied().chain(std::iter::once(end));
    let pauses: Vec<(Time, Time)> = moments.iter().copied().zip(next).collect();
    let mut lengths: Vec<i64> = pauses.iter().map(|(from, to)| to.since(*from)).collect();
    lengths.pop();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let limit = SHORTEST_GAP.max(median.saturating_mul(TIMES_MEDIAN));
    let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
    for moment in moments {
        *hours.entry(moment.millis() / Time::HOUR).or_default() += 1;
    }
    let busiest = hours.values().copied().max().unwrap_or(0);
    let silent = pauses.into_iter().filter(|(from, to)| to.since(*from) > limit);
    silent
        .map(|(from, to)| {
            let lasts = to.since(from);
            let may_be = (lasts as f64 / Time::HOUR as f64 * busiest as f64).ceil() as u64;
            Gap { agent: agent.clone(), from, to, lasts_s: lasts as f64 / 1_000.0, may_be }
        })
        .collect()
}

#[cfg(test)]
#[path = "look_back_tests.rs"]
mod tests;
