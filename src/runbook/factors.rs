//! What severity is weighed by (SEV.5), and what was agreed for a workflow before it launched (SEV.8), as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Level, RunbookError, Scheme, nearest, read::wrong};
use crate::{
    terms::{ActionClass, Workflow},
    tripwire::Tripwire,
};

/// A level by scheme.
pub type ByScheme = BTreeMap<String, String>;

/// One thing that severity is weighed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// `money`.
    pub id: String,
    /// In words.
    pub title: String,
    /// The question.
    pub asks: String,
    /// Its answers, from mild to grave.
    pub answer: Vec<FactorPlan>,
}

/// One answer of a factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorPlan {
    /// `moved`.
    pub id: String,
    /// What it means.
    pub means: String,
    /// The level it points to, by scheme.
    pub level: ByScheme,
    /// What must be seen for it to be offered by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenPlan>,
}

/// What telemetry and firings must show; any of it is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeenPlan {
    /// Action classes that were touched.
    pub classes: Vec<ActionClass>,
    /// An amount was moved.
    pub money: bool,
    /// At least so many recipients outside.
    pub recipients: Option<u64>,
    /// Tripwires that fired.
    pub tripwires: Vec<Tripwire>,
}

impl Factor {
    /// An answer by id, case aside.
    pub fn answer(&self, id: &str) -> Option<&FactorPlan> {
        self.answer.iter().find(|answer| answer.id.eq_ignore_ascii_case(id))
    }
}

/// What was agreed for a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowPlan {
    /// The workflow, as agents and incidents name it.
    pub id: Workflow,
    /// Who agreed.
    pub owner: String,
    /// When, as a date.
    pub agreed: String,
    /// Action classes it may touch.
    #[serde(default)]
    pub classes: Vec<ActionClass>,
    /// The level to declare with where nobody names one, by scheme.
    #[serde(default)]
    pub default: ByScheme,
    /// Examples.
    #[serde(default)]
    pub cases: Vec<WorkflowCase>,
    /// Where to look when it goes wrong, by what is found there (GOV.5).
    #[serde(default)]
    pub links: BTreeMap<String, String>,
}

impl WorkflowPlan {
    /// What a workflow links to before it is let loose (GOV.5).
    pub const LINKS: [&str; 7] = ["history", "traces", "logs", "alerts", "releases", "owners", "recovery"];

    /// Links it lacks.
    pub fn unlinked(&self) -> impl Iterator<Item = &'static str> {
        Self::LINKS.into_iter().filter(|link| !self.links.contains_key(*link))
    }
}

/// An example of a workflow's severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowCase {
    /// What happens.
    pub when: String,
    /// How severe that is, by scheme.
    pub level: ByScheme,
}

/// `factors.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactorsText {
    factor: Vec<Factor>,
}

/// `workflows.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkflowsText {
    #[serde(default)]
    workflow: Vec<WorkflowPlan>,
}

/// Places of a text by the schemes of the runbook.
struct Schemes<'a>(&'a str, &'a BTreeMap<String, Scheme>);

impl Schemes<'_> {
    fn no(&self, what: String) -> RunbookError {
        wrong(self.0, None, what)
    }

    /// Every scheme and level named exists.
    fn check(&self, whose: &str, named: &ByScheme) -> Result<(), RunbookError> {
        for (id, level) in named {
            let Some(scheme) = self.1.get(id) else {
                let hint = nearest(id, self.1.keys().map(String::as_str));
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return Err(
                    self.no(format!("{whose} names the scheme {id:?}, which severity.toml does not have{hint}"))
                );
            };
            if scheme.level(level).is_none() {
                let known: Vec<&str> = scheme.levels.iter().map(|level| level.id.as_str()).collect();
                let hint = nearest(level, known.iter().copied());
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                return Err(self.no(format!("{whose} names {level:?}, which is no level of {id}{hint}")));
            }
        }
        Ok(())
    }

    /// How grave a level is: 0 is the worst.
    fn rank(&self, scheme: &str, level: &str) -> Option<usize> {
        let is = |one: &Level| one.id.eq_ignore_ascii_case(level);
        self.1.get(scheme)?.levels.iter().position(is)
    }
}

impl FactorsText {
    /// The factors, each of them whole.
    pub(super) fn whole(self, file: &str, schemes: &BTreeMap<String, Scheme>) -> Result<Vec<Factor>, RunbookError> {
        let schemes = Schemes(file, schemes);
        let mut ids = BTreeSet::new();
        for factor in &self.factor {
            let id = &factor.id;
            if !ids.insert(id) {
                return Err(schemes.no(format!("factor {id:?} stands twice")));
            }
            if factor.answer.len() < 2 {
                return Err(schemes.no(format!("factor {id:?} needs two answers or more, from mild to grave")));
            }
            let mut answers = BTreeSet::new();
            let mut gravest = BTreeMap::new();
            for answer in &factor.answer {
                let whose = format!("factor {id:?} answer {:?}", answer.id);
                if !answers.insert(&answer.id) {
                    return Err(schemes.no(format!("{whose} stands twice")));
                }
                schemes.check(&whose, &answer.level)?;
                for (scheme, level) in &answer.level {
                    let rank = schemes.rank(scheme, level);
                    if gravest.insert(scheme, rank).is_some_and(|before| before < rank) {
                        return Err(schemes.no(format!(
                            "{whose} points to {level}, milder than the answer before it: answers go from mild to grave"
                        )));
                    }
                }
            }
        }
        Ok(self.factor)
    }
}

impl WorkflowsText {
    /// The workflows' tables, each of them whole.
    pub(super) fn whole(
        self,
        file: &str,
        schemes: &BTreeMap<String, Scheme>,
    ) -> Result<Vec<WorkflowPlan>, RunbookError> {
        let schemes = Schemes(file, schemes);
        let mut ids = BTreeSet::new();
        for plan in &self.workflow {
            let whose = format!("workflow {:?}", plan.id.as_str());
            if !ids.insert(plan.id.as_str()) {
                return Err(schemes.no(format!("{whose} stands twice")));
            }
            if plan.owner.trim().is_empty() {
                return Err(schemes.no(format!("{whose} has no owner: somebody agreed to its table")));
            }
            if chrono::NaiveDate::parse_from_str(&plan.agreed, "%Y-%m-%d").is_err() {
                return Err(schemes.no(format!("{whose}: agreed {:?} is no date like 2026-10-02", plan.agreed)));
            }
            if let Some(link) = plan.links.keys().find(|link| !WorkflowPlan::LINKS.contains(&link.as_str())) {
                let hint = nearest(link, WorkflowPlan::LINKS).map(|word| format!("; did you mean {word}?"));
                let known = WorkflowPlan::LINKS.join(", ");
                return Err(schemes
                    .no(format!("{whose}: links has {link:?}, which is none of {known}{}", hint.unwrap_or_default())));
            }
            if plan.default.is_empty() && plan.cases.is_empty() {
                return Err(schemes.no(format!("{whose} has neither a default level nor a case")));
            }
            schemes.check(&whose, &plan.default)?;
            for case in &plan.cases {
                schemes.check(&format!("{whose} case {:?}", case.when), &case.level)?;
            }
        }
        Ok(self.workflow)
    }
}

#[cfg(test)]
#[path = "factors_tests.rs"]
mod tests;
