//! Why something leaves: a switch of the real world.

use serde_json::{Value, json};

use crate::{
    incident::{
        Event, Fact, Worlds,
        containment::{Mode, Scope, Switch},
    },
    terms::{SwitchId, Time},
};

/// An event of the real world; a drill's is none.
pub struct RealEvent<'e>(&'e Event);

impl<'e> RealEvent<'e> {
    /// The event, if it is real.
    pub fn of(event: &'e Event) -> Option<Self> {
        // That a drill began is real; what is played in it, and a facilitator's hand on it, is not.
        let played = matches!(event.fact, Fact::DrillTold(_) | Fact::DrillSteered(_));
        (event.stream.drill.is_none() && !event.drill && !played).then_some(Self(event))
    }

    /// It.
    pub fn event(&self) -> &'e Event {
        self.0
    }
}

/// What an actuator is told, and how its order is known: the same order asked twice has the same id.
#[derive(Debug, Clone, PartialEq)]
pub struct Occasion {
    /// `SW-12`; none for break-glass, whose switch is not in the log yet.
    switch: Option<SwitchId>,
    incident: Option<String>,
    scope: Scope,
    mode: Mode,
    why: Option<String>,
    /// When the actuator was set off.
    pub fired_at: Time,
}

impl Occasion {
    /// An actuator of the real world's `switch`, as the log has it; none where nothing more is to come of that.
    pub fn real(worlds: &Worlds, switch: SwitchId, actuator: &str) -> Option<Self> {
        let switch = worlds.real.switches.get(&switch)?;
        let run = switch.actuators.iter().find(|run| run.name == actuator && run.is_open())?;
        Some(Self::of(switch, run.fired_at))
    }

    fn of(switch: &Switch, fired_at: Time) -> Self {
        Self {
            switch: Some(switch.id),
            incident: switch.incident.map(|id| id.to_string()),
            scope: switch.scope.clone(),
            mode: switch.mode,
            why: switch.why.clone(),
            fired_at,
        }
    }

    /// A halt of a person whose backend is not reached (law 6).
    pub fn break_glass(scope: Scope, mode: Mode, why: Option<String>, fired_at: Time) -> Self {
        Self { switch: None, incident: None, scope, mode, why, fired_at }
    }

    /// The same for every try of one order, over restarts too.
    pub fn id(&self, actuator: &str) -> String {
        let switch = self.switch.map_or_else(|| "break-glass".to_owned(), |id| id.to_string());
        format!("{switch}.{actuator}.{}", self.fired_at.millis())
    }

    /// What a command finds in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let some = |name, value: Option<String>| value.map(|value| (name, value));
        let named = |name, value: Option<&dyn ToString>| value.map(|value| (name, value.to_string()));
        [
            some("ANDON_SWITCH", self.switch.map(|id| id.to_string())),
            some("ANDON_INCIDENT", self.incident.clone()),
            some("ANDON_SCOPE", Some(self.scope.to_string())),
            some("ANDON_MODE", Some(self.mode.to_string())),
            some("ANDON_WHY", self.why.clone()),
            named("ANDON_AGENT", self.scope.agent.as_ref().map(|it| it as &dyn ToString)),
            named("ANDON_TOOL", self.scope.tool.as_ref().map(|it| it as &dyn ToString)),
            named("ANDON_WORKFLOW", self.scope.workflow.as_ref().map(|it| it as &dyn ToString)),
        ]
        .into_iter()
        .flatten()
        // A NUL would cut the value short.
        .map(|(name, value)| (name, value.replace('\0', " ")))
        .collect()
    }

    /// What a webhook is sent.
    pub fn body(&self, actuator: &str, does: &str) -> Value {
        json!({
            "type": "dev.andon.switch.engaged",
            "timestamp": self.fired_at,
            "data": {
                "actuator": actuator,
                "move": does,
                "switch": self.switch,
                "incident": self.incident,
                "scope": self.scope,
                "mode": self.mode,
                "why": self.why.as_deref().map(|why| why.chars().take(1_000).collect::<String>()),
            },
        })
    }
}
