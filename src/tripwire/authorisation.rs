//! Authorisation (DET.5): what the agent's declared inventory does not list.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    incident::{AgentDeclaration, InventoryItem},
    telemetry::{Action, endpoint},
    terms::{ToolName, Workflow},
};

/// What an agent may use, for quick look-up.
#[derive(Debug, Clone)]
pub(super) struct Inventory {
    /// By canonical name and by each alias.
    tools: HashMap<ToolName, Arc<InventoryItem>>,
    endpoints: HashSet<String>,
    /// The workflow it serves.
    pub workflow: Option<Workflow>,
}

impl From<&AgentDeclaration> for Inventory {
    fn from(declared: &AgentDeclaration) -> Self {
        let mut tools = HashMap::new();
        for item in &declared.inventory {
            let item = Arc::new(item.clone());
            for name in std::iter::once(item.tool()).chain(item.aliases()) {
                tools.entry(name.clone()).or_insert_with(|| item.clone());
            }
        }
        Self {
            tools,
            endpoints: declared.endpoints.iter().map(|given| endpoint::template(given).into_owned()).collect(),
            workflow: declared.workflow.clone(),
        }
    }
}

impl Inventory {
    /// The entry for a tool, by any of its names.
    pub fn item(&self, tool: &ToolName) -> Option<&InventoryItem> {
        self.tools.get(tool).map(AsRef::as_ref)
    }

    /// What of the action is not listed; an endpoint is judged only without a tool and where endpoints are listed.
    pub fn lacks<'a>(&self, action: &'a Action) -> Option<&'a str> {
        match (&action.tool, &action.endpoint) {
            (Some(tool), _) => (!self.tools.contains_key(tool)).then(|| tool.as_str()),
            (None, Some(endpoint)) => {
                (!self.endpoints.is_empty() && !self.endpoints.contains(endpoint)).then_some(endpoint.as_str())
            }
            (None, None) => None,
        }
    }
}
