//! What was counted already: an id counts once per source within an hour, and a proxy's record and the span of the same
//! tool call are one (protocol 1). Memory is bounded; hashes are keyed, so that nobody can forge a collision.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
};

use crate::{
    telemetry::Action,
    terms::{AgentId, Time, ToolName},
};

/// How long an id counts as seen.
const HOUR: i64 = Time::HOUR;
/// How far apart two records of one tool call may arrive.
const APART: i64 = 2 * Time::MINUTE;
/// Ids remembered at most; beyond it the oldest are forgotten.
const IDS: usize = 1 << 20;
/// Tool calls remembered at most.
const CALLS: usize = 1 << 16;
/// Open records of one call at most.
const OPEN: usize = 16;

/// By which way a record came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// `POST /v1/actions`.
    Native,
    /// `POST /v1/traces`.
    Otlp,
}

/// Half of a pair: a record of a call whose other record has not come.
#[derive(Debug)]
struct Half {
    way: Way,
    trace: Option<u64>,
    at: Time,
}

/// Ids and calls seen lately.
#[derive(Default)]
pub struct Seen {
    key: RandomState,
    ids: HashMap<u64, Time>,
    order: VecDeque<(u64, Time)>,
    calls: HashMap<u64, Vec<Half>>,
    call_order: VecDeque<(u64, Time)>,
}

impl Seen {
    /// Whether this action was counted already; notes it where not.
    pub fn again(&mut self, source: &str, way: Way, action: &Action, now: Time) -> bool {
        self.forget(now);
        if let Some(id) = &action.id {
            let hash = self.key.hash_one((source, id));
            if self.ids.contains_key(&hash) {
                return true;
            }
            self.ids.insert(hash, now);
            self.order.push_back((hash, now));
        }
        let call = action.call_id.as_ref().or(if way == Way::Native { action.id.as_ref() } else { None });
        match (&action.tool, call) {
            (Some(tool), Some(call)) => self.told(way, &action.agent, tool, call, action.trace_id.as_deref(), now),
            _ => false,
        }
    }

    /// Whether the same call came by the other way; each record pairs once, so that a repeated id hides nothing else.
    fn told(&mut self, way: Way, agent: &AgentId, tool: &ToolName, call: &str, trace: Option<&str>, now: Time) -> bool {
        let hash = self.key.hash_one((agent.as_str(), tool.as_str(), call));
        let trace = trace.map(|trace| self.key.hash_one(trace));
        let halves = self.calls.entry(hash).or_default();
        let pair = halves.iter().position(|half| {
            let one_trace = half.trace.is_none() || trace.is_none() || half.trace == trace;
            half.way != way && one_trace && now.since(half.at) <= APART
        });
        if let Some(pair) = pair {
            halves.swap_remove(pair);
            return true;
        }
        if halves.len() < OPEN {
            halves.push(Half { way, trace, at: now });
            self.call_order.push_back((hash, now));
        }
        false
    }

    fn forget(&mut self, now: Time) {
        while let Some((hash, at)) = self.order.front()
            && (self.order.len() > IDS || now.since(*at) >= HOUR)
        {
            self.ids.remove(hash);
            self.order.pop_front();
        }
        while let Some((hash, at)) = self.call_order.front()
            && (self.call_order.len() > CALLS || now.since(*at) > APART)
        {
            if let Some(halves) = self.calls.get_mut(hash) {
                halves.retain(|half| half.at > *at);
                if halves.is_empty() {
                    self.calls.remove(hash);
                }
            }
            self.call_order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn action(value: serde_json::Value) -> Action {
        let body = value.to_string();
        crate::telemetry::native::decode(body.as_bytes(), at(0)).unwrap().actions.remove(0).1
    }

    fn at(seconds: i64) -> Time {
        Time::from_millis(1_795_183_200_000 + seconds * 1000)
    }

    #[test]
    fn an_id_counts_once_per_source_within_an_hour() {
        let mut seen = Seen::default();
        let one = action(json!({"id": "a", "agent": "x", "endpoint": "e"}));
        assert!(!seen.again("s1", Way::Native, &one, at(0)));
        assert!(seen.again("s1", Way::Native, &one, at(3599)));
        assert!(!seen.again("s2", Way::Native, &one, at(3599)));
        assert!(!seen.again("s1", Way::Native, &one, at(3600)));
        let unnamed = action(json!({"agent": "x", "endpoint": "e"}));
        assert!(!seen.again("s1", Way::Native, &unnamed, at(0)) && !seen.again("s1", Way::Native, &unnamed, at(0)));
    }

    #[test]
    fn a_proxys_record_and_the_span_of_the_same_call_are_one() {
        let mut seen = Seen::default();
        let proxy = action(json!({"id": "call-1", "agent": "x", "tool": "pay"}));
        let span = |id: &str, trace: &str| {
            action(json!({"id": id, "agent": "x", "tool": "pay", "call_id": "call-1", "trace_id": trace}))
        };
        assert!(!seen.again("gateway", Way::Native, &proxy, at(0)));
        assert!(seen.again("otel", Way::Otlp, &span("t1/1", "t1"), at(1)));
        // A second span with the same call id is another call: nothing hides behind a repeated id.
        assert!(!seen.again("otel", Way::Otlp, &span("t2/1", "t2"), at(2)));
        assert!(!seen.again("otel", Way::Otlp, &span("t3/1", "t3"), at(3)));
        let mut traced = proxy.clone();
        traced.id = Some("p-2".into());
        traced.call_id = Some("call-1".into());
        traced.trace_id = Some("t9".into());
        assert!(!seen.again("gateway", Way::Native, &traced, at(4)), "another trace is another call");
        traced.id = Some("p-3".into());
        traced.trace_id = Some("t3".into());
        assert!(!seen.again("gateway", Way::Native, &traced, at(200)), "too far apart");
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = Seen::default();
        let mut one = action(json!({"id": "a", "agent": "x", "tool": "t"}));
        for number in 0..200_000 {
            one.id = Some(number.to_string());
            seen.again("s", Way::Native, &one, at(0));
        }
        assert!(seen.calls.len() <= CALLS + 1 && seen.call_order.len() <= CALLS + 1);
        one.id = None;
        seen.again("s", Way::Native, &one, at(7200));
        assert!(seen.ids.is_empty() && seen.calls.is_empty());
    }
}
