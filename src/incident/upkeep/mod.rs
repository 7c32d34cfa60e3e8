//! The runbook's upkeep: the versions that came into force, and what people say is wrong with it (GOV.1, GOV.6).

mod ask;
mod state;

pub use ask::{ReportFault, SettleFault, TakeRunbook};
pub use state::{BookTaken, Fault, FaultEnd, FaultReported, FaultSettled, Settled, Upkeep, Version};
