//! Authorisation (DET.5): what the agent's declared inventory does not list.

use std::collections::HashSet;

use crate::{
    incident::{AgentDeclaration, InventoryItem},
    telemetry::{Action, endpoint},
    terms::ToolName,
};

/// What an agent may use, for quick look-up.
#[derive(Debug, Clone)]
pub(super) struct Inventory {
    tools: HashSet<ToolName>,
    endpoints: HashSet<String>,
}

impl From<&AgentDeclaration> for Inventory {
    fn from(declared: &AgentDeclaration) -> Self {
        let mut tools = HashSet::new();
        for item in &declared.inventory {
            tools.insert(item.tool().clone());
            if let InventoryItem::Known { aliases, .. } = item {
                tools.extend(aliases.iter().cloned());
            }
        }
        Self {
            tools,
            endpoints: declared.endpoints.iter().map(|given| endpoint::template(given).into_owned()).collect(),
        }
    }
}

impl Inventory {
    /// What of the action is not listed; an endpoint is judged only without a tool and where endpoints are listed.
    pub fn lacks<'a>(&self, action: &'a Action) -> Option<&'a str> {
        match (&action.tool, &action.endpoint) {
            (Some(tool), _) => (!self.tools.contains(tool)).then(|| tool.as_str()),
            (None, Some(endpoint)) => {
                (!self.endpoints.is_empty() && !self.endpoints.contains(endpoint)).then_some(endpoint.as_str())
            }
            (None, None) => None,
        }
    }
}
