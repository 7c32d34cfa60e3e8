//! Routes an event to the world and the thing it is about.

use std::sync::Arc;

use super::{first_minutes, holds, incident, switches, tripwires};
use crate::{
    incident::{Agent, AgentDeclaration, Drill, Event, Fact, Token, Topic, World, Worlds},
    terms::DrillId,
};

impl Worlds {
    /// Folds one event. Events come in order of position.
    pub fn apply(&mut self, event: &Event) {
        self.position = event.position;
        self.epoch = event.epoch;
        match event.stream.topic {
            Topic::Access => self.access(event),
            Topic::Drills => self.take(event),
            Topic::Runbook => self.upkeep.apply(event),
            Topic::Incident(_) | Topic::Switches | Topic::Holds | Topic::Agents | Topic::Tripwires => {
                if let Some(world) = self.get_mut(event.stream.drill) {
                    world.apply(event);
                }
                let take = event.stream.drill.and_then(|drill| self.takes.get_mut(&drill));
                if let Some(take) = take.filter(|_| event.by.is_person()) {
                    take.people.insert(event.by.name().to_owned());
                }
            }
        }
    }

    /// Marks the switches that `events` engaged as in force but not in the log yet (law 5).
    pub fn mark_unrecorded(&mut self, events: &[Arc<Event>]) {
        for event in events {
            let Fact::SwitchEngaged { switch, .. } = &event.fact else { continue };
            let world = self.get_mut(event.stream.drill);
            if let Some(switch) = world.and_then(|world| world.switches.get_mut(switch)) {
                Arc::make_mut(switch).recorded = false;
            }
        }
    }

    fn get_mut(&mut self, drill: Option<DrillId>) -> Option<&mut World> {
        match drill {
            None => Some(&mut self.real),
            Some(drill) => self.drills.get_mut(&drill),
        }
    }

    fn access(&mut self, event: &Event) {
        match &event.fact {
            Fact::TokenMade { token, name, role, agent, hash } => {
                let made = Token {
                    id: *token,
                    name: name.clone(),
                    role: *role,
                    agent: agent.clone(),
                    hash: hash.clone(),
                    made_at: event.occurred_at,
                    made_by: event.by.clone(),
                    revoked_at: None,
                };
                self.tokens.insert(*token, made);
            }
            Fact::TokenRevoked { token } => {
                if let Some(token) = self.tokens.get_mut(token) {
                    token.revoked_at.get_or_insert(event.occurred_at);
                }
            }
            Fact::SessionBegun(begun) => self.sessions.begin(begun, event.occurred_at),
            Fact::SessionEnded(ended) => self.sessions.end(&ended.hash),
            _ => {}
        }
    }

    fn take(&mut self, event: &Event) {
        if let Some(started) = Drill::started(event) {
            self.drills.entry(started.id).or_default();
            self.takes.insert(started.id, started);
        }
        Drill::take_in(self.takes.values_mut().collect(), event);
    }
}

/// Whether a fact may change what the interlock answers.
fn answers(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::SwitchEngaged { .. }
            | Fact::SwitchBegun { .. }
            | Fact::SwitchAnnotated { .. }
            | Fact::SwitchExcepted { .. }
            | Fact::SwitchReleased { .. }
            | Fact::AgentDeclared(_)
    )
}

impl World {
    /// Folds one event of this world; a cockpit that follows one world calls this.
    pub fn apply(&mut self, event: &Event) {
        if answers(&event.fact) {
            self.answers_at = event.position;
        }
        match event.stream.topic {
            Topic::Incident(id) => incident::apply(self, id, event),
            Topic::Switches => {
                switches::apply(self, event);
                first_minutes::after_switch(self, event);
                if !matches!(event.fact, Fact::SwitchProved { .. }) {
                    holds::reconsider(self, event.occurred_at);
                }
            }
            Topic::Holds => holds::apply(self, event),
            Topic::Tripwires => tripwires::apply(self, event),
            Topic::Agents => {
                if let Fact::AgentDeclared(declared) = &event.fact {
                    self.declared(declared, event);
                }
            }
            Topic::Access | Topic::Drills | Topic::Runbook => {}
        }
    }

    fn declared(&mut self, declared: &AgentDeclaration, event: &Event) {
        let version = self.agents.get(&declared.id).map_or(1, |agent| agent.version.saturating_add(1));
        let agent = Agent {
            declared: declared.clone(),
            version,
            declared_at: event.occurred_at,
            declared_by: event.by.clone(),
        };
        self.agents.insert(declared.id.clone(), Arc::new(agent));
    }
}
