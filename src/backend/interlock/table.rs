//! One world's decision table: what is engaged and who is declared, swapped whole.

use std::{collections::BTreeMap, sync::Arc};

use imbl::OrdMap;

use crate::{
    api::{AgentView, CheckAnswer, CheckRequest, Decision},
    incident::{
        Agent, OnBlind, World,
        containment::{Call, Scope, Switch, SwitchState, decide, touches},
    },
    telemetry::Action,
    terms::{ActionClass, AgentId, SwitchId, ToolName},
};

/// What every way in asks.
#[derive(Debug, Default)]
pub struct Table {
    /// Rises with every change.
    pub version: u64,
    /// Every engaged switch.
    pub engaged: BTreeMap<SwitchId, Arc<Switch>>,
    /// Every declared agent.
    pub agents: OrdMap<AgentId, Arc<Agent>>,
    /// Each engaged switch in words, for agents' logs.
    reasons: BTreeMap<SwitchId, String>,
}

impl Table {
    /// The table of a world.
    pub fn of(world: &World, version: u64) -> Self {
        let engaged = world.switches.iter().filter(|(_, switch)| switch.state == SwitchState::Engaged);
        let engaged: BTreeMap<SwitchId, Arc<Switch>> = engaged.map(|(id, switch)| (*id, switch.clone())).collect();
        Self {
            version,
            reasons: engaged.iter().map(|(id, switch)| (*id, reason(switch))).collect(),
            engaged,
            agents: world.agents.clone(),
        }
    }

    /// Whether it answers every call as `other` does; what is proved of a switch answers nobody.
    pub fn answers_like(&self, other: &Self) -> bool {
        let same = |one: &Switch, two: &Switch| {
            (&one.scope, &one.except, one.mode, &one.why, &one.lane, one.percent)
                == (&two.scope, &two.except, two.mode, &two.why, &two.lane, two.percent)
        };
        self.engaged.len() == other.engaged.len()
            && self.engaged.iter().all(|(id, switch)| other.engaged.get(id).is_some_and(|two| same(switch, two)))
            && self.agents == other.agents
    }

    /// A call as the table judges it: the caller's word joined with the declaration.
    pub fn call(&self, asked: &CheckRequest) -> Call {
        self.joined(Call {
            agent: Some(asked.agent.clone()),
            tool: asked.tool.clone(),
            claimed_class: asked.class.clone(),
            claimed_workflow: asked.workflow.clone(),
            run: asked.run.clone(),
            subject: asked.subject.clone(),
            revision: asked.revision.clone(),
            ..Call::default()
        })
    }

    /// An action as the table would have judged it.
    pub fn call_of(&self, action: &Action) -> Call {
        self.joined(Call {
            agent: Some(action.agent.clone()),
            tool: action.tool.clone(),
            claimed_class: action.class.clone(),
            claimed_workflow: action.workflow.clone(),
            run: action.run.clone(),
            subject: action.on_behalf_of.clone(),
            ..Call::default()
        })
    }

    fn joined(&self, mut call: Call) -> Call {
        let Some(agent) = call.agent.as_ref().and_then(|agent| self.agents.get(agent)) else { return call };
        call.declared_workflow = agent.declared.workflow.clone();
        if let Some(item) = call.tool.as_ref().and_then(|tool| agent.declared.item(tool)) {
            call.declared_class = item.class().cloned();
            call.visible_to = item.visible_to().cloned();
            call.tool = Some(item.tool().clone());
            call.aliases = item.aliases().to_vec();
        }
        call
    }

    /// The strictest answer, and the switch named for it.
    pub fn decide(&self, call: &Call) -> (Decision, Option<&Switch>) {
        decide(self.engaged.values().map(Arc::as_ref), call)
    }

    /// The wire's answer to a call.
    pub fn answer(&self, call: &Call) -> CheckAnswer {
        self.answer_but(call, &[])
    }

    /// The same, as if `lifted` did not hold: what a person approved (CON.12).
    pub fn answer_but(&self, call: &Call, lifted: &[SwitchId]) -> CheckAnswer {
        let counts = self
            .engaged
            .values()
            .filter(|switch| !lifted.contains(&switch.id) || switch.decide(call) != Decision::Hold);
        let (decision, named) = decide(counts.map(Arc::as_ref), call);
        CheckAnswer {
            decision,
            mode: named.map(|switch| switch.mode),
            switch: named.map(|switch| switch.id),
            rule: None,
            reason: named.and_then(|switch| self.reasons.get(&switch.id)).cloned(),
            warn: None,
            lane: named.and_then(|switch| switch.lane.clone()),
            hold: None,
            version: self.version,
        }
    }

    /// Everything that applies to one agent.
    pub fn view(&self, agent: &AgentId) -> AgentView {
        let of = |tool: Option<&ToolName>, class: Option<&ActionClass>| {
            self.joined(Call {
                agent: Some(agent.clone()),
                tool: tool.cloned(),
                claimed_class: class.cloned(),
                ..Call::default()
            })
        };
        let general = of(None, None);
        let (decision, named) = self.decide(&general);
        let inventory = self.agents.get(agent).map(|agent| agent.declared.inventory.as_slice()).unwrap_or_default();
        let scoped = self.engaged.values().filter_map(|switch| switch.scope.tool.as_ref());
        // Whoever enforces a view by itself looks a tool up by the name it calls it by.
        let inventory = if self.engaged.is_empty() { &[] } else { inventory };
        let names = inventory.iter().flat_map(|item| std::iter::once(item.tool()).chain(item.aliases()));
        let tools = names.chain(scoped);
        let tools = tools.filter_map(|tool| {
            let (answer, _) = self.decide(&of(Some(tool), None));
            (answer != decision).then(|| (tool.to_string(), answer))
        });
        let classes = self.engaged.values().filter_map(|switch| switch.scope.class.as_ref());
        let classes = classes.filter_map(|class| {
            let (answer, _) = self.decide(&of(None, Some(class)));
            (answer != decision).then(|| (class.to_string(), answer))
        });
        let touching = self.engaged.values().filter(|switch| self.is_in(&switch.scope, agent));
        let partly =
            touching.filter(|switch| !switch.except.contains(agent) && switch.decide(&general) == Decision::Allow);
        AgentView {
            version: self.version,
            agent: agent.clone(),
            mode: named
                .filter(|_| decision != Decision::Allow)
                .map_or("allow", |switch| switch.mode.as_str())
                .to_owned(),
            tools: tools.collect(),
            classes: classes.collect(),
            partly: partly.map(|switch| switch.id).collect(),
            on_blind: self.agents.get(agent).map_or(OnBlind::Stop, |agent| agent.declared.on_blind),
            switch: named.map(|switch| switch.id),
            reason: named.and_then(|switch| self.reasons.get(&switch.id)).cloned(),
        }
    }
}

/// A switch in words, for an agent's log.
fn reason(switch: &Switch) -> String {
    let lane = switch.lane.as_deref().map(|lane| format!(", take the lane {lane}")).unwrap_or_default();
    let why = switch.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "{} ({} of {}), engaged {} by {}{lane}{why}",
        switch.id, switch.mode, switch.scope, switch.engaged_at, switch.by
    )
}

impl Table {
    /// Whether a switch over `scope` touches `agent`: what the scope asks and nobody stated counts as inside.
    pub fn is_in(&self, scope: &Scope, agent: &AgentId) -> bool {
        touches(&self.agents, scope, agent)
    }
}

impl Table {
    /// The answer for a caller whom nobody vouches for: it may be any agent that a switch names, so its word may tighten,
    /// never loosen, and keeping silent frees nobody (law 11).
    pub fn strictest(&self, claimed: Option<AgentId>, tool: Option<ToolName>) -> CheckAnswer {
        let answer = |agent: Option<&AgentId>| {
            self.answer(&self.joined(Call { agent: agent.cloned(), tool: tool.clone(), ..Call::default() }))
        };
        let scoped = self.engaged.values().filter_map(|switch| switch.scope.agent.as_ref());
        scoped.chain(&claimed).fold(answer(None), |strictest, agent| {
            let answer = answer(Some(agent));
            if answer.decision > strictest.decision { answer } else { strictest }
        })
    }

    /// Every tool that a switch names.
    pub fn named_tools(&self) -> impl Iterator<Item = &ToolName> {
        self.engaged.values().filter_map(|switch| switch.scope.tool.as_ref())
    }

    /// The SSE frame of a view.
    pub fn frame(&self, agent: Option<&AgentId>, epoch: u32) -> String {
        let data = match agent {
            Some(agent) => serde_json::to_string(&self.view(agent)),
            None => {
                let switches: Vec<_> = self.engaged.values().collect();
                serde_json::to_string(&serde_json::json!({"version": self.version, "switches": switches}))
            }
        };
        format!("id: {epoch}:{}\nevent: state\ndata: {}\n\n", self.version, data.unwrap_or_default())
    }
}
