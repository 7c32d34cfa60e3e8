//! The runbook as data: what each part of it means.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Rules;
use crate::{
    incident::{
        ClockPlan, PlannedStep,
        rollback::{PlannedSign, PlannedWindow, RollbackPlan},
    },
    terms::{ActionClass, AgentId, NanoUsd, words},
    tripwire::Tripwire,
};

/// The whole runbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// Its version, as an open incident keeps it.
    pub version: String,
    /// Date of its next review, `2027-01-15` (GOV.1).
    pub review_by: String,
    /// Who keeps it, and gets what is reported of it (GOV.6).
    pub owner: String,
    /// The scheme incidents are declared in unless they say otherwise.
    pub default_scheme: String,
    /// Severity schemes by id.
    pub schemes: BTreeMap<String, Scheme>,
    /// What severity is weighed by (SEV.5).
    pub factors: Vec<super::Factor>,
    /// What was agreed for workflows before they launched (SEV.8).
    pub workflows: Vec<super::WorkflowPlan>,
    /// Clocks that do not depend on severity.
    pub clocks: ClockPlan,
    /// The seven action classes, and a team's own, in order.
    pub classes: Vec<ClassPlan>,
    /// Pre-approved moves beside a halt (CON.3).
    pub actuators: Vec<super::Actuator>,
    /// How often a team drills (DRL.4).
    pub drills: super::DrillPlan,
    /// What speaks for a rollback, a restriction, a fallback (DEC.1).
    pub decision: Vec<crate::incident::decision::Criterion>,
    /// What must be kept of an incident (EVI.2).
    pub evidence: super::EvidencePlan,
    /// Tripwire limits and whom they page.
    pub tripwires: TripwirePlan,
    /// Draft templates by audience, in order.
    pub templates: Vec<Template>,
    /// Reasons that an audience outside is told for, each in the words it is told in (COM.2).
    pub reasons: BTreeMap<String, String>,
    /// Wording that a draft must not hold (COM.3).
    pub banned: Vec<BannedWording>,
    /// What a post-mortem asks of people (PM).
    pub postmortem: super::PostmortemPlan,
    /// Failures that somebody could observe (COM.3).
    pub failures: Vec<FailureClass>,
    /// Claims and their opposites (COM.6).
    pub claims: Vec<Claim>,
    /// Ways a draft leaves the house (COM.5).
    pub channels: Vec<super::Channel>,
    /// Who may do what (TEAM.6).
    pub access: super::Access,
    /// What other systems' alerts mean (TEAM.3).
    pub alerts: super::AlertPlan,
    /// Who is paged, and who next (TEAM.3).
    pub paging: super::PagingPlan,
    /// Where events go by type (TEAM.12).
    pub hooks: Vec<super::Hook>,
    /// Roles an incident has (TEAM.1).
    pub roles: Vec<String>,
    /// How a cause is looked for (INV).
    pub layers: super::LayersPlan,
    /// What an agent's way back is measured by (RST).
    pub restart: super::RestartPlan,
    /// What an incident begins with, and fields of a team's own (TEAM.11).
    pub incidents: super::Incidents,
    /// What looks like a secret, and is masked where evidence is shown (EVI.4).
    pub secrets: super::Secrets,
    /// USD per million tokens by model, for costs that no sender states.
    pub prices: BTreeMap<String, Price>,
}

/// One severity scheme (SEV.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// `sev4`.
    pub id: String,
    /// In words.
    pub title: String,
    /// Worst first.
    pub levels: Vec<Level>,
}

impl Scheme {
    /// A level by id, case aside.
    pub fn level(&self, id: &str) -> Option<&Level> {
        self.levels.iter().find(|level| level.id.eq_ignore_ascii_case(id))
    }
}

/// One level of a scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// `SEV-1`.
    pub id: String,
    /// What it means.
    pub meaning: String,
    /// Examples.
    #[serde(default)]
    pub examples: Vec<String>,
    /// The required response.
    pub response: String,
    /// Hours until the post-mortem is due (PM.7).
    #[serde(default)]
    pub postmortem_due_h: Option<u64>,
    /// Persons a restart needs (RST.4).
    #[serde(default = "one")]
    pub restart_persons: u8,
    /// Roles that must be held while it stands (SEV.6).
    #[serde(default)]
    pub roles: Vec<String>,
    /// Roles of which one must approve a restart (SEV.6, RST.4).
    #[serde(default = "severity_owner")]
    pub restart_by: Vec<String>,
    /// Its own clocks, where they differ (SEV.6).
    #[serde(default)]
    pub clocks: LevelClocks,
}

/// Clocks of a level, in seconds, in place of those that do not depend on severity (SEV.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LevelClocks {
    /// Declaration → somebody commands.
    pub command_s: Option<u64>,
    /// Declaration → the seven facts known (TEN.1).
    pub facts_s: Option<u64>,
    /// Earlier of declaration and containment → evidence frozen (EVI.1).
    pub evidence_s: Option<u64>,
    /// Declaration → internal coordination (COM.4).
    pub coordination_s: Option<u64>,
    /// Declaration → affected users told (COM.4).
    pub users_s: Option<u64>,
}

impl Level {
    /// The clocks of an incident that runs by `plan` once this level follows `before`: what this level sets comes into
    /// force, what only the level before set falls back to `base`, the rest goes on as it was. No zero changes (SEV.6).
    pub fn clocks(&self, plan: &ClockPlan, before: Option<&Self>, base: &ClockPlan) -> ClockPlan {
        let before = before.map(|level| level.clocks).unwrap_or_default();
        let settle = |now: Option<u64>, was: Option<u64>, kept: u64, base: u64| match (now, was) {
            (Some(now), _) => now,
            (None, Some(_)) => base,
            (None, None) => kept,
        };
        let own = self.clocks;
        ClockPlan {
            command_s: own.command_s,
            facts_s: settle(own.facts_s, before.facts_s, plan.facts_s, base.facts_s),
            evidence_s: settle(own.evidence_s, before.evidence_s, plan.evidence_s, base.evidence_s),
            coordination_s: settle(own.coordination_s, before.coordination_s, plan.coordination_s, base.coordination_s),
            users_s: settle(own.users_s, before.users_s, plan.users_s, base.users_s),
            postmortem_s: self.postmortem_due_h.map(|hours| hours.saturating_mul(3_600)),
            ..plan.clone()
        }
    }
}

fn severity_owner() -> Vec<String> {
    vec!["severity-owner".into()]
}

fn one() -> u8 {
    1
}

/// One action class's rollback (RBK).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassPlan {
    /// `external-api-call`.
    pub class: ActionClass,
    /// In words.
    pub title: String,
    /// Who may work it.
    pub authorised: String,
    /// Budget from containment, seconds.
    pub budget_s: u64,
    /// The steps in order; at least one verifies.
    pub steps: Vec<PlannedStep>,
    /// What to do where reversal is impossible (RBK.9).
    pub substitute: String,
    /// Sign-offs before it is verified, where severity asks for two persons (RBK.9).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<PlannedSign>,
    /// Undo windows (RBK.8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<PlannedWindow>,
    /// How long what it reached is watched after the read-back, seconds (RBK.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch_s: Option<u64>,
    /// Roles whose holders may change the state; none is everybody who may act.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What an undo needs to be there before any incident (RBK.10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ready: Vec<PlannedSign>,
}

impl ClassPlan {
    /// What is copied into an incident beside the steps.
    pub fn beside(&self) -> RollbackPlan {
        let (signs, windows) = (self.signs.clone(), self.windows.clone());
        RollbackPlan { signs, windows, watch_s: self.watch_s, roles: self.roles.clone() }
    }
}

/// Limits of the five tripwires, exactly as protocol 2 has them, and what a team may tune (DET.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TripwirePlan {
    /// Spend factor over the median: 2.
    pub cost_factor: f64,
    /// Spend in the window below which cost-rate never fires: 1 USD.
    pub cost_floor_usd: NanoUsd,
    /// Cold-start spend limit: 10 USD; absent is off.
    #[serde(default)]
    pub cold_cost_usd: Option<NanoUsd>,
    /// Call factor over the median: 3.
    pub call_factor: f64,
    /// Calls in the window below which action-rate `rate` never fires: 60.
    pub call_floor: u64,
    /// Cold-start call limit: 600; absent is off.
    #[serde(default)]
    pub cold_calls: Option<u64>,
    /// Hours of a baseline that count before it is one: 24.
    pub baseline_hours: u32,
    /// `active-hours` or `all-hours`.
    pub baseline: BaselineHours,
    /// Hours after first sight in which new endpoints are normal: 24.
    pub new_endpoint_after_h: u32,
    /// Distinct endpoints an agent is followed for: 256.
    pub endpoint_cap: usize,
    /// Seconds a human review must take: 30.
    pub review_s: f64,
    /// Whom each tripwire pages.
    pub pages: BTreeMap<Tripwire, String>,
    /// Why each tripwire is there, and who keeps it (GOV.3).
    #[serde(default)]
    pub control: BTreeMap<Tripwire, Control>,
    /// The share of a tripwire's firings that may be noise before its owner is told: 0.5 (DET.7).
    #[serde(default = "half")]
    pub noise_share: f64,
    /// Limits of single agents (DET.7).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agent: BTreeMap<AgentId, super::Tuned>,
    /// Which never fire any more (DET.7).
    #[serde(default)]
    pub retired: Vec<Tripwire>,
    /// Which open an incident by themselves, as drafts to confirm.
    pub opens_incident: Vec<Tripwire>,
    /// The team's own rules, from their own file (DET.11).
    #[serde(skip)]
    pub rules: Arc<Rules>,
}

fn half() -> f64 {
    0.5
}

/// What is said of a tripwire when the controls are reviewed (GOV.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// What it is to catch.
    pub purpose: String,
    /// Who keeps it, and hears when it is mostly noise.
    pub owner: String,
}

words! {
    /// Which hours a baseline counts.
    BaselineHours, "a kind of baseline" {
        /// Hours in which the agent acted.
        ActiveHours = "active-hours",
        /// Every hour since it was first seen.
        AllHours = "all-hours",
    }
}

/// A draft template (COM.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// `customer`.
    pub audience: String,
    /// In words.
    pub title: String,
    /// Leaves the organisation: it must name its reason.
    pub external: bool,
    /// The message as a minijinja template over the incident and its fields.
    pub body: String,
    /// Its subject, where a channel has one; a template too.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Fields it needs beside the six: `reason`, `reader_should` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Which reasons it may name; the first one unless the writer says otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// When this audience must be told; absent is never owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
}

words! {
    /// From what a duty to tell somebody runs (COM.4, COM.7).
    OwedBy, "a way to owe a message" {
        /// The clock of internal coordination.
        Coordination = "coordination",
        /// The clock of those affected: due when harm happened or may have (COM.6).
        Users = "users",
        /// So long after a threshold of this runbook was crossed.
        Threshold = "threshold",
        /// The regulatory clocks that the organisation turned on.
        Regulatory = "regulatory",
    }
}

/// When an audience must be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    /// By which clock.
    pub by: OwedBy,
    /// So many seconds after the threshold was crossed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<u64>,
    /// Crossed by any of these levels, of whichever scheme has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<String>,
    /// Crossed when so many may be affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affected: Option<f64>,
}

/// Wording that says nothing, or too much (COM.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BannedWording {
    /// Phrases, matched whole-word and case-folded.
    pub phrases: Vec<String>,
    /// What is wrong with them.
    pub why: String,
    /// What to write instead.
    pub instead: String,
    /// Text to put in its place; `[[…]]` in it is a gap for the writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Empty words, or a guess told as a fact.
    #[serde(default)]
    pub kind: WordingKind,
    /// Fields where it may stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

words! {
    /// What is wrong with a wording.
    #[derive(Default)]
    WordingKind, "a kind of wording" {
        /// It says nothing, or blames the model.
        #[default]
        Wording = "wording",
        /// It tells a guess as a fact.
        Speculation = "speculation",
    }
}

/// A failure that somebody could observe, and the words it is told in (COM.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureClass {
    /// `wrong payment`.
    pub class: String,
    /// Words that name it; one that ends in `*` stands for all that begin so.
    pub words: Vec<String>,
}

/// A claim and what turns it into its opposite (COM.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// In which field.
    pub field: String,
    /// Words that make it.
    pub yes: Vec<String>,
    /// Words that deny it.
    pub no: Vec<String>,
}

/// What a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// USD per million input tokens.
    pub input: f64,
    /// USD per million output tokens.
    pub output: f64,
}

impl Runbook {
    /// A factor by id, case aside.
    pub fn factor(&self, id: &str) -> Option<&super::Factor> {
        self.factors.iter().find(|factor| factor.id.eq_ignore_ascii_case(id))
    }

    /// What was agreed for a workflow.
    pub fn workflow(&self, id: &str) -> Option<&super::WorkflowPlan> {
        self.workflows.iter().find(|plan| plan.id.as_str() == id)
    }

    /// A class by name.
    pub fn class(&self, class: &ActionClass) -> Option<&ClassPlan> {
        self.classes.iter().find(|plan| plan.class == *class)
    }

    /// A channel by name.
    pub fn channel(&self, name: &str) -> Option<&super::Channel> {
        self.channels.iter().find(|channel| channel.name.eq_ignore_ascii_case(name.trim()))
    }

    /// A template by audience.
    pub fn template(&self, audience: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.audience.eq_ignore_ascii_case(audience))
    }
}
