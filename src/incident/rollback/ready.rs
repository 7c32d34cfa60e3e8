//! Whether what an agent does could be undone, and which of its tools no class covers, before any incident (RBK.10).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    incident::AgentDeclaration,
    runbook::Runbook,
    terms::{ActionClass, AgentId, ToolName},
};

/// Something an undo of a class needs that nobody says is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its short name.
    pub id: String,
    /// In words.
    pub title: String,
}

/// How ready one agent's actions of one class are to be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whose.
    pub agent: AgentId,
    /// Of which class.
    pub class: ActionClass,
    /// What is there.
    pub present: Vec<String>,
    /// What is not.
    pub missing: Vec<Missing>,
}

/// For each acting class of an agent's tools what an undo needs, present or missing. `used` are classes that telemetry
/// showed besides.
pub fn readiness(agent: &AgentDeclaration, used: &BTreeSet<ActionClass>, runbook: &Runbook) -> Vec<Readiness> {
    let declared = agent.inventory.iter().filter_map(|item| item.class());
    let classes: BTreeSet<&ActionClass> = declared.chain(used).filter(|class| !class.only_reads()).collect();
    let of = |class: &ActionClass| {
        let plan = runbook.class(class)?;
        let said = agent.undo.get(class).map(Vec::as_slice).unwrap_or_default();
        let (present, missing): (Vec<_>, Vec<_>) = plan.ready.iter().partition(|need| said.contains(&need.id));
        let missing = missing.into_iter().map(|need| Missing { id: need.id.clone(), title: need.title.clone() });
        Some(Readiness {
            agent: agent.id.clone(),
            class: class.clone(),
            present: present.into_iter().map(|need| need.id.clone()).collect(),
            missing: missing.collect(),
        })
    };
    classes.into_iter().filter_map(of).collect()
}

/// A tool that no rollback procedure covers (DRL.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Whose.
    pub agent: AgentId,
    /// Which tool.
    pub tool: ToolName,
    /// Its class, where it has one that the runbook does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
}

/// Tools of an agent's inventory that belong to no class, or to one without a procedure.
pub fn drift(agent: &AgentDeclaration, runbook: &Runbook) -> Vec<Drift> {
    let uncovered = agent.inventory.iter().filter(|item| match item.class() {
        Some(class) => !class.only_reads() && runbook.class(class).is_none(),
        None => true,
    });
    let of = |item: &crate::incident::InventoryItem| Drift {
        agent: agent.id.clone(),
        tool: item.tool().clone(),
        class: item.class().cloned(),
    };
    uncovered.map(of).collect()
}
