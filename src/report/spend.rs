//! What an incident's agents spent and did, gathered from telemetry in a compact series (PM.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    incident::Incident,
    telemetry::{Action, Status},
    terms::{AgentId, Time},
};

/// Points a series has at most.
const POINTS: i64 = 96;
/// Tools that are counted apart; others are summed.
const TOOLS: usize = 12;
/// What is shown before the first harmful action and after containment.
const MARGIN: i64 = 30 * Time::MINUTE;

/// Cost and actions from the window's beginning to this moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpendPoint {
    /// When.
    pub at: Time,
    /// USD so far.
    pub cost_usd: f64,
    /// Actions so far.
    pub actions: u64,
}

/// What one agent did with one tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolTally {
    /// Who.
    pub agent: AgentId,
    /// With what; agent-written.
    pub what: String,
    /// How often.
    pub calls: u64,
    /// Of these, stopped by the interlock.
    pub denied: u64,
    /// When first.
    pub first: Time,
    /// When last.
    pub last: Time,
}

/// What was spent and done in an incident's window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Spend {
    /// Where the window begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// Cost in the window, USD.
    pub cost_usd: f64,
    /// Part of it comes from a price table.
    pub estimated: bool,
    /// Actions in the window that were executed.
    pub actions: u64,
    /// Actions that the interlock stopped.
    pub denied: u64,
    /// Not all of the window is stored, or read.
    pub cut: bool,
    /// The series.
    pub points: Vec<SpendPoint>,
    /// By agent and tool, the most calls first.
    pub tools: Vec<ToolTally>,
    #[serde(skip)]
    buckets: BTreeMap<i64, (i128, u64)>,
    #[serde(skip)]
    tallies: BTreeMap<(AgentId, String), ToolTally>,
    #[serde(skip)]
    agents: Vec<AgentId>,
}

/// The window of an incident's telemetry: from a little before its first harm until a little after it was contained.
pub fn window(incident: &Incident, first_firing: Option<Time>, now: Time) -> (Time, Time) {
    let began = [incident.mttd.action, incident.harm_at, first_firing].into_iter().flatten();
    let from = began.fold(incident.declared_at, Time::min);
    let end = incident.contained_at.or(incident.resolved_at).unwrap_or(now);
    (from.plus(-MARGIN), end.max(from).plus(MARGIN).min(now.max(from)))
}

impl Spend {
    /// Nothing yet, of `agents` between `from` and `to`; no agents is everybody.
    pub fn new(agents: &[AgentId], from: Time, to: Time) -> Self {
        Self { from, to, agents: agents.to_vec(), ..Self::default() }
    }

    /// Takes an action, in any order.
    pub fn take(&mut self, action: &Action) {
        let wanted = self.agents.is_empty() || self.agents.contains(&action.agent);
        if !wanted || action.at < self.from || action.at > self.to {
            return;
        }
        let step = (self.to.since(self.from) / POINTS).max(1);
        let (bucket, denied) = (action.at.since(self.from) / step, action.status == Status::Denied);
        let sum = self.buckets.entry(bucket).or_default();
        if denied {
            self.denied += 1;
        } else {
            sum.1 += 1;
            sum.0 += action.cost.map_or(0, |cost| i128::from(cost.0));
            self.estimated |= action.cost_estimated && action.cost.is_some();
        }
        let key = (action.agent.clone(), action.what().chars().take(120).collect::<String>());
        let tally = self.tallies.entry(key).or_insert_with_key(|(agent, what)| ToolTally {
            agent: agent.clone(),
            what: what.clone(),
            calls: 0,
            denied: 0,
            first: action.at,
            last: action.at,
        });
        tally.calls += 1;
        tally.denied += u64::from(denied);
        (tally.first, tally.last) = (tally.first.min(action.at), tally.last.max(action.at));
    }

    /// The series, once everything was taken.
    pub fn whole(mut self) -> Self {
        let step = (self.to.since(self.from) / POINTS).max(1);
        let (mut cost, mut actions) = (0_i128, 0_u64);
        self.points.push(SpendPoint { at: self.from, cost_usd: 0.0, actions: 0 });
        for (bucket, (spent, acted)) in std::mem::take(&mut self.buckets) {
            cost += spent;
            actions += acted;
            let at = self.from.plus((bucket + 1).saturating_mul(step)).min(self.to);
            self.points.push(SpendPoint { at, cost_usd: usd(cost), actions });
        }
        self.points.push(SpendPoint { at: self.to, cost_usd: usd(cost), actions });
        (self.cost_usd, self.actions) = (usd(cost), actions);
        self.tools = std::mem::take(&mut self.tallies).into_values().collect();
        self.tools.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.what.cmp(&b.what)));
        self.tools.truncate(TOOLS);
        self
    }
}

fn usd(nanos: i128) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn action(agent: &str, at: i64, nanos: i64, denied: bool) -> Action {
        let status = if denied { "denied" } else { "ok" };
        let cost = nanos as f64 / 1e9;
        serde_json::from_value(json!({"at": Time::from_millis(at), "received_at": Time::from_millis(at),
            "agent": agent, "tool": "pay", "status": status, "cost_usd": cost}))
        .unwrap()
    }

    proptest! {
        /// PM.3: the curve ends where the sums end, never falls, and is compact whatever was done.
        #[test]
        fn the_curve_ends_in_the_sums(acts in prop::collection::vec((0i64..10_000, 0i64..5_000_000_000, any::<bool>(), any::<bool>()), 0..300)) {
            let agent = AgentId::new("a").unwrap();
            let (from, to) = (Time::from_millis(1_000), Time::from_millis(9_000));
            let mut spend = Spend::new(&[agent], from, to);
            let (mut cost, mut count, mut stopped) = (0.0, 0, 0);
            for (at, nanos, mine, denied) in acts {
                spend.take(&action(if mine { "a" } else { "b" }, at, nanos, denied));
                if mine && (1_000..=9_000).contains(&at) {
                    if denied { stopped += 1 } else { count += 1; cost += nanos as f64 / 1e9; }
                }
            }
            let spend = spend.whole();
            prop_assert!((spend.cost_usd - cost).abs() < 1e-6, "{} {cost}", spend.cost_usd);
            prop_assert_eq!((spend.actions, spend.denied), (count, stopped));
            prop_assert!(spend.points.len() <= POINTS as usize + 3);
            prop_assert!(spend.points.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[0].cost_usd <= pair[1].cost_usd));
            prop_assert_eq!(spend.points.last().unwrap().actions, count);
            prop_assert_eq!(spend.tools.iter().map(|tool| tool.calls).sum::<u64>(), count + stopped);
        }
    }
}
