//! Spans joined with their ancestors over time: a child ends, and arrives, before the parent that names its agent.

mod forest;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use self::forest::{Forest, LEVELS, Place, Realm};
use super::span::{Draft, Kind, Span, Spans, ToolCall};
use crate::{
    telemetry::{Action, Rejected},
    terms::{AgentId, Time, ToolName, Workflow},
};

/// How long a span waits for the parent that would name its agent; then its service's name is final (protocol 1).
const WAIT: i64 = 10 * Time::SECOND;
/// Spans that wait at most; beyond it the oldest is settled early.
const WAITING: usize = 1 << 14;
/// Tool calls remembered, to know the second span of a call.
const CALLS: usize = 1 << 15;

/// Who sent spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The authenticated source.
    pub source: Arc<str>,
    /// The one agent it may speak for (law 11).
    pub bound: Option<AgentId>,
}

/// An action with the source whose span it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The action, complete.
    pub action: Action,
    /// Who sent it.
    pub origin: Arc<Origin>,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pushed {
    /// Actions that are complete now, some of earlier pushes.
    pub actions: Vec<Joined>,
    /// Spans refused.
    pub rejected: Vec<Rejected>,
    /// Spans of this push that wait for an ancestor.
    pub waiting: usize,
    /// Spans that tell again what another one told.
    pub repeated: u64,
}

#[derive(Debug)]
struct Waiting {
    span: Span,
    origin: Arc<Origin>,
    realm: Realm,
    /// Its own number among those remembered.
    number: u64,
    until: Time,
    missing: Option<Missing>,
}

/// The ancestor that a span waits for.
#[derive(Debug, Clone, Copy)]
struct Missing {
    number: u64,
    place: Place,
}

/// What a walk up found.
struct Found {
    agent: Option<AgentId>,
    run: Option<Arc<str>>,
    workflow: Option<Workflow>,
    missing: Option<u64>,
}

/// Joins spans. Time is passed in; memory is bounded.
#[derive(Debug, Default)]
pub struct SpanJoiner {
    forest: Forest,
    waiting: BTreeMap<u64, Box<Waiting>>,
    /// Who waits for a span that was forgotten before it came.
    orphans: HashMap<Place, Vec<u64>>,
    next: u64,
    calls: HashMap<(u128, ToolName, String), Vec<(Time, Time)>>,
    call_order: VecDeque<(u128, ToolName, String)>,
    unresolved: u64,
}

impl SpanJoiner {
    /// Takes a request's spans; gives every action that is complete now.
    pub fn push(&mut self, spans: Spans, origin: &Origin, now: Time) -> Pushed {
        let mut out = Pushed { rejected: spans.rejected, ..Pushed::default() };
        let realm = self.forest.realm(origin.bound.as_ref());
        let mut taken = Vec::with_capacity(spans.spans.len());
        let mut woken = Vec::new();
        for span in &spans.spans {
            if let (Some(bound), Some(named)) = (&origin.bound, &span.agent)
                && bound != named
            {
                out.rejected
                    .push(Rejected::new(span.index, format!("agent: this source speaks for {bound}, not for {named}")));
                taken.push(None);
                continue;
            }
            taken.push(Some(self.remember(Place::new(realm, span.key), span, origin.bound.as_ref(), &mut woken)));
        }
        woken.sort_unstable();
        for number in woken {
            if let Some(waiting) = self.waiting.remove(&number) {
                self.settle(*waiting, Some(number), &mut out);
            }
        }
        let origin = Arc::new(origin.clone());
        for (span, number) in spans.spans.into_iter().zip(taken) {
            let Some(number) = number else { continue };
            let (before, unresolved, index) = (self.waiting.len(), self.unresolved, span.index);
            let origin = origin.clone();
            let arrived = Waiting { span, origin, realm, number, until: now.plus(WAIT), missing: None };
            self.settle(arrived, None, &mut out);
            out.waiting += self.waiting.len() - before;
            if self.unresolved > unresolved {
                out.rejected.push(Rejected::new(index, NO_AGENT));
            }
        }
        while self.waiting.len() > WAITING {
            self.give_up_oldest(&mut out);
        }
        self.forget();
        out
    }

    /// Settles what waited its ten seconds.
    pub fn drain(&mut self, now: Time) -> Pushed {
        let mut out = Pushed::default();
        while self.waiting.first_key_value().is_some_and(|(_, waiting)| waiting.until <= now) {
            self.give_up_oldest(&mut out);
        }
        out
    }

    /// Until when [`Self::drain`] has nothing to do; `None` while nothing waits.
    pub fn due(&self) -> Option<Time> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting.until)
    }

    /// Spans dropped since the start because neither they, an ancestor nor their resource named an agent.
    pub fn unresolved(&self) -> u64 {
        self.unresolved
    }

    /// Notes a span that came; those that waited for it are `woken`.
    fn remember(&mut self, place: Place, span: &Span, bound: Option<&AgentId>, woken: &mut Vec<u64>) -> u64 {
        let number = self.forest.number(place);
        self.forest.put_under(number, span.parent);
        if !self.orphans.is_empty() {
            woken.extend(self.orphans.remove(&place).into_iter().flatten());
        }
        let Some(node) = self.forest.get_mut(number) else { return number };
        woken.append(&mut node.awaited_by);
        node.present = true;
        node.agent = span.agent.as_ref().or(bound).cloned();
        node.run.clone_from(&span.run);
        node.workflow.clone_from(&span.workflow);
        node.boundary = matches!(span.kind, Kind::Agent);
        if let Kind::Tool(draft) = &span.kind {
            node.call = draft.call().cloned();
        }
        // What was noted on this node before it came is passed on to those above.
        let (below, told) = (node.model_below, if node.boundary { Vec::new() } else { node.told_below.clone() });
        let above = self.forest.above(number);
        if below || matches!(span.kind, Kind::Model(_)) {
            self.forest.climb(above, |_, node| std::mem::replace(&mut node.model_below, true));
        }
        for call in told {
            self.tell(above, &call);
        }
        number
    }

    /// Notes a call that was told with the span `above` it and those above that.
    fn tell(&mut self, above: Option<u64>, call: &Arc<ToolCall>) {
        self.forest.climb(above, |_, node| {
            let known = node.told_below.contains(call);
            if !known && !node.boundary && node.told_below.len() < LEVELS {
                node.told_below.push(call.clone());
            }
            known || node.boundary
        });
    }

    fn find(&mut self, waiting: &Waiting) -> Found {
        let (span, bound) = (&waiting.span, waiting.origin.bound.as_ref());
        let mut found = Found {
            agent: span.agent.as_ref().or(bound).cloned(),
            run: span.run.clone(),
            workflow: span.workflow.clone(),
            missing: None,
        };
        let above = self.parent(waiting);
        self.forest.climb(above, |number, node| {
            if !node.present {
                found.missing = Some(number);
                return true;
            }
            found.agent = found.agent.take().or_else(|| node.agent.clone());
            found.run = found.run.take().or_else(|| node.run.clone());
            found.workflow = found.workflow.take().or_else(|| node.workflow.clone());
            false
        });
        found
    }

    /// The span above one that may be forgotten itself, or was sent again under another one.
    fn parent(&mut self, waiting: &Waiting) -> Option<u64> {
        let key = waiting.span.parent?;
        if self.forest.get(waiting.number).is_some_and(|node| node.is_under(key)) {
            return self.forest.above(waiting.number);
        }
        Some(self.forest.number(Place::new(waiting.realm, key)))
    }

    /// Completes a span, or has it wait for the ancestor that is missing.
    fn settle(&mut self, mut waiting: Waiting, number: Option<u64>, out: &mut Pushed) {
        if matches!(waiting.span.kind, Kind::Context | Kind::Agent) {
            return;
        }
        let found = self.find(&waiting);
        let missing = found.missing.filter(|_| found.agent.is_none());
        let Some(node) = missing.and_then(|missing| self.forest.get_mut(missing)) else {
            return self.complete(waiting, found, out);
        };
        let number = number.unwrap_or_else(|| {
            self.next += 1;
            self.next
        });
        node.awaited_by.push(number);
        waiting.missing = missing.map(|number| Missing { number, place: node.place });
        self.waiting.insert(number, Box::new(waiting));
    }

    fn give_up_oldest(&mut self, out: &mut Pushed) {
        let Some((number, waiting)) = self.waiting.pop_first() else { return };
        if let Some(missing) = waiting.missing {
            self.wait_no_more(number, missing);
        }
        let found = self.find(&waiting);
        self.complete(*waiting, found, out);
    }

    fn wait_no_more(&mut self, number: u64, missing: Missing) {
        let forget = |numbers: &mut Vec<u64>| {
            // The oldest gives up first: it stands near the front.
            if let Some(at) = numbers.iter().position(|other| *other == number) {
                numbers.swap_remove(at);
            }
        };
        match self.forest.get_mut(missing.number) {
            Some(node) => forget(&mut node.awaited_by),
            None => {
                if let Some(numbers) = self.orphans.get_mut(&missing.place) {
                    forget(numbers);
                    if numbers.is_empty() {
                        self.orphans.remove(&missing.place);
                    }
                }
            }
        }
    }

    fn complete(&mut self, waiting: Waiting, found: Found, out: &mut Pushed) {
        let Some(agent) = found.agent.or_else(|| waiting.span.fallback.clone()) else {
            self.unresolved += 1;
            return;
        };
        let repeated = match &waiting.span.kind {
            Kind::Model(_) => self.forest.get(waiting.number).is_some_and(|node| node.model_below),
            Kind::Tool(draft) => self.told(&waiting, draft),
            Kind::Context | Kind::Agent | Kind::Other(_) => false,
        };
        let Waiting { span, origin, .. } = waiting;
        match span.kind {
            _ if repeated => out.repeated += 1,
            Kind::Context | Kind::Agent => {}
            Kind::Model(draft) | Kind::Tool(draft) | Kind::Other(draft) => {
                let action = draft.by(agent, found.run.as_deref(), found.workflow.as_ref());
                out.actions.push(Joined { action, origin });
            }
        }
    }

    /// Whether this call was told by another span; notes it where not. The same call: MCP's span of it above or below in
    /// the tree, or the same call id in the trace at the same time.
    fn told(&mut self, waiting: &Waiting, draft: &Draft) -> bool {
        let Some(call) = draft.call() else { return false };
        let below = self.forest.get(waiting.number).map(|node| node.told_below.iter());
        if below.is_some_and(|mut below| below.any(|below| below.same(call))) {
            return true;
        }
        let above = self.parent(waiting);
        let mut told_above = false;
        self.forest.climb(above, |_, node| {
            told_above = !node.boundary && node.call.as_ref().is_some_and(|above| above.same(call));
            told_above || node.boundary
        });
        if told_above {
            return true;
        }
        if let Some(id) = &call.id
            && self.told_by_id((waiting.span.key.trace, call.tool.clone(), id.clone()), draft.interval())
        {
            return true;
        }
        self.tell(above, call);
        false
    }

    fn told_by_id(&mut self, key: (u128, ToolName, String), (from, to): (Time, Time)) -> bool {
        let times = self.calls.entry(key.clone()).or_default();
        if times.iter().any(|(start, end)| from <= *end && *start <= to) {
            return true;
        }
        if times.is_empty() {
            self.call_order.push_back(key);
        }
        if times.len() < LEVELS {
            times.push((from, to));
        }
        false
    }

    fn forget(&mut self) {
        while let Some(node) = self.forest.forget() {
            if !node.awaited_by.is_empty() {
                self.orphans.entry(node.place).or_default().extend(node.awaited_by);
            }
        }
        while self.call_order.len() > CALLS {
            if let Some(key) = self.call_order.pop_front() {
                self.calls.remove(&key);
            }
        }
    }
}

/// Said of a span that nobody can be found for.
const NO_AGENT: &str = "no agent: set gen_ai.agent.id or gen_ai.agent.name on the span or a parent, or service.name";

#[cfg(test)]
mod tests;
