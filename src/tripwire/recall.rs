//! What team rules remember of one agent, bounded: runs, counterparties, calls (DET.11).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{endpoints::fnv1a, rules::Deed};
use crate::{
    runbook::{Asks, Rule, Rules},
    terms::Time,
};

/// Runs a rule follows of an agent; the one longest without a call is forgotten first.
pub(super) const RUNS: usize = 64;
/// Counterparties a rule knows of an agent; one more stays new.
pub(super) const PARTIES: usize = 4096;
/// Calls a loop rule follows of an agent, for each time it waits for; and at least.
pub(super) const CALLS: (usize, usize) = (8, 64);

/// What team rules remember of an agent, by rule; only of rules that looked at something.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recall(Vec<Kept>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    rule: String,
    of: Of,
}

/// Runs, counterparties and calls go by their hashes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Of {
    /// With their calls, the newest last.
    Runs(VecDeque<(u64, u32)>),
    /// In order of hash, and when the first was dealt with.
    Parties { known: Vec<u64>, since: Time },
    /// With their times, in order of arrival.
    Calls(VecDeque<(u64, Time)>),
}

impl Recall {
    fn of(&self, rule: &str) -> Option<&Of> {
        self.0.iter().find(|kept| kept.rule == rule).map(|kept| &kept.of)
    }

    /// Calls that `rule` saw in a run.
    pub(super) fn calls_in(&self, rule: &str, run: u64) -> u32 {
        let Some(Of::Runs(runs)) = self.of(rule) else { return 0 };
        runs.iter().find(|(known, _)| *known == run).map_or(0, |(_, calls)| *calls)
    }

    /// Whether `rule` never saw a counterparty, `grace` or more after its first.
    pub(super) fn is_new(&self, rule: &str, party: u64, at: Time, grace: i64) -> bool {
        match self.of(rule) {
            Some(Of::Parties { known, since }) => known.binary_search(&party).is_err() && at.since(*since) >= grace,
            _ => grace == 0,
        }
    }

    /// How often `rule` saw a call after `since`, up to `until`.
    pub(super) fn times(&self, rule: &str, call: u64, since: Time, until: Time) -> u32 {
        let Some(Of::Calls(calls)) = self.of(rule) else { return 0 };
        let within = |(known, at): &&(u64, Time)| *known == call && *at > since && *at <= until;
        calls.iter().filter(within).count() as u32
    }

    /// Keeps what `rule` will ask of a call that ran.
    pub(super) fn learn(&mut self, rule: &Rule, deed: &Deed<'_>) {
        match &rule.asks {
            Asks::Amount(_) => {}
            Asks::CallsPerRun(_) => {
                let Some(run) = deed.run.map(|run| fnv1a(run.as_bytes())) else { return };
                let Of::Runs(runs) = self.kept(&rule.name, |of| matches!(of, Of::Runs(_)), Of::Runs(VecDeque::new()))
                else {
                    return;
                };
                let known = runs.iter().position(|(known, _)| *known == run).and_then(|place| runs.remove(place));
                runs.push_back((run, known.map_or(0, |(_, calls)| calls).saturating_add(1)));
                if runs.len() > RUNS {
                    runs.pop_front();
                }
            }
            Asks::NewCounterparty { .. } => {
                let Some(party) = deed.party(&rule.input).map(|party| fnv1a(party.as_bytes())) else { return };
                let empty = Of::Parties { known: Vec::new(), since: deed.at };
                let Of::Parties { known, since } = self.kept(&rule.name, |of| matches!(of, Of::Parties { .. }), empty)
                else {
                    return;
                };
                *since = (*since).min(deed.at);
                if let Err(place) = known.binary_search(&party)
                    && known.len() < PARTIES
                {
                    known.insert(place, party);
                }
            }
            Asks::Loop { times, .. } => {
                let Some(call) = deed.digest().filter(|_| deed.dated) else { return };
                let Of::Calls(calls) =
                    self.kept(&rule.name, |of| matches!(of, Of::Calls(_)), Of::Calls(VecDeque::new()))
                else {
                    return;
                };
                calls.push_back((call, deed.at));
                while calls.len() > (*times as usize * CALLS.0).max(CALLS.1) {
                    calls.pop_front();
                }
            }
        }
    }

    /// What is kept for a rule; begun anew where it was of another kind.
    fn kept(&mut self, rule: &str, fits: impl Fn(&Of) -> bool, empty: Of) -> &mut Of {
        let place = match self.0.iter().position(|kept| kept.rule == rule) {
            Some(place) => place,
            None => {
                self.0.push(Kept { rule: rule.to_owned(), of: empty.clone() });
                self.0.len() - 1
            }
        };
        let of = &mut self.0[place].of;
        if !fits(of) {
            *of = empty;
        }
        of
    }

    /// Forgets rules that are no more.
    pub(super) fn keep_only(&mut self, rules: &Rules) {
        self.0.retain(|kept| rules.named(&kept.rule).is_some());
    }
}
