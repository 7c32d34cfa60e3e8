//! What leaves for other systems: actuators beside a switch (CON.3, CON.8), and what people are told (COM.5).
//!
//! Beside the halt, never before it: everything here follows the log. Only what is real leaves (law 8): an [`Occasion`]
//! is made of the real world's log, or of a break-glass halt, and a [`Letter`] of the real world's log, and of nothing else.

mod armed;
mod call;
mod command;
mod delivery;
mod fire;
mod follow;
mod hooks;
mod letter;
mod mail;
mod occasion;
mod page;
mod paging;
mod subject;
mod task;
mod tries;
mod webhook;

pub use armed::{Probes, keep_armed};
pub use command::probe;
pub use delivery::deliver;
pub use fire::once;
pub use hooks::{Hooks, hook_states, hooks, test_hook};
pub use letter::{Key, Letter};
pub use occasion::Occasion;
pub use page::page;
pub use paging::Page;
pub use subject::Subject;
pub use task::run;
