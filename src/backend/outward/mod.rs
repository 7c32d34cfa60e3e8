//! What leaves for other systems: actuators beside a switch (CON.3, CON.8).
//!
//! Beside the halt, never before it: everything here follows the log. Only what is real leaves (law 8): an [`Occasion`]
//! is made of the real world's log, or of a break-glass halt, and of nothing else.

mod armed;
mod command;
mod fire;
mod occasion;
mod task;
mod webhook;

pub use armed::{Probes, keep_armed};
pub use command::probe;
pub use fire::once;
pub use occasion::Occasion;
pub use task::run;
