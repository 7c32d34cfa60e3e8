//! What other systems' alerts mean here (TEAM.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{RunbookError, Scheme, nearest, read::wrong};

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertPlan {
    /// Prometheus Alertmanager's labels, and Grafana's, which sends the same.
    pub alertmanager: Labels,
    /// Other JSON webhooks.
    #[serde(default)]
    pub webhook: Vec<Mapping>,
}

/// Which labels mean what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Names the agent.
    pub agent: String,
    /// Names the workflow.
    pub workflow: String,
    /// Says how bad.
    pub severity: String,
    /// Its words as levels of the default scheme.
    #[serde(default)]
    pub levels: BTreeMap<String, String>,
}

/// JSON pointers into a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The end of its path.
    pub name: String,
    /// What is wrong.
    pub title: String,
    /// What tells this alert from others.
    pub id: String,
    /// The agent.
    #[serde(default)]
    pub agent: Option<String>,
    /// The workflow.
    #[serde(default)]
    pub workflow: Option<String>,
    /// How bad.
    #[serde(default)]
    pub severity: Option<String>,
    /// Its words as levels of the default scheme.
    #[serde(default)]
    pub levels: BTreeMap<String, String>,
    /// What tells that it is over.
    #[serde(default)]
    pub resolved: Option<String>,
    /// By which word.
    #[serde(default)]
    pub resolved_is: Option<String>,
}

impl AlertPlan {
    /// Whether every level is one, and every pointer reads.
    pub(super) fn check(&self, scheme: Option<&Scheme>) -> Result<(), RunbookError> {
        let says = |what: String| Err(wrong("alerts.toml", None, what));
        let levels = self.webhook.iter().flat_map(|one| one.levels.values()).chain(self.alertmanager.levels.values());
        for level in levels {
            // What ships names the shipped scheme; a team with levels of its own need not touch it for that.
            let shipped = ["SEV-1", "SEV-2", "SEV-3", "SEV-4"].contains(&level.as_str());
            if !shipped && scheme.is_some_and(|scheme| scheme.level(level).is_none()) {
                let known: Vec<&str> =
                    scheme.into_iter().flat_map(|it| &it.levels).map(|level| level.id.as_str()).collect();
                let hint = nearest(level, known).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return says(format!("levels has {level:?}, which is no level of the default scheme{hint}"));
            }
        }
        for (at, one) in self.webhook.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if one.name.is_empty() || !one.name.chars().all(plain) || one.name == "alertmanager" {
                return says(format!("webhook {:?} needs a name of small letters, digits and dashes", one.name));
            }
            if self.webhook[..at].iter().any(|before| before.name == one.name) {
                return says(format!("webhook {:?} stands twice", one.name));
            }
            let optional = [&one.agent, &one.workflow, &one.severity, &one.resolved].into_iter().flatten();
            if let Some(bad) = [&one.title, &one.id].into_iter().chain(optional).find(|it| !it.starts_with('/')) {
                return says(format!("webhook {:?}: {bad:?} is no JSON pointer like /check/name", one.name));
            }
        }
        Ok(())
    }
}
