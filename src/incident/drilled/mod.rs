//! What a drill came to: harm done and prevented, counted while simulated agents act or are stopped (DRL.3).

mod armed;
mod course;
mod harm;
mod played;
mod steer;

pub use armed::ArmedProof;
pub use course::{Course, Playhead, Target};
pub use harm::Harm;
pub use played::{HarmCount, Played};
pub use steer::{Steer, Steered};
