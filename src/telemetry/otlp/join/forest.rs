//! The spans remembered, each under the one above it, by number in the order they were first heard of; the oldest go first.
//! One look by key finds a span; from there it goes up by number.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    telemetry::otlp::{SpanKey, ToolCall},
    terms::{AgentId, Workflow},
};

/// Spans remembered as possible ancestors.
pub(super) const REMEMBERED: usize = 1 << 16;
/// Levels walked up; deeper trees, and circles, end there.
pub(super) const LEVELS: usize = 64;

/// Whose spans can touch each other: those of sources bound to one agent, or of sources that are bound to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Realm(u32);

/// Where a span stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    trace: u128,
    span: u64,
    realm: Realm,
}

impl Place {
    pub fn new(realm: Realm, key: SpanKey) -> Self {
        Self { trace: key.trace, span: key.span, realm }
    }
}

/// A span as an ancestor.
#[derive(Debug)]
pub(super) struct Node {
    pub place: Place,
    /// It came itself; until then only spans below it are known.
    pub present: bool,
    above: Option<Above>,
    pub agent: Option<AgentId>,
    pub run: Option<Arc<str>>,
    pub workflow: Option<Workflow>,
    /// An agent's invocation: what is noted below it is not passed on.
    pub boundary: bool,
    pub call: Option<Arc<ToolCall>>,
    /// A model call stands below: its own usage is an aggregate.
    pub model_below: bool,
    /// Tool calls below that were told.
    pub told_below: Vec<Arc<ToolCall>>,
    /// Numbers of the waiting spans that it would complete.
    pub awaited_by: Vec<u64>,
}

impl Node {
    /// Whether it stands under that span of its trace.
    pub fn is_under(&self, key: SpanKey) -> bool {
        self.above.is_some_and(|above| above.span == key.span)
    }
}

/// The span above, of the same trace, and the number it had when it was looked for last.
#[derive(Debug, Clone, Copy)]
struct Above {
    span: u64,
    number: u64,
}

/// The nodes of all realms.
#[derive(Debug, Default)]
pub(super) struct Forest {
    realms: HashMap<AgentId, Realm>,
    numbers: HashMap<Place, u64>,
    nodes: VecDeque<Node>,
    /// The number of the oldest node.
    first: u64,
}

impl Forest {
    /// The realm of sources bound to an agent, or to none.
    pub fn realm(&mut self, bound: Option<&AgentId>) -> Realm {
        let Some(agent) = bound else { return Realm(0) };
        if let Some(realm) = self.realms.get(agent) {
            return *realm;
        }
        let realm = Realm(u32::try_from(self.realms.len() + 1).unwrap_or(u32::MAX));
        self.realms.insert(agent.clone(), realm);
        realm
    }

    /// The number of the span at `place`; it is remembered from now on.
    pub fn number(&mut self, place: Place) -> u64 {
        let next = self.first + self.nodes.len() as u64;
        *self.numbers.entry(place).or_insert_with(|| {
            self.nodes.push_back(Node {
                place,
                present: false,
                above: None,
                agent: None,
                run: None,
                workflow: None,
                boundary: false,
                call: None,
                model_below: false,
                told_below: Vec::new(),
                awaited_by: Vec::new(),
            });
            next
        })
    }

    fn at(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// A span that is not forgotten.
    pub fn get(&self, number: u64) -> Option<&Node> {
        self.nodes.get(self.at(number)?)
    }

    /// The same, to be written to.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Node> {
        let at = self.at(number)?;
        self.nodes.get_mut(at)
    }

    /// Puts the span `number` under another one of its trace, or under none.
    pub fn put_under(&mut self, number: u64, above: Option<SpanKey>) {
        let Some(place) = self.get(number).map(|node| node.place) else { return };
        let above = above.map(|key| Above { span: key.span, number: self.number(Place { span: key.span, ..place }) });
        if let Some(node) = self.get_mut(number) {
            node.above = above;
        }
    }

    /// The number of the span above `number`, if one is; it may not have come.
    pub fn above(&mut self, number: u64) -> Option<u64> {
        let node = self.get(number)?;
        let (place, above) = (node.place, node.above?);
        if self.get(above.number).is_some() {
            return Some(above.number);
        }
        // It was forgotten meanwhile.
        let found = self.number(Place { span: above.span, ..place });
        if let Some(node) = self.get_mut(number) {
            node.above = Some(Above { number: found, ..above });
        }
        Some(found)
    }

    /// Visits the span `from` and those above it, by number, until one says that it is enough.
    pub fn climb(&mut self, from: Option<u64>, mut visit: impl FnMut(u64, &mut Node) -> bool) {
        let mut next = from;
        for _ in 0..LEVELS {
            let Some(number) = next else { return };
            if self.get_mut(number).is_none_or(|node| visit(number, node)) {
                return;
            }
            next = self.above(number);
        }
    }

    /// The oldest node, forgotten, where there are too many.
    pub fn forget(&mut self) -> Option<Node> {
        if self.nodes.len() <= REMEMBERED {
            return None;
        }
        let oldest = self.nodes.pop_front()?;
        self.first += 1;
        self.numbers.remove(&oldest.place);
        Some(oldest)
    }

    /// How many are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        assert_eq!(self.numbers.len(), self.nodes.len());
        self.nodes.len()
    }

    /// How many are awaited.
    #[cfg(test)]
    pub fn awaited(&self) -> usize {
        self.nodes.iter().filter(|node| !node.awaited_by.is_empty()).count()
    }
}
