//! Lines that stand for many actions: quiet hours before the start, and even bursts after it.

use std::borrow::Cow;

use serde::Deserialize;

use super::parse::settled;
use crate::{
    telemetry::{Action, Status},
    terms::{ActionClass, AgentId, NanoUsd, Time, ToolName, Workflow},
};

/// The longest quiet history: what a baseline looks back on.
const LONGEST_HOURS: u32 = 168;
/// Actions that a line may stand for.
const MOST: u32 = 100_000;
/// What a repeat counts with.
const NUMBER: &str = "{n}";

/// `{"quiet": {…}}`: hours of even work before the start, spelt in one line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quiet {
    agent: AgentId,
    hours: u32,
    calls_per_hour: u32,
    #[serde(default)]
    usd_per_call: Option<NanoUsd>,
    #[serde(default)]
    tool: Option<ToolName>,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    class: Option<ActionClass>,
    #[serde(default)]
    workflow: Option<Workflow>,
}

impl Quiet {
    /// Even work: the same calls each hour, never two at once for two agents.
    pub fn spread(&self, zero: Time) -> Result<Vec<Action>, String> {
        if self.hours == 0 || self.hours > LONGEST_HOURS {
            return Err(format!("a quiet stretch lasts 1 to {LONGEST_HOURS} hours, not {}", self.hours));
        }
        let calls = self.hours.checked_mul(self.calls_per_hour).filter(|calls| (1..=MOST).contains(calls));
        let calls = calls.ok_or_else(|| format!("a quiet stretch stands for 1 to {MOST} calls"))?;
        if self.tool.is_none() && self.endpoint.is_none() {
            return Err("tool and endpoint are both missing: say what is called in the quiet hours".into());
        }
        let endpoint = self.endpoint.as_deref().map(settled).transpose()?;
        let step = Time::HOUR / i64::from(self.calls_per_hour);
        Ok((1..=i64::from(calls)).rev().map(|back| self.call(zero.plus(-back * step), endpoint.clone())).collect())
    }

    fn call(&self, at: Time, endpoint: Option<String>) -> Action {
        Action {
            id: None,
            started: None,
            at,
            received_at: at,
            agent: self.agent.clone(),
            run: None,
            workflow: self.workflow.clone(),
            tool: self.tool.clone(),
            endpoint,
            class: self.class.clone(),
            cost: self.usd_per_call,
            cost_estimated: false,
            status: Status::Ok,
            artefact: None,
            amount: None,
            counterparty: None,
            model: None,
            tokens: None,
            on_behalf_of: None,
            input: None,
            output: None,
            call_id: None,
            trace_id: None,
            span_id: None,
            parent_span_id: None,
            detail: None,
        }
    }
}

/// `{"repeat": {…}, "action": {…}}`: the same action again and again; `{n}` in it counts.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Repeat {
    times: u32,
    every_ms: i64,
    first: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    times: u32,
    every_s: f64,
    #[serde(default = "one")]
    first: u32,
}

fn one() -> u32 {
    1
}

impl TryFrom<Written> for Repeat {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { times, every_s, first } = written;
        if !(1..=MOST).contains(&times) {
            return Err(format!("a repeat stands for 1 to {MOST} actions, not {times}"));
        }
        if !(0.001..=86_400.0).contains(&every_s) {
            return Err("every_s: a repeat comes every 0.001 to 86400 seconds".into());
        }
        Ok(Self { times, every_ms: (every_s * 1000.0).round() as i64, first })
    }
}

impl Repeat {
    /// How many actions it stands for.
    pub fn times(&self) -> usize {
        usize::try_from(self.times).unwrap_or(usize::MAX)
    }

    /// The text of each action, and how much later than the first it comes.
    pub fn texts<'a>(&self, pattern: &'a str) -> impl Iterator<Item = (Cow<'a, str>, i64)> {
        let counts = pattern.contains(NUMBER);
        let (first, every_ms) = (u64::from(self.first), self.every_ms);
        (0..u64::from(self.times)).map(move |done| {
            let text = if counts {
                Cow::Owned(pattern.replace(NUMBER, &(first + done).to_string()))
            } else {
                Cow::Borrowed(pattern)
            };
            (text, i64::try_from(done).unwrap_or(i64::MAX).saturating_mul(every_ms))
        })
    }
}
