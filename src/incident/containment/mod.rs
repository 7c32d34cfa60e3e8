//! Containment: what is stopped, how far, and the proof that it stopped (CON, protocol 3).
//!
//! Pure. The backend's interlock asks `decision`; the log's fold keeps `Switch`; `proof` judges who is proved stopped.

mod actuators;
mod auto;
mod decision;
mod hold;
mod preview;
mod recommend;
mod scope;
mod switch;

pub use actuators::{ActuatorOutcome, ActuatorRun, ActuatorState};
pub use auto::{AutoContainment, AutoOutcome, AutoScope, AutoStage, BacktestSeen, auto_name, auto_name_of};
pub use decision::{Decision, decide, in_canary};
pub use hold::{Hold, HoldDecision, HoldEnd, HoldState};
pub use preview::{BlastRadius, Figures, Move, Preview, preview, suspects, touches};
pub use recommend::{Recommended, recommend};
pub use scope::{Call, Scope};
pub use switch::{AgentProof, HaltProof, Mode, ProofHow, ProofState, Release, Slipped, Stage, Switch, SwitchState};
