//! What an incident begins with, and a team's own fields (TEAM.11).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Runbook, RunbookError, read::wrong};

/// Templates and fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Incidents {
    /// What an incident can begin with.
    #[serde(rename = "template")]
    pub templates: Vec<IncidentTemplate>,
    /// Fields of a team's own.
    #[serde(rename = "field")]
    pub fields: Vec<FieldPlan>,
}

/// What an incident of a kind begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentTemplate {
    /// `wrong-payment`.
    pub id: String,
    /// Its title, where nobody gives a better one.
    pub title: String,
    /// The level to declare at, by scheme.
    #[serde(default)]
    pub severity: BTreeMap<String, String>,
    /// The workflow it concerns.
    #[serde(default)]
    pub workflow: Option<String>,
    /// Tasks that it brings.
    #[serde(default)]
    pub tasks: Vec<TaskPlan>,
}

/// A task that a template brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskPlan {
    /// What to do.
    pub text: String,
    /// A role.
    #[serde(default)]
    pub owner: Option<String>,
    /// Due so many seconds after declaring.
    #[serde(default)]
    pub due_s: Option<u32>,
}

/// A field of a team's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldPlan {
    /// `region`.
    pub id: String,
    /// In words.
    pub title: String,
    /// The values it takes; any where none is listed.
    #[serde(default)]
    pub values: Vec<String>,
    /// An incident is not closed while it is empty.
    #[serde(default)]
    pub needed_to_close: bool,
}

impl Incidents {
    /// A template by id.
    pub fn template(&self, id: &str) -> Option<&IncidentTemplate> {
        self.templates.iter().find(|template| template.id.eq_ignore_ascii_case(id.trim()))
    }

    /// Whether what it names is there.
    pub(super) fn check(&self, runbook: &Runbook) -> Result<(), RunbookError> {
        let says = |what: String| Err(wrong("incidents.toml", None, what));
        for template in &self.templates {
            for (scheme, level) in &template.severity {
                let known = runbook.schemes.get(scheme);
                if known.and_then(|scheme| scheme.level(level)).is_none() {
                    return says(format!("template {}: {scheme} has no level {level}", template.id));
                }
            }
            let owners = template.tasks.iter().filter_map(|task| task.owner.as_ref());
            if let Some(owner) = owners.into_iter().find(|owner| !runbook.roles.contains(owner)) {
                let hint = super::nearest(owner, runbook.roles.iter().map(String::as_str));
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return says(format!("template {}: {owner:?} is no role{hint}", template.id));
            }
        }
        let mut ids: Vec<&str> = self.fields.iter().map(|field| field.id.as_str()).collect();
        ids.extend(self.templates.iter().map(|template| template.id.as_str()));
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => says(format!("{:?} stands there twice", twice[0])),
            None => Ok(()),
        }
    }
}
