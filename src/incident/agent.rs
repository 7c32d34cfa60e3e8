//! Agents as their owners declare them (DET.14), and how far a switch reaches them (CON.16).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::{ActionClass, AgentId, Author, Time, ToolName, Workflow, words};

words! {
    /// How much harm a mistake can do: what the interlock fails closed for.
    Blast, "a blast radius" {
        /// Money, customers, production.
        High = "high",
        /// Anything else.
        Low = "low",
    }
}

words! {
    /// What an agent does when it loses its lease (CON.7).
    OnBlind, "an on_blind word" {
        /// It stops.
        Stop = "stop",
        /// It goes on; a halt cannot be proved by expiry.
        Continue = "continue",
    }
}

words! {
    /// How a switch reaches an agent (protocol 3).
    Reach, "a reach" {
        /// It holds a live lease.
        Leased = "leased",
        /// A proxy or gateway stands before its tools.
        Gated = "gated",
        /// It asks before it acts.
        Checks = "checks",
        /// Only its telemetry is seen: this key cannot stop it.
        Observed = "observed",
    }
}

/// One tool of an inventory: a bare name, or a name with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum InventoryItem {
    /// Only the name.
    Tool(ToolName),
    /// The name and more.
    Known {
        /// Its canonical name.
        tool: ToolName,
        /// What it does to the world; it counts before the caller's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ActionClass>,
        /// How much harm it can do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blast: Option<Blast>,
        /// Other names it arrives under.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        aliases: Vec<ToolName>,
        /// Who sees what it makes: `internal` lets a document pass where outbound channels are frozen (CON.3).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        visible_to: Option<String>,
    },
}

impl InventoryItem {
    /// Its canonical name.
    pub fn tool(&self) -> &ToolName {
        match self {
            Self::Tool(tool) | Self::Known { tool, .. } => tool,
        }
    }

    /// Its other names.
    pub fn aliases(&self) -> &[ToolName] {
        match self {
            Self::Tool(_) => &[],
            Self::Known { aliases, .. } => aliases,
        }
    }

    /// Its class, where stated.
    pub fn class(&self) -> Option<&ActionClass> {
        match self {
            Self::Tool(_) => None,
            Self::Known { class, .. } => class.as_ref(),
        }
    }

    /// Who sees what it makes, where stated.
    pub fn visible_to(&self) -> Option<&String> {
        match self {
            Self::Tool(_) => None,
            Self::Known { visible_to, .. } => visible_to.as_ref(),
        }
    }

    /// Whether `name` is this tool, by canonical name or alias.
    pub fn is(&self, name: &ToolName) -> bool {
        match self {
            Self::Tool(tool) => tool == name,
            Self::Known { tool, aliases, .. } => tool == name || aliases.contains(name),
        }
    }
}

/// What an owner says of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentDeclaration {
    /// The id its telemetry carries.
    pub id: AgentId,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Who reviewed the inventory.
    #[serde(default)]
    pub reviewer: Option<String>,
    /// Every tool it may use.
    #[serde(default)]
    pub inventory: Vec<InventoryItem>,
    /// Endpoints it may call; an empty list judges no endpoint.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// The workflow it serves.
    #[serde(default)]
    pub workflow: Option<Workflow>,
    /// How much harm a mistake of it can do; `high` where nobody says.
    #[serde(default = "high")]
    pub blast: Blast,
    /// The vendor that runs it, if any.
    #[serde(default)]
    pub vendor: Option<String>,
    /// What it does when blind; `stop` where nobody says.
    #[serde(default = "stop")]
    pub on_blind: OnBlind,
    /// What an undo of a class would find there, by the short names of the runbook (RBK.10).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undo: BTreeMap<ActionClass, Vec<String>>,
}

fn high() -> Blast {
    Blast::High
}

fn stop() -> OnBlind {
    OnBlind::Stop
}

impl AgentDeclaration {
    /// The inventory's entry for `name`, by canonical name or alias.
    pub fn item(&self, name: &ToolName) -> Option<&InventoryItem> {
        self.inventory.iter().find(|item| item.is(name))
    }
}

/// A declared agent: the newest declaration and its history's length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The newest declaration.
    #[serde(flatten)]
    pub declared: AgentDeclaration,
    /// How many times it was declared (inventory version, from 1).
    pub version: u32,
    /// When the newest was recorded.
    pub declared_at: Time,
    /// By whom.
    pub declared_by: Author,
}
