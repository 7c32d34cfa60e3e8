//! Firings an agent has open, and when each closes (protocol 2).

use serde::{Deserialize, Serialize};

use super::{
    firing::{FiringChange, FiringKey, Tripwire},
    rate::Met,
};
use crate::{
    telemetry::Action,
    terms::{AgentId, Time},
};

/// A firing that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    pub tripwire: Tripwire,
    pub detail: String,
    last_at: Time,
    count: u64,
    peak: Option<f64>,
    /// The agent's event time at which its end is noticed.
    notice: Time,
    /// Since when it freezes the baseline and takes its hours; absent for what does neither.
    pub freezes_from: Option<Time>,
}

impl Held {
    /// When it closes, as things stand.
    pub fn closes(&self) -> Time {
        self.last_at.plus(Time::HOUR)
    }

    /// Whether its end shows by the agent's `newest` event time.
    pub fn over_by(&self, newest: Time) -> bool {
        newest >= self.notice
    }

    pub fn key(&self, agent: &AgentId) -> FiringKey {
        FiringKey { tripwire: self.tripwire, agent: agent.clone(), detail: self.detail.clone() }
    }

    pub fn closed(&self, agent: &AgentId) -> FiringChange {
        FiringChange::Closed { key: self.key(agent), at: self.closes() }
    }
}

/// A condition that an action met.
pub(super) struct Meeting<'a> {
    pub tripwire: Tripwire,
    pub detail: &'a str,
    pub met: Met,
    pub note: Option<String>,
    /// It is a rate firing against a baseline.
    pub freezes: bool,
    /// Event time at which its end is noticed if nothing meets it again.
    pub notice: Time,
}

/// Opens the meeting's firing, or counts it. The caller has closed what was over.
pub(super) fn meet(open: &mut Vec<Held>, action: &Action, meeting: Meeting<'_>, changes: &mut Vec<FiringChange>) {
    let Meeting { tripwire, detail, met, note, freezes, notice } = meeting;
    if let Some(held) = open.iter_mut().find(|held| held.tripwire == tripwire && held.detail == detail) {
        held.count += 1;
        held.last_at = held.last_at.max(action.at);
        held.notice = held.notice.max(notice);
        held.peak = match (held.peak, met.window) {
            (Some(peak), Some(now)) => Some(peak.max(now)),
            (peak, now) => peak.or(now),
        };
        if freezes && held.freezes_from.is_none() {
            held.freezes_from = Some(action.at);
        }
        let (count, peak, last_at) = (held.count, held.peak, held.last_at);
        changes.push(FiringChange::Counted { key: held.key(&action.agent), count, peak, last_at });
        return;
    }
    let held = Held {
        tripwire,
        detail: detail.into(),
        last_at: action.at,
        count: 1,
        peak: met.window,
        notice,
        freezes_from: freezes.then_some(action.at),
    };
    changes.push(FiringChange::Opened {
        key: held.key(&action.agent),
        at: action.at,
        received_at: action.received_at,
        window: met.window,
        limit: met.limit,
        baseline: met.baseline,
        note,
        run: action.run.clone(),
        workflow: action.workflow.as_ref().map(ToString::to_string),
    });
    open.push(held);
}
