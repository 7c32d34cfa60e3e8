//! How a simulated agent takes a switch (DRL.3): most obey; some were never asked, some do not listen.

use serde::{Deserialize, Serialize};

use crate::{
    incident::containment::{Decision, Switch, SwitchState},
    telemetry::Action,
    terms::ToolName,
};

/// How one agent of a recording behaves towards the interlock. Without a word it asks and obeys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conduct {
    /// It never asks: only its telemetry is seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond_reach: bool,
    /// It asks, is told no, and acts all the same: an in-band stop is only a word to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignores_stop: bool,
    /// Told to make a draft, it acts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignores_draft: bool,
    /// Tools that are cut on their own side: a switch whose scope names one of them stops it, whatever the agent does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_at: Vec<ToolName>,
}

impl Conduct {
    /// Whether the agent acts on this answer. `over_tool`: an engaged switch names the tool in its scope.
    pub fn acts(&self, decision: Decision, tool: Option<&ToolName>, over_tool: bool) -> bool {
        let cut = over_tool && tool.is_some_and(|tool| self.cut_at.contains(tool));
        match decision {
            Decision::Allow => true,
            Decision::Draft | Decision::Hold | Decision::Deny if cut => false,
            Decision::Draft => self.ignores_draft || self.deaf(),
            Decision::Hold | Decision::Deny => self.deaf(),
        }
    }

    fn deaf(&self) -> bool {
        self.beyond_reach || self.ignores_stop
    }
}

/// Whether an engaged switch names the tool of an action in its scope, for every agent or for this one.
pub fn is_over_tool<'s>(switches: impl IntoIterator<Item = &'s Switch>, action: &Action) -> bool {
    switches.into_iter().any(|switch| {
        let engaged = switch.state == SwitchState::Engaged && switch.scope.tool.is_some();
        let of_agent = switch.scope.agent.as_ref().is_none_or(|agent| *agent == action.agent);
        engaged && switch.scope.tool == action.tool && of_agent
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DRL.3: who obeys is stopped; who does not is stopped only where the tool itself is cut.
    #[test]
    fn an_agent_acts_as_its_conduct_says() {
        use Decision::{Allow, Deny, Draft, Hold};
        let tool = ToolName::new("mail.delete").unwrap();
        let obeys = Conduct::default();
        let drafts_not = Conduct { ignores_draft: true, ..Conduct::default() };
        let deaf = Conduct { ignores_stop: true, cut_at: vec![tool.clone()], ..Conduct::default() };
        let unseen = Conduct { beyond_reach: true, ..Conduct::default() };
        for (conduct, decision, over_tool, acts) in [
            (&obeys, Allow, false, true),
            (&obeys, Draft, false, false),
            (&obeys, Hold, false, false),
            (&obeys, Deny, false, false),
            (&drafts_not, Draft, false, true),
            (&drafts_not, Deny, false, false),
            (&deaf, Deny, false, true),
            (&deaf, Hold, false, true),
            (&deaf, Deny, true, false),
            (&unseen, Deny, true, true),
        ] {
            assert_eq!(conduct.acts(decision, Some(&tool), over_tool), acts, "{conduct:?} {decision} {over_tool}");
        }
        assert!(deaf.acts(Deny, None, true), "a call without a tool has nothing to cut");
    }
}
