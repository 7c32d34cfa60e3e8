//! What the pinned actions, and the incident's own record, say for each item (EVI.2, EVI.3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{EvidenceItemSet, ItemPlan, ItemState, Source, Told};
use crate::{
    incident::{Incident, World, containment::SwitchState},
    telemetry::{Action, Detail, is_mutable_alias},
    terms::{FreezeId, NanoUsd},
};

/// Different names kept of a kind.
const NAMES: usize = 10_000;
/// Names shown of a kind.
const SHOWN: usize = 6;
/// Steps of the path shown.
const STEPS: usize = 12;

#[derive(Default)]
struct Tally {
    count: u64,
    first: Option<u64>,
}

/// What was seen so far. Actions come in order of their number.
#[derive(Default)]
pub struct Filling {
    seen: u64,
    tallies: BTreeMap<Told, Tally>,
    names: BTreeMap<Told, BTreeSet<String>>,
    steps: Vec<String>,
    /// Model calls, and those of them whose sender says whether the context was cut, and those that were.
    calls: (u64, u64, u64),
    cost: i64,
    retries: u64,
    errors: u64,
}

impl Filling {
    /// The next pinned action.
    pub fn add(&mut self, seq: u64, action: &Action) {
        self.seen += 1;
        for told in Told::ALL.iter().filter(|told| tells(action, **told)) {
            let tally = self.tallies.entry(*told).or_default();
            tally.count += 1;
            tally.first.get_or_insert(seq);
            if let Some(name) = name(action, *told) {
                let names = self.names.entry(*told).or_default();
                if names.len() < NAMES && !names.contains(name) {
                    names.insert(name.to_owned());
                }
            }
        }
        let step = action.what();
        if self.steps.len() < STEPS && self.steps.last().is_none_or(|last| last != step) {
            self.steps.push(step.to_owned());
        }
        if is_model_call(action) {
            let cut = action.detail.as_ref().and_then(|detail| detail.truncated);
            self.calls.0 += 1;
            self.calls.1 += u64::from(cut.is_some());
            self.calls.2 += u64::from(cut == Some(true));
        }
        self.cost = self.cost.saturating_add(action.cost.map_or(0, |cost| cost.0));
        self.retries += action.detail.as_ref().and_then(|detail| detail.retries).unwrap_or(0);
        self.errors += u64::from(action.status == crate::telemetry::Status::Error);
    }

    /// What that fills of `plans`, in their order.
    pub fn items<'p>(
        &self,
        plans: impl Iterator<Item = &'p ItemPlan>,
        incident: &Incident,
        world: &World,
    ) -> Vec<EvidenceItemSet> {
        plans.filter_map(|plan| self.item(plan, incident, world)).collect()
    }

    fn item(&self, plan: &ItemPlan, incident: &Incident, world: &World) -> Option<EvidenceItemSet> {
        let told = plan.told?;
        let set = |state, why: String, source| {
            Some(EvidenceItemSet {
                item: plan.id.clone(),
                state,
                why: Some(why),
                expires_at: None,
                source: Some(source),
            })
        };
        if let Some(what) = recorded(told, incident, world) {
            return set(ItemState::Held, what.clone(), Source::Record { what });
        }
        let tally = self.tallies.get(&told)?;
        // Whoever pins does not know the number of the freeze yet.
        let source = Source::Freeze { freeze: FreezeId(1), count: tally.count, first: tally.first };
        let (state, why) = self.words(told, tally.count);
        set(state, why, source)
    }

    fn words(&self, told: Told, count: u64) -> (ItemState, String) {
        let none = BTreeSet::new();
        let names = self.names.get(&told).unwrap_or(&none);
        let of = format!("{count} of {} actions", self.seen);
        let listed = if names.is_empty() { String::new() } else { format!(": {}", list(names)) };
        match told {
            Told::Path => (ItemState::Held, format!("{of}{listed}; {}", self.steps.join(" → "))),
            Told::Model => {
                let aliases: BTreeSet<String> = names.iter().filter(|name| is_mutable_alias(name)).cloned().collect();
                if aliases.is_empty() {
                    return (ItemState::Held, format!("{of}{listed}"));
                }
                let why =
                    format!("{of}{listed}; a mutable alias, which version answered is not known: {}", list(&aliases));
                (ItemState::ClaimedOnly, why)
            }
            Told::Conversation => {
                let (calls, told, cut) = self.calls;
                (ItemState::Held, format!("{of}; {cut} of {calls} model calls were cut, {told} say whether they were"))
            }
            Told::Usage => {
                let cost = NanoUsd(self.cost);
                let why = format!("{of}; {cost}, {} errors, {} retries", self.errors, self.retries);
                (ItemState::Held, why)
            }
            _ => (ItemState::Held, format!("{of}{listed}")),
        }
    }
}

/// What the incident's own log says, for the items that it fills.
fn recorded(told: Told, incident: &Incident, world: &World) -> Option<String> {
    match told {
        Told::Incident => Some(incident.id.to_string()),
        Told::Containment => {
            let engaged = incident.switches.iter().filter_map(|id| world.switches.get(id));
            let engaged = engaged.filter(|switch| switch.state == SwitchState::Engaged);
            let lines: Vec<String> =
                engaged.map(|switch| format!("{} {} {}", switch.id, switch.mode, switch.scope)).collect();
            Some(if lines.is_empty() { "nothing is halted".to_owned() } else { lines.join("; ") })
        }
        Told::Approvals => {
            let held = world
                .holds
                .values()
                .filter(|hold| hold.call.agent.as_ref().is_some_and(|agent| incident.agents.contains(agent)));
            let held = held.count();
            (held > 0).then(|| format!("{held} calls were held, with what the approver saw"))
        }
        _ => None,
    }
}

fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| name.chars().take(80).collect()).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn is_model_call(action: &Action) -> bool {
    action.tool.is_none() && (action.model.is_some() || action.tokens.is_some())
}

/// Whether messages hold one of the system's.
fn has_system_message(input: Option<&Value>) -> bool {
    let role = |message: &Value| message.get("role").and_then(Value::as_str).is_some_and(|role| role == "system");
    input.and_then(Value::as_array).is_some_and(|messages| messages.iter().any(role))
}

/// Whether an action tells something for an item.
fn tells(action: &Action, told: Told) -> bool {
    let detail = action.detail.as_deref();
    let has = |of: fn(&Detail) -> bool| detail.is_some_and(of);
    let model = is_model_call(action);
    match told {
        Told::Incident | Told::Containment => false,
        Told::Run => action.run.is_some(),
        Told::Path => true,
        Told::Input => action.tool.is_none() && action.input.is_some(),
        Told::Instructions => {
            has(|detail| detail.instructions.is_some()) || (model && has_system_message(action.input.as_ref()))
        }
        Told::Output => (model && action.output.is_some()) || action.artefact.is_some(),
        Told::AgentVersion => has(|detail| detail.agent_version.is_some()),
        Told::PromptVersion => has(|detail| detail.prompt_version.is_some()),
        Told::Model => action.model.is_some(),
        Told::Sampling => has(|detail| !detail.sampling.is_empty()),
        Told::ToolConfig => has(|detail| detail.tools.is_some()),
        Told::ToolCalls => action.tool.is_some() && (action.input.is_some() || action.output.is_some()),
        Told::Retrieval => has(|detail| detail.retrieval.is_some()),
        Told::Files => has(|detail| !detail.files.is_empty()),
        Told::Changes => has(|detail| !detail.changes.is_empty()),
        Told::Identity => action.on_behalf_of.is_some() || has(|detail| detail.triggered_by.is_some()),
        Told::HandOff => has(|detail| detail.hand_off.is_some()),
        Told::Approvals => has(|detail| detail.approval.is_some()),
        Told::Reviews => {
            action.artefact.as_ref().is_some_and(|artefact| artefact.review.is_some())
                || has(|detail| detail.review_note.is_some())
        }
        Told::Release => has(|detail| detail.release.is_some()),
        Told::SideEffects => action.amount.is_some() || has(|detail| !detail.effects.is_empty()),
        Told::Safety => has(|detail| !detail.scores.is_empty()),
        Told::Conversation => {
            (model && action.input.is_some())
                || has(|detail| detail.conversation.is_some() || detail.truncated.is_some())
        }
        Told::Usage => action.cost.is_some() || action.tokens.is_some() || action.started.is_some(),
    }
}

/// The name that an item lists.
fn name(action: &Action, told: Told) -> Option<&str> {
    let detail = action.detail.as_deref();
    match told {
        Told::Run => action.run.as_deref(),
        Told::Path => action.workflow.as_ref().map(|workflow| workflow.as_str()),
        Told::AgentVersion => detail?.agent_version.as_deref(),
        Told::PromptVersion => detail?.prompt_version.as_deref(),
        Told::Model => action.model.as_deref(),
        Told::ToolCalls => action.tool.as_ref().map(|tool| tool.as_str()),
        Told::Release => detail?.release.as_deref(),
        Told::Identity => action.on_behalf_of.as_deref(),
        Told::Files => detail?.files.first().map(String::as_str),
        Told::Changes => detail?.changes.first().map(|change| change.record.as_str()),
        Told::Safety => detail?.scores.first().map(|score| score.name.as_str()),
        _ => None,
    }
}
