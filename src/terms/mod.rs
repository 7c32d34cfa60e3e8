//! The field's words as types, shared by every part: ids, time, money, names, authors, printable text.
//!
//! Pure: nothing here reads a clock, a file or a runtime. Invalid values cannot be built (law 12).

mod author;
mod id;
mod money;
mod name;
mod printable;
mod time;
mod word;

pub use author::Author;
pub use id::{
    AffectedId, ChecklistId, DraftId, DrillId, FaultId, FiringId, FreezeId, HoldId, IdError, IncidentId, SwitchId,
    TaskId, TokenId,
};
pub use money::NanoUsd;
pub use name::{ActionClass, AgentId, NameError, ToolName, Workflow};
pub use printable::Printable;
pub use time::{Time, TimeError};
pub(crate) use word::words;
