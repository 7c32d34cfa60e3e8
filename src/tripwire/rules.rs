//! Team rules (DET.11): what each asks of a call, weighed against what its agent did before. The same for a call that
//! ran and, before it runs, for one that is asked for (DET.12).

use std::{borrow::Cow, cell::OnceCell};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{endpoints::fnv1a, rate::Met, recall::Recall};
use crate::{
    incident::InventoryItem,
    runbook::{Asks, InputMap, Only, Rule},
    telemetry::{Action, Amount},
    terms::{ActionClass, AgentId, Printable, Time, ToolName, Workflow},
};

/// Columns of agent-written text in a note.
const QUOTED: usize = 60;

/// A call as rules look at it.
pub(super) struct Deed<'a> {
    pub agent: &'a AgentId,
    pub tool: Option<&'a ToolName>,
    /// The inventory's entry for the tool.
    pub item: Option<&'a InventoryItem>,
    pub endpoint: Option<&'a str>,
    pub class: Option<&'a ActionClass>,
    /// As claimed, and as declared.
    pub workflows: [Option<&'a Workflow>; 2],
    pub run: Option<&'a str>,
    pub amount: Option<&'a Amount>,
    pub counterparty: Option<&'a str>,
    pub input: Option<&'a Value>,
    /// When, for rules that look back.
    pub at: Time,
    /// Its time can be believed: a loop is counted by nothing else.
    pub dated: bool,
    /// It has not run: what cannot be read off it counts against it.
    pub asked: bool,
    pub digest: OnceCell<Option<u64>>,
}

/// That a rule is met: the figures, and what is said of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub met: Met,
    pub note: String,
}

impl Finding {
    fn new(figures: Option<(f64, f64)>, note: String) -> Self {
        let (window, limit) = figures.unzip();
        Self { met: Met { window, limit, baseline: None }, note }
    }
}

impl<'a> Deed<'a> {
    /// An executed action.
    pub fn of(action: &'a Action, item: Option<&'a InventoryItem>, workflow: Option<&'a Workflow>) -> Self {
        Self {
            agent: &action.agent,
            tool: action.tool.as_ref(),
            item,
            endpoint: action.endpoint.as_deref(),
            class: action.class.as_ref(),
            workflows: [action.workflow.as_ref(), workflow],
            run: action.run.as_deref(),
            amount: action.amount.as_ref(),
            counterparty: action.counterparty.as_deref(),
            input: action.input.as_ref(),
            at: action.at,
            dated: true,
            asked: false,
            digest: OnceCell::new(),
        }
    }

    /// Whether a rule over `only` looks at it. Claimed or declared, a class and a workflow count: a claim only tightens.
    pub fn fits(&self, only: &Only) -> bool {
        let named = |wanted: &ToolName| self.tool == Some(wanted) || self.item.is_some_and(|item| item.is(wanted));
        let classes = [self.class, self.item.and_then(InventoryItem::class)];
        only.agent.as_ref().is_none_or(|agent| agent == self.agent)
            && only.tool.as_ref().is_none_or(named)
            && only.class.as_ref().is_none_or(|class| classes.contains(&Some(class)))
            && only.workflow.as_ref().is_none_or(|workflow| self.workflows.contains(&Some(workflow)))
    }

    /// What it calls, by its canonical name.
    pub fn what(&self) -> Option<&str> {
        let tool = self.item.map(InventoryItem::tool).or(self.tool);
        tool.map(ToolName::as_str).or(self.endpoint)
    }

    /// Tool and input in one figure; nothing where either is not known.
    pub fn digest(&self) -> Option<u64> {
        *self.digest.get_or_init(|| {
            let (what, input) = self.what().zip(self.input)?;
            let input = serde_json_canonicalizer::to_vec(input).ok()?;
            let whole = Sha256::new_with_prefix(what.as_bytes()).chain_update([0]).chain_update(input).finalize();
            whole.first_chunk().map(|first| u64::from_be_bytes(*first))
        })
    }

    /// Whom it deals with, as stated or as its input holds it.
    pub fn party(&self, map: &InputMap) -> Option<Cow<'a, str>> {
        let stated = self.counterparty.map(Cow::Borrowed);
        stated.or_else(|| match self.pointed(map.counterparty.as_deref())? {
            Value::String(text) => Some(Cow::Borrowed(text.as_str())),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            other => Some(Cow::Owned(fnv1a(other.to_string().as_bytes()).to_string())),
        })
    }

    fn pointed(&self, pointer: Option<&str>) -> Option<&'a Value> {
        self.input?.pointer(pointer?).filter(|value| !value.is_null())
    }
}

/// Whether `rule`, which looks at this call, is met by it and what `recall` holds of its agent.
pub(super) fn weigh(rule: &Rule, deed: &Deed<'_>, recall: &Recall) -> Option<Finding> {
    match &rule.asks {
        Asks::Amount(limits) => amount(limits, deed, &rule.input),
        Asks::CallsPerRun(most) => {
            let calls = recall.calls_in(&rule.name, fnv1a(deed.run?.as_bytes())) + 1;
            let note = || format!("{calls} such calls in run {}", quoted(deed.run.unwrap_or_default()));
            (calls > *most).then(|| Finding::new(Some((calls.into(), (*most).into())), note()))
        }
        Asks::NewCounterparty { grace_h } => {
            let Some(party) = deed.party(&rule.input) else { return unread(deed, "the counterparty") };
            let new = recall.is_new(&rule.name, fnv1a(party.as_bytes()), deed.at, i64::from(*grace_h) * Time::HOUR);
            new.then(|| Finding::new(None, format!("{} was never dealt with before", quoted(&party))))
        }
        Asks::Loop { times, minutes } => {
            let since = deed.at.plus(-i64::from(*minutes) * Time::MINUTE);
            let again =
                if deed.dated { recall.times(&rule.name, deed.digest()?, since, deed.at) + 1 } else { return None };
            let what = quoted(deed.what().unwrap_or_default());
            let note = || format!("{what} with the same input {again} times in {minutes} minutes");
            (again >= *times).then(|| Finding::new(Some((again.into(), (*times).into())), note()))
        }
    }
}

/// A call that has not run and does not say what the rule asks cannot be let by on its silence.
fn unread(deed: &Deed<'_>, what: &str) -> Option<Finding> {
    deed.asked.then(|| Finding::new(None, format!("its input does not say {what}")))
}

fn amount(limits: &std::collections::BTreeMap<String, f64>, deed: &Deed<'_>, map: &InputMap) -> Option<Finding> {
    let stated = deed.amount.and_then(|amount| over(limits, amount.value, Some(&amount.currency)));
    if stated.is_some() {
        return stated;
    }
    let Some(value) = deed.pointed(map.amount.as_deref()) else {
        return if deed.amount.is_none() { unread(deed, "the amount") } else { None };
    };
    let read = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(value) = read.map(|value: f64| value * map.unit.unwrap_or(1.0)) else {
        return Some(Finding::new(None, format!("the amount {} is no number", quoted(&value.to_string()))));
    };
    let currency = match (map.currency.as_deref(), deed.pointed(map.currency.as_deref())) {
        (Some(_), Some(currency)) => Some(currency.as_str().map_or_else(|| currency.to_string(), str::to_owned)),
        _ => deed.amount.map(|amount| amount.currency.clone()),
    };
    over(limits, value, currency.as_deref())
}

/// Money over its currency's limit; over the lowest where no currency is stated.
fn over(limits: &std::collections::BTreeMap<String, f64>, value: f64, currency: Option<&str>) -> Option<Finding> {
    let value = value.abs();
    let limit = match currency.map(|currency| currency.trim().to_ascii_uppercase()) {
        Some(code) => match limits.get(&code) {
            Some(limit) => *limit,
            None => {
                let note = format!("{value:.2} {}, a currency without a limit", quoted(&code));
                return Some(Finding { met: Met { window: Some(value), limit: None, baseline: None }, note });
            }
        },
        None => limits.values().copied().fold(f64::INFINITY, f64::min),
    };
    let within = value <= limit;
    let unit = currency.map(|code| format!(" {}", quoted(code))).unwrap_or_default();
    (!within).then(|| Finding::new(Some((value, limit)), format!("{value:.2}{unit} over {limit:.2}")))
}

fn quoted(text: &str) -> String {
    Printable::line(text).cut(QUOTED)
}
