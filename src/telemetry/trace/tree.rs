//! Nesting: by span, by hand-off, by run; what repeats is one row, and what leads to a consequence is kept first.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Kind, Step,
    step::{Spans, spans, step},
};
use crate::{
    telemetry::{Action, Status},
    terms::{AgentId, NanoUsd, Time},
};

/// Makes secrets unreadable in a text.
pub type Mask<'m> = &'m dyn Fn(&str) -> String;

/// Steps of one agent alike in a row that become one.
const ALIKE: usize = 3;
/// Levels that are told apart; what is deeper stands at the last.
const DEEPEST: u32 = 32;

/// One row of the tree, in the order it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// How deep; the rows after it that are deeper are below it.
    pub depth: u32,
    /// The step, or the first of several alike.
    #[serde(flatten)]
    pub step: Step,
    /// How many steps it stands for.
    pub times: u64,
    /// What it and all below it cost.
    #[serde(rename = "total_usd")]
    pub total: NanoUsd,
    /// From the first beginning to the last end of it and all below it, in seconds.
    pub took_s: f64,
    /// It leads to a consequence, or is one.
    pub leads: bool,
}

/// The path from what was put in to what came of it (EVI.6).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// In the order they are read.
    pub rows: Vec<Row>,
    /// Actions that were read for it.
    pub actions: u64,
    /// Rows left out because there were too many; those that lead to a consequence stay longest.
    pub left_out: u64,
    /// There were more actions than are read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// What everything cost.
    #[serde(rename = "cost_usd")]
    pub cost: NanoUsd,
    /// Consequences found.
    pub consequences: u64,
    /// The first beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// The last end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

/// What is gathered of actions before they are nested; holds no more of each than its row tells.
#[derive(Default)]
pub struct Gathering {
    steps: Vec<Step>,
    spans: Vec<Spans>,
}

impl Gathering {
    /// Takes an action.
    pub fn add(&mut self, seq: u64, action: &Action, mask: Mask<'_>) {
        self.steps.push(step(seq, action, mask));
        self.spans.push(spans(action));
    }

    /// How many were taken.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The tree, of at most `most` rows.
    pub fn finish(self, most: usize) -> Trace {
        let mut nodes = order(self);
        let actions = nodes.len() as u64;
        let cost = nodes.iter().filter_map(|node| node.step.cost).sum();
        let consequences = nodes.iter().filter(|node| !node.step.consequences.is_empty()).count() as u64;
        let from = nodes.iter().map(|node| node.step.started).min();
        let to = nodes.iter().map(|node| node.step.at).max();
        runs(&mut nodes);
        uncircle(&mut nodes);
        let mut rows = flatten(nodes);
        let left_out = thin(&mut rows, most);
        Trace { rows, actions, left_out, cut: false, cost, consequences, from, to }
    }
}

/// The tree of some actions, of at most `most` rows.
pub fn trace<'a>(actions: impl IntoIterator<Item = (u64, &'a Action)>, mask: Mask<'_>, most: usize) -> Trace {
    let mut gathering = Gathering::default();
    for (seq, action) in actions {
        gathering.add(seq, action, mask);
    }
    gathering.finish(most)
}

struct Node {
    step: Step,
    spans: Spans,
    above: Option<usize>,
}

/// By the time they began; then each under its span, its hand-off.
fn order(gathered: Gathering) -> Vec<Node> {
    let mut nodes: Vec<Node> =
        gathered.steps.into_iter().zip(gathered.spans).map(|(step, spans)| Node { step, spans, above: None }).collect();
    nodes.sort_by_key(|node| (node.step.started, node.step.seq));
    let mut by_span: HashMap<(Option<&str>, &str), usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Some(span) = node.spans.span.as_deref() {
            by_span.entry((node.spans.trace.as_deref(), span)).or_insert(at);
        }
    }
    let above: Vec<Option<usize>> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            let parent = node.spans.parent.as_deref()?;
            by_span.get(&(node.spans.trace.as_deref(), parent)).copied().filter(|above| *above != at)
        })
        .collect();
    for (node, above) in nodes.iter_mut().zip(above) {
        node.above = above;
    }
    uncircle(&mut nodes);
    nodes
}

/// A span that is above itself by way of others is nobody's child: a sender's mistake is no endless tree.
fn uncircle(nodes: &mut [Node]) {
    // 0 not seen, 1 on the way up now, 2 leads to a root.
    let mut state = vec![0u8; nodes.len()];
    for start in 0..nodes.len() {
        let mut way = Vec::new();
        let mut at = start;
        while state[at] == 0 {
            state[at] = 1;
            way.push(at);
            match nodes[at].above {
                Some(above) if state[above] == 1 => nodes[at].above = None,
                Some(above) => at = above,
                None => {}
            }
        }
        for seen in way {
            state[seen] = 2;
        }
    }
}

/// A row for each run of an agent, under the hand-off that began it where there is one; roots go below their run.
fn runs(nodes: &mut Vec<Node>) {
    let mut handed: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Some(to) = node.step.hand_off.as_ref().and_then(|hand| hand.to.as_deref()) {
            handed.entry(to.to_lowercase()).or_default().push(at);
        }
    }
    let count = nodes.len();
    let mut run_of: HashMap<(AgentId, Option<String>), usize> = HashMap::new();
    for at in 0..count {
        if nodes[at].above.is_some() {
            continue;
        }
        let key = (nodes[at].step.agent.clone(), nodes[at].step.run.clone());
        let run = match run_of.get(&key) {
            Some(run) => *run,
            None => {
                let begun = hand_over(nodes, &handed, at);
                let run = nodes.len();
                nodes.push(Node { step: run_step(&nodes[at].step), spans: Spans::default(), above: begun });
                run_of.insert(key, run);
                run
            }
        };
        nodes[at].above = Some(run);
    }
}

/// The newest hand-off to this agent by another before its run began.
fn hand_over(nodes: &[Node], handed: &HashMap<String, Vec<usize>>, first: usize) -> Option<usize> {
    let step = &nodes[first].step;
    let to_it = handed.get(&step.agent.as_str().to_lowercase())?;
    let before = to_it.partition_point(|at| nodes[*at].step.started <= step.started);
    to_it[..before].iter().rev().copied().find(|at| nodes[*at].step.agent != step.agent)
}

fn run_step(first: &Step) -> Step {
    Step {
        seq: first.seq,
        kind: Kind::Run,
        started: first.started,
        at: first.at,
        agent: first.agent.clone(),
        run: first.run.clone(),
        what: first.run.clone().unwrap_or_else(|| "no run".to_owned()),
        status: Status::Ok,
        cost: None,
        tokens: None,
        model: None,
        input: None,
        output: None,
        looked: None,
        hand_off: None,
        consequences: Vec::new(),
    }
}

/// What is known of a node and all below it.
#[derive(Clone, Copy)]
struct Sum {
    cost: NanoUsd,
    from: Time,
    to: Time,
    leads: bool,
}

fn flatten(nodes: Vec<Node>) -> Vec<Row> {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        match node.above {
            Some(above) => below[above].push(at),
            None => roots.push(at),
        }
    }
    for list in below.iter_mut().chain(std::iter::once(&mut roots)) {
        list.sort_by_key(|at| (nodes[*at].step.started, nodes[*at].step.seq));
    }
    let order = reading_order(&below, &roots);
    let mut sums: Vec<Sum> = nodes
        .iter()
        .map(|node| Sum {
            cost: node.step.cost.unwrap_or(NanoUsd::ZERO),
            from: node.step.started,
            to: node.step.at,
            leads: !node.step.consequences.is_empty(),
        })
        .collect();
    // From the last row to the first, everything below a node is summed before it.
    for (at, _) in order.iter().rev() {
        if let Some(above) = nodes[*at].above {
            let sum = sums[*at];
            let over = &mut sums[above];
            over.cost = over.cost + sum.cost;
            over.from = over.from.min(sum.from);
            over.to = over.to.max(sum.to);
            over.leads |= sum.leads;
        }
    }
    let leaves: Vec<bool> = order.iter().map(|(at, _)| below[*at].is_empty()).collect();
    let mut steps: Vec<Option<Step>> = nodes.into_iter().map(|node| Some(node.step)).collect();
    let rows = order.into_iter().filter_map(|(at, depth)| {
        let sum = sums[at];
        Some(Row {
            depth: depth.min(DEEPEST),
            step: steps[at].take()?,
            times: 1,
            total: sum.cost,
            took_s: sum.to.since(sum.from) as f64 / 1000.0,
            leads: sum.leads,
        })
    });
    let rows: Vec<Row> = rows.collect();
    fold_alike(rows, &leaves)
}

/// Every node with its depth, parents first.
fn reading_order(below: &[Vec<usize>], roots: &[usize]) -> Vec<(usize, u32)> {
    let mut order = Vec::with_capacity(below.len());
    let mut waiting: Vec<(usize, u32)> = roots.iter().rev().map(|at| (*at, 0)).collect();
    while let Some((at, depth)) = waiting.pop() {
        order.push((at, depth));
        waiting.extend(below[at].iter().rev().map(|child| (*child, depth.saturating_add(1))));
    }
    order
}

/// More than [`ALIKE`] leaves in a row that do the same with the same end are one row: a loop reads as one line.
fn fold_alike(rows: Vec<Row>, leaves: &[bool]) -> Vec<Row> {
    let same = |a: &Row, b: &Row| {
        a.depth == b.depth
            && (a.step.kind, a.step.status) == (b.step.kind, b.step.status)
            && (&a.step.agent, &a.step.run, &a.step.what) == (&b.step.agent, &b.step.run, &b.step.what)
            && a.leads == b.leads
    };
    let mut folded: Vec<Row> = Vec::with_capacity(rows.len());
    let mut at = 0;
    while at < rows.len() {
        let mut end = at + 1;
        while leaves[at] && end < rows.len() && leaves[end] && same(&rows[at], &rows[end]) {
            end += 1;
        }
        if end - at <= ALIKE {
            folded.push(rows[at].clone());
            at += 1;
            continue;
        }
        let mut row = rows[at].clone();
        let group = &rows[at..end];
        row.times = group.len() as u64;
        row.total = group.iter().map(|row| row.total).sum();
        row.step.cost = group.iter().filter_map(|row| row.step.cost).reduce(|a, b| a + b);
        row.step.at = group.iter().map(|row| row.step.at).max().unwrap_or(row.step.at);
        row.took_s = row.step.at.since(row.step.started) as f64 / 1000.0;
        folded.push(row);
        at = end;
    }
    folded
}

/// Leaves at most `most` rows: first those that lead to a consequence go on, then the others in order; and how many went.
fn thin(rows: &mut Vec<Row>, most: usize) -> u64 {
    let Some(over) = rows.len().checked_sub(most).filter(|over| *over > 0) else { return 0 };
    let mut room = most.saturating_sub(rows.iter().filter(|row| row.leads).count().min(most));
    let mut leading = most;
    rows.retain(|row| {
        let kept = if row.leads { &mut leading } else { &mut room };
        let keep = *kept > 0;
        *kept = kept.saturating_sub(1);
        keep
    });
    over as u64
}
