//! Evidence: what must be kept of an incident, what is pinned, who holds it, and what is affected (EVI).
//!
//! `incident.evidence.is_frozen()` is what rollback, data fixes, prompt changes and restarts ask; `incident.register` is
//! what the restart gate, communication and the post-mortem count.

mod ask;
mod fact;
mod fill;
mod freeze;
mod item;
mod look_back;
mod manifest;
mod register;
mod state;
mod wanted;

pub use ask::{AddAffected, AppendEvidence, FreezeEvidence, LoseEvidence, SetAffected, SetEvidence};
pub use fact::{
    AffectedAdded, AffectedChanged, EvidenceAppended, EvidenceFrozen, EvidenceHeld, EvidenceItemSet, EvidenceLifted,
    EvidenceLost, EvidenceOverridden, EvidencePlanned,
};
pub use fill::Filling;
pub use freeze::{Addendum, Freeze, Loss, Manifest, Occasion, Pinned, Predicate};
pub use item::{Blob, Capture, Item, ItemPlan, ItemState, Origin, Source, Told};
pub use look_back::{Did, Gap, LookBack, LookingBack, Moved, Touched, Worst};
pub use manifest::Counting;
pub use register::{Affected, AffectedKind, AffectedState, Register};
pub use state::{Evidence, LegalHold, Lifted, Override};
pub use wanted::{first_suspect, wanted};
