//! What people and programs may ask, and how a request is refused.

mod all;
mod incident;
mod refusal;
mod switch;

pub use all::Command;
pub use incident::{Declare, IncidentCommand};
pub use refusal::{Refusal, RefusalCode};
pub use switch::{Engage, FireActuator, Fired, OpenHold, SetAuto};
