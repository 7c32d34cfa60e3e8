//! What must be kept, as data, and where each thing stands (EVI.2, EVI.5).

use serde::{Deserialize, Serialize};

use crate::terms::{Author, FreezeId, Time, words};

words! {
    /// Where an item of evidence stands (EVI.5).
    ItemState, "an evidence state" {
        /// Nobody has looked yet.
        Unknown = "unknown",
        /// It is kept.
        Held = "held",
        /// Somebody says so; nothing kept shows it.
        ClaimedOnly = "claimed-only",
        /// Kept, and a second source agrees.
        Confirmed = "confirmed",
        /// Kept, and it shows the claim to be wrong.
        Disproved = "disproved",
        /// It exists elsewhere and goes away at a known time.
        Expiring = "expiring",
        /// It cannot be had: a gap, and an item of the post-mortem.
        Missing = "missing",
        /// This incident has none, for a reason.
        NotApplicable = "not-applicable",
    }
}

impl ItemState {
    /// Whether the thing itself is kept.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed | Self::Disproved)
    }

    /// What it means, in a few words.
    pub fn means(self) -> &'static str {
        match self {
            Self::Unknown => "nobody has looked",
            Self::Held => "it is kept",
            Self::ClaimedOnly => "somebody says so, nothing kept shows it",
            Self::Confirmed => "kept, and a second source agrees",
            Self::Disproved => "kept, and it shows the claim to be wrong",
            Self::Expiring => "it exists elsewhere, and goes away",
            Self::Missing => "it cannot be had: a gap for the post-mortem",
            Self::NotApplicable => "this incident has none, for a reason",
        }
    }

    /// Whether it is short of what is needed: the post-mortem takes it up.
    pub fn is_gap(self) -> bool {
        matches!(self, Self::Unknown | Self::ClaimedOnly | Self::Expiring | Self::Missing)
    }
}

words! {
    /// How an item can be had (EVI.3).
    Capture, "a way to capture evidence" {
        /// From stored telemetry, at the freeze.
        Telemetry = "telemetry",
        /// From what andon itself recorded: switches, holds, firings, the incident.
        Record = "record",
        /// From a file.
        File = "file",
        /// From a command's output.
        Command = "command",
        /// By a person's word.
        Word = "word",
    }
}

words! {
    /// What of an action, or of the incident's own record, fills an item at the freeze (EVI.3).
    Told, "something telemetry tells" {
        /// The incident itself.
        Incident = "incident",
        /// Run ids.
        Run = "run",
        /// The workflow, and the tools in their order.
        Path = "path",
        /// What the user, or the step before, put in.
        Input = "input",
        /// System instructions and prompts.
        Instructions = "instructions",
        /// What the model, or the tool, put out.
        Output = "output",
        /// The agent's own version.
        AgentVersion = "agent-version",
        /// The prompt's version.
        PromptVersion = "prompt-version",
        /// The model, exactly.
        Model = "model",
        /// Sampling parameters.
        Sampling = "sampling",
        /// The tools as they were offered to the model.
        ToolConfig = "tool-config",
        /// Tool calls with what went in and came out, in order.
        ToolCalls = "tool-calls",
        /// Retrieval: query, ranked sources, addresses.
        Retrieval = "retrieval",
        /// Files read.
        Files = "files",
        /// Records changed, before and after.
        Changes = "changes",
        /// Who triggered it, on whose behalf.
        Identity = "identity",
        /// A hand-off between agents.
        HandOff = "hand-off",
        /// Approvals asked for and given.
        Approvals = "approvals",
        /// Human reviews.
        Reviews = "reviews",
        /// The release that acted.
        Release = "release",
        /// Side effects of each call.
        SideEffects = "side-effects",
        /// Scores of safety filters.
        Safety = "safety",
        /// The conversation, and whether it was cut.
        Conversation = "conversation",
        /// Cost, latency, retries, times.
        Usage = "usage",
        /// What is contained now.
        Containment = "containment",
    }
}

/// An item as the runbook has it, copied into the incident when it begins (EVI.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemPlan {
    /// Its short name, unique: `run-ids`.
    pub id: String,
    /// In words.
    pub title: String,
    /// What satisfies it.
    pub satisfied_by: String,
    /// How it can be had.
    pub capture: Vec<Capture>,
    /// What fills it at the freeze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Without it the evidence is not whole.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

words! {
    /// Where a kept file came from (EVI.3).
    Origin, "an origin of evidence" {
        /// A file was added.
        File = "file",
        /// The output of a command.
        Command = "command",
        /// The output of an actuator.
        Actuator = "actuator",
        /// The output of a rollback step.
        Step = "step",
    }
}

/// Something kept by its content (EVI.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Blob {
    /// SHA-256 (hex) of the content.
    pub digest: String,
    /// Its bytes.
    pub bytes: u64,
    /// The file's name, or the command as it was run; person-written.
    pub name: String,
    /// Where it came from.
    pub origin: Origin,
    /// How the command ended, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
}

/// What shows an item (EVI.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// Pinned actions.
    Freeze {
        /// Of which freeze.
        freeze: FreezeId,
        /// How many of its actions tell it.
        count: u64,
        /// The first of them by number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<u64>,
    },
    /// A file or an output, by its content.
    Blob(Blob),
    /// One action, by its number in the store.
    Action {
        /// Which.
        seq: u64,
    },
    /// What the incident's own log holds.
    Record {
        /// What of it, in a line.
        what: String,
    },
}

impl Source {
    /// The same, of this freeze: whoever pins does not know its number yet.
    pub(in crate::incident) fn of(self, id: FreezeId) -> Self {
        match self {
            Self::Freeze { count, first, .. } => Self::Freeze { freeze: id, count, first },
            other => other,
        }
    }
}

/// An item of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// As the runbook has it.
    #[serde(flatten)]
    pub plan: ItemPlan,
    /// Where it stands.
    pub state: ItemState,
    /// When an expiring one is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Why it stands so, what it says; person-written, or a count of what telemetry holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who set it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Author>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// What shows it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

impl Item {
    /// One that nobody has looked at.
    pub fn planned(plan: ItemPlan) -> Self {
        Self { plan, state: ItemState::Unknown, expires_at: None, why: None, by: None, at: None, sources: Vec::new() }
    }

    /// Whether it is short of what is needed at `now`: an item of the post-mortem (EVI.3).
    pub fn is_gap(&self) -> bool {
        self.state.is_gap() && (self.plan.required || self.state != ItemState::Unknown)
    }
}
