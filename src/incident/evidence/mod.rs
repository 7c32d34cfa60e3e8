//! Evidence: what must be kept of an incident, what is pinned, who holds it, and what is affected (EVI).
//!
//! `incident.evidence.is_frozen()` is what rollback, data fixes, prompt changes and restarts ask; `incident.register` is
//! what the restart gate, communication and the post-mortem count.

mod ask;
mod fact;
mod freeze;
mod item;
mod register;
mod state;

pub use ask::{AddAffected, AppendEvidence, FreezeEvidence, LoseEvidence, SetAffected, SetEvidence};
pub use fact::{
    AffectedAdded, AffectedChanged, EvidenceAppended, EvidenceFrozen, EvidenceHeld, EvidenceItemSet, EvidenceLifted,
    EvidenceLost, EvidenceOverridden, EvidencePlanned,
};
pub use freeze::{Addendum, Freeze, Loss, Manifest, Occasion, Pinned, Predicate};
pub use item::{Blob, Capture, Item, ItemPlan, ItemState, Origin, Source, Told};
pub use register::{Affected, AffectedKind, AffectedState, Register};
pub use state::{Evidence, LegalHold, Lifted, Override};
