//! What the tripwires saw, and what people say to it (DET.2–DET.9, protocol 2).

use std::collections::BTreeMap;

use super::{
    auto::{self, Due},
    checks, declare,
    dispatch::{Case, Decided, conflict, unknown},
    first_minutes, stages,
};
use crate::{
    incident::{
        Fact, NewEvent, Topic,
        containment::{AutoStage, Mode, Scope},
        pages::Mute,
        team::Source,
    },
    runbook::Rule,
    terms::{AgentId, FiringId, IncidentId, SwitchId, Time},
    tripwire::{Firing, FiringChange, FiringKey, FiringState, Tripwire, Wrong},
};

pub(super) fn acknowledge(case: &Case<'_>, id: FiringId, expected: bool) -> Decided {
    case.answers("acknowledge a firing")?;
    if expected {
        case.person("call a firing expected")?;
    }
    let Some(firing) = case.world.firings.get(&id) else {
        return Err(unknown(format!("there is no {id}; `andon firings` lists those there are")));
    };
    let acked = firing.paged.iter().all(|paged| paged.acked_at.is_some());
    if acked && (!expected || firing.expected) {
        return Ok(Vec::new());
    }
    if expected && firing.state == FiringState::Closed && !firing.expected {
        return Err(conflict(format!("{id} has closed; what it counted cannot be called expected any more")));
    }
    Ok(vec![case.fact(Topic::Tripwires, Fact::FiringAcknowledged { firing: id, expected })])
}

/// The engine's changes, in its order. What one opens, a later one in the same breath may count or close.
pub(super) fn fire(case: &Case<'_>, changes: &[FiringChange]) -> Decided {
    let mut opening = Opening {
        next_firing: case.world.firings.keys().next_back().map_or(FiringId(1), |id| id.next()),
        next_incident: declare::next_id(case),
        open: BTreeMap::new(),
        next_switch: stages::next_id(case),
        fell_back: Vec::new(),
        engaged: Vec::new(),
        incidents: Vec::new(),
        facts: Vec::new(),
    };
    for firing in case.world.firings.values().filter(|firing| firing.state == FiringState::Open) {
        opening.open.insert(firing.key.clone(), firing.id);
    }
    for change in changes {
        match change {
            // Retired: it is as if nobody had seen it.
            FiringChange::Opened { key, .. } if case.runbook.tripwires.retired.contains(&key.tripwire) => {}
            FiringChange::Opened { key, at, .. } => {
                // One firing for a key. After a restart the engine may say again what the log holds already.
                if !opening.open.contains_key(key) && !seen(case, key, *at) {
                    opening.opened(case, change);
                }
            }
            FiringChange::Counted { key, count, peak, .. } => {
                if let Some(firing) = opening.open.get(key).copied() {
                    let newer = case.world.firings.get(&firing).is_none_or(|old| old.count < *count);
                    if newer {
                        let fact = Fact::FiringCounted { firing, count: *count, peak: figure(*peak) };
                        opening.facts.push(case.fact(Topic::Tripwires, fact));
                    }
                }
            }
            FiringChange::Closed { key, at } => {
                if let Some(firing) = opening.open.remove(key) {
                    opening.facts.push(case.fact_at(Topic::Tripwires, Fact::FiringClosed { firing }, *at));
                }
            }
        }
    }
    Ok(opening.facts)
}

/// A figure that JSON can write; what is no number is none.
fn figure(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// Whether the log holds a closed firing that opened at this very moment.
fn seen(case: &Case<'_>, key: &FiringKey, at: Time) -> bool {
    case.world.firings.values().rev().any(|firing: &std::sync::Arc<Firing>| firing.at == at && firing.key == *key)
}

/// The team's rule that a firing is of: it says itself whom it pages, and whether it opens an incident (DET.11).
fn rule<'a>(case: &Case<'a>, key: &FiringKey) -> Option<&'a Rule> {
    let rules = &case.runbook.tripwires.rules;
    (key.tripwire == Tripwire::Rule).then(|| rules.named(key.asked().unwrap_or(&key.detail)))?
}

/// The open incident of the switch that a breach passed: its containment is what failed (DET.9, CON.10).
fn breached(case: &Case<'_>, key: &FiringKey) -> Option<IncidentId> {
    let switch: SwitchId = (key.tripwire == Tripwire::Breach).then(|| key.detail.parse().ok())??;
    let incident = case.world.switches.get(&switch)?.incident?;
    case.world.incidents.get(&incident).filter(|incident| incident.is_open()).map(|incident| incident.id)
}

/// Numbers given out, and incidents opened, within one breath.
struct Opening {
    next_firing: FiringId,
    next_incident: IncidentId,
    open: BTreeMap<FiringKey, FiringId>,
    next_switch: SwitchId,
    /// Agents that fell back a stage in this breath.
    fell_back: Vec<AgentId>,
    /// Switches this breath engaged for its firings.
    engaged: Vec<(SwitchId, Scope, Mode)>,
    /// Incidents this breath opened, by agent and workflow.
    incidents: Vec<(IncidentId, AgentId, Option<String>)>,
    facts: Vec<NewEvent>,
}

impl Opening {
    fn opened(&mut self, case: &Case<'_>, change: &FiringChange) {
        let FiringChange::Opened { key, at, received_at, window, limit, baseline, note, workflow, .. } = change else {
            return;
        };
        let firing = self.next_firing;
        self.next_firing = firing.next();
        self.open.insert(key.clone(), firing);
        let joined = self.incident_of(case, key, workflow.as_deref());
        let rule = rule(case, key);
        let mute = case.world.mutes.iter().find(|mute| mute.covers(key, case.context.now));
        let opens = match rule {
            Some(rule) => rule.opens_incident,
            None => case.runbook.tripwires.opens_incident.contains(&key.tripwire),
        };
        // What was only asked for has done nothing yet (DET.12); nor has an approval by somebody who did not look.
        let done = key.asked().is_none() && key.approval() != Some(Wrong::RubberStamped);
        // Muted it is recorded, and nothing follows.
        let opens = opens && mute.is_none();
        let due = auto::due(case, key).filter(|_| mute.is_none());
        let enforced = due.as_ref().is_some_and(|due| due.stage == AutoStage::Enforce);
        let opens = joined.is_none() && (opens && done || enforced);
        let incident = if opens { Some(self.declare(case, key, firing, workflow.as_deref())) } else { joined };
        let fact = Fact::FiringOpened {
            firing,
            key: key.clone(),
            received_at: *received_at,
            window: figure(*window),
            limit: figure(*limit),
            baseline: figure(*baseline),
            note: match due.as_ref().filter(|due| due.stage == AutoStage::Warn) {
                Some(due) => Some(note.iter().cloned().chain([auto::asks(due)]).collect::<Vec<_>>().join(" · ")),
                None => {
                    let said = note.iter().cloned().chain(mute.map(Mute::words)).collect::<Vec<_>>();
                    (!said.is_empty()).then(|| said.join(" · "))
                }
            },
            pages: rule
                .and_then(|rule| rule.pages.as_ref())
                .or(case.runbook.tripwires.pages.get(&key.tripwire))
                .filter(|_| mute.is_none())
                .cloned()
                .unwrap_or_default(),
            incident,
        };
        self.facts.push(case.fact_at(Topic::Tripwires, fact, *at));
        if let Some(due) = due {
            self.contain(case, &due, firing, key, incident);
        }
        let back = stages::fall_back(case, self.next_switch, &key.agent, &format!("{firing} ({})", key.tripwire));
        if !back.is_empty() && !self.fell_back.contains(&key.agent) {
            self.next_switch = self.next_switch.next();
            self.fell_back.push(key.agent.clone());
            self.facts.extend(back);
        }
        if let Some(incident) = incident {
            let fact = Fact::FiringJoined { firing, agent: key.agent.clone() };
            self.facts.push(case.fact(Topic::Incident(incident), fact));
            self.facts.extend(first_minutes::approvals_broken(case, incident, key));
        }
    }

    /// What a person approved for this firing: engaged in this breath, or said (CON.14).
    fn contain(&mut self, case: &Case<'_>, due: &Due, firing: FiringId, key: &FiringKey, incident: Option<IncidentId>) {
        let mut switch = None;
        if due.stage == AutoStage::Enforce {
            let now = self.engaged.iter().find(|(_, scope, mode)| *mode == due.mode && scope.contains(&due.scope));
            switch = now.map(|(id, ..)| *id).or_else(|| auto::standing(case, due, key));
            if switch.is_none() {
                let id = self.next_switch;
                self.next_switch = id.next();
                self.facts.push(auto::engage(case, due, (id, firing), key, incident));
                let joined =
                    incident.map(|incident| case.fact(Topic::Incident(incident), Fact::SwitchJoined { switch: id }));
                self.facts.extend(joined);
                self.engaged.push((id, due.scope.clone(), due.mode));
                switch = Some(id);
            }
        } else if let (AutoStage::Warn, Some(incident)) = (due.stage, incident) {
            let text = format!("{firing} ({}) {}", key.tripwire, auto::asks(due));
            self.facts.push(case.fact(Topic::Incident(incident), Fact::NoteAdded { text }));
        }
        let (stage, scope, mode) = (due.stage, due.scope.clone(), due.mode);
        let fact = Fact::AutoContained { firing, stage, scope, mode, switch };
        self.facts.push(case.fact(Topic::Tripwires, fact));
    }

    /// The open incident of the agent or its workflow: a firing joins rather than opens another.
    fn incident_of(&self, case: &Case<'_>, key: &FiringKey, workflow: Option<&str>) -> Option<IncidentId> {
        if let Some(passed) = breached(case, key) {
            return Some(passed);
        }
        let declared = case.world.agents.get(&key.agent).and_then(|agent| agent.declared.workflow.clone());
        let workflows = [workflow, declared.as_ref().map(|workflow| workflow.as_str())];
        let concerns = |agents: &[AgentId], of: Option<&str>| {
            agents.contains(&key.agent) || (of.is_some() && workflows.contains(&of))
        };
        let standing = case
            .world
            .incidents
            .values()
            .rev()
            .find(|incident| incident.is_open() && concerns(&incident.agents, incident.workflow.as_deref()));
        let new = self.incidents.iter().find(|(_, agent, of)| concerns(std::slice::from_ref(agent), of.as_deref()));
        standing.map(|incident| incident.id).or(new.map(|(id, ..)| *id))
    }

    /// Opens an incident for a person to confirm, at the level agreed for its workflow, else the scheme's second worst.
    fn declare(&mut self, case: &Case<'_>, key: &FiringKey, firing: FiringId, workflow: Option<&str>) -> IncidentId {
        let id = self.next_incident;
        self.next_incident = id.next();
        let scheme_id = &case.runbook.default_scheme;
        let declared = case.world.agents.get(&key.agent).and_then(|agent| agent.declared.workflow.clone());
        let workflow = declared.map(|workflow| workflow.to_string()).or(workflow.map(str::to_owned));
        let agreed = workflow.as_deref().and_then(|workflow| declare::agreed(case, workflow, scheme_id)).cloned();
        let second = || {
            let levels = &case.runbook.schemes.get(scheme_id)?.levels;
            Some(levels.get(1).or(levels.first())?.id.clone())
        };
        let severity = agreed.or_else(second).unwrap_or_default();
        let fact = Fact::IncidentDeclared {
            title: declare::title_for(key),
            clocks: declare::clocks(case, scheme_id, &severity),
            scheme: scheme_id.clone(),
            severity,
            workflow: workflow.as_deref().map(|name| name.chars().take(checks::TITLE).collect()),
            agents: vec![key.agent.clone()],
            firing: Some(firing),
            confirmed: false,
            runbook: case.runbook.version.clone(),
            evidence: case.runbook.evidence.planned(),
            source: Some(Source::Tripwire),
            surfaced_at: None,
        };
        self.facts.push(case.fact(Topic::Incident(id), fact));
        self.incidents.push((id, key.agent.clone(), workflow));
        id
    }
}
