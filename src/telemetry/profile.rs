//! What an agent did lately, summed: the tools, models, versions and systems it used (TEN.3), and what its actions
//! touched (SEV.5). Bounded whatever an agent sends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Action, Status};
use crate::terms::{ActionClass, Time, words};

/// Names kept of each kind; the one used longest ago gives way.
const NAMES: usize = 48;
/// Longest name kept, in characters.
const NAME: usize = 120;
/// Hours summed.
const HOURS: usize = 48;
/// Recipients told apart in an hour; beyond it the count stands still.
const RECIPIENTS: usize = 512;
/// Currencies summed in an hour.
const CURRENCIES: usize = 8;

words! {
    /// What kinds of names a profile keeps (TEN.3).
    Part, "a part of a profile" {
        /// Tools.
        Tool = "tool",
        /// Exact models that answered.
        Model = "model",
        /// Releases.
        Release = "release",
        /// The agent's own versions.
        Version = "version",
        /// Prompts with their versions.
        Prompt = "prompt",
        /// Knowledge sources.
        Source = "source",
        /// Systems outside.
        System = "system",
        /// Agents it handed over to.
        HandOff = "hand-off",
        /// Workflows it claimed.
        Workflow = "workflow",
    }
}

/// How something was used lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Use {
    /// What a tool does to the world, where stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
    /// How often.
    pub times: u64,
    /// When last.
    pub last_at: Time,
}

/// What actions touched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Touched {
    /// Acting classes.
    pub classes: BTreeSet<ActionClass>,
    /// Money moved, by currency.
    pub money: BTreeMap<String, f64>,
    /// Payments that makes.
    pub payments: u64,
    /// Recipients outside, told apart as far as telemetry names them.
    pub recipients: u64,
}

/// One hour of it.
#[derive(Debug, Clone, Default)]
struct Hour {
    hour: i64,
    classes: BTreeSet<ActionClass>,
    money: BTreeMap<String, f64>,
    payments: u64,
    recipients: BTreeSet<u64>,
}

/// One agent's profile.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    parts: BTreeMap<Part, BTreeMap<String, Use>>,
    hours: VecDeque<Hour>,
}

impl Profile {
    /// Takes an action in; `class` is the inventory's word for it, else the caller's.
    pub fn note(&mut self, action: &Action, class: Option<&ActionClass>) {
        if action.status == Status::Denied {
            return;
        }
        let at = action.at.min(action.received_at);
        if let Some(tool) = &action.tool {
            self.name(Part::Tool, tool.as_str(), at, class);
        }
        if let Some(model) = &action.model {
            self.name(Part::Model, model, at, None);
        }
        if let Some(workflow) = &action.workflow {
            self.name(Part::Workflow, workflow.as_str(), at, None);
        }
        if let Some(system) = action.endpoint.as_deref().and_then(system) {
            self.name(Part::System, system, at, None);
        }
        if let Some(detail) = &action.detail {
            for (part, name) in [(Part::Release, &detail.release), (Part::Version, &detail.agent_version)] {
                if let Some(name) = name {
                    self.name(part, name, at, None);
                }
            }
            match (&detail.prompt, &detail.prompt_version) {
                (Some(prompt), Some(version)) => self.name(Part::Prompt, &format!("{prompt} {version}"), at, None),
                (Some(name), None) | (None, Some(name)) => self.name(Part::Prompt, name, at, None),
                (None, None) => {}
            }
            for found in detail.retrieval.iter().flat_map(|retrieval| &retrieval.sources) {
                if let Some(source) = found.uri.as_ref().or(found.id.as_ref()) {
                    self.name(Part::Source, source, at, None);
                }
            }
            for to in detail.hand_off.iter().filter_map(|hand_off| hand_off.to.as_ref()) {
                self.name(Part::HandOff, to, at, None);
            }
        }
        self.touch(action, class, at);
    }

    fn name(&mut self, part: Part, name: &str, at: Time, class: Option<&ActionClass>) {
        let name = name.char_indices().nth(NAME).map_or(name, |(end, _)| &name[..end]);
        let names = self.parts.entry(part).or_default();
        if !names.contains_key(name) {
            if names.len() >= NAMES {
                let oldest = names.iter().min_by_key(|(_, seen)| seen.last_at).map(|(name, _)| name.clone());
                oldest.and_then(|oldest| names.remove(&oldest));
            }
            names.insert(name.to_owned(), Use { class: None, times: 0, last_at: at });
        }
        let Some(seen) = names.get_mut(name) else { return };
        seen.times = seen.times.saturating_add(1);
        seen.last_at = seen.last_at.max(at);
        seen.class = class.cloned().or(seen.class.take());
    }

    fn touch(&mut self, action: &Action, class: Option<&ActionClass>, at: Time) {
        let hour = self.hour(at.millis().div_euclid(Time::HOUR));
        let Some(hour) = hour else { return };
        if let Some(class) = class.filter(|class| !class.only_reads()) {
            hour.classes.insert(class.clone());
        }
        let fits = |money: &BTreeMap<String, f64>, key: &str| money.contains_key(key) || money.len() < CURRENCIES;
        if let Some(amount) = action.amount.as_ref().filter(|amount| amount.value.is_finite() && amount.value > 0.0) {
            let currency: String = amount.currency.chars().take(8).collect();
            if fits(&hour.money, &currency) {
                *hour.money.entry(currency).or_default() += amount.value;
            }
            hour.payments += 1;
        }
        let outward = action.artefact.as_ref().is_some_and(|made| made.visible_to.as_deref() == Some("customer"))
            || class.is_some_and(ActionClass::speaks_to_customers);
        if outward {
            let named = action.detail.iter().flat_map(|detail| detail.recipients.iter().map(String::as_str));
            let mut named: Vec<&str> = named.chain(action.counterparty.as_deref()).collect();
            let unnamed = action.id.clone().unwrap_or_else(|| format!("{at}"));
            if named.is_empty() {
                named.push(&unnamed);
            }
            for recipient in named {
                if hour.recipients.len() < RECIPIENTS {
                    hour.recipients.insert(mixed(recipient));
                }
            }
        }
    }

    /// The bucket of an hour; none where it is older than what is summed.
    fn hour(&mut self, hour: i64) -> Option<&mut Hour> {
        let at = self.hours.partition_point(|known| known.hour < hour);
        if self.hours.get(at).is_none_or(|known| known.hour != hour) {
            if at == 0 && self.hours.len() >= HOURS {
                return None;
            }
            self.hours.insert(at, Hour { hour, ..Hour::default() });
            if self.hours.len() > HOURS {
                self.hours.pop_front();
                return self.hours.iter_mut().find(|known| known.hour == hour);
            }
        }
        self.hours.get_mut(at)
    }

    /// What was used of a kind, the newest first.
    pub fn used(&self, part: Part) -> Vec<(String, Use)> {
        let mut used: Vec<(String, Use)> =
            self.parts.get(&part).into_iter().flatten().map(|(name, seen)| (name.clone(), seen.clone())).collect();
        used.sort_by(|one, other| other.1.last_at.cmp(&one.1.last_at).then_with(|| one.0.cmp(&other.0)));
        used
    }
}

/// What the actions of all `profiles` touched since `from`, counted by whole hours.
pub fn touched<'p>(profiles: impl IntoIterator<Item = &'p Profile>, from: Time) -> Touched {
    let first = from.millis().div_euclid(Time::HOUR);
    let (mut touched, mut recipients) = (Touched::default(), BTreeSet::new());
    for hour in profiles.into_iter().flat_map(|profile| &profile.hours).filter(|hour| hour.hour >= first) {
        touched.classes.extend(hour.classes.iter().cloned());
        touched.payments += hour.payments;
        for (currency, sum) in &hour.money {
            *touched.money.entry(currency.clone()).or_default() += sum;
        }
        recipients.extend(hour.recipients.iter().copied());
    }
    touched.recipients = recipients.len() as u64;
    touched
}

/// The system that an endpoint is at: `POST api.example.com/v1/x` → `api.example.com`.
fn system(endpoint: &str) -> Option<&str> {
    let place = endpoint.split_whitespace().next_back()?;
    let host = place.split("://").last()?.split('/').next()?;
    (host.contains('.') || host.contains(':')).then_some(host)
}

/// FNV-1a: tells recipients apart without keeping who they are.
fn mixed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
