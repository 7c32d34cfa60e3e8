//! What a drill came to: harm done and prevented, counted while simulated agents act or are stopped (DRL.3).

mod harm;
mod played;
mod steer;

pub use harm::Harm;
pub use played::{HarmCount, Played};
pub use steer::{Steer, Steered};
