//! What a switch covers: a conjunction of what is named; nothing named is everything (CON.2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::terms::{ActionClass, AgentId, Time, ToolName, Workflow};

/// A conjunction: every part that is set must match. Empty covers all agents.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Only this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Only this tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolName>,
    /// Only this action class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
    /// Only this workflow, claimed or declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// Only what is done on behalf of this subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only this exact revision of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// One call, as the interlock judges it: the caller's word joined with the agent's declaration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Call {
    /// Who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The tool, by its canonical name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolName>,
    /// The tool's other names in the inventory: a switch over any of them covers it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<ToolName>,
    /// The class the inventory states for the tool, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_class: Option<ActionClass>,
    /// The class the caller states; it may only tighten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_class: Option<ActionClass>,
    /// Who sees what the tool makes, as the inventory states it: `internal`, `customer` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_to: Option<String>,
    /// The workflow the agent is declared for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_workflow: Option<Workflow>,
    /// The workflow the caller states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_workflow: Option<Workflow>,
    /// The run, for modes that judge runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When its run was first seen; absent for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_began: Option<Time>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The revision the caller states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Scope {
    /// Everything: the default in doubt (CON.2).
    pub fn all() -> Self {
        Self::default()
    }

    /// One agent.
    pub fn agent(agent: AgentId) -> Self {
        Self { agent: Some(agent), ..Self::default() }
    }

    /// Whether it covers whole agents: one, or all of them, whatever they do.
    pub fn is_whole(&self) -> bool {
        self.named() == usize::from(self.agent.is_some())
    }

    /// Whether everything in `other` lies inside.
    pub fn contains(&self, other: &Self) -> bool {
        fn within<T: PartialEq>(wide: &Option<T>, narrow: &Option<T>) -> bool {
            wide.is_none() || wide == narrow
        }
        within(&self.agent, &other.agent)
            && within(&self.tool, &other.tool)
            && within(&self.class, &other.class)
            && within(&self.workflow, &other.workflow)
            && within(&self.subject, &other.subject)
            && within(&self.revision, &other.revision)
    }

    /// How many parts are named: fewer is wider.
    pub fn named(&self) -> usize {
        [
            self.agent.is_some(),
            self.tool.is_some(),
            self.class.is_some(),
            self.workflow.is_some(),
            self.subject.is_some(),
            self.revision.is_some(),
        ]
        .into_iter()
        .filter(|named| *named)
        .count()
    }

    /// Whether `call` lies inside. A class or workflow matches when either the caller's word or the declaration does
    /// (the caller's word may tighten, law 11); who leaves its revision out counts as the one that is stopped.
    pub fn covers(&self, call: &Call) -> bool {
        fn either<T: PartialEq>(wanted: &Option<T>, one: &Option<T>, other: &Option<T>) -> bool {
            wanted.is_none() || wanted == one || wanted == other
        }
        (self.agent.is_none() || self.agent == call.agent)
            && self.tool.as_ref().is_none_or(|tool| call.tool.as_ref() == Some(tool) || call.aliases.contains(tool))
            && either(&self.class, &call.declared_class, &call.claimed_class)
            && either(&self.workflow, &call.declared_workflow, &call.claimed_workflow)
            && (self.subject.is_none() || self.subject == call.subject)
            && (self.revision.is_none() || call.revision.is_none() || self.revision == call.revision)
    }
}

impl fmt::Display for Scope {
    /// `all agents`, `agent refund-bot`, `agent refund-bot · tool stripe.payout`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            self.agent.as_ref().map(|agent| format!("agent {agent}")),
            self.tool.as_ref().map(|tool| format!("tool {tool}")),
            self.class.as_ref().map(|class| format!("class {class}")),
            self.workflow.as_ref().map(|workflow| format!("workflow {workflow}")),
            self.subject.as_ref().map(|subject| format!("subject {subject}")),
            self.revision.as_ref().map(|revision| format!("revision {revision}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() { f.pad("all agents") } else { f.pad(&parts.join(" · ")) }
    }
}
