//! What the fold keeps of an investigation.

use serde::{Deserialize, Serialize};

use super::{AddChange, AddFinding};
use crate::{
    runbook::LayersPlan,
    terms::{Author, Time, words},
};

words! {
    /// What is said of a change.
    Verdict, "a verdict" {
        /// Nobody looked at it yet.
        Open = "open",
        /// It had to do with it.
        Confirmed = "confirmed",
        /// It had nothing to do with it.
        RuledOut = "ruled-out",
    }
}

/// The fact that a finding was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingAdded {
    /// Its number within the incident, from 1.
    pub number: u32,
    /// As it was asked.
    pub finding: AddFinding,
    /// The incident was not contained: contain before you diagnose (TEN.2).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub early: bool,
}

/// The fact that a change was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedChange {
    /// Its number within the incident, from 1.
    pub number: u32,
    /// As it was asked.
    pub change: AddChange,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its number, from 1.
    pub number: u32,
    /// As it was recorded.
    #[serde(flatten)]
    pub said: AddFinding,
    /// It came before containment.
    #[serde(default)]
    pub early: bool,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
    /// Why it was taken back.
    #[serde(default)]
    pub retracted: Option<String>,
}

/// A layer that is not looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Which.
    pub layer: String,
    /// Why.
    pub why: String,
    /// Who said so.
    pub by: Author,
}

/// Something that changed shortly before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number, from 1.
    pub number: u32,
    /// As it was named.
    #[serde(flatten)]
    pub said: AddChange,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
    /// Who named it.
    pub by: Author,
}

/// Repeated runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rerun {
    /// How many runs.
    pub runs: u32,
    /// In how many of them it happened again.
    pub failed: u32,
    /// Under which conditions; person-written.
    pub conditions: String,
    /// Who ran them.
    pub by: Author,
    /// When.
    pub at: Time,
}

impl Rerun {
    /// The highest share of runs that may still fail, for all that these runs show: a clean re-run does not exonerate.
    /// With no failure in n runs it is 3/n (95 %).
    pub fn upper_share(&self) -> f64 {
        let runs = f64::from(self.runs.max(1));
        match self.failed {
            0 => (3.0 / runs).min(1.0),
            failed => {
                let share = f64::from(failed) / runs;
                (share + 1.96 * (share * (1.0 - share) / runs).sqrt()).min(1.0)
            }
        }
    }
}

/// The investigation of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Investigation {
    /// Findings, oldest first.
    pub findings: Vec<Finding>,
    /// Layers that are not looked at.
    pub skipped: Vec<Skipped>,
    /// What changed shortly before.
    pub changes: Vec<Change>,
    /// Repeated runs.
    pub reruns: Vec<Rerun>,
}

impl Investigation {
    /// Findings that stand.
    pub fn standing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.retracted.is_none())
    }

    /// Root causes that stand.
    pub fn roots(&self) -> impl Iterator<Item = &Finding> {
        self.standing().filter(|finding| finding.said.root)
    }

    /// Ordered layers that were passed over: a later one has a finding, they have neither one nor a reason (INV.1).
    pub fn passed_over<'p>(&self, plan: &'p LayersPlan) -> Vec<&'p str> {
        let ordered: Vec<&str> =
            plan.layers.iter().filter(|layer| layer.ordered).map(|layer| layer.id.as_str()).collect();
        let found = |layer: &str| self.standing().any(|finding| finding.said.layer == layer);
        let Some(last) = ordered.iter().rposition(|layer| found(layer)) else { return Vec::new() };
        let said = |layer: &str| self.skipped.iter().any(|skipped| skipped.layer == layer);
        ordered[..last].iter().copied().filter(|layer| !found(layer) && !said(layer)).collect()
    }
}
