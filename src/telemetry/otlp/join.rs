//! Spans joined with their ancestors over time: a child ends, and arrives, before the parent that names its agent.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::span::{Draft, Kind, Span, SpanKey, Spans, ToolCall};
use crate::{
    telemetry::{Action, Rejected},
    terms::{AgentId, Time, ToolName, Workflow},
};

/// How long a span waits for the parent that would name its agent; then its service's name is final (protocol 1).
const WAIT: i64 = 10 * Time::SECOND;
/// Spans remembered as possible ancestors.
const REMEMBERED: usize = 1 << 16;
/// Spans that wait at most; beyond it the oldest is settled early.
const WAITING: usize = 1 << 14;
/// Tool calls remembered, to know the second span of a call.
const CALLS: usize = 1 << 15;
/// Levels walked up; deeper trees, and circles, end there.
const LEVELS: usize = 64;

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
    pub origin: Origin,
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

/// A span as an ancestor. Sources bound to an agent have a forest of their own: they cannot touch another's spans.
#[derive(Debug, Default)]
struct Node {
    present: bool,
    parent: Option<SpanKey>,
    agent: Option<AgentId>,
    run: Option<String>,
    workflow: Option<Workflow>,
    /// An agent's invocation: what is noted below it is not passed on.
    boundary: bool,
    call: Option<ToolCall>,
    /// A model call stands below: its own usage is an aggregate.
    model_below: bool,
    /// Tool calls below that were told.
    told_below: Vec<ToolCall>,
}

type Place = (Option<AgentId>, SpanKey);

#[derive(Debug)]
struct Waiting {
    span: Span,
    origin: Origin,
    until: Time,
    missing: Option<SpanKey>,
}

/// What a walk up found.
#[derive(Default)]
struct Found {
    agent: Option<AgentId>,
    run: Option<String>,
    workflow: Option<Workflow>,
    missing: Option<SpanKey>,
}

/// Joins spans. Time is passed in; memory is bounded.
#[derive(Debug, Default)]
pub struct SpanJoiner {
    nodes: HashMap<Place, Node>,
    order: VecDeque<Place>,
    waiting: BTreeMap<u64, Waiting>,
    awaited: HashMap<Place, Vec<u64>>,
    next: u64,
    calls: HashMap<(u128, ToolName, String), Vec<(Time, Time)>>,
    call_order: VecDeque<(u128, ToolName, String)>,
    unresolved: u64,
}

impl SpanJoiner {
    /// Takes a request's spans; gives every action that is complete now.
    pub fn push(&mut self, spans: Spans, origin: &Origin, now: Time) -> Pushed {
        let mut out = Pushed { rejected: spans.rejected, ..Pushed::default() };
        let mut taken = Vec::with_capacity(spans.spans.len());
        let mut woken = Vec::new();
        for span in spans.spans {
            if let (Some(bound), Some(named)) = (&origin.bound, &span.agent)
                && bound != named
            {
                out.rejected
                    .push(Rejected::new(span.index, format!("agent: this source speaks for {bound}, not for {named}")));
                continue;
            }
            let place = (origin.bound.clone(), span.key);
            self.remember(&place, &span);
            woken.extend(self.awaited.remove(&place).into_iter().flatten());
            taken.push(span);
        }
        woken.sort_unstable();
        for number in woken {
            if let Some(waiting) = self.waiting.remove(&number) {
                self.settle(waiting, Some(number), &mut out);
            }
        }
        for span in taken {
            let before = self.waiting.len();
            let index = span.index;
            let unresolved = self.unresolved;
            let arrived = Waiting { span, origin: origin.clone(), until: now.plus(WAIT), missing: None };
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

    fn remember(&mut self, place: &Place, span: &Span) {
        let node = node(&mut self.nodes, &mut self.order, place.clone());
        node.present = true;
        node.parent = span.parent;
        node.agent = span.agent.clone().or_else(|| place.0.clone());
        node.run.clone_from(&span.run);
        node.workflow.clone_from(&span.workflow);
        node.boundary = matches!(span.kind, Kind::Agent);
        if let Kind::Tool(draft) = &span.kind {
            node.call = draft.call().cloned();
        }
        // What was noted on this node before it came is passed on to those above.
        let (below, told) = (node.model_below, if node.boundary { Vec::new() } else { node.told_below.clone() });
        if below || matches!(span.kind, Kind::Model(_)) {
            self.above(&place.0, span.parent, |node| std::mem::replace(&mut node.model_below, true));
        }
        for call in told {
            self.tell_above(&place.0, span.parent, &call);
        }
    }

    /// Visits the ancestors until one says it knew already; the first missing one is noted too.
    fn above(&mut self, realm: &Option<AgentId>, from: Option<SpanKey>, mut visit: impl FnMut(&mut Node) -> bool) {
        let mut next = from;
        for _ in 0..LEVELS {
            let Some(key) = next else { return };
            let node = node(&mut self.nodes, &mut self.order, (realm.clone(), key));
            if visit(node) {
                return;
            }
            next = node.parent;
        }
    }

    fn tell_above(&mut self, realm: &Option<AgentId>, from: Option<SpanKey>, call: &ToolCall) {
        self.above(realm, from, |node| {
            let known = node.told_below.contains(call);
            if !known && !node.boundary && node.told_below.len() < LEVELS {
                node.told_below.push(call.clone());
            }
            known || node.boundary
        });
    }

    fn find(&self, realm: &Option<AgentId>, span: &Span) -> Found {
        let mut found = Found {
            agent: span.agent.clone().or_else(|| realm.clone()),
            run: span.run.clone(),
            workflow: span.workflow.clone(),
            missing: None,
        };
        let mut next = span.parent;
        for _ in 0..LEVELS {
            let Some(key) = next else { return found };
            match self.nodes.get(&(realm.clone(), key)) {
                Some(node) if node.present => {
                    found.agent = found.agent.or_else(|| node.agent.clone());
                    found.run = found.run.or_else(|| node.run.clone());
                    found.workflow = found.workflow.or_else(|| node.workflow.clone());
                    next = node.parent;
                }
                _ => {
                    found.missing = Some(key);
                    return found;
                }
            }
        }
        found
    }

    /// Completes a span, or has it wait for the ancestor that is missing.
    fn settle(&mut self, mut waiting: Waiting, number: Option<u64>, out: &mut Pushed) {
        if matches!(waiting.span.kind, Kind::Context | Kind::Agent) {
            return;
        }
        let realm = waiting.origin.bound.clone();
        let found = self.find(&realm, &waiting.span);
        match found.missing {
            Some(missing) if found.agent.is_none() => {
                let number = number.unwrap_or_else(|| {
                    self.next += 1;
                    self.next
                });
                self.awaited.entry((realm, missing)).or_default().push(number);
                waiting.missing = Some(missing);
                self.waiting.insert(number, waiting);
            }
            _ => self.complete(waiting, found, out),
        }
    }

    fn give_up_oldest(&mut self, out: &mut Pushed) {
        let Some((number, waiting)) = self.waiting.pop_first() else { return };
        let found = self.find(&waiting.origin.bound, &waiting.span);
        if let Some(missing) = waiting.missing {
            let place = (waiting.origin.bound.clone(), missing);
            if let Some(numbers) = self.awaited.get_mut(&place) {
                numbers.retain(|other| *other != number);
                if numbers.is_empty() {
                    self.awaited.remove(&place);
                }
            }
        }
        self.complete(waiting, found, out);
    }

    fn complete(&mut self, waiting: Waiting, found: Found, out: &mut Pushed) {
        let Waiting { span, origin, .. } = waiting;
        let Some(agent) = found.agent.or(span.fallback.clone()) else {
            self.unresolved += 1;
            return;
        };
        let place = (origin.bound.clone(), span.key);
        let draft = match span.kind {
            Kind::Context | Kind::Agent => return,
            Kind::Model(_) if self.nodes.get(&place).is_some_and(|node| node.model_below) => {
                out.repeated += 1;
                return;
            }
            Kind::Tool(draft) => {
                if self.told(&place, span.parent, &draft) {
                    out.repeated += 1;
                    return;
                }
                draft
            }
            Kind::Model(draft) | Kind::Other(draft) => draft,
        };
        let action = draft.by(agent, found.run.as_deref(), found.workflow.as_ref());
        out.actions.push(Joined { action, origin });
    }

    /// Whether this call was told by another span; notes it where not. The same call: MCP's span of it above or below in
    /// the tree, or the same call id in the trace at the same time.
    fn told(&mut self, place: &Place, parent: Option<SpanKey>, draft: &Draft) -> bool {
        let Some(call) = draft.call() else { return false };
        if self.nodes.get(place).is_some_and(|node| node.told_below.iter().any(|below| below.same(call))) {
            return true;
        }
        let mut next = parent;
        for _ in 0..LEVELS {
            let Some(node) = next.and_then(|key| self.nodes.get(&(place.0.clone(), key))) else { break };
            if node.boundary {
                break;
            }
            if node.call.as_ref().is_some_and(|above| above.same(call)) {
                return true;
            }
            next = node.parent;
        }
        if let Some(id) = &call.id
            && self.told_by_id((place.1.trace, call.tool.clone(), id.clone()), draft.interval())
        {
            return true;
        }
        let call = call.clone();
        self.tell_above(&place.0, parent, &call);
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
        while self.order.len() > REMEMBERED {
            if let Some(place) = self.order.pop_front() {
                self.nodes.remove(&place);
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

fn node<'a>(nodes: &'a mut HashMap<Place, Node>, order: &mut VecDeque<Place>, place: Place) -> &'a mut Node {
    nodes.entry(place).or_insert_with_key(|place| {
        order.push_back(place.clone());
        Node::default()
    })
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
