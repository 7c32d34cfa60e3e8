//! The runbook: severity schemes, action classes, tripwire limits, templates and wording, as typed, checked data with
//! a version (SEV.1, RBK, DET.7, COM.2, GOV.1).
//!
//! Pure: built from the texts of `assets/runbook/`, which are compiled in; a team's own texts replace them by name.

mod access;
mod actuators;
mod alerts;
mod book;
mod channels;
mod decision;
mod drills;
mod evidence;
mod factors;
mod hooks;
mod incidents;
mod layers;
mod nearest;
mod paging;
mod plan;
mod postmortem;
mod proposed;
mod read;
mod restart;
mod rules;
mod secrets;
mod templates;
mod tuned;

pub use access::{Access, AccessRole, Grants, Others};
pub use actuators::{Actuator, ActuatorMove, On};
pub use alerts::{AlertPlan, Labels, Mapping};
pub use book::Book;
pub use channels::{Channel, ChannelKind, Security};
pub use drills::DrillPlan;
pub use evidence::EvidencePlan;
pub use factors::{ByScheme, Factor, FactorPlan, SeenPlan, WorkflowCase, WorkflowPlan};
pub use hooks::Hook;
pub use incidents::{FieldPlan, IncidentTemplate, Incidents, TaskPlan};
pub use layers::{LayerPlan, LayersPlan, Question, Refused, Words};
pub use nearest::nearest;
pub use paging::{PageStep, PagingPlan, Queue};
pub use plan::{
    BannedWording, BaselineHours, Claim, ClassPlan, Control, FailureClass, Level, LevelClocks, Owed, OwedBy, Price,
    Runbook, Scheme, Template, TripwirePlan, WordingKind,
};
pub use postmortem::{Answer, Blame, Part, PostmortemPlan, PromptOnly, Required};
pub use read::{RunbookError, SHIPPED};
pub use restart::{Accept, ConditionPlan, KnownBy, RestartPlan, WatchPlan};
pub use rules::{Asks, BeforeStage, InputMap, Only, Rule, Rules};
pub use secrets::{SecretPattern, Secrets};
pub use tuned::Tuned;
