//! What the engine remembers of one agent, and how an action changes it.

use serde::{Deserialize, Serialize};

use super::{
    authorisation::Inventory,
    baseline::{self, Computed, Counting, HOURS_BACK, HOURS_HELD, Medians},
    endpoints::{Endpoints, Novelty},
    firing::{FiringChange, Tripwire},
    held::{Held, Meeting, meet},
    outcome,
    rate::{self, Met},
    recall::Recall,
    ring::Ring,
    rules::{Deed, Finding, weigh},
};
use crate::{
    runbook::TripwirePlan,
    telemetry::Action,
    terms::{AgentId, Time},
};

/// Minutes held: an action on time may be an hour behind the newest, and its window goes back an hour more.
const MINUTES_HELD: usize = 121;
/// Minutes before its own that a window takes in.
const WINDOW: i64 = 60;
/// An action further behind its agent's newest goes to no bucket.
const TOO_OLD: i64 = 7 * Time::DAY;
/// An action further ahead of the backend goes to no bucket.
const TOO_NEW: i64 = 5 * Time::MINUTE;
const NO_FIGURES: Met = Met { window: None, limit: None, baseline: None };

/// One agent's buckets, baseline and open firings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AgentState {
    newest: Option<Time>,
    first: Option<Time>,
    /// When the backend heard of it last.
    heard: Time,
    minutes: Ring<MINUTES_HELD>,
    hours: Ring<HOURS_HELD>,
    /// The window that ends at the newest minute: minute, spend, calls.
    window: Option<(i64, i64, u64)>,
    /// Derived from the hours, so it is computed anew after a restart.
    #[serde(skip)]
    computed: Option<Computed>,
    /// The medians in force at the latest evaluation that had any.
    last: Option<Medians>,
    /// The medians that an open firing holds in place.
    frozen: Option<Medians>,
    /// Hour ranges that closed firings took, both ends included.
    excluded: Vec<(i64, i64)>,
    endpoints: Endpoints,
    told_undeclared: bool,
    pub open: Vec<Held>,
    /// What team rules remember of it.
    #[serde(default)]
    pub recall: Recall,
}

fn minute(at: Time) -> i64 {
    at.millis() / Time::MINUTE
}

fn hour(at: Time) -> i64 {
    at.millis() / Time::HOUR
}

/// How an action's time stands to what the agent did before.
#[derive(PartialEq)]
enum Arrival {
    OnTime,
    Late,
    NoBucket,
}

impl AgentState {
    pub fn new() -> Self {
        Self {
            newest: None,
            first: None,
            heard: Time::default(),
            minutes: Ring::new(),
            hours: Ring::new(),
            window: None,
            computed: None,
            last: None,
            frozen: None,
            excluded: Vec::new(),
            endpoints: Endpoints::default(),
            told_undeclared: false,
            open: Vec::new(),
            recall: Recall::default(),
        }
    }

    /// Judges an executed action; what it changes is appended to `changes`.
    pub fn judge(
        &mut self,
        plan: &TripwirePlan,
        inventory: Option<&Inventory>,
        (action, approved): (&Action, &[String]),
        changes: &mut Vec<FiringChange>,
    ) {
        let arrival = self.arrival(action);
        self.heard = self.heard.max(action.received_at);
        if arrival == Arrival::OnTime {
            self.newest = self.newest.max(Some(action.at));
            self.close_over(&action.agent, self.newest.unwrap_or(action.at), changes);
        }
        self.bucket(action, &arrival);
        if arrival == Arrival::OnTime {
            self.rates(plan, action, changes);
            self.endpoint(plan, action, changes);
        }
        if let Some(artefact) = &action.artefact
            && let Some(met) = outcome::judge(plan, artefact)
        {
            self.meet_by_event(action, (Tripwire::Outcome, &artefact.kind), met, changes);
        }
        self.authorisation(inventory, action, changes);
        self.rules(plan, inventory, (action, approved), &arrival, changes);
    }

    fn arrival(&self, action: &Action) -> Arrival {
        let behind = self.newest.map_or(0, |newest| newest.since(action.at));
        if action.at.since(action.received_at) > TOO_NEW || behind > TOO_OLD {
            Arrival::NoBucket
        } else if behind > Time::HOUR {
            Arrival::Late
        } else {
            Arrival::OnTime
        }
    }

    fn bucket(&mut self, action: &Action, arrival: &Arrival) {
        if *arrival == Arrival::NoBucket {
            return;
        }
        let (nanos, in_hour) = (action.cost.unwrap_or_default().0, hour(action.at));
        let first = self.first.map_or(action.at, |first| first.min(action.at));
        let earlier = self.first.replace(first) != Some(first);
        self.hours.advance(in_hour);
        self.hours.add(in_hour, nanos);
        if earlier || self.computed.is_some_and(|computed| in_hour < computed.hour) {
            self.computed = None;
        }
        if *arrival == Arrival::OnTime {
            let at = minute(action.at);
            if self.minutes.advance(at) {
                let (spend, calls) = self.minutes.sum(at - WINDOW, at);
                self.window = Some((at, spend, calls));
            }
            self.minutes.add(at, nanos);
            if let Some((end, spend, calls)) = &mut self.window
                && at >= *end - WINDOW
            {
                *spend = spend.saturating_add(nanos);
                *calls += 1;
            }
        }
    }

    fn window(&self, at: Time) -> (i64, u64) {
        match self.window {
            Some((end, spend, calls)) if end == minute(at) => (spend, calls),
            _ => self.minutes.sum(minute(at) - WINDOW, minute(at)),
        }
    }

    fn compute(&self, plan: &TripwirePlan, before: i64) -> Computed {
        let first = self.first.map_or(before, hour);
        let (kind, needed) = (plan.baseline, plan.baseline_hours);
        let counting = Counting { kind, needed, first, excluded: &self.excluded };
        baseline::compute(&self.hours, before, &counting)
    }

    /// Medians in force: the frozen ones, else those of the hours, else the last where exclusion alone left too few.
    fn in_force(&self, plan: &TripwirePlan, computed: &Computed) -> Option<Medians> {
        let kept = if computed.had >= plan.baseline_hours { self.last } else { None };
        self.frozen.or(computed.medians).or(kept)
    }

    fn rates(&mut self, plan: &TripwirePlan, action: &Action, changes: &mut Vec<FiringChange>) {
        let before = hour(action.at);
        let computed = match self.computed {
            Some(computed) if computed.hour == before => computed,
            _ => self.compute(plan, before),
        };
        self.computed = Some(computed);
        let medians = self.in_force(plan, &computed);
        self.last = medians.or(self.last);
        let (spend, calls) = self.window(action.at);
        let cost = rate::cost(plan, spend, medians.as_ref()).map(|met| (Tripwire::CostRate, "", met));
        let rate = rate::calls(plan, calls, medians.as_ref()).map(|met| (Tripwire::ActionRate, "rate", met));
        for (tripwire, detail, met) in [cost, rate].into_iter().flatten() {
            let note = medians
                .is_none()
                .then(|| format!("baseline not ready: {} of {} hours", computed.counted, plan.baseline_hours));
            let freezes = medians.is_some();
            let notice = action.at.plus(Time::HOUR);
            meet(&mut self.open, action, Meeting { tripwire, detail, met, note, freezes, notice }, changes);
            if freezes {
                self.frozen = self.frozen.or(medians);
            }
        }
    }

    fn endpoint(&mut self, plan: &TripwirePlan, action: &Action, changes: &mut Vec<FiringChange>) {
        let Some(endpoint) = &action.endpoint else { return };
        let settled = i64::from(plan.new_endpoint_after_h) * Time::HOUR;
        let old_enough = self.first.is_some_and(|first| action.at.since(first) > settled);
        match self.endpoints.call(endpoint, plan.endpoint_cap) {
            Novelty::New if old_enough => {
                self.meet_by_event(action, (Tripwire::ActionRate, endpoint), NO_FIGURES, changes);
            }
            Novelty::TooMany { first } => {
                let detail = "many endpoints";
                let counted = self.open.iter().any(|held| held.detail == detail);
                if first || counted {
                    self.meet_by_event(action, (Tripwire::ActionRate, detail), NO_FIGURES, changes);
                }
            }
            Novelty::New | Novelty::Known => {}
        }
    }

    fn authorisation(&mut self, inventory: Option<&Inventory>, action: &Action, changes: &mut Vec<FiringChange>) {
        let detail = match inventory {
            Some(inventory) => inventory.lacks(action),
            None => {
                let undeclared = "undeclared agent";
                let counted = self.open.iter().any(|held| held.detail == undeclared);
                let tell = counted || !self.told_undeclared;
                self.told_undeclared = true;
                tell.then_some(undeclared)
            }
        };
        if let Some(detail) = detail {
            self.meet_by_event(action, (Tripwire::Authorisation, detail), NO_FIGURES, changes);
        }
    }

    /// Team rules, in the file's order; a late action meets them too (protocol 2).
    fn rules(
        &mut self,
        plan: &TripwirePlan,
        inventory: Option<&Inventory>,
        (action, approved): (&Action, &[String]),
        arrival: &Arrival,
        changes: &mut Vec<FiringChange>,
    ) {
        if plan.rules.rules.is_empty() {
            return;
        }
        let item = inventory.and_then(|inventory| inventory.item(action.tool.as_ref()?));
        let mut deed = Deed::of(action, item, inventory.and_then(|inventory| inventory.workflow.as_ref()));
        if *arrival == Arrival::NoBucket {
            (deed.at, deed.dated) = (action.received_at, false);
        }
        for rule in plan.rules.rules.iter().filter(|rule| deed.fits(&rule.only)) {
            let finding = weigh(rule, &deed, &self.recall);
            self.recall.learn(rule, &deed);
            if let Some(Finding { met, note }) = finding.filter(|_| !approved.contains(&rule.name)) {
                self.meet(action, (Tripwire::Rule, &rule.name), met, Some(note), changes);
            }
        }
    }

    fn meet_by_event(&mut self, action: &Action, of: (Tripwire, &str), met: Met, changes: &mut Vec<FiringChange>) {
        self.meet(action, of, met, None, changes);
    }

    /// Meets a condition that late actions meet too: its firing ends by this action's time, but the end is noticed an
    /// hour of the agent's newest time from now, so that a late burst stays one firing.
    fn meet(
        &mut self,
        action: &Action,
        of: (Tripwire, &str),
        met: Met,
        note: Option<String>,
        changes: &mut Vec<FiringChange>,
    ) {
        let (tripwire, detail) = of;
        let over = |held: &Held| held.tripwire == tripwire && held.detail == detail && action.at >= held.closes();
        if let Some(place) = self.open.iter().position(over) {
            changes.push(self.open.remove(place).closed(&action.agent));
        }
        let notice = self.newest.map_or(action.at, |newest| newest.max(action.at)).plus(Time::HOUR);
        meet(&mut self.open, action, Meeting { tripwire, detail, met, note, freezes: false, notice }, changes);
    }

    /// Closes what is over by the agent's `newest` event time.
    pub fn close_over(&mut self, agent: &AgentId, newest: Time, changes: &mut Vec<FiringChange>) {
        if self.open.iter().all(|held| !held.over_by(newest)) {
            return;
        }
        let (over, open) = std::mem::take(&mut self.open).into_iter().partition(|held: &Held| held.over_by(newest));
        self.open = open;
        for held in over {
            changes.push(held.closed(agent));
            if let Some(from) = held.freezes_from {
                self.excluded.push((hour(from), hour(held.closes().plus(-1))));
            }
        }
        let oldest = hour(newest) - HOURS_BACK - 2;
        self.excluded.retain(|(_, to)| *to >= oldest);
        self.thaw();
    }

    /// Drops an open firing as expected behaviour: its hours count.
    pub fn expect(&mut self, tripwire: Tripwire, detail: &str) -> bool {
        let before = self.open.len();
        self.open.retain(|held| held.tripwire != tripwire || held.detail != detail);
        self.thaw();
        self.open.len() < before
    }

    fn thaw(&mut self) {
        self.computed = None;
        if self.open.iter().all(|held| held.freezes_from.is_none()) {
            self.frozen = None;
        }
    }

    /// The window at `now`, the hours that count, and the medians in force.
    pub fn figures(&self, plan: &TripwirePlan, now: Time) -> (i64, u64, u32, Option<Medians>) {
        let (spend, calls) = self.minutes.sum(minute(now) - WINDOW, minute(now));
        let computed = self.compute(plan, hour(now));
        (spend, calls, computed.counted, self.in_force(plan, &computed))
    }

    /// Whether nothing came from it for so long before `now`.
    pub fn silent_for(&self, millis: i64, now: Time) -> bool {
        now.since(self.heard) >= millis
    }

    pub fn last_seen(&self) -> Option<Time> {
        self.newest
    }
}
