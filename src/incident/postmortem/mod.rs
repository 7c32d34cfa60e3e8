//! What people file when an incident is over: causes, cost, one change that prevents it, regression cases, proposed
//! changes to the data, and what is still missing before it can be filed (PM.1–PM.8).

mod ask;
mod backtest;
mod fact;
mod missing;
mod state;
mod wording;

pub use ask::{DropCase, FilePostmortem, ProposeDelta, SetPostmortem, SettleDelta};
pub use backtest::{FirstFiring, SetFigures, TripwireBacktest, span_of};
pub use fact::{CaseDropped, DeltaProposed, DeltaSettled, PostmortemFiled, PostmortemWritten};
pub use missing::{Missing, is_asked, missing};
pub use state::{CaseKind, Delta, DeltaKind, DeltaState, Filed, Postmortem, RegressionCase, Said};
